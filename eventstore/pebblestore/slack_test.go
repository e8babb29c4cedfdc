package pebblestore_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/supportledger/supportledger/eventstore"
	"github.com/supportledger/supportledger/eventstore/pebblestore"
)

// copied is an append of a log in which several nodes have written.
func copied(stream string, expected eventstore.Revision, at time.Time) eventstore.Append {
	a := facts(stream, expected)
	a.At, a.Copied = at, true
	return a
}

// A log in which times overlap is copied with its times, and the store stays one in
// which they may: opened anew, verified, backed up and restored.
func TestCopiedTimesAreKeptAsFarAsTheSlackGoes(t *testing.T) {
	dir, noon := t.TempDir(), time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	opts := small(t)
	opts.Slack = time.Minute
	s := open(t, dir, opts)
	for i, at := range []time.Time{noon, noon.Add(-time.Minute), noon.Add(time.Second), noon.Add(-59 * time.Second)} {
		done, err := s.Append(soon(t), copied(fmt.Sprint("s-", i), eventstore.NoStream, at))
		if err != nil || !done.RecordedAt.Equal(at) {
			t.Fatalf("copied as of %s: recorded at %s, %v", at, done.RecordedAt, err)
		}
	}
	late := copied("late", eventstore.NoStream, noon.Add(-59*time.Second-time.Microsecond))
	if _, err := s.Append(soon(t), late); !errors.Is(err, eventstore.ErrInvalid) {
		t.Errorf("beyond the slack: %v", err)
	}
	own := facts("own", eventstore.NoStream)
	own.At = noon.Add(-time.Hour)
	if done, err := s.Append(soon(t), own); err != nil || !done.RecordedAt.Equal(noon.Add(time.Second)) {
		t.Errorf("what is not copied is recorded at %s, %v", done.RecordedAt, err)
	}
	to, again := filepath.Join(t.TempDir(), "backup"), filepath.Join(t.TempDir(), "restored")
	if err := s.Backup(soon(t), to); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := pebblestore.VerifyCopy(soon(t), to, small(t), nil); err != nil {
		t.Error(err)
	}
	if err := pebblestore.Restore(soon(t), to, again, small(t), nil, nil); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{dir, again} {
		s := open(t, dir, small(t))
		if err := s.Verify(soon(t), nil); err != nil || eventstore.Slack(s) != time.Minute {
			t.Errorf("%s: slack %v, %v", dir, eventstore.Slack(s), err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	if err := os.Remove(filepath.Join(again, "slack")); err != nil {
		t.Fatal(err)
	}
	s = open(t, again, small(t))
	defer s.Close()
	if err := s.Verify(soon(t), nil); !errors.As(err, new(*eventstore.CorruptError)) {
		t.Errorf("without its slack, verifying says %v", err)
	}
}

// Where times never run backwards, what is copied is refused rather than moved.
func TestAStoreWithoutSlackTakesNoTimeThatRunsBackwards(t *testing.T) {
	s := open(t, t.TempDir(), small(t))
	defer s.Close()
	noon := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	if _, err := s.Append(soon(t), copied("a", eventstore.NoStream, noon)); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Append(soon(t), copied("b", eventstore.NoStream, noon.Add(-time.Microsecond))); !errors.Is(err, eventstore.ErrInvalid) {
		t.Errorf("earlier: %v", err)
	}
	if eventstore.Slack(s) != 0 {
		t.Errorf("slack %v", eventstore.Slack(s))
	}
}

// Appends that are begun one after another stand in the log in that order, however
// many are under way; one that is refused stops no other, and a repeat is answered
// as the first time.
func TestAppendsThatAreBegunStandInTheirOrder(t *testing.T) {
	s := open(t, t.TempDir(), small(t))
	defer s.Close()
	const n = 1000
	var outcomes []func() (eventstore.Appended, error)
	begin := func(a eventstore.Append) {
		outcome, err := s.Begin(soon(t), a)
		if err != nil {
			t.Fatal(err)
		}
		outcomes = append(outcomes, outcome)
	}
	for i := range n {
		begin(facts(fmt.Sprint("s-", i%10), eventstore.Revision(i/10*2)-1))
	}
	begin(facts("s-0", 5_000)) // nothing stands there
	begin(facts("s-1", 1))     // a repeat
	begin(facts("last", eventstore.NoStream))
	for i, outcome := range outcomes {
		done, err := outcome()
		var conflict *eventstore.ConflictError
		switch {
		case i < n && (err != nil || done.Position != eventstore.Position(2*i+2)),
			i == n && !errors.As(err, &conflict),
			i == n+1 && (err != nil || done.Position != 24),
			i == n+2 && (err != nil || done.Position != 2*n+2):
			t.Fatalf("append %d: %+v, %v", i, done, err)
		}
	}
	if _, err := s.Begin(soon(t), eventstore.Append{}); !errors.Is(err, eventstore.ErrInvalid) {
		t.Errorf("nothing at all: %v", err)
	}
}

// R45: who begins appends may be stopped at any moment: what was recorded is the
// beginning of what was begun, with nothing left out.
func TestAppendsThatAreBegunAreNotWithdrawn(t *testing.T) {
	s := open(t, t.TempDir(), small(t))
	defer s.Close()
	next := eventstore.Start
	for round := range 50 {
		stopped(t, s, round)
		i := 0
		for r, err := range s.ReadAll(soon(t), next) {
			if err != nil {
				t.Fatal(err)
			}
			if want := fmt.Sprintf("%d-%d", round, i/2); r.Stream != want {
				t.Fatalf("%s stands where %s was begun", r.Stream, want)
			}
			next = r.Position
			i++
		}
	}
}

// stopped begins appends, and is stopped while they are under way.
func stopped(t *testing.T, s *pebblestore.Store, round int) {
	ctx, stop := context.WithCancel(soon(t))
	defer stop()
	var waiting sync.WaitGroup
	for i := range 1000 {
		if i == 900 {
			waiting.Go(stop)
		}
		outcome, err := s.Begin(ctx, facts(fmt.Sprintf("%d-%d", round, i), eventstore.NoStream))
		if err != nil {
			break
		}
		waiting.Go(func() { _, _ = outcome() })
	}
	waiting.Wait()
}
