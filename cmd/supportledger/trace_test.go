package main

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/nats-io/nats.go/jetstream"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/supportledger/supportledger/internal/transcript"
	"github.com/supportledger/supportledger/notifications"
)

// A caller's own trace, as W3C writes it.
const (
	theirTrace = "4bf92f3577b34da6a3ce929d0e0e4736"
	theirSpan  = "00f067aa0ba902b7"
)

// inTrace sends requests as part of a caller's trace.
type inTrace struct{ flags string }

func (i inTrace) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Traceparent", "00-"+theirTrace+"-"+theirSpan+"-"+i.flags)
	return http.DefaultTransport.RoundTrip(r)
}

// traced runs a ledger whose spans are kept in memory, while something is done to
// it and until its readers have seen that.
func traced(t *testing.T, flags string, do func(*server, *service)) tracetest.SpanStubs {
	t.Helper()
	spans := tracetest.NewInMemoryExporter()
	dir := t.TempDir()
	v, err := startService(t.Context(), settings{folder: folder(dir), dev: true, log: slog.New(slog.DiscardHandler), spans: spans})
	must(t, err)
	tokens, err := makeDevTokens(v.issuer, v.catalog)
	must(t, err)
	must(t, withServer(t.Context(), v, func(base string) error {
		s := &server{t: t, dir: dir, base: base, tokens: tokens, client: &http.Client{Transport: inTrace{flags}}}
		do(s, v)
		head, err := v.store.Head(t.Context())
		must(t, err)
		must(t, v.set.Await(t.Context(), head))
		waitUntil(t, "the feed is there", func() bool { return v.feed.Position() >= head }) // letters are recorded meanwhile
		return v.traces.provider.ForceFlush(t.Context())
	}))
	all := spans.GetSpans()
	must(t, v.close())
	return all
}

// A trace is followed from the caller's request through the decision and the
// append to the message that subscribers get, and the batch of the read models
// points back to it; all of it is kept where the caller keeps it, even if of
// what begins here nothing is.
func TestATraceGoesFromTheRequestToTheReaders(t *testing.T) {
	for _, sampler := range []string{"parentbased_always_on", "parentbased_always_off"} {
		t.Run(sampler, func(t *testing.T) {
			t.Setenv("OTEL_TRACES_SAMPLER", sampler)
			mustFollowATrace(t)
		})
	}
}

func mustFollowATrace(t *testing.T) {
	t.Helper()
	var told []string
	spans := traced(t, "01", func(s *server, v *service) {
		p := s.linked(3)
		s.post("customer-ani", "/v1/incidents", request(p.ID, "It stopped"), nil, http.StatusCreated)
		told = traceparents(t, v, "incident.submitted.v1")
	})
	request := only(t, spans, "POST /v1/incidents")
	if request.SpanContext.TraceID().String() != theirTrace || request.Parent.SpanID().String() != theirSpan {
		t.Errorf("the request is span %v below %v, not below the caller's", request.SpanContext.TraceID(), request.Parent.SpanID())
	}
	decide := below(t, spans, "ledger.decide", request)
	submitted := below(t, spans, "append incident.submitted.v1", decide)
	below(t, spans, "append incident.deducted.v1", decide)
	below(t, spans, "publish LEDGER", submitted)
	want := fmt.Sprintf("00-%s-%s-01", theirTrace, submitted.SpanContext.SpanID())
	if !slices.Equal(told, []string{want}) {
		t.Errorf("the message says %q, want %q", told, want)
	}
	if !slices.ContainsFunc(spans, func(s tracetest.SpanStub) bool {
		return s.Name == "projections.batch" && s.SpanContext.TraceID().String() != theirTrace && s.Links[0].SpanContext.TraceID().String() == theirTrace
	}) {
		t.Error("no batch of the read models points to the trace")
	}
}

