package copying_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/supportledger/supportledger/eventstore"
	"github.com/supportledger/supportledger/eventstore/copying"
	"github.com/supportledger/supportledger/eventstore/pebblestore"
	"github.com/supportledger/supportledger/eventstore/storetest"
)

func open(t testing.TB, dir string) *pebblestore.Store {
	t.Helper()
	s, err := pebblestore.Open(dir, pebblestore.Options{
		Logger: slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn})), Slack: time.Minute,
		CacheBytes: 8 << 20, LogMemBytes: 8 << 20, IndexMemBytes: 1 << 20,
	})
	must(t, err)
	t.Cleanup(func() { must(t, s.Close()) })
	return s
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// noon is when logs begin.
func noon() time.Time { return time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC) }

// written makes a log of some streams, in appends of some sizes, with times that
// run backwards now and then.
func written(t testing.TB, appends int) *pebblestore.Store {
	t.Helper()
	s := open(t, t.TempDir())
	pick, heads := rand.New(rand.NewPCG(1, 2)), map[string]eventstore.Revision{}
	for i := range appends {
		stream := fmt.Sprint("s-", pick.IntN(20))
		head, ok := heads[stream]
		if !ok {
			head = eventstore.NoStream
		}
		a := eventstore.Append{
			Stream: stream, Expected: head, Events: storetest.Events(1 + pick.IntN(3)), Copied: true,
			At: noon().Add(time.Duration(i/3) * time.Second).Add(-time.Duration(i%3/2) * time.Millisecond),
		}
		done, err := s.Append(t.Context(), a)
		must(t, err)
		heads[stream] = done.Revision
	}
	return s
}

func all(t testing.TB, s eventstore.Store) (texts []string) {
	t.Helper()
	for r, err := range s.ReadAll(context.Background(), eventstore.Start) {
		must(t, err)
		texts = append(texts, fmt.Sprintf("%+v", r))
	}
	return texts
}

// mustBeSame holds a copy to its original; between two embedded stores even the
// positions are the same.
func mustBeSame(t testing.TB, from, to eventstore.Store) {
	t.Helper()
	want, got := all(t, from), all(t, to)
	if len(want) != len(got) {
		t.Fatalf("%d records, want %d", len(got), len(want))
	}
	for i := range want {
		if got[i] != want[i] {
			t.Fatalf("record %d is\n%s\nwant\n%s", i, got[i], want[i])
		}
	}
}

// stopping is a target that fails after some appends, as one that is lost.
type stopping struct {
	*pebblestore.Store
	left int
}

func (s *stopping) Begin(ctx context.Context, a eventstore.Append) (func() (eventstore.Appended, error), error) {
	if s.left--; s.left < 0 {
		return nil, eventstore.ErrUnavailable
	}
	outcome, err := s.Store.Begin(ctx, a)
	if s.left > 0 || err != nil {
		return outcome, err
	}
	return func() (eventstore.Appended, error) {
		_, err := outcome()
		return eventstore.Appended{}, errors.Join(eventstore.ErrUnknown, err)
	}, nil
}

