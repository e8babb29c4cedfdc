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
// were recorded. A mail's event changes none.
type Item struct {
	Position eventstore.Position `json:"position"`
	// Stream is named where it is not the contract's own: mails are recorded
	// beside it, with revisions of their own.
	Stream     string                             `json:"stream,omitempty"`
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
	Next  *Place // where the next page begins; nil where this was the last
	AsOf  AsOf
}

// A Place is a place in a history: the next revisions of the contract and of its
// mails. The zero Place is the start.
type Place struct{ Contract, Mails eventstore.Revision }

// place is a revision of a contract.
type place struct {
	stream   uuid.UUID
	revision eventstore.Revision
}

// History replays a contract, or an incident that no contract pays for, with its
// mails in between, from a place on, at most limit events. Going on where a page
// ended costs no replay. Unknown ids are refused with contract-not-found.
func (a *Auditor) History(ctx context.Context, id uuid.UUID, from Place, limit int, open Opener) (Page, error) {
	page := Page{Items: []Item{}}
	var err error
	if page.AsOf.Position, err = a.store.Head(ctx); err != nil {
		return Page{}, fmt.Errorf("find head: %w", err)
	}
	page.AsOf.Time = a.now()
	r := a.replayFrom(id, from)
	for record, err := range a.records(ctx, id, r.next, page.AsOf.Position) {
		if err != nil {
			return Page{}, err
		}
		if len(page.Items) == limit {
			next := r.next
			page.Next = &next
			a.resume.Add(place{id, next.Contract}, r.tally.copy())
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
	if r.next.Contract == 0 {
		return Page{}, refuseUnknown(id)
	}
	return page, nil
}

// Replay is a whole history as of the call, oldest first, one event at a time.
// It yields an error at most once, and then nothing.
func (a *Auditor) Replay(ctx context.Context, id uuid.UUID, open Opener) iter.Seq2[Item, error] {
	return func(yield func(Item, error) bool) {
		head, err := a.store.Head(ctx)
		if err != nil {
			yield(Item{}, fmt.Errorf("find head: %w", err))
			return
		}
		r := replay{}
		for record, err := range a.records(ctx, id, Place{}, head) {
			if err != nil {
				yield(Item{}, err)
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
		if r.next.Contract == 0 {
			yield(Item{}, refuseUnknown(id))
		}
	}
}

// records are those of a contract and of its mails from a place on, in the order
// of their positions, up to one of these.
func (a *Auditor) records(ctx context.Context, id uuid.UUID, from Place, upTo eventstore.Position) iter.Seq2[eventstore.Record, error] {
	return func(yield func(eventstore.Record, error) bool) {
		mails := a.store.ReadStream(ctx, ledger.MailsOf(id), from.Mails, eventstore.Forwards)
		next, stop := iter.Pull2(mails)
		defer stop()
		mail, failed, more := next()
		before := func(p eventstore.Position) bool { // yields the mails before a position
			for ; more && (failed != nil || mail.Position < p); mail, failed, more = next() {
				if failed != nil {
					yield(eventstore.Record{}, fmt.Errorf("read mails of contract %s: %w", id, failed))
					return false
				}
				if !yield(mail, nil) {
					return false
				}
			}
			return true
		}
		for record, err := range a.store.ReadStream(ctx, id.String(), from.Contract, eventstore.Forwards) {
			if err != nil {
				yield(eventstore.Record{}, fmt.Errorf("read contract %s: %w", id, err))
				return
			}
			if record.Position > upTo {
				break // recorded since
			}
			if !before(record.Position) || !yield(record, nil) {
				return
			}
		}
		before(upTo + 1)
	}
}

// replay is how far a history was read.
type replay struct {
	from  eventstore.Revision // the first of the contract that is asked for
	next  Place
	tally tally
}

// replayFrom begins where a page has ended, if it is remembered, or else at the
// contract's start: a balance is what came before.
func (a *Auditor) replayFrom(id uuid.UUID, from Place) *replay {
	from = Place{max(from.Contract, 0), max(from.Mails, 0)}
	if t, ok := a.resume.Get(place{id, from.Contract}); ok {
		return &replay{from: from.Contract, next: from, tally: t.copy()}
	}
	return &replay{from: from.Contract, next: Place{0, from.Mails}}
}

// take counts a record, and returns it as an item if it was asked for.
func (r *replay) take(ctx context.Context, record eventstore.Record, open Opener) (*Item, error) {
	wanted := true
	if _, mail := ledger.MailedContract(record.Stream); mail {
		r.next.Mails = record.Revision + 1
	} else {
		r.next.Contract = record.Revision + 1
		wanted = record.Revision >= r.from
	}
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
	item := &Item{
		Position: recorded.Position, Revision: recorded.Revision, Type: recorded.Type, RecordedAt: recorded.RecordedAt,
		By: recorded.Meta.By, Data: data, Balances: r.tally.balances(),
	}
	if _, mail := ledger.MailedContract(recorded.Stream); mail {
		item.Stream = recorded.Stream
	}
	return item, nil
}
