package events

import (
	"testing"

	"github.com/supportledger/supportledger/eventstore"
)

// BenchmarkFrame is what an event costs the one goroutine that reads the log for
// everybody.
func BenchmarkFrame(b *testing.B) {
	r := newRig(b)
	var record eventstore.Record
	for first, err := range r.store.ReadAll(b.Context(), eventstore.Start) {
		must(b, err)
		record = first
		break
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := r.hub.frame(b.Context(), record, false); err != nil {
			b.Fatal(err)
		}
	}
}
