package storetest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/eventstore"
)

func appendCases() []Case {
	return []Case{
		{"an append is read back as it was asked for", Nothing, readsBack},
		{"the events of an append stand together, in order", Nothing, standTogether},
		{"the place that is told of an event is in its record", Nothing, tellsPlaces},
		{"the place that was told of an event is there after reopening", Reopening, keepsPlaces},
		{"a conflict names both revisions and records nothing", Nothing, conflictRecordsNothing},
		{"NoStream means that the stream has no record", Nothing, noStream},
		{"a repeat is answered as the first time and recorded once", Nothing, repeats},
		{"a repeat is known by all of its ids at exactly its place", Nothing, repeatsExactly},
		{"a repeat is known after reopening", Reopening, repeatsAfterReopening},
		{"a malformed append is refused and records nothing", Nothing, malformed},
		{"large events are kept whole", Nothing, largeEvents},
		{"an append of many events is one append", Nothing, manyEvents},
		{"an append whose context is over records nothing", Nothing, cancelled},
	}
}

func readsBack(t testing.TB, sub Subject) {
	s := sub.Store
	defer closes(t, s)
	events := Events(3)
	events[1].Data, events[2].Meta = []byte{}, nil
	first := put(t, s, in("reads-back", eventstore.NoStream, events...))
	got := stream(t, s, "reads-back")
	sameEvents(t, "stream", got, events)
	for i, r := range got {
		if r.Stream != "reads-back" || r.Revision != eventstore.Revision(i) {
			t.Fatalf("record %d is %s, want reads-back/%d", i, describe(r), i)
		}
		if !r.RecordedAt.Equal(noon()) || r.RecordedAt.Location() != time.UTC {
			t.Fatalf("recorded at %s, want %s", r.RecordedAt, noon())
		}
	}
	if got[2].Position != first.Position || !first.RecordedAt.Equal(noon()) {
		t.Fatalf("append answered position %d at %s, its last record stands at %d", first.Position, first.RecordedAt, got[2].Position)
	}
}

// tellsPlaces: whoever was told a position can be told it again, and it is none at
// which the event cannot be read yet.
func tellsPlaces(t testing.TB, sub Subject) {
	defer closes(t, sub.Store)
	toldAgain(t, sub.Store, appendPlaces(t, sub.Store))
}

func keepsPlaces(t testing.TB, sub Subject) {
	done := appendPlaces(t, sub.Store)
	s := sub.Reopen(t)
	defer closes(t, s)
	toldAgain(t, s, done)
}

// appendPlaces makes appends of one, two, ... events to a stream.
func appendPlaces(t testing.TB, s eventstore.Store) (all []eventstore.Appended) {
	last := eventstore.NoStream
	for n := range 6 {
		done := put(t, s, in("places", last, Events(n+1)...))
		last, all = done.Revision, append(all, done)
	}
	return all
}

func toldAgain(t testing.TB, s eventstore.Store, appends []eventstore.Appended) {
	t.Helper()
	got, next := stream(t, s, "places"), eventstore.Revision(0)
	for _, done := range appends {
		for ; next <= done.Revision; next++ {
			r, told := got[next], done.PlaceOf(next)
			if r.Behind < 0 || r.Revision+eventstore.Revision(r.Behind) > done.Revision {
				t.Fatalf("revision %d of an append up to %d says that its place is %d further", next, done.Revision, r.Behind)
			}
			if at := got[int(next)+r.Behind].Position; told != at || told < r.Position {
				t.Fatalf("revision %d stands at %d; %d was told of it, and its record leads to %d", next, r.Position, told, at)
			}
		}
	}
}

func standTogether(t testing.TB, sub Subject) {
	s := sub.Store
	defer closes(t, s)
	var want []eventstore.Event
	for i := range 4 {
		a, b := Events(2), Events(3)
		put(t, s, in("a", eventstore.Revision(2*i-1), a...))
		put(t, s, in("b", eventstore.Revision(3*i-1), b...))
		want = append(append(want, a...), b...)
	}
	got := all(t, s)
	sameEvents(t, "all streams", got, want)
	inOrder(t, got)
}

