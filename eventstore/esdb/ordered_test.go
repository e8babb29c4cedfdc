package esdb_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/supportledger/supportledger/eventstore"
	"github.com/supportledger/supportledger/eventstore/esdbwire"
	"github.com/supportledger/supportledger/internal/badline"
)

// begin begins an append that must be taken.
func begin(t testing.TB, s eventstore.Ordered, a eventstore.Append) func() (eventstore.Appended, error) {
	t.Helper()
	outcome, err := s.Begin(soon(t), a)
	must(t, err)
	return outcome
}

// Appends that are begun one after another stand in the cluster in that order,
// however many are under way; what is refused is told as by Append, and stops no
// other.
func TestAppendsThatAreBegunStandInTheirOrder(t *testing.T) {
	t.Parallel()
	c := newCluster(t, nil)
	c.spread = true
	c.start()
	s := open(t, c.address)
	defer func() { must(t, s.Close()) }()
	const n = 2000
	outcomes := make(chan func() (eventstore.Appended, error), n)
	go func() {
		defer close(outcomes)
		for i := range n {
			outcome, err := s.Begin(soon(t), facts(fmt.Sprint("s-", i%50), eventstore.Revision(i/50*2)-1, 2))
			if err != nil {
				t.Error(err)
				return
			}
			outcomes <- outcome
		}
	}()
	var ends []eventstore.Position
	for outcome := range outcomes {
		done, err := outcome()
		must(t, err)
		ends = append(ends, done.Position)
	}
	i := 0
	for r, err := range s.ReadAll(soon(t), eventstore.Start) {
		must(t, err)
		if want := fmt.Sprint("s-", i/2%50); r.Stream != want || i%2 == 1 && r.Position != ends[i/2] {
			t.Fatalf("record %d is of %s at %v, want %s at %v", i, r.Stream, r.Position, want, ends[i/2])
		}
		i++
	}
	if i != 2*n {
		t.Errorf("%d records", i)
	}
	again := facts("again", eventstore.NoStream, 2)
	first, err := begin(t, s, again)()
	must(t, err)
	conflict, repeat, large, last := begin(t, s, facts("s-0", 5000, 1)), begin(t, s, again), facts("large", eventstore.NoStream, 1), facts("last", eventstore.NoStream, 1)
	large.Events[0].Data = make([]byte, 1<<20+1)
	tooLarge, good := begin(t, s, large), begin(t, s, last)
	var where *eventstore.ConflictError
	if _, err := conflict(); !errors.As(err, &where) || where.Actual != 79 {
		t.Errorf("a revision that is not there: %v", err)
	}
	if got, err := repeat(); err != nil || got != first {
		t.Errorf("a repeat is answered %+v, %v, the first time %+v", got, err, first)
	}
	if _, err := tooLarge(); !errors.Is(err, eventstore.ErrInvalid) {
		t.Errorf("too large: %v", err)
	}
	if _, err := good(); err != nil {
		t.Errorf("after all of these: %v", err)
	}
}

// Where the cluster goes, what was under way has no known outcome; when it is back,
// the same appends settle that, and others go on.
func TestR41_WhatWasBegunWhenTheClusterWentIsSettledByAskingAgain(t *testing.T) {
	t.Parallel()
	c := newCluster(t, nil)
	c.start()
	w := badline.New(t, c.address)
	s, there := open(t, w.Listen), open(t, c.address)
	defer func() { must(t, s.Close()); must(t, there.Close()) }()
	_, err := begin(t, s, facts("first", eventstore.NoStream, 1))()
	must(t, err)
	w.Disturb(badline.Deaf)
	a := facts("lost", eventstore.NoStream, 2)
	lost := begin(t, s, a)
	until(t, "the append is recorded", func() bool { return len(stream(t, there, "lost")) == 2 })
	w.Calm()
	w.Stop()
	if _, err := lost(); !errors.Is(err, eventstore.ErrUnknown) {
		t.Errorf("while the cluster is gone: %v", err)
	}
	must(t, w.Start())
	var done eventstore.Appended
	until(t, "the cluster takes appends again", func() bool {
		outcome, err := s.Begin(soon(t), a)
		if err == nil {
			done, err = outcome()
		}
		return err == nil
	})
	last := stream(t, there, "lost")[1]
	if done.Position != last.Position || !done.RecordedAt.Equal(last.RecordedAt) {
		t.Errorf("answered %+v, recorded is %v at %s", done, last.Position, last.RecordedAt)
	}
}

// A copied record keeps its time, though this store has seen later ones.
func TestCopiedTimesAreKeptAsFarAsTheSlackGoes(t *testing.T) {
	t.Parallel()
	c := newCluster(t, nil)
	c.start()
	s := open(t, c.address)
	defer func() { must(t, s.Close()) }()
	noon := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for i, at := range []time.Time{noon, noon.Add(-time.Minute), noon.Add(time.Second)} {
		a := facts(fmt.Sprint("s-", i), eventstore.NoStream, 1)
		a.At, a.Copied = at, true
		done, err := begin(t, s, a)()
		must(t, err)
		if got := stream(t, s, a.Stream)[0].RecordedAt; !got.Equal(at) || !done.RecordedAt.Equal(at) {
			t.Errorf("copied as of %s: recorded at %s, answered %s", at, got, done.RecordedAt)
		}
	}
	late := facts("late", eventstore.NoStream, 1)
	late.At, late.Copied = noon.Add(-time.Minute), true
	if _, err := s.Begin(soon(t), late); !errors.Is(err, eventstore.ErrInvalid) {
		t.Errorf("beyond the slack: %v", err)
	}
}

// A cluster that does not take appends says so.
func TestAppendsThatAreBegunWhereNobodyMayAppend(t *testing.T) {
	t.Parallel()
	c := newCluster(t, func(c *esdbwire.Config) { c.AcceptAppends = false })
	c.start()
	s := open(t, c.address)
	defer func() { must(t, s.Close()) }()
	if _, err := begin(t, s, facts("s", eventstore.NoStream, 1))(); !errors.Is(err, eventstore.ErrUnavailable) {
		t.Errorf("%v", err)
	}
}
