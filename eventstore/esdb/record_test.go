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
	for i, meta := range [][]byte{nil, nil, nil, nil, []byte("m"), []byte("m"), []byte("m"), []byte("m"), []byte("\x00\xff\x01 meta"), bytes.Repeat([]byte("long "), 1000)} {
		unfinished, behind := i%2 == 1, i/2%2*(9+i)
		w := write{at: at, Append: eventstore.Append{Events: make([]eventstore.Event, behind+1), Unfinished: unfinished}}
		w.Events[0] = eventstore.Event{Type: "a.b.v1", Meta: meta}
		own := w.seal(0).Metadata
		if e, ok := plain(own); !ok || e.RecordedAt != at.Format(timeFormat) || !bytes.Equal(e.Meta, meta) || int(e.Behind) != behind || e.Unfinished != unfinished {
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
				!bad && (!got.RecordedAt.Equal(wantAt) || !bytes.Equal(got.Meta, want.Meta) || got.Behind != int(want.Behind) || more != want.Unfinished) {
				t.Fatalf("%q is read as %s %q %d %v, %v; JSON says %+v, %v", b, got.RecordedAt, got.Meta, got.Behind, more, err, want, failed)
			}
		}
	}
}
