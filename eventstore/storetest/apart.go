package storetest

import (
	"context"
	"iter"
	"sync"

	"github.com/supportledger/supportledger/eventstore"
)

// Apart gives a store whose positions are consecutive those of a real cluster,
// which are places in its files: strictly growing, far apart at varying distances,
// and with nothing in between.
// It remembers which of its events rode in one append for as long as it lives.
func Apart(s eventstore.Ordered) eventstore.Ordered { return apart{s, new(sync.Map)} }

type apart struct {
	eventstore.Ordered

	behind *sync.Map // uuid.UUID → int, of events that are not their append's last
}

const (
	apartFrom  = 1000
	apartLeast = 137 // between two records
	apartMore  = 101 // prime, and less than that: distances vary
)

// Far is the position that Apart gives to a record of the store.
func Far(p eventstore.Position) eventstore.Position {
	if p == eventstore.Start {
		return p
	}
	return apartFrom + p*apartLeast + p*p%apartMore
}

// near is the last position of the store that lies at or before one that is far.
func near(far eventstore.Position) eventstore.Position {
	if far < Far(1) {
		return eventstore.Start
	}
	p := (far - apartFrom) / apartLeast
	for Far(p) > far {
		p--
	}
	return p
}

func (s apart) moved(records iter.Seq2[eventstore.Record, error]) iter.Seq2[eventstore.Record, error] {
	return func(yield func(eventstore.Record, error) bool) {
		for r, err := range records {
			r.Position, r.Behind = Far(r.Position), 0
			if behind, ok := s.behind.Load(r.ID); ok {
				r.Behind = behind.(int)
			}
			if !yield(r, err) {
				return
			}
		}
	}
}

func farther(done eventstore.Appended, err error) (eventstore.Appended, error) {
	done.Position, done.Consecutive = Far(done.Position), false
	return done, err
}

// remember must come before anybody can read the events.
func (s apart) remember(events []eventstore.Event) {
	for i := range len(events) - 1 {
		s.behind.Store(events[i].ID, len(events)-1-i)
	}
}

func (s apart) Append(ctx context.Context, a eventstore.Append) (eventstore.Appended, error) {
	s.remember(a.Events)
	return farther(s.Ordered.Append(ctx, a))
}

func (s apart) Begin(ctx context.Context, a eventstore.Append) (func() (eventstore.Appended, error), error) {
	s.remember(a.Events)
	outcome, err := s.Ordered.Begin(ctx, a)
	if err != nil {
		return nil, err
	}
	return func() (eventstore.Appended, error) { return farther(outcome()) }, nil
}

func (s apart) ReadStream(ctx context.Context, stream string, from eventstore.Revision, dir eventstore.Direction) iter.Seq2[eventstore.Record, error] {
	return s.moved(s.Ordered.ReadStream(ctx, stream, from, dir))
}

func (s apart) ReadAll(ctx context.Context, after eventstore.Position) iter.Seq2[eventstore.Record, error] {
	return s.moved(s.Ordered.ReadAll(ctx, near(after)))
}

func (s apart) ReadAllBackwards(ctx context.Context, before eventstore.Position) iter.Seq2[eventstore.Record, error] {
	if before != eventstore.LastPosition && before != eventstore.Start {
		before = near(before-1) + 1
	}
	return s.moved(s.Ordered.ReadAllBackwards(ctx, before))
}

func (s apart) Head(ctx context.Context) (eventstore.Position, error) {
	head, err := s.Ordered.Head(ctx)
	return Far(head), err
}

func (s apart) Wait(ctx context.Context, after eventstore.Position) error {
	return s.Ordered.Wait(ctx, near(after))
}

// Spacing is how far apart its records are.
func (s apart) Spacing() float64 { return apartLeast }
