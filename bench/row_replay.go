package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/supportledger/supportledger/bench/site"
	"github.com/supportledger/supportledger/domain/contract"
	"github.com/supportledger/supportledger/eventstore"
	"github.com/supportledger/supportledger/eventstore/pebblestore"
)

// replayRow measures how fast the log becomes states again.
func replayRow() Row {
	return Row{
		Name: "replay", What: "replay of the whole log into states, warm, one goroutine", Unit: "events/s",
		Targets: []Target{limit(500_000)},
		Measure: func(ctx context.Context, lab *Lab) (Sample, error) {
			s, err := lab.log(ctx)
			if err != nil {
				return Sample{}, err
			}
			store, err := s.OpenStore()
			if err != nil {
				return Sample{}, err
			}
			sample, err := lab.replay(ctx, s, store)
			return sample, errors.Join(err, store.Close())
		},
	}
}

func (l *Lab) replay(ctx context.Context, s *site.Site, store *pebblestore.Store) (Sample, error) {
	defer asServed()()
	for _, err := range store.ReadAll(ctx, eventstore.Start) { // warms
		if err != nil {
			return Sample{}, err
		}
	}
	began, events := time.Now(), 0
	states := map[string]*contract.State{}
	err := l.profiled(func() (err error) {
		events, err = replayInto(ctx, states, store)
		return err
	})
	took := time.Since(began)
	if err != nil {
		return Sample{}, err
	}
	return Sample{
		Figure: float64(events) / took.Seconds(),
		Note:   fmt.Sprintf("%s events into %s states", count(int64(events)), count(int64(len(states)))),
	}, proved(s, states)
}

// replayInto evolves states by the whole log and counts its events.
func replayInto(ctx context.Context, states map[string]*contract.State, store *pebblestore.Store) (events int, err error) {
	var state *contract.State
	stream := "" // whose state it is: the events of one append follow each other
	for r, err := range store.ReadAll(ctx, eventstore.Start) {
		if err != nil {
			return 0, err
		}
		if r.Stream != stream {
			stream, state = r.Stream, states[r.Stream]
		}
		if state == nil {
			state = new(contract.State)
			states[r.Stream] = state
		}
		if err := contract.Replay(state, r.Type, r.Data); err != nil {
			return 0, err
		}
		events++
	}
	return events, nil
}

// proved compares what the states have deducted with what was submitted.
func proved(s *site.Site, states map[string]*contract.State) error {
	var deducted int64
	for _, state := range states {
		deducted += state.Balances(time.Now())[contract.Incident].Deducted
	}
	if deducted != int64(s.History.Submissions) || len(states) != s.History.Contracts {
		return fmt.Errorf("%d states with %d deductions were replayed, of a log of %+v", len(states), deducted, s.History)
	}
	return nil
}
