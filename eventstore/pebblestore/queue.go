package pebblestore

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/eventstore"
)

// What becomes of a request: the committer takes it, or its caller gives it up
// first. Whoever changes the state from waiting wins.
const (
	waiting int32 = iota
	taken
	givenUp
)

// A request is an append on its way through the committer.
type request struct {
	stream     string
	expected   eventstore.Revision
	count      int
	at, before int64 // µs; before is noBefore where the append has none
	copied     bool
	body       []byte
	bodyCRC    uint32

	state atomic.Int32
	done  chan struct{} // capacity 1

	hash streamHash // the committer's

	// Written by the committer before it signals done.
	header header
	actual eventstore.Revision // of the stream, where it is not at expected
	err    error
}

const noBefore = int64(^uint64(0) >> 1)

// errElsewhere is the committer's word that a stream is not where an append
// expects it. Whether that is a conflict or a repeat, the caller finds out.
var errElsewhere = errors.New("the stream is not at the expected revision")

//nolint:gochecknoglobals // a pool holds no state anybody could see
var requests = sync.Pool{New: func() any { return &request{done: make(chan struct{}, 1)} }}

func newRequest(a *eventstore.Append) *request {
	r := requests.Get().(*request)
	r.stream, r.expected, r.count = a.Stream, a.Expected, len(a.Events)
	r.at, r.before, r.copied = a.At.UnixMicro(), noBefore, a.Copied
	if !a.Before.IsZero() {
		r.before = ceilMicro(a.Before)
	}
	r.body = appendBody(r.body[:0], a)
	r.bodyCRC = crc32.Checksum(r.body, castagnoli)
	r.header, r.err = header{}, nil
	r.state.Store(waiting)
	return r
}

// ceilMicro makes "recorded < before" mean the same in whole microseconds.
func ceilMicro(t time.Time) int64 {
	us := t.UnixMicro()
	if t.Nanosecond()%1000 != 0 {
		us++
	}
	return us
}

func (r *request) free() {
	const keep = 256 << 10
	if cap(r.body) > keep {
		r.body = nil
	}
	requests.Put(r)
}

// A queue holds the appends that wait for the committer, in order of arrival.
type queue struct {
	mu      sync.Mutex
	list    []*request
	spare   []*request    // the list before, for reuse
	refuse  error         // what later appends get
	arrived chan struct{} // capacity 1: there is something to take, or refuse was set
	room    chan struct{} // closed when the list was taken
	most    int
}

func newQueue(most int) *queue {
	return &queue{most: most, arrived: make(chan struct{}, 1), room: make(chan struct{})}
}