// What the caller does not keep is not kept here either; the trace goes on to
// subscribers all the same.
func TestATraceThatIsNotSampledIsPassedOnOnly(t *testing.T) {
	var told []string
	spans := traced(t, "00", func(s *server, v *service) {
		s.linked(10)
		told = traceparents(t, v, "account.linked.v1")
	})
	if len(spans) != 0 {
		t.Errorf("there are %d spans, the first is %s", len(spans), spans[0].Name)
	}
	if len(told) != 1 || !strings.HasPrefix(told[0], "00-"+theirTrace+"-") || !strings.HasSuffix(told[0], "-00") {
		t.Errorf("the message says %q", told)
	}
}

// traceparents are those of a type's messages, which the feed has to publish
// first.
func traceparents(t *testing.T, v *service, eventType string) (all []string) {
	t.Helper()
	head, err := v.store.Head(t.Context())
	must(t, err)
	waitUntil(t, "the feed is there", func() bool { return v.feed.Position() >= head }) // letters are recorded meanwhile
	nc, err := v.broker.Dial(t.Context())
	must(t, err)
	defer nc.Close()
	js, err := jetstream.New(nc)
	must(t, err)
	stream, err := js.Stream(t.Context(), notifications.Stream)
	must(t, err)
	for seq := uint64(1); seq <= stream.CachedInfo().State.LastSeq; seq++ {
		m, err := stream.GetMsg(t.Context(), seq)
		must(t, err)
		if m.Header.Get(notifications.HeaderType) == eventType {
			all = append(all, m.Header.Get(notifications.HeaderTrace))
		}
	}
	return all
}

// only is the one span of a name.
func only(t *testing.T, spans tracetest.SpanStubs, name string) tracetest.SpanStub {
	t.Helper()
	return found(t, spans, name, func(tracetest.SpanStub) bool { return true })
}

// below is the one span of a name under another.
func below(t *testing.T, spans tracetest.SpanStubs, name string, parent tracetest.SpanStub) tracetest.SpanStub {
	t.Helper()
	return found(t, spans, name+" below "+parent.Name, func(s tracetest.SpanStub) bool {
		return s.Parent.SpanID() == parent.SpanContext.SpanID() && s.SpanContext.TraceID() == parent.SpanContext.TraceID()
	})
}

func found(t *testing.T, spans tracetest.SpanStubs, what string, fits func(tracetest.SpanStub) bool) tracetest.SpanStub {
	t.Helper()
	name, _, _ := strings.Cut(what, " below ")
	var all tracetest.SpanStubs
	for _, s := range spans {
		if s.Name == name && fits(s) {
			all = append(all, s)
		}
	}
	if len(all) != 1 {
		t.Fatalf("there are %d spans %s, want 1", len(all), what)
	}
	return all[0]
}

// A collector takes traces as they are sent.
type collector struct {
	*httptest.Server
	said transcript.Transcript
}

func newCollector(t *testing.T) *collector {
	c := new(collector)
	c.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintln(&c.said, r.Method, r.URL.Path, r.Header.Get("Api-Key"))
		if _, err := io.Copy(&c.said, r.Body); err != nil {
			t.Error(err)
		}
		w.Header().Set("Content-Type", "application/x-protobuf")
	}))
	t.Cleanup(c.Close)
	return c
}

// Traces reach a collector as the environment says, and carry nothing that names
// somebody or something: no text of a person, no IDs, no path.
func TestR3_R47_TracesAreSentAndTellNothing(t *testing.T) {
	c := newCollector(t)
	t.Setenv("OTEL_TRACES_EXPORTER", "otlp")
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", c.URL)
	t.Setenv("OTEL_EXPORTER_OTLP_HEADERS", "api-key=opensesame")
	t.Setenv("OTEL_RESOURCE_ATTRIBUTES", "service.instance.id=ledger-1")
	t.Setenv("OTEL_BSP_SCHEDULE_DELAY", "20")
	dir := t.TempDir()
	from := serve(t, dir)
	s := &search{t: t, said: map[string]string{}}
	p, in := s.life(from)
	s.keep(from, "operator", "GET", "/v1/contracts?access_id="+p.AccessID, nil)
	s.keep(from, "operator", "GET", "/v1/nothing/"+p.AccessID, nil)
	for _, want := range []string{
		"POST /v1/traces opensesame\n", "supportledger", "ledger-1", "POST /v1/incidents/{number}/close",
		"ledger.decide", "append incident.credited-back.v1", "publish LEDGER", "projections.batch", "pair-not-valid",
	} {
		waitUntil(t, "the collector gets "+want, func() bool { return strings.Contains(c.said.String(), want) })
	}
	must(t, from.stop())
	said := c.said.String()
	for _, secret := range []string{
		p.AccessID, p.ContractID, p.ID, in.Number, "It stopped", secretText, secretName, secretMail, "citra@example.com", from.tokens["operator"], "/v1/nothing",
	} {
		if strings.Contains(said, secret) {
			t.Errorf("the collector got %q", secret)
		}
	}
}

