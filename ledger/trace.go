package ledger

import (
	"context"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/google/uuid"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/supportledger/supportledger/domain"
	"github.com/supportledger/supportledger/eventstore"
)

// A Tracer makes spans; nil makes none.
type Tracer = trace.Tracer

// SpanContext is the span in which a record was made, for whoever goes on from
// there; one that is not valid where there was no trace.
func SpanContext(m *Meta, event uuid.UUID) trace.SpanContext {
	if !m.traced() {
		return trace.SpanContext{}
	}
	return trace.NewSpanContext(trace.SpanContextConfig{
		TraceID: m.Trace, SpanID: SpanOf(event), TraceFlags: trace.TraceFlags(0).WithSampled(m.Sampled), Remote: true,
	})
}

// execute lets a command take its turn, and makes a span of that where the
// request is traced: of the wait for the turn, too.
func (l *Ledger) execute(ctx context.Context, stream uuid.UUID, c *command) error {
	if l.tracer == nil || !isSampled(ctx) {
		return l.streams.execute(ctx, stream, c)
	}
	name := "ledger.decide"
	if c.wish == nil {
		name = "ledger.look"
	}
	ctx, span := l.tracer.Start(ctx, name)
	defer span.End()
	err := l.streams.execute(ctx, stream, c)
	if refusal, ok := errors.AsType[*domain.Refusal](err); ok {
		span.SetAttributes(attribute.String("supportledger.refusal", refusal.Code))
	} else if err != nil {
		span.SetStatus(codes.Error, "")
	} else {
		span.SetAttributes(attribute.Bool("supportledger.replayed", c.replayed))
	}
	return err
}

func isSampled(ctx context.Context) bool { return trace.SpanContextFromContext(ctx).IsSampled() }

// append appends, and makes a span of each event whose command is traced. wrote
// are the commands that the events came from; nil where that is ctx's alone.
func (l *Ledger) append(ctx context.Context, a eventstore.Append, wrote []*command) (eventstore.Appended, error) {
	if l.tracer == nil {
		return l.store.Append(ctx, a)
	}
	t := appending{Tracer: l.tracer, began: time.Now(), commands: len(wrote)}
	appended, err := l.store.Append(ctx, a)
	t.ended, t.err, t.position = time.Now(), err, appended.Position
	if wrote == nil {
		t.commands = 1
		t.tell(ctx, a.Events)
	}
	for _, c := range wrote {
		if c.replayed {
			continue // what it repeats tells
		}
		first := int(c.first - int64(a.Expected) - 1)
		t.tell(c.ctx, a.Events[first:first+int(c.commandRef.events)])
	}
	return appended, err
}

// appending is an append that was made, for all whose commands rode in it.
type appending struct {
	trace.Tracer
	began, ended time.Time
	commands     int
	position     eventstore.Position
	err          error
}

// tell makes the spans of one command, below its own; of a failure one.
func (t *appending) tell(ctx context.Context, events []eventstore.Event) {
	if !isSampled(ctx) {
		return
	}
	shared := []attribute.KeyValue{attribute.Int("supportledger.append.commands", t.commands)}
	if t.err != nil {
		_, span := t.Start(ctx, "append", trace.WithTimestamp(t.began), trace.WithAttributes(shared...))
		span.SetAttributes(attribute.String("error.type", failureOf(t.err)))
		span.SetStatus(codes.Error, "")
		span.End(trace.WithTimestamp(t.ended))
		return
	}
	shared = append(shared, attribute.Int64("supportledger.position", int64(t.position)))
	here := trace.SpanContextFromContext(ctx).TraceID()
	for i := range events {
		if m, err := ReadMeta(events[i].Meta); err != nil || m.Trace != here {
			continue // somebody else's
		}
		named := context.WithValue(ctx, spanIDKey{}, trace.SpanID(SpanOf(events[i].ID)))
		_, span := t.Start(named, "append "+events[i].Type, trace.WithTimestamp(t.began), trace.WithAttributes(shared...))
		span.End(trace.WithTimestamp(t.ended))
	}
}

// failureOf is why an append failed, in one of few words.
func failureOf(err error) string {
	if _, ok := errors.AsType[*eventstore.ConflictError](err); ok {
		return "conflict" // decided again
	}
	for word, known := range map[string]error{
		"too-late": eventstore.ErrTooLate, "full": eventstore.ErrFull, "unavailable": eventstore.ErrUnavailable,
		"outcome-unknown": eventstore.ErrUnknown, "invalid": eventstore.ErrInvalid, "closed": eventstore.ErrClosed,
	} {
		if errors.Is(err, known) {
			return word
		}
	}
	return "other"
}

// SpanIDs makes the ids of spans: at random, but that of an event's append, which
// follows from the event (SpanOf), so that whoever reads the record knows it. It
// is the SDK's IDGenerator.
type SpanIDs struct{}

type spanIDKey struct{}

// NewIDs makes the ids of a trace and its first span.
func (SpanIDs) NewIDs(context.Context) (t trace.TraceID, s trace.SpanID) {
	binary.BigEndian.PutUint64(t[:8], rand.Uint64())
	binary.BigEndian.PutUint64(t[8:], rand.Uint64()|1) // none is zero
	return t, randomSpanID()
}

// NewSpanID makes the id of another span of a trace.
func (SpanIDs) NewSpanID(ctx context.Context, _ trace.TraceID) trace.SpanID {
	if id, ok := ctx.Value(spanIDKey{}).(trace.SpanID); ok && id.IsValid() {
		return id
	}
	return randomSpanID()
}

func randomSpanID() (s trace.SpanID) {
	binary.BigEndian.PutUint64(s[:], rand.Uint64()|1)
	return s
}
