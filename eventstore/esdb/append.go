package esdb

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	client "github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/supportledger/supportledger/eventstore"
)

// limits are what is learned about the cluster.
type limits struct {
	append    atomic.Int64 // bytes of data in one append, 0 while not known
	lastPlace atomic.Bool  // the answer to several events has the last one's position
}

// Append records events; see eventstore.Store. Once it was sent, a context that
// ends does not hurry it: the answer is the outcome.
func (s *Store) Append(ctx context.Context, a eventstore.Append) (eventstore.Appended, error) {
	w, err := s.prepare(ctx, &a)
	if err != nil {
		return eventstore.Appended{}, err
	}
	if w == nil {
		return s.late(ctx, a)
	}
	defer s.leave()
	return w.told(w.settle(context.WithoutCancel(ctx)))
}

// prepare makes of an append what can be sent, and enters the store, which its
// caller leaves; nil where it would be too late, and nobody has entered.
func (s *Store) prepare(ctx context.Context, a *eventstore.Append) (*write, error) {
	if err := s.valid(a); err != nil {
		return nil, err
	}
	if err := s.whole(); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := s.enter(); err != nil {
		return nil, err
	}
	began := time.Now()
	at := time.UnixMicro(max(a.At.UnixMicro(), s.latest.Load())).UTC()
	if a.Copied {
		if behind := at.Sub(a.At); behind > s.Slack() {
			s.leave()
			return nil, fmt.Errorf("%w: the events were recorded %v before others that stand before them", eventstore.ErrInvalid, behind)
		}
		at = time.UnixMicro(a.At.UnixMicro()).UTC()
	}
	if !a.Before.IsZero() && !at.Before(a.Before) {
		s.leave()
		return nil, nil
	}
	w := &write{s: s, Append: *a, at: at, began: began, known: s.head.load()}
	w.doubtful = s.doubtful.Contains(a.Events[0].ID)
	return w, nil
}

func (s *Store) valid(a *eventstore.Append) error {
	if err := a.Validate(); err != nil {
		return err
	}
	size := 0
	for i := range a.Events {
		size += len(a.Events[i].Data)
	}
	if most := s.limits.append.Load(); most > 0 && int64(size) > most {
		return tooLarge(most)
	}
	return nil
}

func tooLarge(most int64) error {
	return fmt.Errorf("%w: the cluster takes at most %d bytes in one append (its setting MaxAppendSize)", eventstore.ErrInvalid, most)
}

// late answers an append that cannot be recorded before it is too late: as the
// first time where it was, with the conflict where there is one.
func (s *Store) late(ctx context.Context, a eventstore.Append) (eventstore.Appended, error) {
	actual, err := s.revision(ctx, a.Stream)
	switch {
	case err != nil:
		return eventstore.Appended{}, err
	case actual == a.Expected:
		return eventstore.Appended{}, eventstore.ErrTooLate
	}
	left := a.Events
	for r, err := range s.ReadStream(ctx, a.Stream, a.Expected+1, eventstore.Forwards) {
		if err != nil {
			return eventstore.Appended{}, err
		}
		if r.ID != left[0].ID {
			break
		}
		if left = left[1:]; len(left) == 0 {
			return eventstore.Appended{Position: r.Position, Revision: r.Revision, RecordedAt: r.RecordedAt}, nil
		}
	}
	return eventstore.Appended{}, &eventstore.ConflictError{Stream: a.Stream, Expected: a.Expected, Actual: actual}
}

// revision is a stream's last.
func (s *Store) revision(ctx context.Context, stream string) (eventstore.Revision, error) {
	for r, err := range s.readStream(ctx, stream, eventstore.LastRevision, eventstore.Backwards, single) {
		return r.Revision, err
	}
	return eventstore.NoStream, nil
}

