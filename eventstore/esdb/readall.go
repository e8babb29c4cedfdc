package esdb

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"sync"
	"sync/atomic"

	client "github.com/EventStore/EventStore-Client-Go/v4/esdb"

	"github.com/supportledger/supportledger/eventstore"
)

// The server passes over its own events, and says now and then how far it is.
const (
	searchWindow       = 1024 // events that the server looks at at once
	checkpointInterval = 8    // of them
)

// ReadAll yields the records after a position, by a subscription that is ended
// when it has caught up: only subscriptions have filters in the client.
func (s *Store) ReadAll(ctx context.Context, after eventstore.Position) iter.Seq2[eventstore.Record, error] {
	return s.subscription(ctx, after, true)
}

// subscription yields the records after a position, and ends where there are no
// more, or goes on for ever.
func (s *Store) subscription(ctx context.Context, after eventstore.Position, ends bool) iter.Seq2[eventstore.Record, error] {
	return func(yield func(eventstore.Record, error) bool) {
		begin, moved, before := after, false, eventstore.Start
		for {
			var refused error
			from := func(last *eventstore.Record) source {
				if last != nil {
					begin = last.Position
				}
				return allAfter(begin, ends)
			}
			for r, err := range s.resuming(ctx, from) {
				if err != nil && !moved && misplaced(err) {
					refused = err
					break
				}
				if r.Position <= after && err == nil {
					continue
				}
				if before != eventstore.Start && err == nil {
					s.spacing.saw(before, r.Position)
				}
				before = r.Position
				if !yield(r, err) || err != nil {
					return
				}
			}
			if refused == nil {
				return
			}
			moved = true
			var err error
			if begin, err = s.floor(ctx, after); err != nil {
				yield(eventstore.Record{}, err)
				return
			}
		}
	}
}

func allAfter(after eventstore.Position, ends bool) source {
	options := client.SubscribeToAllOptions{
		From: client.Start{}, MaxSearchWindow: searchWindow, CheckpointInterval: checkpointInterval,
		Filter: client.ExcludeSystemEventsFilter(),
	}
	if after > eventstore.Start {
		options.From = client.Position{Commit: uint64(after), Prepare: uint64(after)}
	}
	return func(ctx context.Context, c *client.Client) (func() (step, error), func(), error) {
		sub, err := c.SubscribeToAll(ctx, options)
		if err != nil {
			return nil, nil, err
		}
		next := func() (step, error) {
			e := sub.Recv()
			switch {
			case e.SubscriptionDropped != nil && ended(e.SubscriptionDropped.Error):
				return step{}, fmt.Errorf("%w: the server has ended a subscription", eventstore.ErrUnavailable)
			case e.SubscriptionDropped != nil:
				return step{}, e.SubscriptionDropped.Error
			case e.EventAppeared != nil:
				return step{event: e.EventAppeared.OriginalEvent()}, nil
			}
			return step{end: ends && e.CaughtUp != nil}, nil
		}
		return next, func() { _ = sub.Close() }, nil
	}
}

// one reads the record that stands at a position; nothing where none does.
func (s *Store) one(ctx context.Context, at eventstore.Position) iter.Seq2[eventstore.Record, error] {
	return func(yield func(eventstore.Record, error) bool) {
		from := func(*eventstore.Record) source {
			return func(ctx context.Context, c *client.Client) (func() (step, error), func(), error) {
				options := client.ReadAllOptions{Direction: client.Forwards, From: client.Position{Commit: uint64(at), Prepare: uint64(at)}}
				return counted(c.ReadAll(ctx, options, single))
			}
		}
		for r, err := range s.resuming(ctx, from) {
			if err != nil && misplaced(err) || err == nil && r.Position != at {
				return
			}
			yield(r, err)
			return
		}
	}
}

// floor is the position of the newest record at or before a position. The cluster
// reads from records alone, so this one is looked for, from the nearest record
// that was met before.
func (s *Store) floor(ctx context.Context, p eventstore.Position) (eventstore.Position, error) {
	if head, err := s.Head(ctx); err != nil || p >= head {
		return head, err
	}
	for r, err := range s.one(ctx, p) {
		return r.Position, err
	}
	for after, err := range s.one(ctx, p+1) { // as where a record's neighbour is asked for
		if err != nil {
			return 0, err
		}
		for r, err := range s.backwards(ctx, client.Position{Commit: uint64(after.Position), Prepare: uint64(after.Position)}, eventstore.Start, single) {
			return r.Position, err
		}
		return eventstore.Start, nil
	}
	at := s.marks.below(p)
	n := 0
	for r, err := range s.subscription(ctx, at, true) {
		if err != nil && !errors.Is(err, context.Canceled) {
			return 0, err
		}
		if err != nil || r.Position > p {
			return at, err
		}
		if at = r.Position; n%markEvery == 0 {
			s.marks.add(at)
		}
		n++
	}
	return at, nil
}

// A spacing is how far records that follow each other stand apart, on average.
type spacing struct{ distance, records atomic.Uint64 }

func (s *spacing) saw(before, r eventstore.Position) {
	s.distance.Add(uint64(r - before))
	s.records.Add(1)
}

// usualSpacing is about what a ledger's record takes in the cluster's files.
const usualSpacing = 1000

// Spacing is how far apart the positions of records are that follow each other, on
// average, by what this Store has read of the whole log. The cluster's own events
// stand between them, too.
func (s *Store) Spacing() float64 {
	records := s.spacing.records.Load()
	if records == 0 {
		return usualSpacing
	}
	return float64(s.spacing.distance.Load()) / float64(records)
}

const (
	markEvery = 500
	mostMarks = 1 << 16
)

// marks are some positions where records stand.
type marks struct {
	mu sync.Mutex
	at []eventstore.Position // in order
}

func (m *marks) below(p eventstore.Position) eventstore.Position {
	m.mu.Lock()
	defer m.mu.Unlock()
	if i, exact := slices.BinarySearch(m.at, p); exact {
		return p
	} else if i > 0 {
		return m.at[i-1]
	}
	return eventstore.Start
}

func (m *marks) add(p eventstore.Position) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if i, exact := slices.BinarySearch(m.at, p); !exact && len(m.at) < mostMarks {
		m.at = slices.Insert(m.at, i, p)
	}
}
