package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/eventstore"
)

// patience bounds what must happen soon.
const patience = 20 * time.Second

// Rounds is how often something random is tried: ci times, or long times where
// SUPPORTLEDGER_LONG=1.
func Rounds(ci, long int) int {
	if os.Getenv("SUPPORTLEDGER_LONG") == "1" {
		return long
	}
	return ci
}

// noon is when the suite's appends are decided, unless they say otherwise.
func noon() time.Time { return time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC) }

// Events makes n events that can be told apart.
func Events(n int) []eventstore.Event {
	events := make([]eventstore.Event, n)
	for i := range events {
		id := uuid.New()
		events[i] = eventstore.Event{
			ID:   id,
			Type: fmt.Sprintf("thing.happened-%d.v1", i),
			Data: fmt.Appendf(nil, `{"n":%d,"id":%q}`, i, id),
			Meta: fmt.Appendf(nil, "meta of %s", id),
		}
	}
	return events
}

func in(stream string, expected eventstore.Revision, events ...eventstore.Event) eventstore.Append {
	return eventstore.Append{Stream: stream, Expected: expected, Events: events, At: noon()}
}

// put appends, and it must succeed.
func put(t testing.TB, s eventstore.Store, a eventstore.Append) eventstore.Appended {
	t.Helper()
	done, err := s.Append(soon(t), a)
	if err != nil {
		t.Fatalf("append %d events to %s at %d: %v", len(a.Events), a.Stream, a.Expected, err)
	}
	if want := a.Expected + eventstore.Revision(len(a.Events)); done.Revision != want {
		t.Fatalf("append to %s at %d answers revision %d, want %d", a.Stream, a.Expected, done.Revision, want)
	}
	return done
}

// conflicts appends, and it must be refused with both revisions.
func conflicts(t testing.TB, s eventstore.Store, a eventstore.Append, actual eventstore.Revision) {
	t.Helper()
	_, err := s.Append(soon(t), a)
	var conflict *eventstore.ConflictError
	if !errors.As(err, &conflict) {
		t.Fatalf("append to %s at %d: error %v, want a ConflictError", a.Stream, a.Expected, err)
	}
	if conflict.Stream != a.Stream || conflict.Expected != a.Expected || conflict.Actual != actual {
		t.Fatalf("append to %s at %d: conflict %+v, want actual %d", a.Stream, a.Expected, *conflict, actual)
	}
}

func soon(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	return ctx
}

// collect reads a sequence to its end, which must not be an error.
func collect(t testing.TB, seq iter.Seq2[eventstore.Record, error]) []eventstore.Record {
	t.Helper()
	var records []eventstore.Record
	for r, err := range seq {
		if err != nil {
			t.Fatalf("read after %d records: %v", len(records), err)
		}
		records = append(records, r)
	}
	return records
}

func stream(t testing.TB, s eventstore.Store, name string) []eventstore.Record {
	t.Helper()
	return collect(t, s.ReadStream(soon(t), name, 0, eventstore.Forwards))
}

func all(t testing.TB, s eventstore.Store) []eventstore.Record {
	t.Helper()
	return collect(t, s.ReadAll(soon(t), eventstore.Start))
}

// sameEvents compares records with the events they should hold, in order.
func sameEvents(t testing.TB, what string, records []eventstore.Record, events []eventstore.Event) {
	t.Helper()
	if len(records) != len(events) {
		t.Fatalf("%s: %d records, want %d", what, len(records), len(events))
	}
	for i, r := range records {
		if !sameEvent(r.Event, events[i]) {
			t.Fatalf("%s: record %d holds %s %s, want %s %s", what, i, r.Type, r.ID, events[i].Type, events[i].ID)
		}
	}
}

func sameEvent(a, b eventstore.Event) bool {
	return a.ID == b.ID && a.Type == b.Type && bytes.Equal(a.Data, b.Data) && bytes.Equal(a.Meta, b.Meta)
}

func sameRecord(a, b eventstore.Record) bool {
	return a.Position == b.Position && a.Stream == b.Stream && a.Revision == b.Revision && a.Behind == b.Behind &&
		a.RecordedAt.Equal(b.RecordedAt) && sameEvent(a.Event, b.Event)
}

// sameRecords compares two readings.
func sameRecords(t testing.TB, what string, got, want []eventstore.Record) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d records, want %d", what, len(got), len(want))
	}
	for i := range got {
		if !sameRecord(got[i], want[i]) {
			t.Fatalf("%s: record %d is %s, want %s", what, i, describe(got[i]), describe(want[i]))
		}
	}
}

func describe(r eventstore.Record) string {
	return fmt.Sprintf("%s/%d at %d (%s, %s)", r.Stream, r.Revision, r.Position, r.Type, r.ID)
}

// inOrder holds a reading of all streams against the laws of order.
func inOrder(t testing.TB, records []eventstore.Record) {
	t.Helper()
	var before eventstore.Record
	heads := map[string]eventstore.Revision{}
	for i, r := range records {
		if i > 0 && r.Position <= before.Position {
			t.Fatalf("position %d follows %d", r.Position, before.Position)
		}
		if i > 0 && r.RecordedAt.Before(before.RecordedAt) {
			t.Fatalf("recorded time runs backwards at position %d: %s after %s", r.Position, r.RecordedAt, before.RecordedAt)
		}
		want := eventstore.Revision(0)
		if head, ok := heads[r.Stream]; ok {
			want = head + 1
		}
		if r.Revision != want {
			t.Fatalf("%s: revision %d where %d is due, at position %d", r.Stream, r.Revision, want, r.Position)
		}
		heads[r.Stream], before = r.Revision, r
	}
}
