package storetest

import (
	"context"
	"slices"
	"testing"

	"github.com/supportledger/supportledger/eventstore"
)

func readCases() []Case {
	return []Case{
		{"an empty store has nothing to read and its head at Start", Nothing, emptyStore},
		{"a stream is read from any revision, in both directions", Nothing, streamFromAnywhere},
		{"all streams are read after any position, in both directions", Nothing, allFromAnywhere},
		{"a long stream among others is read whole, in both directions", Nothing, longStream},
		{"a read can be left at any record", Nothing, leaveReading},
		{"a read whose context ends says so and yields no more", Nothing, readCancelled},
		{"records are the reader's to keep", Nothing, keepRecords},
	}
}

func emptyStore(t testing.TB, sub Subject) {
	s := sub.Store
	defer closes(t, s)
	if head, err := s.Head(soon(t)); err != nil || head != eventstore.Start {
		t.Fatalf("head %d, %v; want Start", head, err)
	}
	for what, seq := range map[string][]eventstore.Record{
		"all":               all(t, s),
		"all backwards":     collect(t, s.ReadAllBackwards(soon(t), eventstore.LastPosition)),
		"a stream":          stream(t, s, "nothing"),
		"a stream backward": collect(t, s.ReadStream(soon(t), "nothing", eventstore.LastRevision, eventstore.Backwards)),
	} {
		if len(seq) != 0 {
			t.Fatalf("%s: %d records in an empty store", what, len(seq))
		}
	}
}

// reversed is a copy of records, newest first.
func reversed(records []eventstore.Record) []eventstore.Record {
	records = slices.Clone(records)
	slices.Reverse(records)
	return records
}

func streamFromAnywhere(t testing.TB, sub Subject) {
	s := sub.Store
	defer closes(t, s)
	next := eventstore.NoStream
	for _, n := range []int{1, 3, 1, 2, 5, 1} {
		put(t, s, in("other", 2*next+1, Events(2*n)...))
		next = put(t, s, in("some", next, Events(n)...)).Revision
	}
	whole := stream(t, s, "some")
	if len(whole) != 13 {
		t.Fatalf("%d records, want 13", len(whole))
	}
	for from := range 13 {
		got := collect(t, s.ReadStream(soon(t), "some", eventstore.Revision(from), eventstore.Forwards))
		sameRecords(t, name("forwards from", from), got, whole[from:])
		got = collect(t, s.ReadStream(soon(t), "some", eventstore.Revision(from), eventstore.Backwards))
		sameRecords(t, name("backwards from", from), got, reversed(whole[:from+1]))
	}
	last := collect(t, s.ReadStream(soon(t), "some", eventstore.LastRevision, eventstore.Backwards))
	sameRecords(t, "backwards from LastRevision", last, reversed(whole))
	sameRecords(t, "backwards from beyond", collect(t, s.ReadStream(soon(t), "some", 99, eventstore.Backwards)), reversed(whole))
	sameRecords(t, "forwards from beyond", collect(t, s.ReadStream(soon(t), "some", 13, eventstore.Forwards)), nil)
}

func allFromAnywhere(t testing.TB, sub Subject) {
	s := sub.Store
	defer closes(t, s)
	for i, n := range []int{1, 3, 1, 2, 5, 1} {
		put(t, s, in(name("s", i), eventstore.NoStream, Events(n)...))
	}
	whole := all(t, s)
	inOrder(t, whole)
	head, err := s.Head(soon(t))
	if err != nil || len(whole) != 13 || head != whole[12].Position {
		t.Fatalf("%d records, head %d, %v; want 13 and the last one's position", len(whole), head, err)
	}
	for i, r := range whole {
		sameRecords(t, name("after", i), collect(t, s.ReadAll(soon(t), r.Position)), whole[i+1:])
		sameRecords(t, name("before", i), collect(t, s.ReadAllBackwards(soon(t), r.Position)), reversed(whole[:i]))
	}
	sameRecords(t, "backwards from LastPosition", collect(t, s.ReadAllBackwards(soon(t), eventstore.LastPosition)), reversed(whole))
	sameRecords(t, "backwards from beyond", collect(t, s.ReadAllBackwards(soon(t), head+1)), reversed(whole))
	sameRecords(t, "backwards from Start", collect(t, s.ReadAllBackwards(soon(t), eventstore.Start)), nil)
}

func longStream(t testing.TB, sub Subject) {
	s := sub.Store
	defer closes(t, s)
	var want []eventstore.Event
	for i := range 700 {
		events := Events(1 + i%3)
		put(t, s, in("long", eventstore.Revision(len(want)-1), events...))
		want = append(want, events...)
		if i%7 == 0 {
			put(t, s, in(name("beside", i), eventstore.NoStream, Events(1)...))
		}
	}
	got := stream(t, s, "long")
	sameEvents(t, "long stream", got, want)
	sameRecords(t, "backwards", collect(t, s.ReadStream(soon(t), "long", eventstore.LastRevision, eventstore.Backwards)), reversed(got))
	whole := all(t, s)
	inOrder(t, whole)
	sameRecords(t, "all backwards", collect(t, s.ReadAllBackwards(soon(t), eventstore.LastPosition)), reversed(whole))
}

func leaveReading(t testing.TB, sub Subject) {
	s := sub.Store
	defer closes(t, s)
	for i := range 20 {
		put(t, s, in("left", eventstore.Revision(2*i-1), Events(2)...))
	}
	for stop := range 40 {
		seen := 0
		for _, err := range s.ReadAll(soon(t), eventstore.Start) {
			if err != nil {
				t.Fatalf("read: %v", err)
			}
			if seen++; seen > stop {
				break
			}
		}
		if seen != stop+1 {
			t.Fatalf("read %d records, want %d", seen, stop+1)
		}
	}
}

func readCancelled(t testing.TB, sub Subject) {
	s := sub.Store
	defer closes(t, s)
	for i := range 2000 {
		put(t, s, in("c", eventstore.Revision(i-1), Events(1)...))
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	seen, ended := 0, false
	for _, err := range s.ReadStream(ctx, "c", 0, eventstore.Forwards) {
		if ended {
			t.Fatal("something was yielded after an error")
		}
		if seen++; seen == 2 {
			cancel()
		}
		ended = err != nil
	}
	if !ended || seen >= 2000 {
		t.Fatalf("a read of 2,000 records whose context ended after 2 yielded %d, with an error: %t", seen, ended)
	}
}

func keepRecords(t testing.TB, sub Subject) {
	s := sub.Store
	defer closes(t, s)
	events := Events(2)
	put(t, s, in("k", eventstore.NoStream, events...))
	kept := all(t, s)
	for i := range 300 {
		put(t, s, in("k", eventstore.Revision(i+1), Events(1)...))
	}
	_ = all(t, s)
	sameEvents(t, "kept records", kept, events)
}
