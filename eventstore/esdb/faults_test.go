package esdb_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/supportledger/supportledger/eventstore"
	"github.com/supportledger/supportledger/eventstore/esdb"
	"github.com/supportledger/supportledger/eventstore/esdbwire/wiretest"
	"github.com/supportledger/supportledger/eventstore/storetest"
	"github.com/supportledger/supportledger/internal/badline"
)

func facts(stream string, expected eventstore.Revision, n int) eventstore.Append {
	return eventstore.Append{Stream: stream, Expected: expected, Events: storetest.Events(n), At: time.Now()}
}

func stream(t testing.TB, s eventstore.Store, name string) (records []eventstore.Record) {
	t.Helper()
	for r, err := range s.ReadStream(soon(t), name, 0, eventstore.Forwards) {
		must(t, err)
		records = append(records, r)
	}
	return records
}

// until waits for a condition.
func until(t testing.TB, what string, holds func() bool) {
	t.Helper()
	wiretest.Until(soon(t), t, what, holds)
}

// R41: an append whose answer was lost is found by its event ids, though another
// node has appended to the stream since.
func TestR41_ALostAnswerIsFoundByItsIDs(t *testing.T) {
	t.Parallel()
	c := newCluster(t, nil)
	c.start()
	w := badline.New(t, c.address)
	here, there := open(t, w.Listen), open(t, c.address)
	defer func() { must(t, here.Close()); must(t, there.Close()) }()
	for round := range 3 {
		a := facts("lost", eventstore.Revision(3*round)-1, 2)
		answered := make(chan error, 1)
		var done eventstore.Appended
		w.Disturb(badline.Deaf)
		go func() {
			var err error
			done, err = here.Append(soon(t), a)
			answered <- err
		}()
		until(t, "the append is recorded", func() bool { return len(stream(t, there, "lost")) == 3*round+2 })
		_, err := there.Append(soon(t), facts("lost", a.Expected+2, 1))
		must(t, err)
		w.Calm()
		w.Stop() // what was on its way is lost
		must(t, w.Start())
		must(t, <-answered)
		got := stream(t, there, "lost")
		if len(got) != 3*round+3 {
			t.Fatalf("round %d: %d records, want %d: written twice?", round, len(got), 3*round+3)
		}
		last := got[a.Expected+2]
		if last.ID != a.Events[1].ID || done.Position != last.Position || !done.RecordedAt.Equal(last.RecordedAt) || done.Revision != last.Revision {
			t.Fatalf("round %d: answered %+v, recorded is %d@%d at %s", round, done, last.Position, last.Revision, last.RecordedAt)
		}
	}
}

// An append that was given up with ErrUnknown is answered as the first time when
// it is asked again, however late that is.
func TestR41_AnUnknownOutcomeIsSettledByAskingAgain(t *testing.T) {
	t.Parallel()
	c := newCluster(t, nil)
	c.start()
	w := badline.New(t, c.address)
	s := open(t, w.Listen, func(o *esdb.Options) { o.Patience = 300 * time.Millisecond })
	defer s.Close()
	a := facts("open", eventstore.NoStream, 2)
	w.Disturb(badline.Deaf)
	if _, err := s.Append(soon(t), a); !errors.Is(err, eventstore.ErrUnknown) {
		t.Fatalf("the answer did not come back: %v, want ErrUnknown", err)
	}
	w.Calm()
	w.Stop()
	must(t, w.Start())
	a.At, a.Before = a.At.Add(time.Second), a.At.Add(time.Minute)
	var done eventstore.Appended
	until(t, "the repeat is answered", func() (ok bool) {
		var err error
		if done, err = s.Append(soon(t), a); err != nil && !errors.Is(err, eventstore.ErrUnavailable) && !errors.Is(err, eventstore.ErrUnknown) {
			t.Fatal(err)
		}
		return err == nil
	})
	got := stream(t, s, "open")
	if len(got) != 2 || !got[1].RecordedAt.Equal(done.RecordedAt) || got[1].Position != done.Position {
		t.Fatalf("%d records; answered %+v, recorded at %s", len(got), done, got[1].RecordedAt)
	}
}

// While the cluster is gone everything is refused at once and for certain; when it
// is there again, so is the store.
func TestTheClusterMayBeGoneForAWhile(t *testing.T) {
	t.Parallel()
	c := newCluster(t, nil)
	c.start()
	s := open(t, c.address)
	defer s.Close()
	done, err := s.Append(soon(t), facts("a", eventstore.NoStream, 1))
	must(t, err)
	woken := make(chan error, 1)
	go func() { woken <- s.Wait(soon(t), done.Position) }()
	for round := range 2 {
		c.halt()
		refused := facts(fmt.Sprintf("refused-%d", round), eventstore.NoStream, 1)
		for range 20 {
			began := time.Now()
			if _, err := s.Append(soon(t), refused); !errors.Is(err, eventstore.ErrUnavailable) || errors.Is(err, eventstore.ErrUnknown) {
				t.Fatalf("append: %v, want ErrUnavailable", err)
			}
			if took := time.Since(began); took > 3*time.Second {
				t.Fatalf("a refusal took %v", took)
			}
		}
		if _, err := s.Head(soon(t)); !errors.Is(err, eventstore.ErrUnavailable) {
			t.Fatalf("head: %v, want ErrUnavailable", err)
		}
		for _, err := range s.ReadAll(soon(t), eventstore.Start) {
			if !errors.Is(err, eventstore.ErrUnavailable) {
				t.Fatalf("read: %v, want ErrUnavailable", err)
			}
		}
		c.start()
		until(t, "the cluster is found again", func() bool { _, err := s.Head(soon(t)); return err == nil })
		if got := stream(t, s, refused.Stream); len(got) != 0 {
			t.Fatalf("what was refused is recorded: %d records", len(got))
		}
	}
	select {
	case err := <-woken:
		t.Fatalf("woken by nothing: %v", err)
	default:
	}
	other := open(t, c.address)
	defer other.Close()
	_, err = other.Append(soon(t), facts("b", eventstore.NoStream, 1))
	must(t, err)
	must(t, <-woken)
}

