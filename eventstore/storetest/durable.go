package storetest

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"testing"

	"github.com/supportledger/supportledger/eventstore"
)

func durableCases() []Case {
	return []Case{
		{"what was recorded is there after reopening, and goes on from there", Reopening, survivesReopening},
		{"what was acknowledged survives a crash (R41)", Crashing, survivesCrash},
		{"what was seen survives a crash (R41)", Crashing, seenSurvivesCrash},
		{"after a crash every append is there whole or not at all", Crashing, wholeOrNot},
	}
}

func survivesReopening(t testing.TB, sub Subject) {
	s := sub.Store
	for i := range 30 {
		put(t, s, in(name("s", i%3), eventstore.Revision(2*(i/3)-1), Events(2)...))
	}
	before := all(t, s)
	for range 2 {
		s = sub.Reopen(t)
		sameRecords(t, "after reopening", all(t, s), before)
		if head, err := s.Head(soon(t)); err != nil || head != before[len(before)-1].Position {
			t.Fatalf("head %d, %v after reopening, want %d", head, err, before[len(before)-1].Position)
		}
	}
	defer closes(t, s)
	conflicts(t, s, in("s-0", 18, Events(1)...), 19)
	put(t, s, in("s-0", 19, Events(1)...))
	put(t, s, in("new", eventstore.NoStream, Events(1)...))
	inOrder(t, all(t, s))
}

func survivesCrash(t testing.TB, sub Subject) {
	s := sub.Store
	var want []eventstore.Event
	for range 5 {
		for range 7 {
			events := Events(2)
			put(t, s, in("s", eventstore.Revision(len(want)-1), events...))
			want = append(want, events...)
		}
		s = sub.Crash(t)
		sameEvents(t, "after a crash", stream(t, s, "s"), want)
		inOrder(t, all(t, s))
	}
	closes(t, s)
}

// A load is what callers and a reader know when the store crashes under them.
type load struct {
	mu           sync.Mutex
	asked        map[string][]eventstore.Append
	acknowledged map[string]int
	seen         []eventstore.Record
}

// underLoad crashes the store while callers append and a reader reads. It
// returns what came back, and what was known just before.
func underLoad(t testing.TB, sub Subject) (after eventstore.Store, before *load) {
	const callers, each = 8, 30
	l := &load{asked: map[string][]eventstore.Append{}, acknowledged: map[string]int{}}
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	var wg sync.WaitGroup
	half := make(chan struct{}, callers)
	for i := range callers {
		wg.Go(func() { l.call(ctx, sub.Store, name("c", i), each, half) })
	}
	wg.Go(func() { l.read(ctx, sub.Store) })
	for range callers / 2 {
		<-half
	}
	l.mu.Lock()
	before = &load{acknowledged: maps.Clone(l.acknowledged), seen: slices.Clone(l.seen)}
	l.mu.Unlock()
	after = sub.Crash(t)
	stop()
	wg.Wait()
	before.asked = l.asked
	return after, before
}

// call appends three events at a time, n times, and tells half when it is half way.
func (l *load) call(ctx context.Context, s eventstore.Store, stream string, n int, half chan<- struct{}) {
	for i := range n {
		if i == n/2 {
			half <- struct{}{}
		}
		a := in(stream, eventstore.Revision(3*i-1), Events(3)...)
		l.mu.Lock()
		l.asked[stream] = append(l.asked[stream], a)
		l.mu.Unlock()
		if _, err := s.Append(ctx, a); err != nil {
			return
		}
		l.mu.Lock()
		l.acknowledged[stream]++
		l.mu.Unlock()
	}
}

func (l *load) read(ctx context.Context, s eventstore.Store) {
	for r, err := range eventstore.Follow(ctx, s, eventstore.Start) {
		if err != nil {
			return
		}
		l.mu.Lock()
		l.seen = append(l.seen, r)
		l.mu.Unlock()
	}
}

func seenSurvivesCrash(t testing.TB, sub Subject) {
	s, before := underLoad(t, sub)
	defer closes(t, s)
	whole := all(t, s)
	if len(whole) < len(before.seen) {
		t.Fatalf("%d records after a crash, %d had been seen", len(whole), len(before.seen))
	}
	sameRecords(t, "what had been seen", whole[:len(before.seen)], before.seen)
}

func wholeOrNot(t testing.TB, sub Subject) {
	s, before := underLoad(t, sub)
	defer closes(t, s)
	inOrder(t, all(t, s))
	for caller, asked := range before.asked {
		got := stream(t, s, caller)
		if acked := before.acknowledged[caller]; len(got)%3 != 0 || len(got)/3 < acked || len(got)/3 > len(asked) {
			t.Fatalf("%s: %d records of appends of 3; %d were acknowledged, %d asked for", caller, len(got), acked, len(asked))
		}
		for n := range len(got) / 3 {
			sameEvents(t, name("append", n), got[3*n:3*n+3], asked[n].Events)
		}
	}
}

func endCases() []Case {
	return []Case{
		{"a closed store says so", Nothing, closed},
		{"Close finishes what was accepted", Reopening, closeFinishes},
		{"Close ends who waits", Nothing, closeEndsWaiting},
	}
}

func closed(t testing.TB, sub Subject) {
	s := sub.Store
	put(t, s, in("c", eventstore.NoStream, Events(1)...))
	closes(t, s)
	closes(t, s)
	if _, err := s.Append(soon(t), in("c", 0, Events(1)...)); !errors.Is(err, eventstore.ErrClosed) {
		t.Errorf("append: %v, want ErrClosed", err)
	}
	if err := s.Wait(soon(t), eventstore.Start); !errors.Is(err, eventstore.ErrClosed) {
		t.Errorf("wait: %v, want ErrClosed", err)
	}
	if _, err := s.Head(soon(t)); !errors.Is(err, eventstore.ErrClosed) {
		t.Errorf("head: %v, want ErrClosed", err)
	}
	for _, err := range s.ReadAll(soon(t), eventstore.Start) {
		if !errors.Is(err, eventstore.ErrClosed) {
			t.Errorf("read: %v, want ErrClosed", err)
		}
	}
}

func closeFinishes(t testing.TB, sub Subject) {
	results := make([]error, 32)
	var started, wg sync.WaitGroup
	started.Add(len(results))
	for i := range results {
		wg.Go(func() {
			started.Done()
			_, results[i] = sub.Store.Append(context.Background(), in(name("c", i), eventstore.NoStream, Events(1)...))
		})
	}
	started.Wait()
	s := sub.Reopen(t)
	defer closes(t, s)
	wg.Wait()
	for i, err := range results {
		if err != nil && !errors.Is(err, eventstore.ErrClosed) {
			t.Errorf("append %d: %v, want success or ErrClosed", i, err)
		}
		if got := len(stream(t, s, name("c", i))); (got == 1) != (err == nil) {
			t.Errorf("append %d answered %v and left %d records", i, err, got)
		}
	}
}

func closeEndsWaiting(t testing.TB, sub Subject) {
	s := sub.Store
	head := put(t, s, in("w", eventstore.NoStream, Events(1)...)).Position
	woken := make(chan error, 1)
	go func() { woken <- s.Wait(soon(t), head) }()
	closes(t, s)
	if err := <-woken; !errors.Is(err, eventstore.ErrClosed) {
		t.Fatalf("wait: %v, want ErrClosed", err)
	}
}
