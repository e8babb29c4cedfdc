package pebblestore_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/eventstore"
	"github.com/supportledger/supportledger/eventstore/pebblestore"
)

// childCallers append to a stream each, caller-0 and so on.
const childCallers = 8

// fact is the event that stands, or will stand, at a revision of a stream:
// anybody can tell whether it is the right one.
func fact(stream string, at eventstore.Revision) eventstore.Event {
	name := fmt.Sprintf("%s/%d", stream, at)
	return eventstore.Event{
		ID: uuid.NewSHA1(uuid.Nil, []byte(name)), Type: "thing.happened.v1",
		Data: []byte(strings.Repeat(name+" ", 30)), Meta: []byte(name),
	}
}

func facts(stream string, expected eventstore.Revision) eventstore.Append {
	return eventstore.Append{
		Stream: stream, Expected: expected, At: time.Now(),
		Events: []eventstore.Event{fact(stream, expected+1), fact(stream, expected+2)},
	}
}

// lostOf reads what callers left, holds it against what they would have asked
// for, and returns how many acknowledged appends are missing.
func lostOf(t testing.TB, s *pebblestore.Store, acked map[string]eventstore.Revision) (lost int) {
	t.Helper()
	for c := range childCallers {
		stream, head := fmt.Sprintf("caller-%d", c), eventstore.NoStream
		for r, err := range s.ReadStream(context.Background(), stream, 0, eventstore.Forwards) {
			if err != nil {
				t.Fatalf("read: %v", err)
			}
			head++
			if want := fact(stream, head); r.Revision != head || r.ID != want.ID || string(r.Data) != string(want.Data) {
				t.Fatalf("%s: revision %d holds %s, which nobody asked for there", stream, r.Revision, r.ID)
			}
		}
		if head%2 == 0 {
			t.Fatalf("%s ends at revision %d, in the middle of an append", stream, head)
		}
		if want, ok := acked[stream]; ok && head < want {
			lost += int(want-head) / 2
		}
	}
	return lost
}
