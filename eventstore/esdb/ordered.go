package esdb

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	client "github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"github.com/google/uuid"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/supportledger/supportledger/eventstore"
)

// The client has no way to send an append behind another one: each is a call of
// its own, and calls overtake each other. The protocol has: a server hands the
// appends of one BatchAppend to its writer in the order in which they come.
const (
	mostBegun    = 512         // appends that are under way at once
	begunTimeout = time.Minute // after which the server gives one up
)

// lanes is the way for appends that keep their order.
type lanes struct {
	mu  sync.Mutex
	now *lane // nil until the first append, and after it has broken
}

// A lane is one call of BatchAppend.
type lane struct {
	conn *grpc.ClientConn
	call streams.Streams_BatchAppendClient
	room chan struct{}
	stop context.CancelFunc
	done func() // with one append

	mu      sync.Mutex
	waiting map[uuid.UUID]chan<- begun
	broken  error
}

// begun is what became of an append: an answer, or why there is none.
type begun struct {
	answer *streams.BatchAppendResp
	err    error
}

// Begin takes an append behind those begun before it; see eventstore.Ordered.
// After a connection that broke, what was under way is ErrUnknown, and the next
// Begin looks for the cluster again.
func (s *Store) Begin(ctx context.Context, a eventstore.Append) (outcome func() (eventstore.Appended, error), err error) {
	w, err := s.prepare(ctx, &a)
	if err != nil {
		return nil, err
	}
	if w == nil {
		return func() (eventstore.Appended, error) { return s.late(ctx, a) }, nil
	}
	answered, err := s.begin(ctx, w)
	if err != nil {
		s.leave()
		return nil, err
	}
	return func() (eventstore.Appended, error) {
		select {
		case b := <-answered:
			return w.told(w.answered(ctx, b))
		case <-ctx.Done():
			return w.told(eventstore.Appended{}, fmt.Errorf("%w: %w", eventstore.ErrUnknown, ctx.Err()))
		}
	}, nil
}

// begin sends an append on the lane, which leaves the store when it is answered.
func (s *Store) begin(ctx context.Context, w *write) (answered <-chan begun, err error) {
	s.lanes.mu.Lock()
	defer s.lanes.mu.Unlock()
	if s.lanes.now == nil || s.lanes.now.cause() != nil {
		if s.lanes.now, err = s.openLane(ctx); err != nil {
			return nil, err
		}
	}
	return s.lanes.now.send(ctx, w)
}

// openLane opens a call on a connection of its own.
func (s *Store) openLane(ctx context.Context) (*lane, error) {
	conn, err := s.line.dialLeader(ctx)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", eventstore.ErrUnavailable, err)
	}
	l := &lane{conn: conn, done: s.leave, room: make(chan struct{}, mostBegun), waiting: map[uuid.UUID]chan<- begun{}}
	life, stop := context.WithCancel(s.life)
	l.stop = stop
	if l.call, err = streams.NewStreamsClient(conn).BatchAppend(s.line.authorized(leader(life))); err != nil {
		stop()
		return nil, errors.Join(fmt.Errorf("%w: %w", eventstore.ErrUnavailable, err), conn.Close())
	}
	s.work.Go(l.receive)
	return l, nil
}

func (l *lane) cause() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.broken
}

