package api

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/supportledger/supportledger/ledger"
)

// A call's span says what it was by its route, and how it ended by its codes; who
// only asks how the ledger is leaves none.
func TestACallsSpanNamesNothing(t *testing.T) {
	spans := tracetest.NewInMemoryExporter()
	provider := sdktrace.NewTracerProvider(sdktrace.WithSyncer(spans))
	r := newRig(t, func(c *Config) { c.Tracer = provider.Tracer("test") })
	c := r.linked()
	spans.Reset()
	for _, path := range []string{"/healthz", "/readyz", "/openapi.json", "/nothing", "/v1/secret/0230242323", "/v1/contracts/" + c["id"].(string) + "?access_id=0230242323", "/v1/incidents/0230242323"} {
		r.get(r.operator(), path)
	}
	r.get("", eventsPath)
	r.get("", "/v1/me")
	var have []string
	for _, s := range spans.GetSpans() {
		text := s.Name
		for _, a := range s.Attributes {
			text += " " + string(a.Key) + "=" + a.Value.String()
		}
		have = append(have, text)
	}
	want := []string{
		"HTTP http.response.status_code=404 supportledger.problem=not-found",
		"GET /v1/contracts/{id} http.response.status_code=200 http.request.method=GET http.route=/v1/contracts/{id}",
		"GET /v1/incidents/{number} http.response.status_code=404 http.request.method=GET http.route=/v1/incidents/{number} supportledger.problem=incident-not-found",
		"GET /v1/me http.response.status_code=401 http.request.method=GET http.route=/v1/me supportledger.problem=token-missing",
	}
	if !slices.Equal(have, want) {
		t.Errorf("the spans are\n%q, want\n%q", have, want)
	}
}

// Where nobody makes spans, a call costs nothing more.
func TestTracesThatAreOffCostACallNothing(t *testing.T) {
	r := newRig(t)
	q := httptest.NewRequest(http.MethodPost, hotPath, nil)
	c := begin(context.Background(), httptest.NewRecorder(), q)
	if n := testing.AllocsPerRun(100, func() { r.startSpan(c, q); c.endSpan() }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// discard takes spans and forgets them.
type discard struct{}

func (discard) ExportSpans(context.Context, []sdktrace.ReadOnlySpan) error { return nil }
func (discard) Shutdown(context.Context) error                             { return nil }

// BenchmarkTraces is what a submission costs around the ledger (see
// BenchmarkSubmitNothing) without traces, with one request in a hundred traced,
// and with all of them.
func BenchmarkTraces(b *testing.B) {
	for _, x := range []struct {
		name  string
		ratio float64
	}{{"off", -1}, {"1%", 0.01}, {"all", 1}} {
		b.Run(x.name, func(b *testing.B) {
			r := newRig(b, func(c *Config) {
				if x.ratio >= 0 {
					c.Tracer = sdktrace.NewTracerProvider(sdktrace.WithBatcher(discard{}), sdktrace.WithIDGenerator(ledger.SpanIDs{}),
						sdktrace.WithSampler(sdktrace.ParentBased(sdktrace.TraceIDRatioBased(x.ratio)))).Tracer("test")
				}
			})
			p := r.prepare(object{"id": "no contract"})
			b.ReportAllocs()
			for b.Loop() {
				if code := p.send("key"); code != http.StatusNotFound {
					b.Fatal(fmt.Sprint("got ", code))
				}
			}
		})
	}
}
