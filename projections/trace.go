package projections

import (
	"context"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"github.com/supportledger/supportledger/ledger"
)

// A Tracer makes spans; nil makes none.
type Tracer = trace.Tracer

// mostLinks bounds those of one batch, as the SDK does.
const mostLinks = 128

// made is where the records of a batch were made, as far as they were traced.
type made struct{ links []trace.Link }

// newMade is nil where nobody makes spans.
func (s *Set) newMade() *made {
	if s.tracer == nil {
		return nil
	}
	return new(made)
}

// add adds events; those of one command stand together, and one of them is enough.
func (m *made) add(events []*ledger.Recorded) {
	if m == nil {
		return
	}
	for _, e := range events {
		if !e.Meta.Sampled || len(m.links) == mostLinks {
			continue
		}
		at := ledger.SpanContext(&e.Meta, e.ID)
		if n := len(m.links); n == 0 || m.links[n-1].SpanContext.TraceID() != at.TraceID() {
			m.links = append(m.links, trace.Link{SpanContext: at})
		}
	}
}

// traceBatch makes a span of a batch that was written, with a link to each traced
// request that recorded something of it. It belongs to none of them, as it is
// nobody's alone.
func (s *Set) traceBatch(b *batch, m *made, began time.Time) {
	if m == nil || len(m.links) == 0 {
		return
	}
	_, span := s.tracer.Start(context.Background(), "projections.batch", trace.WithTimestamp(began),
		trace.WithLinks(m.links...), trace.WithAttributes(
			attribute.Int("supportledger.batch.records", b.read),
			attribute.Int64("supportledger.position", int64(b.seen.position)),
		))
	span.End()
	m.links = nil
}