func conflictRecordsNothing(t testing.TB, sub Subject) {
	s := sub.Store
	defer closes(t, s)
	put(t, s, in("c", eventstore.NoStream, Events(3)...))
	before := all(t, s)
	conflicts(t, s, in("c", eventstore.NoStream, Events(1)...), 2)
	conflicts(t, s, in("c", 0, Events(2)...), 2)
	conflicts(t, s, in("c", 1, Events(2)...), 2)
	conflicts(t, s, in("c", 3, Events(1)...), 2)
	sameRecords(t, "after conflicts", all(t, s), before)
	put(t, s, in("c", 2, Events(1)...))
}

func noStream(t testing.TB, sub Subject) {
	s := sub.Store
	defer closes(t, s)
	conflicts(t, s, in("n", 0, Events(1)...), eventstore.NoStream)
	conflicts(t, s, in("n", 7, Events(1)...), eventstore.NoStream)
	if got := stream(t, s, "n"); len(got) != 0 {
		t.Fatalf("a stream that was never written has %d records", len(got))
	}
	put(t, s, in("n", eventstore.NoStream, Events(1)...))
	put(t, s, in("n-longer", eventstore.NoStream, Events(1)...))
	conflicts(t, s, in("n-longe", 0, Events(1)...), eventstore.NoStream)
	conflicts(t, s, in("n", eventstore.NoStream, Events(1)...), 0)
}

func repeats(t testing.TB, sub Subject) {
	s := sub.Store
	defer closes(t, s)
	create, next := in("r", eventstore.NoStream, Events(2)...), in("r", 1, Events(3)...)
	next.Before = noon().Add(time.Hour)
	created, nexted := put(t, s, create), put(t, s, next)
	later := in("other", eventstore.NoStream, Events(1)...)
	later.At = noon().Add(2 * time.Hour)
	put(t, s, later)
	before := all(t, s)
	for what, c := range map[string]struct {
		again eventstore.Append
		first eventstore.Appended
	}{"the first append": {create, created}, "a later append, though it is too late by now": {next, nexted}} {
		again, err := s.Append(soon(t), c.again)
		if err != nil {
			t.Fatalf("repeat of %s: %v", what, err)
		}
		if again.Position != c.first.Position || again.Revision != c.first.Revision || !again.RecordedAt.Equal(c.first.RecordedAt) {
			t.Fatalf("repeat of %s answered %+v, the first time %+v", what, again, c.first)
		}
	}
	sameRecords(t, "after repeats", all(t, s), before)
}

func repeatsExactly(t testing.TB, sub Subject) {
	s := sub.Store
	defer closes(t, s)
	events := Events(4)
	put(t, s, in("x", eventstore.NoStream, events[:2]...))
	put(t, s, in("x", 1, events[2:]...))
	conflicts(t, s, in("x", 0, events[2:]...), 3)
	conflicts(t, s, in("x", eventstore.NoStream, events[0], Events(1)[0]), 3)
	conflicts(t, s, in("x", eventstore.NoStream, events[1], events[0]), 3)
	conflicts(t, s, in("x", 1, append(append([]eventstore.Event{}, events[2:]...), Events(1)...)...), 3)
	conflicts(t, s, in("y", 1, events[2:]...), eventstore.NoStream)
}

func repeatsAfterReopening(t testing.TB, sub Subject) {
	a := in("r", eventstore.NoStream, Events(2)...)
	first := put(t, sub.Store, a)
	s := sub.Reopen(t)
	defer closes(t, s)
	again, err := s.Append(soon(t), a)
	if err != nil || again.Position != first.Position || !again.RecordedAt.Equal(first.RecordedAt) {
		t.Fatalf("repeat after reopening: %+v, %v; the first time %+v", again, err, first)
	}
	if got := all(t, s); len(got) != 2 {
		t.Fatalf("%d records, want 2", len(got))
	}
}

