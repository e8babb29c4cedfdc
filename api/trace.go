package api

import (
	"net/http"
	"strings"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
)

// A Tracer makes spans; nil makes none.
type Tracer = trace.Tracer

type span = trace.Span

// startSpan begins a call's span, below the caller's own where it names one. Who
// follows the log, and who asks how the ledger is, has none.
func (a *API) startSpan(c *call, r *http.Request) {
	if a.Tracer == nil || !strings.HasPrefix(r.URL.Path, "/v1/") || r.URL.Path == eventsPath {
		return
	}
	ctx := trace.ContextWithRemoteSpanContext(c.Context, trace.NewSpanContext(trace.SpanContextConfig{
		TraceID: c.trace.id, SpanID: c.trace.span, TraceFlags: trace.TraceFlags(0).WithSampled(c.trace.sampled), Remote: true,
	}))
	c.Context, c.span = a.Tracer.Start(ctx, "HTTP", trace.WithSpanKind(trace.SpanKindServer), trace.WithTimestamp(c.started))
	here := c.span.SpanContext()
	c.trace = traceparent{here.TraceID(), here.SpanID(), here.IsSampled()}
}

// endSpan says what the call was and how it has ended: the route, never the path,
// and the code of a problem, never its sentence.
func (c *call) endSpan() {
	if c.span == nil {
		return
	}
	defer c.span.End()
	if !c.span.IsRecording() {
		return
	}
	c.span.SetAttributes(attribute.Int("http.response.status_code", c.status))
	if c.route != nil {
		c.span.SetName(c.route.method + " " + c.route.path)
		c.span.SetAttributes(attribute.String("http.request.method", c.route.method), attribute.String("http.route", c.route.path))
	}
	if c.refused != "" {
		c.span.SetAttributes(attribute.String("supportledger.problem", c.refused))
	}
	if c.status >= http.StatusInternalServerError {
		c.span.SetAttributes(attribute.String("error.type", c.refused))
		c.span.SetStatus(codes.Error, "")
	}
}
