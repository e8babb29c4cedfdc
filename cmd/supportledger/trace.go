package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/supportledger/supportledger/ledger"
)

// traceFlags say whether traces are made. Everything else about them is said by
// the variables that OpenTelemetry has for it.
type traceFlags struct {
	Traces string `default:"none" enum:"none,otlp" env:"OTEL_TRACES_EXPORTER" help:"Where traces go (${enum}): otlp is a collector, by OTLP over HTTP, as the other OTEL_* variables say."`
}

type spanExporter = sdktrace.SpanExporter

// exporter is where spans go; nil: nowhere.
func (f *traceFlags) exporter(log *slog.Logger) (spanExporter, error) {
	if f.Traces == "none" || os.Getenv("OTEL_SDK_DISABLED") == "true" {
		for _, name := range endpoints {
			if os.Getenv(name) != "" {
				log.Warn("traces are off, though the environment says where they go: turn them on by OTEL_TRACES_EXPORTER=otlp", "variable", name)
			}
		}
		return nil, nil
	}
	if err := exportFits(); err != nil {
		return nil, fmt.Errorf("%w: %w", errAskedWrongly, err)
	}
	to, err := otlptracehttp.New(context.Background()) // which connects when there is something to send
	if err != nil {
		return nil, fmt.Errorf("make traces: %w", err)
	}
	return &toldExporter{SpanExporter: to, log: log}, nil
}

// endpoints are the variables that say where traces go, the stronger first.
var endpoints = []string{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"}

// exportFits refuses what the SDK would replace by its defaults with hardly a
// word.
func exportFits() error {
	for _, name := range endpoints {
		if text := os.Getenv(name); text != "" {
			if u, err := url.Parse(text); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
				return fmt.Errorf("%s is not a URL, such as http://localhost:4318", name)
			}
		}
	}
	for _, name := range []string{"OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"} {
		if text := os.Getenv(name); text != "" && text != "http/protobuf" {
			return fmt.Errorf("%s is %q, and only http/protobuf is spoken here: collectors listen to it on port 4318", name, text)
		}
	}
	return nil
}

// traces make spans and send them.
type traces struct{ provider *sdktrace.TracerProvider }

// openTraces begins to send spans; nil where there is no exporter.
func openTraces(ctx context.Context, to spanExporter) (*traces, error) {
	if to == nil {
		return nil, nil
	}
	sampler, err := sampler(os.Getenv("OTEL_TRACES_SAMPLER"), os.Getenv("OTEL_TRACES_SAMPLER_ARG"))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errAskedWrongly, err)
	}
	is, err := resource.New(ctx, resource.WithTelemetrySDK(), resource.WithHost(),
		resource.WithAttributes(attribute.String("service.name", "supportledger"), attribute.String("service.version", version())),
		resource.WithFromEnv()) // which is stronger
	if err != nil {
		return nil, fmt.Errorf("%w: OTEL_RESOURCE_ATTRIBUTES or OTEL_SERVICE_NAME: %w", errAskedWrongly, err)
	}
	return &traces{sdktrace.NewTracerProvider(
		sdktrace.WithResource(is), sdktrace.WithSampler(following{sampler}), sdktrace.WithIDGenerator(ledger.SpanIDs{}), sdktrace.WithBatcher(to),
	)}, nil
}

func (t *traces) tracer() ledger.Tracer {
	if t == nil {
		return nil
	}
	return t.provider.Tracer("github.com/supportledger/supportledger", trace.WithInstrumentationVersion(version()))
}

// lastSpans is how long the last spans may take to be sent.
const lastSpans = 5 * time.Second

// close sends what was not sent yet. A collector that does not listen is no reason
// for a ledger to end otherwise than it would.
func (t *traces) close() error {
	if t == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), lastSpans)
	defer cancel()
	if err := t.provider.Shutdown(ctx); err != nil && ctx.Err() == nil {
		return fmt.Errorf("end traces: %w", err)
	}
	return nil
}

// sampler is what OTEL_TRACES_SAMPLER and its argument ask for.
func sampler(name, argument string) (sdktrace.Sampler, error) {
	ratio := 1.0
	if argument != "" {
		var err error
		if ratio, err = strconv.ParseFloat(argument, 64); err != nil || !(ratio >= 0 && ratio <= 1) {
			return nil, fmt.Errorf("OTEL_TRACES_SAMPLER_ARG is %q, must be a number from 0 to 1", argument)
		}
	}
	root, parentBased := strings.CutPrefix(name, "parentbased_")
	var s sdktrace.Sampler
	switch root {
	case "":
		return sdktrace.ParentBased(sdktrace.AlwaysSample()), nil
	case "always_on":
		s = sdktrace.AlwaysSample()
	case "always_off":
		s = sdktrace.NeverSample()
	case "traceidratio":
		s = sdktrace.TraceIDRatioBased(ratio)
	default:
		return nil, fmt.Errorf("OTEL_TRACES_SAMPLER is %q, must be always_on, always_off or traceidratio, or one of them after parentbased_", name)
	}
	if parentBased {
		s = sdktrace.ParentBased(s)
	}
	return s, nil
}

// following keeps also what begins a trace of its own and follows from one that is
// kept, as a batch of the read models does: it would be found by its links only
// now and then.
type following struct{ sdktrace.Sampler }

// ShouldSample implements sdktrace.Sampler.
func (f following) ShouldSample(p sdktrace.SamplingParameters) sdktrace.SamplingResult {
	for _, link := range p.Links {
		if link.SpanContext.IsSampled() {
			return sdktrace.AlwaysSample().ShouldSample(p)
		}
	}
	return f.Sampler.ShouldSample(p)
}

// toldExporter says in the log when spans begin to be lost, and when no more.
type toldExporter struct {
	sdktrace.SpanExporter
	log    *slog.Logger
	losing atomic.Bool
}

// ExportSpans sends spans. It returns no error: what it would become is told here.
func (e *toldExporter) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	err := e.SpanExporter.ExportSpans(ctx, spans)
	switch {
	case errors.Is(err, context.Canceled):
	case err != nil && !e.losing.Swap(true):
		e.log.Warn("traces are lost until the collector takes them again; nothing else is", "error", err)
	case err == nil && e.losing.Swap(false):
		e.log.Info("the collector takes traces again")
	}
	return nil
}
