package esdb

import (
	"bytes"
	"encoding/json"
	"testing"
	"time"

	client "github.com/EventStore/EventStore-Client-Go/v4/esdb"

	"github.com/supportledger/supportledger/eventstore"
)

// Metadata is read as JSON says, whether it is written as this package does or in
// another way that means the same; what is cut or turned is never taken for it.
func TestEnvelopesAreReadAsJSONSays(t *testing.T) {
	at := time.Date(2026, 3, 1, 12, 0, 0, 123456000, time.UTC)
	for i, meta := range [][]byte{nil, nil, []byte("m"), []byte("m"), []byte("\x00\xff\x01 meta"), bytes.Repeat([]byte("long "), 1000)} {
		unfinished := i%2 == 1
		own := seal(&eventstore.Event{Type: "a.b.v1", Meta: meta}, at, unfinished).Metadata
		if e, ok := plain(own); !ok || e.RecordedAt != at.Format(timeFormat) || !bytes.Equal(e.Meta, meta) || e.Unfinished != unfinished {
			t.Errorf("%s is read as %+v, %v", own, e, ok)
		}
		others := [][]byte{own, bytes.ReplaceAll(own, []byte(`":"`), []byte(`" : "`)), append(bytes.Clone(own), ' ')}
		for i := range own {
			others = append(others, own[:i])
			turned := bytes.Clone(own)
			turned[i] ^= 1
			others = append(others, turned)
		}
		for _, b := range others {
			var want envelope
			failed := json.Unmarshal(b, &want)
			wantAt, badTime := time.Parse(timeFormat, want.RecordedAt)
			got, more, err := unseal(&client.RecordedEvent{UserMetadata: b})
			if bad := failed != nil || badTime != nil; bad != (err != nil) ||
				!bad && (!got.RecordedAt.Equal(wantAt) || !bytes.Equal(got.Meta, want.Meta) || more != want.Unfinished) {
				t.Fatalf("%q is read as %s %q %v, %v; JSON says %+v, %v", b, got.RecordedAt, got.Meta, more, err, want, failed)
			}
		}
	}
}