// send sends an append, when there is room.
func (l *lane) send(ctx context.Context, w *write) (<-chan begun, error) {
	select {
	case l.room <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	id, answered := uuid.New(), make(chan begun, 1)
	l.mu.Lock()
	if l.broken != nil {
		defer l.mu.Unlock()
		<-l.room
		return nil, l.broken
	}
	l.waiting[id] = answered
	l.mu.Unlock()
	if err := l.call.Send(w.batch(id)); err != nil {
		l.stop() // the receiver says why, to all who wait
	}
	return answered, nil
}

// receive hands out answers until the call ends.
func (l *lane) receive() {
	var err error
	for {
		var answer *streams.BatchAppendResp
		if answer, err = l.call.Recv(); err != nil {
			break
		}
		id, _ := uuid.Parse(answer.GetCorrelationId().GetString_())
		l.mu.Lock()
		answered := l.waiting[id]
		delete(l.waiting, id)
		l.mu.Unlock()
		if answered != nil {
			answered <- begun{answer: answer}
			<-l.room
			l.done()
		}
	}
	l.stop()
	_ = l.conn.Close() // it has failed already
	l.mu.Lock()
	defer l.mu.Unlock()
	l.broken = fmt.Errorf("%w: %w", eventstore.ErrUnavailable, err)
	for _, answered := range l.waiting {
		answered <- begun{err: fmt.Errorf("%w: %w", eventstore.ErrUnknown, err)}
		<-l.room
		l.done()
	}
}

// batch is the whole of an append as one message.
func (w *write) batch(id uuid.UUID) *streams.BatchAppendReq {
	o := &streams.BatchAppendReq_Options{
		StreamIdentifier: &shared.StreamIdentifier{StreamName: []byte(w.Stream)},
		DeadlineOption:   &streams.BatchAppendReq_Options_Deadline{Deadline: durationpb.New(begunTimeout)},
	}
	if o.ExpectedStreamPosition = (&streams.BatchAppendReq_Options_StreamPosition{StreamPosition: uint64(w.Expected)}); w.Expected == eventstore.NoStream {
		o.ExpectedStreamPosition = &streams.BatchAppendReq_Options_NoStream{NoStream: &emptypb.Empty{}}
	}
	req := &streams.BatchAppendReq{CorrelationId: named(id), Options: o, IsFinal: true}
	for _, e := range w.events {
		kind := "application/octet-stream"
		if e.ContentType == client.ContentTypeJson {
			kind = "application/json"
		}
		req.ProposedMessages = append(req.ProposedMessages, &streams.BatchAppendReq_ProposedMessage{
			Id: named(e.EventID), Metadata: map[string]string{"type": e.EventType, "content-type": kind}, CustomMetadata: e.Metadata, Data: e.Data,
		})
	}
	return req
}

func named(id uuid.UUID) *shared.UUID {
	return &shared.UUID{Value: &shared.UUID_String_{String_: id.String()}}
}

// answered is what became of a write that was begun.
func (w *write) answered(ctx context.Context, b begun) (eventstore.Appended, error) {
	if b.err != nil {
		w.s.doubtful.Add(w.Events[0].ID, struct{}{})
		return eventstore.Appended{}, b.err
	}
	if success := b.answer.GetSuccess(); success != nil {
		return w.recorded(ctx, &client.WriteResult{CommitPosition: success.GetPosition().GetCommitPosition()})
	}
	return eventstore.Appended{}, w.refused(ctx, b.answer.GetError().GetMessage(), b.answer)
}

// refused says what an answer without success means. What it has as details tells
// more than its code, which servers leave out of some.
func (w *write) refused(ctx context.Context, text string, answer *streams.BatchAppendResp) error {
	is := func(name string) bool {
		for _, d := range answer.GetError().GetDetails() {
			if string(d.MessageName()) == "event_store.client."+name {
				return true
			}
		}
		return false
	}
	switch {
	case is("WrongExpectedVersion"):
		actual, err := w.s.revision(ctx, w.Stream)
		if err != nil {
			return unavailable(err)
		}
		return &eventstore.ConflictError{Stream: w.Stream, Expected: w.Expected, Actual: actual}
	case is("MaximumAppendSizeExceeded"), is("BadRequest"):
		return fmt.Errorf("%w: %s", eventstore.ErrInvalid, text)
	case is("StreamDeleted"):
		return &eventstore.CorruptError{Where: "the cluster", Reason: text}
	case is("AccessDenied"), answer.GetError().GetCode() == 0:
		return fmt.Errorf("%w: %s", eventstore.ErrUnavailable, text)
	}
	w.s.doubtful.Add(w.Events[0].ID, struct{}{})
	return fmt.Errorf("%w: %s", eventstore.ErrUnknown, text)
}