// A write is one append on its way, under one recorded time however often it is
// sent.
type write struct {
	eventstore.Append
	s        *Store
	at       time.Time
	sealed   []client.EventData // what is sent by the client; nil until then
	began    time.Time
	known    eventstore.Position // the newest when it began
	open     bool                // a try may have been recorded
	doubtful bool                // what the answer says has to be looked up
}

// told counts what a caller is told.
func (w *write) told(done eventstore.Appended, err error) (eventstore.Appended, error) {
	switch {
	case err == nil:
		w.s.metrics.recorded(len(w.Events), w.began)
	case errors.Is(err, eventstore.ErrUnknown):
		w.s.metrics.unknown.Inc()
	}
	return done, err
}

// mostRefusals bounds how often an append is sent again that was refused for a
// reason that passes, such as another leader.
const mostRefusals = 5

// settle sends an append until its outcome is known. The server compares the
// event ids with what stands where the append wants to stand, so a repeat is
// harmless, whatever was recorded after it.
func (w *write) settle(ctx context.Context) (eventstore.Appended, error) {
	until := time.Now().Add(w.s.patience)
	if done, settled, err := w.byLane(ctx, until); settled {
		return done, err
	}
	for try := 1; ; try++ {
		result, err := w.send(ctx)
		if err == nil {
			return w.recorded(ctx, result)
		}
		if refusal, refused := w.refusal(ctx, err); refused {
			return eventstore.Appended{}, refusal
		}
		if !neverSent(err) {
			w.open = true
		}
		code, _ := codeOf(err)
		if !w.open && (code != client.ErrorCodeNotLeader && !cutShort(err) || try >= mostRefusals) {
			return eventstore.Appended{}, w.turnedAway(err)
		}
		if again := w.s.again(ctx, until); again != nil {
			return eventstore.Appended{}, w.unsettled(err)
		}
		w.s.metrics.retries.Inc()
	}
}

// turnedAway is the answer to an append of which nothing was recorded. Where the
// server has hung up again and again while it was being sent, and it is large, it
// was too large: the client does not tell what the server has said.
func (w *write) turnedAway(err error) error {
	size := 0
	for i := range w.Events {
		size += len(w.Events[i].Data)
	}
	if cutShort(err) && size > usualLimit {
		return fmt.Errorf("%w: the cluster hangs up while %d bytes are sent: they are more than its setting MaxAppendSize, it seems", eventstore.ErrInvalid, size)
	}
	return unavailable(err)
}

// usualLimit is what clusters take in one append unless they are told otherwise.
const usualLimit = 1 << 20

func unavailable(err error) error {
	if errors.Is(err, eventstore.ErrUnavailable) || errors.Is(err, eventstore.ErrClosed) {
		return err
	}
	return fmt.Errorf("%w: %w", eventstore.ErrUnavailable, err)
}

// unsettled gives up on an append.
func (w *write) unsettled(err error) error {
	if !w.open {
		return unavailable(err)
	}
	w.s.doubtful.Add(w.Events[0].ID, struct{}{})
	return fmt.Errorf("%w: %w", eventstore.ErrUnknown, err)
}

// deadline is how long one try may take: so long, or less where the connection string
// says so.
func (s *Store) deadline(most time.Duration) time.Duration {
	if d := s.line.config.DefaultDeadline; d != nil {
		return min(*d, most)
	}
	return most
}