// A read that is cut off goes on where it was.
func TestReadsGoOnOverACutConnection(t *testing.T) {
	t.Parallel()
	c := newCluster(t, nil)
	c.start()
	w := badline.New(t, c.address)
	s := open(t, w.Listen)
	defer s.Close()
	const records = 3000
	for i := 0; i < records; i += 100 {
		_, err := s.Append(soon(t), facts("long", eventstore.Revision(i)-1, 100))
		must(t, err)
	}
	want := stream(t, s, "long")
	var got []eventstore.Record
	for r, err := range s.ReadAll(soon(t), eventstore.Start) {
		must(t, err)
		if got = append(got, r); len(got)%700 == 0 {
			w.Stop()
			must(t, w.Start())
		}
	}
	if len(got) != len(want) {
		t.Fatalf("read %d records of %d", len(got), len(want))
	}
	for i := range got {
		if got[i].Position != want[i].Position {
			t.Fatalf("record %d stands at %d, want %d", i, got[i].Position, want[i].Position)
		}
	}
}

// R41: whatever happens to the line, what was acknowledged is there once, what was
// refused is not, and what is unknown is there whole or not at all.
func TestR41_OverABadLineNothingIsLostOrDoubled(t *testing.T) {
	t.Parallel()
	c := newCluster(t, nil)
	c.start()
	w := badline.New(t, c.address)
	s := open(t, w.Listen, func(o *esdb.Options) { o.Patience = 150 * time.Millisecond })
	defer s.Close()
	const callers, each = 8, 60
	var wg, cutting sync.WaitGroup
	ended := make(chan struct{})
	cutting.Go(func() { cutAtRandom(w, ended) })
	tallies := make([]tally, callers)
	for i := range callers {
		wg.Go(func() { tallies[i].append(t, s, fmt.Sprintf("caller-%d", i), each) })
	}
	wg.Wait()
	close(ended)
	cutting.Wait()
	direct := open(t, c.address)
	defer direct.Close()
	for i := range tallies {
		tallies[i].compare(t, stream(t, direct, fmt.Sprintf("caller-%d", i)))
	}
}

func cutAtRandom(w badline.Line, ended <-chan struct{}) {
	for {
		select {
		case <-ended:
			return
		case <-time.After(rand.N(120 * time.Millisecond)):
		}
		switch rand.IntN(3) {
		case 0:
			w.Stop()
			_ = w.Start() // an address that is taken for a moment is tried the next time
		case 1:
			_, _ = w.Toxics.AddToxicJson(strings.NewReader(`{"type": "reset_peer", "stream": "downstream", "attributes": {"timeout": 5}}`))
		default:
			_, _ = w.Toxics.AddToxicJson(strings.NewReader(badline.Deaf))
		}
		select {
		case <-ended:
		case <-time.After(rand.N(60 * time.Millisecond)):
		}
		w.Calm()
		w.Stop()
		_ = w.Start()
	}
}

// A tally is what one caller knows about its own stream.
type tally struct {
	acknowledged, refused, unknown []eventstore.Append
}

func (y *tally) append(t *testing.T, s eventstore.Store, name string, n int) {
	head := eventstore.NoStream
	for range n {
		a := facts(name, head, 2)
		_, err := s.Append(context.Background(), a)
		switch {
		case err == nil:
			y.acknowledged = append(y.acknowledged, a)
			head += 2
		case errors.Is(err, eventstore.ErrUnknown):
			y.unknown = append(y.unknown, a)
		case errors.Is(err, eventstore.ErrUnavailable):
			y.refused = append(y.refused, a)
		default:
			conflict := new(eventstore.ConflictError)
			if !errors.As(err, &conflict) || len(y.unknown) == 0 {
				t.Errorf("%s: %v", name, err)
				return
			}
			head = conflict.Actual // an unknown one was recorded after all
		}
	}
}

func (y *tally) compare(t *testing.T, got []eventstore.Record) {
	t.Helper()
	count := map[string]int{}
	for _, r := range got {
		count[r.ID.String()]++
	}
	there := func(a eventstore.Append) int { return count[a.Events[0].ID.String()] + count[a.Events[1].ID.String()] }
	for _, a := range y.acknowledged {
		if there(a) != 2 {
			t.Errorf("acknowledged, and %d of its 2 events are there", there(a))
		}
	}
	for _, a := range y.refused {
		if there(a) != 0 {
			t.Errorf("refused for certain, and %d of its events are there", there(a))
		}
	}
	for _, a := range y.unknown {
		if n := there(a); n != 0 && n != 2 {
			t.Errorf("of an append of 2 events whose outcome is unknown %d are there", n)
		}
	}
	t.Logf("%d acknowledged, %d refused, %d unknown", len(y.acknowledged), len(y.refused), len(y.unknown))
}
