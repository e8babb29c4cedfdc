package projections

import (
	"encoding/binary"
	"path/filepath"
	"testing"

	"github.com/google/uuid"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/supportledger/supportledger/ledger"
)

// A batch points to each trace that recorded something of it, once and not to all
// of very many; where nothing was traced there is no span.
func TestABatchPointsToTheTracesInIt(t *testing.T) {
	r := newRigAt(t, "")
	spans := tracetest.NewInMemoryExporter()
	tracer := sdktrace.NewTracerProvider(sdktrace.WithSyncer(spans)).Tracer("test")
	set := openSet(t, Config{Dir: filepath.Join(t.TempDir(), "rows"), Store: r.store, Tracer: tracer})
	c := r.register("endless")
	r.link(c, ani)
	must(t, set.CatchUp(t.Context()))
	if n := len(spans.GetSpans()); n != 0 {
		t.Fatalf("%d spans of what was not traced", n)
	}
	traced := func(from, to int, sampled bool) {
		for n := from; n <= to; n++ {
			req := r.by(ani, "submit")
			req.Sampled = sampled
			binary.BigEndian.PutUint64(req.Trace[:], uint64(n))
			_, err := r.Submit(t.Context(), req, request(c.ID))
			must(t, err)
		}
		must(t, set.CatchUp(t.Context()))
	}
	traced(1, 3, true)
	traced(4, 4, false)
	traced(5, 205, true)
	have := spans.GetSpans()
	if len(have) != 2 || len(have[0].Links) != 3 || len(have[1].Links) != mostLinks || have[1].DroppedLinks != 0 {
		t.Fatalf("there are %d spans: %+v", len(have), have)
	}
	recorded := recordOf(t, r, 1)
	if link := have[0].Links[0].SpanContext; !link.Equal(ledger.SpanContext(&recorded.Meta, recorded.ID)) {
		t.Errorf("the first link is %v-%v, not where %s was recorded", link.TraceID(), link.SpanID(), recorded.Type)
	}
}

// recordOf is the first record of a trace.
func recordOf(t *testing.T, r *rig, n uint64) ledger.Recorded {
	t.Helper()
	for record, err := range r.store.ReadAll(t.Context(), 0) {
		must(t, err)
		recorded, err := ledger.Decode(record)
		must(t, err)
		if binary.BigEndian.Uint64(recorded.Meta.Trace[:]) == n {
			return recorded
		}
	}
	t.Fatalf("nothing was recorded in trace %d", n)
	return ledger.Recorded{}
}

// Where nobody makes spans, nothing is kept for them.
func TestTracesThatAreOffCostABatchNothing(t *testing.T) {
	s := new(Set)
	e := &ledger.Recorded{Meta: ledger.Meta{Trace: trace.TraceID{1}, Sampled: true}}
	e.ID = uuid.New()
	events := []*ledger.Recorded{e}
	if n := testing.AllocsPerRun(100, func() {
		m := s.newMade()
		m.add(events)
		s.traceBatch(nil, m, start)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
