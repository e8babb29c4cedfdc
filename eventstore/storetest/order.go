package storetest

import (
	"errors"
	"sync"
	"testing"

	"github.com/supportledger/supportledger/eventstore"
)

func orderCases() []Case {
	return []Case{
		{"of many that expect the same revision exactly one wins", Nothing, oneWins},
		{"appends of many callers lose nothing and keep every order", Nothing, manyCallers},
		{"many repeats at once record once and agree", Nothing, repeatsAtOnce},
		{"a reader is never shown a record at or below a position it has seen", Nothing, neverBelow},
		{"who was answered reads its own records", Nothing, readsOwn},
	}
}

// together runs fn n times at once and waits.
func together(n int, fn func(i int)) {
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { fn(i) })
	}
	wg.Wait()
}

func oneWins(t testing.TB, sub Subject) {
	s := sub.Store
	defer closes(t, s)
	for round := range 20 {
		expected := eventstore.Revision(2*round - 1)
		won := make(chan eventstore.Appended, 32)
		together(32, func(int) {
			done, err := s.Append(soon(t), in("race", expected, Events(2)...))
			var conflict *eventstore.ConflictError
			switch {
			case err == nil:
				won <- done
			case !errors.As(err, &conflict):
				t.Errorf("round %d: %v, want a ConflictError", round, err)
			case conflict.Expected != expected || conflict.Actual != expected+2:
				t.Errorf("round %d: conflict %+v, want actual %d", round, *conflict, expected+2)
			}
		})
		if len(won) != 1 {
			t.Fatalf("round %d: %d of 32 won, want 1", round, len(won))
		}
	}
	if got := stream(t, s, "race"); len(got) != 40 {
		t.Fatalf("%d records, want 40", len(got))
	}
	inOrder(t, all(t, s))
}

func manyCallers(t testing.TB, sub Subject) {
	s := sub.Store
	defer closes(t, s)
	const callers, each = 24, 25
	kept := make([][]eventstore.Event, callers)
	together(callers, func(i int) {
		for n := range each {
			events := Events(1 + n%3)
			done, err := s.Append(soon(t), in(name("caller", i), eventstore.Revision(len(kept[i])-1), events...))
			if err != nil {
				t.Errorf("caller %d: %v", i, err)
				return
			}
			kept[i] = append(kept[i], events...)
			if done.Revision != eventstore.Revision(len(kept[i])-1) {
				t.Errorf("caller %d: revision %d, want %d", i, done.Revision, len(kept[i])-1)
			}
		}
	})
	whole := all(t, s)
	inOrder(t, whole)
	total := 0
	for i := range kept {
		sameEvents(t, name("caller", i), stream(t, s, name("caller", i)), kept[i])
		total += len(kept[i])
	}
	if len(whole) != total {
		t.Fatalf("%d records in all, %d were acknowledged", len(whole), total)
	}
}

func repeatsAtOnce(t testing.TB, sub Subject) {
	s := sub.Store
	defer closes(t, s)
	for round := range 10 {
		a := in("again", eventstore.Revision(2*round-1), Events(2)...)
		answers := make(chan eventstore.Appended, 16)
		together(16, func(int) {
			done, err := s.Append(soon(t), a)
			if err != nil {
				t.Errorf("round %d: %v", round, err)
			}
			answers <- done
		})
		close(answers)
		first := <-answers
		for other := range answers {
			if other.Position != first.Position || other.Revision != first.Revision || !other.RecordedAt.Equal(first.RecordedAt) {
				t.Fatalf("round %d: answers %+v and %+v to the same append", round, first, other)
			}
		}
	}
	if got := stream(t, s, "again"); len(got) != 20 {
		t.Fatalf("%d records, want 20", len(got))
	}
}

// neverBelow reads on while others append; what it saw, in the order it saw it,
// must be what stands there in the end.
func neverBelow(t testing.TB, sub Subject) {
	s := sub.Store
	defer closes(t, s)
	const callers, each = 8, 40
	finished := make(chan struct{})
	go func() {
		defer close(finished)
		together(callers, func(i int) {
			for n := range each {
				if _, err := s.Append(soon(t), in(name("w", i), eventstore.Revision(2*n-1), Events(2)...)); err != nil {
					t.Errorf("append: %v", err)
					return
				}
			}
		})
	}()
	readers := make([][]eventstore.Record, 3)
	together(len(readers), func(i int) { readers[i] = readUntil(t, s, finished) })
	<-finished
	whole := all(t, s)
	inOrder(t, whole)
	for i := range readers {
		sameRecords(t, name("what reader saw", i), readers[i], whole)
	}
}

func readUntil(t testing.TB, s eventstore.Store, finished <-chan struct{}) []eventstore.Record {
	var seen []eventstore.Record
	after := eventstore.Start
	for last := false; ; {
		for r, err := range s.ReadAll(soon(t), after) {
			if err != nil {
				t.Errorf("read: %v", err)
				return seen
			}
			seen, after = append(seen, r), r.Position
		}
		if last {
			return seen
		}
		select {
		case <-finished:
			last = true
		default:
		}
	}
}

func readsOwn(t testing.TB, sub Subject) {
	s := sub.Store
	defer closes(t, s)
	together(16, func(i int) {
		for n := range 20 {
			done, err := s.Append(soon(t), in(name("own", i), eventstore.Revision(n-1), Events(1)...))
			if err != nil {
				t.Errorf("append: %v", err)
				return
			}
			if head, err := s.Head(soon(t)); err != nil || head < done.Position {
				t.Errorf("head is %d, %v, after position %d was acknowledged", head, err, done.Position)
			}
			found := false
			for r, err := range s.ReadStream(soon(t), name("own", i), eventstore.LastRevision, eventstore.Backwards) {
				found = err == nil && r.Position == done.Position
				break
			}
			if !found {
				t.Errorf("own/%d: the newest record is not the one acknowledged at %d", n, done.Position)
			}
		}
	})
}
