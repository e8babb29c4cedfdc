package notifications

import (
	"context"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/supportledger/supportledger/eventstore"
	"github.com/supportledger/supportledger/ledger"
)

// A Tracer makes spans; nil makes none.
type Tracer = trace.Tracer

type spanContext = trace.SpanContext

// madeIn is the span that a record was made in; nil where it was not traced, or
// nobody makes spans.
func (f *Feed) madeIn(r *eventstore.Record) *spanContext {
	if f.tracer == nil {
		return nil
	}
	m, err := ledger.ReadMeta(r.Meta)
	if err != nil || !m.Sampled {
		return nil
	}
	at := ledger.SpanContext(&m, r.ID)
	return &at
}

// publishing is the span of one message on its way to JetStream.
type publishing struct{ span trace.Span }

// startSpan begins it below the one that the event was recorded in, which is also
// what the message's traceparent names: subscribers stand beside the feed there.
func (f *Feed) startSpan(m message) *publishing {
	if m.made == nil {
		return nil
	}
	ctx := trace.ContextWithRemoteSpanContext(context.Background(), *m.made)
	_, span := f.tracer.Start(ctx, "publish "+Stream, trace.WithSpanKind(trace.SpanKindProducer), trace.WithAttributes(
		attribute.String("messaging.system", "nats"),
		attribute.String("messaging.operation.type", "send"),
		attribute.String("messaging.destination.name", Stream),
		attribute.Int64("supportledger.position", int64(m.position)),
	))
	return &publishing{span}
}

// end says that the message is in the stream, or that it is not.
func (p *publishing) end(err error) {
	if p == nil {
		return
	}
	if err != nil {
		p.span.SetStatus(codes.Error, "")
	}
	p.span.End()
}