func malformed(t testing.TB, sub Subject) {
	s := sub.Store
	defer closes(t, s)
	with := func(change func(*eventstore.Append)) eventstore.Append {
		a := in("m", eventstore.NoStream, Events(1)...)
		change(&a)
		return a
	}
	for what, a := range map[string]eventstore.Append{
		"no stream name":           with(func(a *eventstore.Append) { a.Stream = "" }),
		"a long stream name":       with(func(a *eventstore.Append) { a.Stream = strings.Repeat("s", eventstore.MaxStreamBytes+1) }),
		"a stream name with zero":  with(func(a *eventstore.Append) { a.Stream = "m\x00m" }),
		"a stream of EventStoreDB": with(func(a *eventstore.Append) { a.Stream = "$all" }),
		"a type of EventStoreDB":   with(func(a *eventstore.Append) { a.Events[0].Type = "$metadata" }),
		"a blind append":           with(func(a *eventstore.Append) { a.Expected = -2 }),
		"no events":                with(func(a *eventstore.Append) { a.Events = nil }),
		"no event id":              with(func(a *eventstore.Append) { a.Events[0].ID = uuid.Nil }),
		"no type":                  with(func(a *eventstore.Append) { a.Events[0].Type = "" }),
		"a long type":              with(func(a *eventstore.Append) { a.Events[0].Type = strings.Repeat("t", eventstore.MaxStreamBytes+1) }),
	} {
		if _, err := s.Append(soon(t), a); !errors.Is(err, eventstore.ErrInvalid) {
			t.Fatalf("%s: error %v, want ErrInvalid", what, err)
		}
	}
	if got := all(t, s); len(got) != 0 {
		t.Fatalf("%d records after refusals", len(got))
	}
	longest := strings.Repeat("s", eventstore.MaxStreamBytes)
	put(t, s, in(longest, eventstore.NoStream, Events(1)...))
	if got := stream(t, s, longest); len(got) != 1 {
		t.Fatalf("a stream with the longest name has %d records, want 1", len(got))
	}
}

func largeEvents(t testing.TB, sub Subject) {
	s := sub.Store
	defer closes(t, s)
	events := Events(3)
	for i, size := range []int{1, 300 << 10, 3 << 20} {
		data := make([]byte, size)
		for j := range data {
			data[j] = byte(j * (i + 3) >> 3)
		}
		events[i].Data = data
	}
	put(t, s, in("large", eventstore.NoStream, events...))
	put(t, s, in("small", eventstore.NoStream, Events(1)...))
	sameEvents(t, "large events", stream(t, s, "large"), events)
}

func manyEvents(t testing.TB, sub Subject) {
	s := sub.Store
	defer closes(t, s)
	events := Events(1500)
	put(t, s, in("many", eventstore.NoStream, events...))
	put(t, s, in("many", 1499, Events(1)...))
	got := stream(t, s, "many")
	sameEvents(t, "many events", got[:1500], events)
	inOrder(t, got)
	sameRecords(t, "from the middle", collect(t, s.ReadStream(soon(t), "many", 1200, eventstore.Forwards)), got[1200:])
}

func cancelled(t testing.TB, sub Subject) {
	s := sub.Store
	defer closes(t, s)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := s.Append(ctx, in("k", eventstore.NoStream, Events(1)...)); !errors.Is(err, context.Canceled) {
		t.Fatalf("append with a context that is over: error %v, want context.Canceled", err)
	}
	if got := all(t, s); len(got) != 0 {
		t.Fatalf("%d records after an append whose context was over", len(got))
	}
	for r, err := range s.ReadAll(ctx, eventstore.Start) {
		if !errors.Is(err, context.Canceled) {
			t.Fatalf("read with a context that is over: %v, %v", r, err)
		}
	}
}

// closes closes the store, which must succeed.
func closes(t testing.TB, s eventstore.Store) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
}

func name(prefix string, i int) string { return fmt.Sprintf("%s-%d", prefix, i) }
