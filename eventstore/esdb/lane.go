package esdb

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"github.com/google/uuid"
	"google.golang.org/grpc"

	"github.com/supportledger/supportledger/eventstore"
	"github.com/supportledger/supportledger/eventstore/esdbproto"
)

// The client makes a call of its own for each append, with a message for each
// event: they overtake each other, and cost more than what they carry. The protocol
// has BatchAppend: one call for all, one message for an append, which a server hands
// to its writer in the order in which they come.
const (
	mostBegun    = 512         // appends that are under way at once
	begunTimeout = time.Minute // after which the server gives one up that keeps its order
	laneRest     = time.Second // before another lane is looked for; longer after some that were of no use
	mostLaneRest = time.Minute

	mostReferrals = 4 // from node to node without a rest, none of which takes an append
)

// lanes is the one lane that is in use.
type lanes struct {
	mu        sync.Mutex
	now       *lane // nil until there is one
	opening   bool
	after     time.Time     // no other is looked for before
	rest      time.Duration // after the next one that breaks
	referrals int           // one after another
}

// A lane is one call of BatchAppend.
type lane struct {
	line  *line
	conn  *grpc.ClientConn
	call  streams.Streams_BatchAppendClient
	room  chan struct{}
	queue chan message
	ended <-chan struct{} // closed by stop
	stop  context.CancelFunc

	mu      sync.Mutex
	waiting map[uuid.UUID]waiter
	good    bool // something was answered
	broken  error
}

// A waiter waits for one append.
type waiter struct {
	answered chan<- begun // capacity 1
	done     func()       // called with the answer
}

// begun is what became of an append: an answer, or why there is none.
type begun struct {
	answer *streams.BatchAppendResp
	err    error
}

// current is the lane, if there is one that is not broken.
func (s *Store) current() *lane {
	s.lanes.mu.Lock()
	defer s.lanes.mu.Unlock()
	return s.lanes.usable()
}

func (l *lanes) usable() *lane {
	if l.now == nil {
		return nil
	}
	broken, good := l.now.fate()
	if broken == nil {
		return l.now
	}
	if l.now = nil; good {
		l.rest, l.referrals = 0, 0
	}
	if errors.Is(broken, errReferred) && l.referrals < mostReferrals {
		l.referrals++
		l.after = time.Time{} // it is known where to go
		return nil
	}
	l.referrals = 0
	l.rest = min(max(2*l.rest, laneRest), mostLaneRest)
	l.after = time.Now().Add(l.rest)
	return nil
}

// take makes a lane the one that is in use, unless there is one meanwhile.
func (l *lanes) take(opened *lane) *lane {
	if now := l.usable(); now != nil {
		opened.stop()
		return now
	}
	l.now = opened
	return opened
}

// seek has a lane opened, for those who come later.
func (s *Store) seek() {
	s.lanes.mu.Lock()
	defer s.lanes.mu.Unlock()
	if s.lanes.usable() != nil || s.lanes.opening || time.Now().Before(s.lanes.after) {
		return
	}
	s.lanes.opening = true
	s.work.Go(func() {
		l, err := s.openLane(s.life)
		s.lanes.mu.Lock()
		defer s.lanes.mu.Unlock()
		s.lanes.opening, s.lanes.after = false, time.Now().Add(laneRest)
		if err == nil {
			s.lanes.take(l)
		}
	})
}

// openLane opens a call on a connection of its own.
func (s *Store) openLane(ctx context.Context) (*lane, error) {
	conn, err := s.line.dialLeader(ctx)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", eventstore.ErrUnavailable, err)
	}
	life, stop := context.WithCancel(s.life)
	l := &lane{
		line: s.line, conn: conn, room: make(chan struct{}, mostBegun), queue: make(chan message), ended: life.Done(), stop: stop,
		waiting: map[uuid.UUID]waiter{},
	}
	if l.call, err = streams.NewStreamsClient(conn).BatchAppend(s.line.authorized(leader(life)), grpc.ForceCodecV2(messageCodec{})); err != nil {
		stop()
		return nil, errors.Join(fmt.Errorf("%w: %w", eventstore.ErrUnavailable, err), conn.Close())
	}
	s.work.Go(l.send)
	s.work.Go(l.receive)
	return l, nil
}

// fate says why a lane has broken, if it has, and whether it has ever been of use.
func (l *lane) fate() (broken error, good bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.broken, l.good
}

// put puts an append on the lane, when there is room. An error says that it is not
// there. The answer comes on a channel, with a call of done.
func (l *lane) put(ctx context.Context, w *write, timeout time.Duration, done func()) (<-chan begun, error) {
	select {
	case l.room <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-l.ended:
		return nil, errLaneEnded
	}
	id, answered := uuid.New(), make(chan begun, 1)
	req, err := w.message(id, timeout)
	if err != nil {
		<-l.room
		return nil, err
	}
	l.mu.Lock()
	if l.broken != nil {
		defer l.mu.Unlock()
		return nil, errLaneEnded
	}
	l.waiting[id] = waiter{answered, done}
	l.mu.Unlock()
	select {
	case l.queue <- req:
	case <-l.ended: // the answer says so
	case <-ctx.Done():
		if l.forget(id) {
			<-l.room
			return nil, ctx.Err()
		}
	}
	return answered, nil
}

// forget says whether an append was waiting, which it does no more.
func (l *lane) forget(id uuid.UUID) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, known := l.waiting[id]
	delete(l.waiting, id)
	return known
}

var errLaneEnded = fmt.Errorf("%w: the connection for appends has ended", eventstore.ErrUnavailable)

// send sends what is put, one after another.
func (l *lane) send() {
	for {
		select {
		case req := <-l.queue:
			if err := l.call.SendMsg(req); ended(err) {
				return // the receiver is told why
			} else if err != nil {
				l.stop()
				return
			}
		case <-l.ended:
			return
		}
	}
}

// receive hands out answers until the call ends.
func (l *lane) receive() {
	var err error
	for {
		var answer *streams.BatchAppendResp
		if answer, err = l.call.Recv(); err != nil {
			break
		}
		id := esdbproto.ReadUUID(answer.GetCorrelationId())
		l.mu.Lock()
		w, known := l.waiting[id]
		delete(l.waiting, id)
		l.good = true
		l.mu.Unlock()
		if known {
			w.tell(begun{answer: answer})
			<-l.room
		}
	}
	node := l.conn.Target()
	if err = l.line.direct.referred(node, l.call.Trailer(), err); !errors.Is(err, errReferred) {
		l.line.direct.forget(node)
	}
	l.stop()
	_ = l.conn.Close() // it has failed already
	l.mu.Lock()
	defer l.mu.Unlock()
	l.broken = fmt.Errorf("%w: %w", eventstore.ErrUnavailable, err)
	for _, w := range l.waiting {
		w.tell(begun{err: fmt.Errorf("%w: %w", eventstore.ErrUnknown, err)})
	}
}

func (w waiter) tell(b begun) {
	w.answered <- b
	w.done()
}
