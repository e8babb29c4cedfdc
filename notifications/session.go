package notifications

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"golang.org/x/sync/errgroup"

	"github.com/supportledger/supportledger/eventstore"
)

// errMoved says that the stream is not what the feed went on from, so that it has
// to look again.
var errMoved = errors.New("the stream has changed")

const (
	window      = 512              // messages that wait for their confirmation at most
	ackPatience = 10 * time.Second // how long one is waited for
	lookEvery   = time.Second      // how often the stream is looked at
)

// A session publishes from one place on, over one connection, until something is
// not as expected. Then whoever started it looks again what the stream holds.
type session struct {
	*Feed
	js        jetstream.JetStream
	stream    jetstream.Stream
	from      place
	healAt    time.Time     // when the stream may be filled again, if it lacks messages
	sent      atomic.Uint64 // the sequence that the last message sent will have
	confirmed atomic.Uint64 // the sequence that the last one confirmed has
	inFlight  chan flight
}

// A flight is a message on its way, or where future is nil records that need
// none.
type flight struct {
	future   jetstream.PubAckFuture
	seq      uint64
	position eventstore.Position
	span     *publishing   // nil where none is made
	landed   chan struct{} // of the chunk that ends with it; nil where nobody waits
}

func (f *Feed) session(ctx context.Context, nc *nats.Conn) error {
	js, err := jetstream.New(nc, jetstream.WithPublishAsyncMaxPending(2*window))
	if err != nil {
		return fmt.Errorf("use JetStream: %w", err)
	}
	defer js.CleanupPublisher()
	from, stream, err := f.resume(ctx, js)
	if err != nil {
		return err
	}
	f.toldWorking(from)
	f.progress.subjects.Store(stream.CachedInfo().State.NumSubjects)
	s := &session{Feed: f, js: js, stream: stream, from: from, healAt: f.heals.next(), inFlight: make(chan flight, window)}
	s.sent.Store(from.seq)
	s.confirmed.Store(from.seq)
	f.progress.position.Store(uint64(from.position))
	f.progress.messages.Store(from.ordinal)
	if !from.replace {
		f.progress.missing.Store(max(0, from.missing))
	}
	g, ctx := errgroup.WithContext(ctx)
	chunks := make(chan chunk, chunksAhead)
	g.Go(func() error { return f.read(ctx, from.position, chunks) })
	g.Go(func() error { return s.publish(ctx, chunks) })
	g.Go(func() error { return s.confirm(ctx) })
	g.Go(func() error { return s.look(ctx) })
	err = g.Wait()
	f.known = s.confirmed.Load()
	return err
}

// publish sends messages, each after the one before: JetStream refuses a message
// whose predecessor is not the last in the stream. Sequences alone would not do,
// as the message of somebody else may take the place of one that was refused; so
// each names its predecessor's id, too, where it may (tail.go), but for the first,
// whose predecessor has just been looked at.
func (s *session) publish(ctx context.Context, chunks <-chan chunk) error {
	next := s.from
	var before *nats.Msg
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case c := <-chunks:
			for _, m := range c.messages {
				s.number(m.Msg, before, &next)
				before = m.Msg
				if err := s.send(ctx, m, next.seq); err != nil {
					return err
				}
			}
			if err := s.hand(ctx, flight{position: c.last, landed: c.landed}); err != nil {
				return err
			}
		}
	}
}

// number gives a message its place in the stream.
func (f *Feed) number(m, before *nats.Msg, last *place) {
	m.Header[jetstream.ExpectedLastSeqHeader] = []string{strconv.FormatUint(last.seq, 10)}
	if before != nil && f.named() {
		m.Header[jetstream.ExpectedLastMsgIDHeader] = before.Header[nats.MsgIdHdr]
	} else if before == nil && last.replace {
		m.Header[jetstream.MsgRollup] = []string{jetstream.MsgRollupAll}
	}
	last.seq++
	last.ordinal++
	m.Header[HeaderOrdinal] = []string{strconv.FormatUint(last.ordinal, 10)}
}

