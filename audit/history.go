package audit

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"time"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/domain/contract"
	"github.com/supportledger/supportledger/eventstore"
	"github.com/supportledger/supportledger/ledger"
)

// An Item is one event of a history, with the balances right after it as they
// were recorded.
type Item struct {
	Position   eventstore.Position                `json:"position"`
	Revision   eventstore.Revision                `json:"revision"`
	Type       string                             `json:"type"`
	RecordedAt time.Time                          `json:"recorded_at"`
	By         ledger.Actor                       `json:"by"`
	Data       json.RawMessage                    `json:"data"`
	Balances   map[contract.Unit]contract.Balance `json:"balances"`
}

// A Page is a part of a history, oldest first.
type Page struct {
	Items []Item
	Next  *eventstore.Revision // where the next page begins; nil where this was the last
	AsOf  AsOf
}

// place is a revision of a stream.
type place struct {
	stream   uuid.UUID
	revision eventstore.Revision
}

// History replays a contract, or an incident that no contract pays for, from a
// revision on, inclusive, at most limit events. Going on where a page ended
// costs no replay. Unknown ids are refused with contract-not-found.
func (a *Auditor) History(ctx context.Context, id uuid.UUID, from eventstore.Revision, limit int, open Opener) (Page, error) {
	page := Page{Items: []Item{}}
	var err error
	if page.AsOf.Position, err = a.store.Head(ctx); err != nil {
		return Page{}, fmt.Errorf("find head: %w", err)
	}
	page.AsOf.Time = a.now()
	r := a.replayFrom(id, from)
	for record, err := range a.store.ReadStream(ctx, id.String(), r.next, eventstore.Forwards) {
		if err != nil {
			return Page{}, fmt.Errorf("read contract %s: %w", id, err)
		}
		if record.Position > page.AsOf.Position {
			break // recorded since
		}
		if len(page.Items) == limit {
			next := r.next
			page.Next = &next
			a.resume.Add(place{id, next}, r.tally.copy())
			break
		}
		item, err := r.take(ctx, record, open)
		if err != nil {
			return Page{}, err
		}
		if item != nil {
			page.Items = append(page.Items, *item)
		}
	}
	if r.next == 0 {
		return Page{}, refuseUnknown(id)
	}
	return page, nil
}

// Replay is a whole history, oldest first, one event at a time. It yields an
// error at most once, and then nothing.
func (a *Auditor) Replay(ctx context.Context, id uuid.UUID, open Opener) iter.Seq2[Item, error] {
	return func(yield func(Item, error) bool) {
		r := replay{}
		for record, err := range a.store.ReadStream(ctx, id.String(), 0, eventstore.Forwards) {
			if err != nil {
				yield(Item{}, fmt.Errorf("read contract %s: %w", id, err))
				return
			}
			item, err := r.take(ctx, record, open)
			if err != nil {
				yield(Item{}, err)
				return
			}
			if !yield(*item, nil) {
				return
			}
		}
		if r.next == 0 {
			yield(Item{}, refuseUnknown(id))
		}
	}
}

// replay is how far a history was read.
type replay struct {
	from  eventstore.Revision // the first revision that is asked for
	next  eventstore.Revision
	tally tally
}

// replayFrom begins where a page has ended, if it is remembered, or else at the
// stream's start: a balance is what came before.
func (a *Auditor) replayFrom(id uuid.UUID, from eventstore.Revision) *replay {
	from = max(from, 0)
	if t, ok := a.resume.Get(place{id, from}); ok {
		return &replay{from: from, next: from, tally: t.copy()}
	}
	return &replay{from: from}
}

// take counts a record, and returns it as an item if it was asked for.
func (r *replay) take(ctx context.Context, record eventstore.Record, open Opener) (*Item, error) {
	r.next = record.Revision + 1
	wanted := record.Revision >= r.from
	if !wanted && !moves(record.Type) {
		return nil, nil
	}
	recorded, err := ledger.Decode(record)
	if err != nil {
		return nil, err
	}
	if e, ok := recorded.Event.(contract.Event); ok {
		r.tally.add(e)
	}
	if !wanted {
		return nil, nil
	}
	if open != nil {
		if err := open(ctx, recorded.Event); err != nil {
			return nil, fmt.Errorf("record %s@%d: %w", record.Stream, record.Revision, err)
		}
	}
	return r.item(recorded)
}

func (r *replay) item(recorded ledger.Recorded) (*Item, error) {
	data, err := ledger.Shown(recorded.Event)
	if err != nil {
		return nil, fmt.Errorf("record %s@%d: %w", recorded.Stream, recorded.Revision, err)
	}
	return &Item{
		Position: recorded.Position, Revision: recorded.Revision, Type: recorded.Type, RecordedAt: recorded.RecordedAt,
		By: recorded.Meta.By, Data: data, Balances: r.tally.balances(),
	}, nil
}