// put queues a request, waiting for room. Its error says that it did not.
func (q *queue) put(ctx context.Context, r *request) error {
	for {
		q.mu.Lock()
		if q.refuse != nil {
			defer q.mu.Unlock()
			return q.refuse
		}
		if len(q.list) < q.most {
			q.list = append(q.list, r)
			first := len(q.list) == 1
			q.mu.Unlock()
			if first {
				q.signal()
			}
			return nil
		}
		room := q.room
		q.mu.Unlock()
		select {
		case <-room:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (q *queue) signal() {
	select {
	case q.arrived <- struct{}{}:
	default:
	}
}

// take returns everything that waits, at least one request, or nil when the
// queue is closed and empty. The last list returned must no longer be in use.
func (q *queue) take() []*request {
	for {
		q.mu.Lock()
		if len(q.list) > 0 {
			list := q.list
			q.list, q.spare = q.spare[:0], list
			close(q.room)
			q.room = make(chan struct{})
			q.mu.Unlock()
			return list
		}
		refused := q.refuse != nil
		q.mu.Unlock()
		if refused {
			return nil
		}
		<-q.arrived
	}
}

// close refuses what comes from now on; what is queued stays.
func (q *queue) close(err error) {
	q.mu.Lock()
	if q.refuse == nil {
		q.refuse = err
		close(q.room)
		q.room = make(chan struct{})
	}
	q.mu.Unlock()
	q.signal()
}

// Append records events; see eventstore.Store. A context that ends before the
// committer took the append ends it without a trace; one that ends later does
// not hurry the sync, and the answer is the outcome.
func (s *Store) Append(ctx context.Context, a eventstore.Append) (eventstore.Appended, error) {
	if err := a.Validate(); err != nil {
		return eventstore.Appended{}, err
	}
	if err := ctx.Err(); err != nil {
		return eventstore.Appended{}, err
	}
	began := time.Now()
	r := newRequest(&a)
	if err := s.queue.put(ctx, r); err != nil {
		r.free()
		return eventstore.Appended{}, err
	}
	return s.outcome(ctx, a, r, began, s.await)
}

// Begin takes an append behind those begun before; see eventstore.Ordered.
func (s *Store) Begin(ctx context.Context, a eventstore.Append) (outcome func() (eventstore.Appended, error), err error) {
	if err := a.Validate(); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	began, r := time.Now(), newRequest(&a)
	if err := s.queue.put(ctx, r); err != nil {
		r.free()
		return nil, err
	}
	return func() (eventstore.Appended, error) { return s.outcome(ctx, a, r, began, s.answer) }, nil
}

// outcome waits for a request that was queued, in its caller's way, and answers.
func (s *Store) outcome(
	ctx context.Context, a eventstore.Append, r *request, began time.Time, wait func(context.Context, *request) error,
) (eventstore.Appended, error) {
	if err := wait(ctx, r); err != nil {
		return eventstore.Appended{}, err // r may still be in use: not freed
	}
	head, actual, err := r.header, r.actual, r.err
	r.free()
	s.metrics.appendSeconds.Observe(time.Since(began).Seconds())
	if errors.Is(err, errElsewhere) {
		return s.repeatOrConflict(ctx, a, actual)
	}
	if err != nil {
		return eventstore.Appended{}, err
	}
	return appended(head), nil
}

func appended(h header) eventstore.Appended {
	return eventstore.Appended{Position: h.last(), Revision: h.lastRevision(), RecordedAt: time.UnixMicro(h.at).UTC(), Consecutive: true}
}

// await returns nil when the committer is done with r, which is given up where the
// context ends before the committer took it.
func (s *Store) await(ctx context.Context, r *request) error {
	select {
	case <-r.done:
		return nil
	case <-ctx.Done():
		if r.state.CompareAndSwap(waiting, givenUp) {
			return ctx.Err()
		}
	case <-s.failed:
	}
	return s.answer(ctx, r)
}

// answer returns nil when the committer is done with r, which it waits for also
// where the context has ended, though not for ever.
func (s *Store) answer(ctx context.Context, r *request) error {
	select {
	case <-r.done:
		return nil
	case <-ctx.Done():
	case <-s.failed:
	}
	patience := time.NewTimer(s.patience)
	defer patience.Stop()
	select {
	case <-r.done:
		return nil
	case <-s.failed:
	case <-patience.C:
		return fmt.Errorf("%w: the disk did not answer: %w", eventstore.ErrUnknown, ctx.Err())
	}
	if r.state.CompareAndSwap(waiting, givenUp) {
		return s.failure()
	}
	// The committer is about to answer, unless it hangs in the failed database.
	select {
	case <-r.done:
		return nil
	case <-time.After(time.Second):
		return fmt.Errorf("%w: %w", eventstore.ErrUnknown, s.failure())
	}
}

// repeatOrConflict answers an append whose stream is elsewhere: as the first
// time if its events stand exactly where it wants them, else with the conflict.
func (s *Store) repeatOrConflict(ctx context.Context, a eventstore.Append, actual eventstore.Revision) (eventstore.Appended, error) {
	conflict := &eventstore.ConflictError{Stream: a.Stream, Expected: a.Expected, Actual: actual}
	if actual < a.Expected+eventstore.Revision(len(a.Events)) {
		return eventstore.Appended{}, conflict
	}
	ids := make([]uuid.UUID, 0, len(a.Events))
	for i := range a.Events {
		ids = append(ids, a.Events[i].ID)
	}
	first := eventstore.Start
	for r, err := range s.ReadStream(ctx, a.Stream, a.Expected+1, eventstore.Forwards) {
		if err != nil {
			return eventstore.Appended{}, fmt.Errorf("look for a repeat in stream %s: %w", a.Stream, err)
		}
		if r.ID != ids[0] {
			break
		}
		if first == eventstore.Start {
			first = r.Position
		}
		if ids = ids[1:]; len(ids) == 0 {
			done := eventstore.Appended{Position: r.Position, Revision: r.Revision, RecordedAt: r.RecordedAt}
			done.Consecutive = r.Position-first == eventstore.Position(len(a.Events)-1)
			return done, nil
		}
	}
	return eventstore.Appended{}, conflict
}