func (w *write) send(ctx context.Context) (*client.WriteResult, error) {
	deadline := w.s.deadline(w.s.patience)
	options := client.AppendToStreamOptions{ExpectedRevision: client.NoStream{}, Deadline: &deadline}
	if w.Expected != eventstore.NoStream {
		options.ExpectedRevision = client.Revision(uint64(w.Expected))
	}
	for i := len(w.sealed); i < len(w.Events); i++ {
		w.sealed = append(w.sealed, w.seal(i))
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // a call that was left is not to begin any more
	var result *client.WriteResult
	err := w.s.line.do(ctx, func(c *client.Client) error {
		r, err := c.AppendToStream(leader(ctx), w.Stream, options, w.sealed...)
		if err == nil {
			result = r
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return result, nil
}

// recorded makes the answer. Where the record may be that of an earlier try, its
// own time counts.
func (w *write) recorded(ctx context.Context, r *client.WriteResult) (eventstore.Appended, error) {
	done := eventstore.Appended{
		Position: eventstore.Position(r.CommitPosition), Revision: w.Expected + eventstore.Revision(len(w.Events)), RecordedAt: w.at,
	}
	if w.doubtful || done.Position <= w.known || len(w.Events) > 1 && !w.s.limits.lastPlace.Load() {
		last, err := w.lookUp(ctx, done.Revision)
		if err != nil {
			return eventstore.Appended{}, fmt.Errorf("%w: %w: %w", eventstore.ErrUnknown, errLookUp, err)
		}
		if len(w.Events) > 1 && last.Position == done.Position {
			w.s.limits.lastPlace.Store(true)
		}
		done.Position, done.RecordedAt = last.Position, last.RecordedAt
		w.s.doubtful.Remove(w.Events[0].ID)
	}
	w.s.recent.Add(int64(len(w.Events)))
	w.s.noted(done.Position, done.RecordedAt)
	return done, nil
}

// errLookUp says that an append was recorded, and that it is not known where.
var errLookUp = errors.New("look up what was recorded")

func (w *write) lookUp(ctx context.Context, revision eventstore.Revision) (eventstore.Record, error) {
	for r, err := range w.s.readStream(ctx, w.Stream, revision, eventstore.Forwards, single) {
		return r, err
	}
	return eventstore.Record{}, fmt.Errorf("stream %s has no revision %d", w.Stream, revision)
}

var maxAppendSize = regexp.MustCompile(`Maximum Append Size of (\d+) Exceeded`)

// refusal is an answer that stays the same however often an append is sent.
func (w *write) refusal(ctx context.Context, err error) (error, bool) {
	code, _ := codeOf(err)
	switch {
	case code == client.ErrorCodeWrongExpectedVersion:
		return w.conflict(ctx), true
	case code == client.ErrorCodeStreamDeleted:
		return failure(err), true
	}
	grpc, ok := status.FromError(cause(err))
	if !ok {
		return nil, false
	}
	switch grpc.Code() {
	case codes.InvalidArgument:
		if maxAppendSize.MatchString(grpc.Message()) {
			return w.tooLarge(grpc.Message()), true
		}
		return fmt.Errorf("%w: %s", eventstore.ErrInvalid, grpc.Message()), true
	case codes.ResourceExhausted:
		if strings.Contains(grpc.Message(), "larger than max") {
			return fmt.Errorf("%w: an event is larger than the cluster takes: %s", eventstore.ErrInvalid, grpc.Message()), true
		}
		return fmt.Errorf("%w: %s", eventstore.ErrFull, grpc.Message()), true
	}
	return nil, false
}

// conflict says where the stream is instead.
func (w *write) conflict(ctx context.Context) error {
	actual, err := w.s.revision(ctx, w.Stream)
	if err != nil { // it is refused all the same
		return unavailable(err)
	}
	return &eventstore.ConflictError{Stream: w.Stream, Expected: w.Expected, Actual: actual}
}

// tooLarge learns from a refusal what the cluster takes.
func (w *write) tooLarge(text string) error {
	m := maxAppendSize.FindStringSubmatch(text)
	if m == nil {
		return fmt.Errorf("%w: %s", eventstore.ErrInvalid, text)
	}
	most, _ := strconv.ParseInt(m[1], 10, 64) // digits
	w.s.limits.append.Store(most)
	return tooLarge(most)
}

// cause is what the client's own error wraps.
func cause(err error) error {
	var e *client.Error
	if errors.As(err, &e) && e.Err() != nil {
		return e.Err()
	}
	return err
}
