package events

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/eventstore"
	"github.com/supportledger/supportledger/ledger"
)

// An Event is what a subscriber reads as data.
type Event struct {
	ID         uuid.UUID       `json:"id" doc:"Unique; the same in the feed"`
	Type       string          `json:"type" example:"incident.submitted.v1"`
	Stream     uuid.UUID       `json:"stream" doc:"What it happened to: a contract, an incident without one, a partner"`
	Contract   *uuid.UUID      `json:"contract,omitempty" doc:"The stream again, where it is a contract's"`
	Revision   int64           `json:"revision" doc:"Its place in the stream: 0 for the first, without gaps"`
	Position   uint64          `json:"position" doc:"Its place in the log; Last-Event-ID to go on after it"`
	RecordedAt time.Time       `json:"recorded_at"`
	By         By              `json:"by"`
	Data       json.RawMessage `json:"data" doc:"The event itself, as docs/events.md describes it"`
}

// By is who did something.
type By struct {
	Account *uuid.UUID `json:"account" doc:"null where the ledger did it, because time had passed"`
	Role    string     `json:"role"`
	Portal  *string    `json:"portal"`
}

// A frame is an event as it goes over the line, without personal texts, and what
// filters ask about it.
type frame struct {
	position     eventstore.Position
	name, stream string
	text         []byte
}

// frame writes a record as a server-sent event.
func (h *Hub) frame(ctx context.Context, r eventstore.Record, personal bool) ([]byte, error) {
	recorded, err := ledger.Decode(r)
	if err != nil {
		return nil, err
	}
	if personal {
		if err := h.Open(ctx, recorded.Event); err != nil {
			return nil, fmt.Errorf("record %s@%d: %w", r.Stream, r.Revision, err)
		}
	}
	e := Event{
		ID: r.ID, Type: r.Type, Stream: ledger.StreamID(r.Stream), Revision: int64(r.Revision), Position: uint64(r.Position),
		RecordedAt: r.RecordedAt, By: by(recorded.Meta.By),
	}
	if e.Data, err = ledger.Shown(recorded.Event); err != nil {
		return nil, fmt.Errorf("record %s@%d: %w", r.Stream, r.Revision, err)
	}
	if is, err := h.isContract(ctx, &r); err != nil {
		return nil, err
	} else if is {
		e.Contract = &e.Stream
	}
	data, err := json.Marshal(&e) // has no line breaks
	if err != nil {
		return nil, fmt.Errorf("write event %s: %w", r.ID, err)
	}
	return fmt.Appendf(make([]byte, 0, len(data)+64), "id: %d\nevent: %s\ndata: %s\n\n", r.Position, r.Type, data), nil
}

func by(a ledger.Actor) By {
	b := By{Role: string(a.Role)}
	if a.Account != uuid.Nil {
		b.Account = &a.Account
	}
	if a.Portal != "" {
		b.Portal = &a.Portal
	}
	return b
}

// isContract says whether a record is in a contract's stream, and not in that of
// an incident which no contract pays for: the first record of the stream tells.
func (h *Hub) isContract(ctx context.Context, r *eventstore.Record) (bool, error) {
	id, ok := ledger.ContractOf(r.Stream)
	if !ok {
		return false, nil
	}
	if r.Revision == 0 {
		return registers(r.Type), nil
	}
	if is, known := h.contracts.Get(id); known {
		return is, nil
	}
	for first, err := range h.Store.ReadStream(ctx, r.Stream, 0, eventstore.Forwards) {
		if err != nil {
			return false, fmt.Errorf("read stream %s: %w", r.Stream, err)
		}
		is := registers(first.Type)
		h.contracts.Add(id, is)
		return is, nil
	}
	return false, fmt.Errorf("record %s@%d has nothing before it in its stream", r.Stream, r.Revision)
}

func registers(eventType string) bool { return strings.HasPrefix(eventType, "contract.registered.") }
