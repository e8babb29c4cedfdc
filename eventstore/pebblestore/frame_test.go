package pebblestore_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/supportledger/supportledger/eventstore"
	"github.com/supportledger/supportledger/eventstore/pebblestore"
)

// R42: no single flipped bit of a frame, or of its key, goes unnoticed.
func TestR42_EveryBitOfAFrameIsChecked(t *testing.T) {
	a := facts("caller-0", 6)
	key, value := pebblestore.MakeFrame(a, 41)
	records, err := pebblestore.ParseFrame(key, value)
	if err != nil || len(records) != 2 || records[1].Position != 42 || records[1].Revision != 8 ||
		records[1].ID != a.Events[1].ID || !records[0].RecordedAt.Equal(a.At.Truncate(time.Microsecond)) {
		t.Fatalf("a frame does not come back: %+v, %v", records, err)
	}
	for _, part := range [][]byte{key, value} {
		for bit := range 8 * len(part) {
			part[bit/8] ^= 1 << (bit % 8)
			if _, err := pebblestore.ParseFrame(key, value); err == nil {
				t.Fatalf("bit %d of %d bytes was flipped and nothing said so", bit, len(part))
			}
			part[bit/8] ^= 1 << (bit % 8)
		}
	}
	for n := range value {
		if _, err := pebblestore.ParseFrame(key, value[:n]); err == nil {
			t.Fatalf("a frame cut to %d bytes was taken", n)
		}
	}
}

func FuzzParseFrame(f *testing.F) {
	key, value := pebblestore.MakeFrame(facts("caller-0", -1), 1)
	f.Add(key, value)
	f.Fuzz(func(t *testing.T, key, value []byte) {
		records, err := pebblestore.ParseFrame(key, value)
		if err != nil {
			return
		}
		a := eventstore.Append{Stream: records[0].Stream, Expected: records[0].Revision - 1, At: records[0].RecordedAt}
		for _, r := range records {
			a.Events = append(a.Events, r.Event)
		}
		if _, again := pebblestore.MakeFrame(a, records[0].Position); !bytes.Equal(again, value) {
			t.Fatal("a frame was taken that encodes differently")
		}
	})
}