// A collector that is away costs traces, which the log says, and nothing else.
func TestACollectorThatIsAwayCostsTracesOnly(t *testing.T) {
	c := newCollector(t)
	c.Close()
	t.Setenv("OTEL_TRACES_EXPORTER", "otlp")
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", c.URL)
	t.Setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "200")
	t.Setenv("OTEL_BSP_SCHEDULE_DELAY", "10")
	s := serve(t, t.TempDir())
	s.linked(10)
	waitUntil(t, "the loss is told", func() bool { return strings.Contains(s.log.String(), "traces are lost") })
	s.linked(10)
	must(t, s.stop())
	if n := strings.Count(s.log.String(), "traces are lost"); n != 1 {
		t.Errorf("the loss was told %d times", n)
	}
}

// What the SDK would replace by its defaults is refused by the variable's name.
func TestSettingsOfTracesThatAreWrong(t *testing.T) {
	for variable, x := range map[string]struct{ value, words string }{
		"OTEL_TRACES_EXPORTER":               {"zipkin", `--traces must be one of "none","otlp"`},
		"OTEL_EXPORTER_OTLP_ENDPOINT":        {"collector:4318", "OTEL_EXPORTER_OTLP_ENDPOINT is not a URL"},
		"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": {"http://", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT is not a URL"},
		"OTEL_EXPORTER_OTLP_PROTOCOL":        {"grpc", `OTEL_EXPORTER_OTLP_PROTOCOL is "grpc", and only http/protobuf`},
		"OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": {"http/json", "only http/protobuf is spoken here"},
		"OTEL_TRACES_SAMPLER":                {"sometimes", `OTEL_TRACES_SAMPLER is "sometimes", must be always_on`},
		"OTEL_TRACES_SAMPLER_ARG":            {"NaN", `OTEL_TRACES_SAMPLER_ARG is "NaN", must be a number from 0 to 1`},
		"OTEL_RESOURCE_ATTRIBUTES":           {"nothing", "OTEL_RESOURCE_ATTRIBUTES"},
	} {
		t.Run(variable, func(t *testing.T) {
			t.Setenv("OTEL_TRACES_EXPORTER", "otlp")
			t.Setenv(variable, x.value)
			fail(t, exitUsage, []string{x.words}, "serve", "--data", t.TempDir(), "--listen", "127.0.0.1:0", "--dev")
		})
	}
}

// Whoever says where traces go, and not that they go, is told so.
func TestTracesThatAreOffAreToldWhereTheyWereWanted(t *testing.T) {
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4318")
	s := serve(t, t.TempDir())
	if !strings.Contains(s.log.String(), "OTEL_TRACES_EXPORTER=otlp") {
		t.Errorf("the log says\n%s", s.log)
	}
}

// The sampler is the one that was asked for.
func TestTheSamplerIsTheOneAskedFor(t *testing.T) {
	for name, want := range map[string]string{
		"": "ParentBased{root:AlwaysOnSampler", "always_on": "AlwaysOnSampler", "always_off": "AlwaysOffSampler",
		"traceidratio": "TraceIDRatioBased{0.25}", "parentbased_traceidratio": "ParentBased{root:TraceIDRatioBased{0.25}",
		"parentbased_always_off": "ParentBased{root:AlwaysOffSampler",
	} {
		s, err := sampler(name, "0.25")
		must(t, err)
		if !strings.HasPrefix(s.Description(), want) {
			t.Errorf("%q is %s, want %s", name, s.Description(), want)
		}
	}
}
