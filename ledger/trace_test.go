package ledger_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/supportledger/supportledger/domain/contract"
	"github.com/supportledger/supportledger/eventstore"
	"github.com/supportledger/supportledger/ledger"
)

// traced is a ledger on the rig's store that makes spans, which are kept.
func (r *rig) traced() (*ledger.Ledger, trace.Tracer, *tracetest.InMemoryExporter) {
	r.t.Helper()
	spans := tracetest.NewInMemoryExporter()
	tracer := sdktrace.NewTracerProvider(sdktrace.WithSyncer(spans), sdktrace.WithIDGenerator(ledger.SpanIDs{})).Tracer("test")
	l, err := ledger.New(ledger.Config{Store: r.store, Keys: r.keys, People: r.people, Catalog: shelf(), Clock: r.clock, Tracer: tracer})
	must(r.t, err)
	return l, tracer, spans
}

// Commands that ride in one append are told apart: each trace has its own
// decision, and its own events by the ids that their records lead to.
func TestEachTraceHasItsOwnEventsOfASharedAppend(t *testing.T) {
	r := newRig(t)
	c := r.linked(100)
	l, tracer, spans := r.traced()
	const together = 32
	var wg sync.WaitGroup
	for n := range together {
		wg.Go(func() {
			ctx, span := tracer.Start(context.Background(), "request")
			defer span.End()
			req := ledger.Request{By: ani, Call: "submit", Key: fmt.Sprint("together-", n), Body: []byte("body"), Trace: span.SpanContext().TraceID(), Sampled: true}
			if _, err := l.Submit(ctx, req, request(c.ID)); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	have := map[string]string{} // trace and span → its name
	for _, s := range spans.GetSpans() {
		have[s.SpanContext.TraceID().String()+s.SpanContext.SpanID().String()] = s.Name
	}
	count := 0
	for record, err := range r.store.ReadAll(t.Context(), eventstore.Start) {
		must(t, err)
		meta, err := ledger.ReadMeta(record.Meta)
		must(t, err)
		if meta.TraceID() == "" {
			continue
		}
		count++
		at := ledger.SpanContext(&meta, record.ID)
		if name := have[at.TraceID().String()+at.SpanID().String()]; name != "append "+record.Type || !at.IsSampled() {
			t.Errorf("record %v, %s, leads to a span %q", record.Position, record.Type, name)
		}
	}
	if count != 2*together || len(have) != 4*together {
		t.Errorf("%d traced records and %d spans, want %d and %d", count, len(have), 2*together, 4*together)
	}
}

// A refusal is an answer and no error; what it says stays out of the span. A
// repeat is told from the first time, and appends nothing.
func TestASpanSaysHowACommandHasEnded(t *testing.T) {
	r := newRig(t)
	c := r.linked(1)
	l, tracer, spans := r.traced()
	ctx, span := tracer.Start(t.Context(), "request")
	first := r.by(ani, "submit")
	for _, req := range []ledger.Request{first, first, r.by(ani, "submit")} {
		req.Trace, req.Sampled = span.SpanContext().TraceID(), true
		_, _ = l.Submit(ctx, req, request(c.ID))
	}
	var have []string
	for _, s := range spans.GetSpans() {
		have = append(have, fmt.Sprint(s.Name, " ", s.Status.Code, " ", s.Attributes[0].Key, "=", s.Attributes[0].Value.String()))
	}
	want := []string{
		"append incident.submitted.v1 Unset supportledger.append.commands=1", "append incident.deducted.v1 Unset supportledger.append.commands=1",
		"ledger.decide Unset supportledger.replayed=false", "ledger.decide Unset supportledger.replayed=true",
		"ledger.decide Unset supportledger.refusal=none-available",
	}
	if !slices.Equal(have, want) {
		t.Errorf("the spans are\n%q, want\n%q", have, want)
	}
}

// An append that came too late for the state it was decided on is seen in the
// trace, beside the one that went in.
func TestAConflictIsSeenInTheTrace(t *testing.T) {
	r := newRig(t)
	c := r.linked(10)
	l, tracer, spans := r.traced()
	ctx, span := tracer.Start(t.Context(), "request")
	submit := func(on *ledger.Ledger, ctx context.Context) {
		req := r.by(ani, "submit")
		req.Trace, req.Sampled = span.SpanContext().TraceID(), true
		_, err := on.Submit(ctx, req, request(c.ID))
		must(t, err)
	}
	submit(l, t.Context()) // without a span: l knows the contract now
	submit(r.Ledger, t.Context())
	submit(l, ctx)
	var have []string
	for _, s := range spans.GetSpans() {
		have = append(have, fmt.Sprint(s.Name, " ", s.Status.Code))
	}
	want := []string{"append Error", "append incident.submitted.v1 Unset", "append incident.deducted.v1 Unset", "ledger.decide Unset"}
	if !slices.Equal(have, want) {
		t.Errorf("the spans are %q, want %q", have, want)
	}
}

// What is recorded about a trace comes back, and nothing where there is none.
func TestTheTraceIsRecorded(t *testing.T) {
	r := newRig(t)
	c := r.linked(10)
	for name, x := range map[string]struct {
		trace   byte
		sampled bool
		want    string // ends so
	}{
		"none":        {0, false, ""},
		"sampled":     {7, true, "-01"},
		"not sampled": {7, false, "-00"},
		"no trace":    {0, true, ""},
	} {
		t.Run(name, func(t *testing.T) {
			req := r.by(operator, "grant")
			req.Trace[0], req.Sampled = x.trace, x.sampled
			_, err := r.Change(t.Context(), req, c.ID, &contract.AddGrant{Unit: contract.Incident, Quantity: 1, Reason: "pack"})
			must(t, err)
			for record, err := range r.store.ReadAllBackwards(t.Context(), eventstore.LastPosition) {
				must(t, err)
				meta, err := ledger.ReadMeta(record.Meta)
				must(t, err)
				want := ""
				if x.want != "" {
					want = fmt.Sprintf("00-07%030d-%x%s", 0, record.ID[:8], x.want)
				}
				if parent := meta.Traceparent(record.ID); parent != want || meta.By.Role != ledger.Operator || meta.Sampled != (x.want == "-01") {
					t.Errorf("it says %q, by %s; want %q", parent, meta.By.Role, want)
				}
				break
			}
		})
	}
}
