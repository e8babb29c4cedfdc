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
	for _, meta := range [][]byte{nil, []byte("m"), []byte("\x00\xff\x01 meta"), bytes.Repeat([]byte("long "), 1000)} {
		own := seal(&eventstore.Event{Type: "a.b.v1", Meta: meta}, at).Metadata
		if e, ok := plain(own); !ok || e.RecordedAt != at.Format(timeFormat) || !bytes.Equal(e.Meta, meta) {
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
			got, err := unseal(&client.RecordedEvent{UserMetadata: b})
			if bad := failed != nil || badTime != nil; bad != (err != nil) || !bad && (!got.RecordedAt.Equal(wantAt) || !bytes.Equal(got.Meta, want.Meta)) {
				t.Fatalf("%q is read as %s %q, %v; JSON says %+v, %v", b, got.RecordedAt, got.Meta, err, want, failed)
			}
		}
	}
}