// Wherever a copy is stopped, the next one goes on, and every record is seen once
// by each.
func TestACopyGoesOnWhereItWasStopped(t *testing.T) {
	from := written(t, 600)
	to, whole := open(t, t.TempDir()), len(all(t, from))
	var found int64
	for round := range 5 {
		target := &stopping{to, 1 + round*30}
		if _, err := (&copying.Copy{From: from, To: target}).Run(t.Context()); !errors.Is(err, eventstore.ErrUnknown) {
			t.Fatalf("round %d: %v", round, err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		looked, there := 0, len(all(t, to))
		look := func(eventstore.Record) error {
			if looked++; looked == there+3 {
				cancel()
			}
			return nil
		}
		if _, err := (&copying.Copy{From: from, To: to, Look: look}).Run(ctx); !errors.Is(err, context.Canceled) {
			t.Fatalf("round %d: cancelled: %v", round, err)
		}
		found = int64(len(all(t, to)))
	}
	var seen []string
	var stages = map[string]eventstore.Position{}
	c := copying.Copy{
		From: from, To: to,
		Look:     func(r eventstore.Record) error { seen = append(seen, fmt.Sprintf("%+v", r)); return nil },
		Progress: func(stage string, at, head eventstore.Position) { stages[stage] = head },
	}
	got, err := c.Run(t.Context())
	must(t, err)
	if got.Found != found || got.Copied != int64(whole)-found || found == 0 || got.Copied == 0 || len(stages) < 2 {
		t.Errorf("%+v, stages %v; %d were there of %d", got, stages, found, whole)
	}
	if strings.Join(seen, "") != strings.Join(all(t, from), "") {
		t.Errorf("%d records were looked at, not each once in order", len(seen))
	}
	mustBeSame(t, from, to)
	if again, err := (&copying.Copy{From: from, To: to}).Run(t.Context()); err != nil || again.Copied != 0 || again.Found != int64(whole) || again.Head != got.Head {
		t.Errorf("once more: %+v, %v", again, err)
	}
}

// What the target holds beside the source's records is named, and nothing is added
// to it.
func TestATargetThatHoldsSomethingElseIsRefused(t *testing.T) {
	from := written(t, 50)
	records := func(n int) *pebblestore.Store {
		to, i := open(t, t.TempDir()), 0
		for r, err := range from.ReadAll(t.Context(), eventstore.Start) {
			must(t, err)
			if i++; i > n {
				break
			}
			a := eventstore.Append{Stream: r.Stream, Expected: r.Revision - 1, Events: []eventstore.Event{r.Event}, At: r.RecordedAt, Copied: true}
			if i == n {
				a.Events[0].Data = []byte("{}")
			}
			_, err := to.Append(t.Context(), a)
			must(t, err)
		}
		return to
	}
	other, longer := written(t, 10), open(t, t.TempDir())
	_, err := (&copying.Copy{From: from, To: longer}).Run(t.Context())
	must(t, err)
	_, err = longer.Append(t.Context(), eventstore.Append{Stream: "more", Expected: eventstore.NoStream, Events: storetest.Events(1), At: time.Now()})
	must(t, err)
	for name, to := range map[string]*pebblestore.Store{"another log": other, "one that is longer": longer, "other data": records(20), "in its first record": records(1)} {
		before := all(t, to)
		_, err := (&copying.Copy{From: from, To: to}).Run(t.Context())
		if different := new(copying.DifferentError); !errors.As(err, &different) || strings.Contains(err.Error(), "{}") {
			t.Errorf("%s: %v", name, err)
		}
		if after := all(t, to); len(after) != len(before) {
			t.Errorf("%s: now it has %d records, before %d", name, len(after), len(before))
		}
	}
}

// lying is a target that does not do what it says.
type lying struct {
	*pebblestore.Store
	change func(*eventstore.Append)
	swaps  bool // what stands where
}

func (s lying) Begin(ctx context.Context, a eventstore.Append) (func() (eventstore.Appended, error), error) {
	if s.change != nil {
		s.change(&a)
	}
	outcome, err := s.Store.Begin(ctx, a)
	if err != nil || !s.swaps {
		return outcome, err
	}
	return func() (eventstore.Appended, error) {
		done, err := outcome()
		done.Position %= 7
		return done, err
	}, nil
}

// Every record is read back: a target that records something else, or in another
// order, or a source to which somebody appends, is told.
func TestACopyIsNotWholeBeforeItWasCompared(t *testing.T) {
	from := written(t, 50)
	n := 0
	for name, test := range map[string]struct {
		to   lying
		look func(eventstore.Record) error
		want string
	}{
		"another time": {to: lying{change: func(a *eventstore.Append) { a.At = a.At.Add(time.Microsecond) }}, want: "something else"},
		"metadata":     {to: lying{change: func(a *eventstore.Append) { a.Events[0].Meta = nil }}, want: "something else"},
		"the order":    {to: lying{swaps: true}, want: "does not keep the order"},
		"a look": {look: func(eventstore.Record) error {
			if n++; n == 30 {
				return errors.New("not this one")
			}
			return nil
		}, want: "not this one"},
	} {
		test.to.Store = open(t, t.TempDir())
		_, err := (&copying.Copy{From: from, To: test.to, Look: test.look}).Run(t.Context())
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	grow := func(stage string, _, _ eventstore.Position) {
		if stage == "compare" {
			_, err := from.Append(context.Background(), eventstore.Append{Stream: "late", Expected: eventstore.NoStream, Events: storetest.Events(1), At: time.Now()})
			must(t, err)
		}
	}
	to := open(t, t.TempDir())
	if _, err := (&copying.Copy{From: from, To: to, Progress: grow}).Run(t.Context()); err == nil || !strings.Contains(err.Error(), "has grown") {
		t.Errorf("a source that grows: %v", err)
	}
	_, err := (&copying.Copy{From: from, To: to}).Run(t.Context())
	must(t, err)
	mustBeSame(t, from, to)
}

// telling is a target that remembers what the last of its appends said, and fails
// after some.
type telling struct {
	stopping
	unfinished bool
}

func (s *telling) Begin(ctx context.Context, a eventstore.Append) (func() (eventstore.Appended, error), error) {
	outcome, err := s.stopping.Begin(ctx, a)
	if err == nil {
		s.unfinished = a.Unfinished
	}
	return outcome, err
}

// After whichever append a copy is stopped, the last one there says that more
// follows, until all of it is there.
func TestOnlyAWholeCopyEndsAsALog(t *testing.T) {
	from := written(t, 40)
	to, whole := &telling{stopping: stopping{Store: open(t, t.TempDir())}}, len(all(t, from))
	for there := 0; there < whole; there = len(all(t, to)) {
		to.left = 1
		_, err := (&copying.Copy{From: from, To: to}).Run(t.Context())
		if now := len(all(t, to)); !errors.Is(err, eventstore.ErrUnknown) || now <= there || to.unfinished != (now < whole) {
			t.Fatalf("%d of %d records are there, after %d before: more is said to follow: %v; %v", now, whole, there, to.unfinished, err)
		}
	}
	to.left = 1
	got, err := (&copying.Copy{From: from, To: to}).Run(t.Context())
	if err != nil || got.Copied != 0 || to.left != 1 {
		t.Errorf("when all of it is there: %+v, %v", got, err)
	}
	mustBeSame(t, from, to)
}

// The last append waits for what lies before it to be compared.
func TestWhatIsNotTheSameIsNeverMadeALog(t *testing.T) {
	from := written(t, 50)
	to := &telling{stopping: stopping{Store: open(t, t.TempDir()), left: 1000}}
	changing := lying{Store: to.Store, change: func(a *eventstore.Append) { to.unfinished = a.Unfinished; a.Events[0].Meta = nil }}
	if _, err := (&copying.Copy{From: from, To: changing}).Run(t.Context()); err == nil || !to.unfinished || len(all(t, to)) == 0 {
		t.Errorf("%v; more is said to follow: %v", err, to.unfinished)
	}
}

// Nothing is copied of nothing.
func TestAnEmptyLogIsCopied(t *testing.T) {
	got, err := (&copying.Copy{From: open(t, t.TempDir()), To: open(t, t.TempDir())}).Run(t.Context())
	if err != nil || got != (copying.Result{}) {
		t.Errorf("%+v, %v", got, err)
	}
}
