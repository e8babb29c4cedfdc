package storetest

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/supportledger/supportledger/eventstore"
)

func followCases() []Case {
	return []Case{
		{"Wait returns at once where there is something to read", Nothing, waitAtOnce},
		{"Wait wakes up everybody for a new record", Nothing, waitWakes},
		{"Wait ends with its context", Nothing, waitCancelled},
		{"Follow misses nothing and repeats nothing while others append", Nothing, follows},
	}
}

func waitAtOnce(t testing.TB, sub Subject) {
	s := sub.Store
	defer closes(t, s)
	done := put(t, s, in("w", eventstore.NoStream, Events(3)...))
	for _, after := range []eventstore.Position{eventstore.Start, done.Position - 1} {
		if err := s.Wait(soon(t), after); err != nil {
			t.Fatalf("wait after %d, head %d: %v", after, done.Position, err)
		}
	}
}

func waitWakes(t testing.TB, sub Subject) {
	s := sub.Store
	defer closes(t, s)
	after := put(t, s, in("w", eventstore.NoStream, Events(1)...)).Position
	for round := range 50 {
		woken := make(chan error, 4)
		for range cap(woken) {
			go func() { woken <- s.Wait(soon(t), after) }()
		}
		idle(t, s, after)
		done := put(t, s, in("w", eventstore.Revision(round), Events(1)...))
		for range cap(woken) {
			select {
			case err := <-woken:
				if err != nil {
					t.Fatalf("round %d: wait: %v", round, err)
				}
			case <-time.After(patience / 4):
				t.Fatalf("round %d: somebody who waits was not woken", round)
			}
		}
		after = done.Position
	}
}

// idle waits for a moment where nothing comes, which leaves others the time to
// wait too.
func idle(t testing.TB, s eventstore.Store, after eventstore.Position) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Millisecond)
	defer cancel()
	if err := s.Wait(ctx, after); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("wait after %d, where nothing comes: %v, want context.DeadlineExceeded", after, err)
	}
}

func waitCancelled(t testing.TB, sub Subject) {
	s := sub.Store
	defer closes(t, s)
	head := put(t, s, in("w", eventstore.NoStream, Events(1)...)).Position
	ctx, cancel := context.WithCancel(context.Background())
	woken := make(chan error, 1)
	go func() { woken <- s.Wait(ctx, head) }()
	cancel()
	select {
	case err := <-woken:
		if !errors.Is(err, context.Canceled) {
			t.Fatalf("wait: %v, want context.Canceled", err)
		}
	case <-time.After(patience / 4):
		t.Fatal("wait does not end with its context")
	}
}

func follows(t testing.TB, sub Subject) {
	s := sub.Store
	defer closes(t, s)
	const callers, each = 6, 30
	seen := make(chan []eventstore.Record, 1)
	go func() {
		var records []eventstore.Record
		for r, err := range eventstore.Follow(soon(t), s, eventstore.Start) {
			if err != nil {
				t.Errorf("follow after %d records: %v", len(records), err)
				break
			}
			if records = append(records, r); len(records) == callers*each {
				break
			}
		}
		seen <- records
	}()
	together(callers, func(i int) {
		for n := range each {
			if _, err := s.Append(soon(t), in(name("f", i), eventstore.Revision(n-1), Events(1)...)); err != nil {
				t.Errorf("append: %v", err)
			}
		}
	})
	sameRecords(t, "what was followed", <-seen, all(t, s))
}
