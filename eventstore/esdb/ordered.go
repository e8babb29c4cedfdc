package esdb

import (
	"context"
	"errors"
	"fmt"
	"time"

	client "github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"

	"github.com/supportledger/supportledger/eventstore"
)

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
	l, err := s.own(ctx)
	var answered <-chan begun
	if err == nil {
		answered, err = l.put(ctx, w, s.deadline(begunTimeout), s.leave)
	}
	if err != nil {
		s.leave()
		return nil, err
	}
	return func() (eventstore.Appended, error) {
		select {
		case b := <-answered:
			done, err := w.answered(ctx, b)
			if errors.Is(err, eventstore.ErrUnknown) {
				s.doubtful.Add(w.Events[0].ID, struct{}{})
			}
			return w.told(done, err)
		case <-ctx.Done():
			return w.told(eventstore.Appended{}, fmt.Errorf("%w: %w", eventstore.ErrUnknown, ctx.Err()))
		}
	}, nil
}

// own is the lane, which is opened if there is none.
func (s *Store) own(ctx context.Context) (*lane, error) {
	if l := s.current(); l != nil {
		return l, nil
	}
	l, err := s.openLane(ctx)
	if err != nil {
		return nil, err
	}
	s.lanes.mu.Lock()
	defer s.lanes.mu.Unlock()
	return s.lanes.take(l), nil
}

// byLane sends a write on the lane, if there is one, and waits for its outcome. The
// outcome counts where it is settled; else the write may be open, and is sent again
// as if there were no lane.
func (w *write) byLane(ctx context.Context, until time.Time) (done eventstore.Appended, settled bool, err error) {
	s := w.s
	if s.line.down() {
		return done, false, nil
	}
	l := s.current()
	if l == nil {
		s.seek()
		return done, false, nil
	}
	patience := s.deadline(time.Until(until))
	patient, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	answered, err := l.put(patient, w, patience, func() {})
	if err != nil {
		return done, false, nil
	}
	select {
	case b := <-answered:
		done, err = w.answered(ctx, b)
	case <-patient.Done(): // it is deaf
		l.stop()
		err = eventstore.ErrUnknown
	}
	switch {
	case errors.Is(err, eventstore.ErrUnknown) && errors.Is(err, errLookUp):
		return done, true, err
	case errors.Is(err, eventstore.ErrUnknown):
		w.open = true
		return done, false, nil
	case errors.Is(err, eventstore.ErrUnavailable):
		return done, false, nil
	}
	return done, true, err
}

// answered is what became of a write that was put on a lane.
func (w *write) answered(ctx context.Context, b begun) (eventstore.Appended, error) {
	if b.err != nil {
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
		return w.conflict(ctx)
	case is("MaximumAppendSizeExceeded"):
		return w.tooLarge(text)
	case is("BadRequest"):
		return fmt.Errorf("%w: %s", eventstore.ErrInvalid, text)
	case is("StreamDeleted"):
		return &eventstore.CorruptError{Where: "the cluster", Reason: text}
	case is("AccessDenied"), answer.GetError().GetCode() == 0:
		return fmt.Errorf("%w: %s", eventstore.ErrUnavailable, text)
	}
	return fmt.Errorf("%w: %s", eventstore.ErrUnknown, text)
}