func (s *session) send(ctx context.Context, m message, seq uint64) error {
	s.sent.Store(seq)
	span := s.startSpan(m)
	future, err := s.js.PublishMsgAsync(m.Msg, jetstream.WithRetryAttempts(0))
	if errors.Is(err, nats.ErrMaxPayload) {
		return refuse("the event of position %v has %d bytes, which is more than max_payload of the NATS server: raise it", m.position, m.Size())
	}
	if err != nil {
		span.end(err)
		return fmt.Errorf("publish the event of position %v: %w", m.position, err)
	}
	return s.hand(ctx, flight{future: future, seq: seq, position: m.position, span: span})
}

func (s *session) hand(ctx context.Context, f flight) error {
	select {
	case s.inFlight <- f:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// confirm waits for the confirmations, in order.
func (s *session) confirm(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case f := <-s.inFlight:
			err := s.land(ctx, f)
			f.span.end(err)
			if err != nil {
				return err
			}
			s.progress.position.Store(uint64(f.position))
			if f.landed != nil {
				close(f.landed)
			}
		}
	}
}

// land waits for one confirmation, which must be of the place that the message
// was meant for.
func (s *session) land(ctx context.Context, f flight) error {
	if f.future == nil {
		return nil
	}
	patience := time.NewTimer(ackPatience)
	defer patience.Stop()
	select {
	case ack := <-f.future.Ok():
		if ack.Duplicate || ack.Sequence != f.seq {
			return fmt.Errorf("%w: the event of position %v counts as message %d, not %d (duplicate: %v)", errMoved, f.position, ack.Sequence, f.seq, ack.Duplicate)
		}
	case err := <-f.future.Err():
		var refused *jetstream.APIError
		if errors.As(err, &refused) && refused.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequence {
			return fmt.Errorf("%w: the event of position %v does not follow: %w", errMoved, f.position, err)
		}
		return fmt.Errorf("publish the event of position %v: %w", f.position, err)
	case <-patience.C:
		return fmt.Errorf("publish the event of position %v: no confirmation within %v", f.position, ackPatience)
	case <-ctx.Done():
		return ctx.Err()
	}
	if s.from.replace && f.seq == s.from.seq+1 {
		s.heals.began(time.Now())
		s.progress.missing.Store(0)
	}
	s.confirmed.Store(f.seq)
	s.progress.messages.Store(s.from.ordinal + f.seq - s.from.seq)
	s.progress.published.Add(1)
	s.metrics.published.Inc()
	return nil
}

// look compares what the stream holds with what was published, now and then: a
// deletion need not show in the sequences.
func (s *session) look(ctx context.Context) error {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
		least := s.confirmed.Load()
		info, err := s.stream.Info(ctx)
		if err != nil {
			return fmt.Errorf("look at stream %s: %w", Stream, err)
		}
		s.progress.subjects.Store(info.State.NumSubjects)
		if !sameConfig(info.Config, streamConfig(s.replicas)) {
			return fmt.Errorf("%w: it is configured otherwise", errMoved)
		}
		if err := s.compare(info.State, least, s.sent.Load()); err != nil {
			return err
		}
		if s.from.missing != 0 && time.Now().After(s.healAt) {
			return fmt.Errorf("%w: it may be filled again", errMoved)
		}
	}
}

// compare holds the stream's state against the sequences that it must have at
// least and may have at most.
func (s *session) compare(state jetstream.StreamState, least, most uint64) error {
	switch {
	case state.LastSeq < least:
		return fmt.Errorf("%w: it ends with message %d, and held %d", errMoved, state.LastSeq, least)
	case state.LastSeq > most:
		return fmt.Errorf("%w: somebody else publishes", errMoved)
	case s.from.replace && state.LastSeq == s.from.seq:
		return nil // not yet
	}
	want := int64(s.from.ordinal+state.LastSeq-s.from.seq) - s.from.missing
	if int64(state.Msgs) != want {
		return fmt.Errorf("%w: it holds %d messages, not %d", errMoved, state.Msgs, want)
	}
	return nil
}
