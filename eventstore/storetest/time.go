package storetest

import (
	"errors"
	"testing"
	"time"

	"github.com/supportledger/supportledger/eventstore"
)

func timeCases() []Case {
	return []Case{
		{"recorded times never run backwards, and are whole microseconds", Nothing, timesNeverBackwards},
		{"recorded times never run backwards over reopening", Reopening, timesOverReopening},
		{"an append that would be recorded at its Before or later is too late", Nothing, tooLate},
		{"a conflict comes before too late", Nothing, conflictBeforeTooLate},
	}
}

func at(a eventstore.Append, when time.Time) eventstore.Append {
	a.At = when
	return a
}

func timesNeverBackwards(t testing.TB, sub Subject) {
	s := sub.Store
	defer closes(t, s)
	odd := noon().Add(1234567 * time.Nanosecond)
	first := put(t, s, at(in("a", eventstore.NoStream, Events(2)...), odd))
	if want := odd.Truncate(time.Microsecond); !first.RecordedAt.Equal(want) {
		t.Fatalf("recorded at %s, want %s", first.RecordedAt, want)
	}
	early := put(t, s, at(in("b", eventstore.NoStream, Events(1)...), odd.Add(-time.Hour)))
	if !early.RecordedAt.Equal(first.RecordedAt) {
		t.Fatalf("decided an hour before the last record, recorded at %s, want its time %s", early.RecordedAt, first.RecordedAt)
	}
	zoned := noon().Add(time.Minute).In(time.FixedZone("UTC+7", 7*3600))
	put(t, s, at(in("c", eventstore.NoStream, Events(1)...), zoned))
	got := all(t, s)
	inOrder(t, got)
	for _, r := range got {
		if r.RecordedAt.Nanosecond()%1000 != 0 || r.RecordedAt.Location() != time.UTC {
			t.Fatalf("recorded at %s, want whole microseconds in UTC", r.RecordedAt)
		}
	}
	if last := got[len(got)-1].RecordedAt; !last.Equal(zoned) {
		t.Fatalf("recorded at %s, want %s", last, zoned)
	}
}

func timesOverReopening(t testing.TB, sub Subject) {
	put(t, sub.Store, in("a", eventstore.NoStream, Events(1)...))
	s := sub.Reopen(t)
	defer closes(t, s)
	early := put(t, s, at(in("b", eventstore.NoStream, Events(1)...), noon().Add(-time.Hour)))
	if early.RecordedAt.Before(noon()) {
		t.Fatalf("recorded at %s after a record of %s", early.RecordedAt, noon())
	}
	inOrder(t, all(t, s))
}

func tooLate(t testing.TB, sub Subject) {
	s := sub.Store
	defer closes(t, s)
	refused := func(what string, a eventstore.Append) {
		t.Helper()
		if _, err := s.Append(soon(t), a); !errors.Is(err, eventstore.ErrTooLate) {
			t.Fatalf("%s: error %v, want ErrTooLate", what, err)
		}
	}
	a := in("a", eventstore.NoStream, Events(1)...)
	a.Before = noon()
	refused("Before is the moment of the decision", a)
	a.Before = noon().Add(time.Microsecond)
	put(t, s, a)

	put(t, s, at(in("clock", eventstore.NoStream, Events(1)...), noon().Add(time.Hour)))
	b := in("b", eventstore.NoStream, Events(1)...)
	b.Before = noon().Add(time.Hour)
	refused("the last record was at Before, though the decision was not", b)
	b.Before = noon().Add(time.Hour + time.Microsecond)
	put(t, s, b)
	if got := all(t, s); len(got) != 3 {
		t.Fatalf("%d records, want 3", len(got))
	}
}

func conflictBeforeTooLate(t testing.TB, sub Subject) {
	s := sub.Store
	defer closes(t, s)
	put(t, s, in("a", eventstore.NoStream, Events(1)...))
	late := in("a", eventstore.NoStream, Events(1)...)
	late.Before = noon()
	conflicts(t, s, late, 0)
}
