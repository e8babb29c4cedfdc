package audit

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/domain"
	"github.com/supportledger/supportledger/domain/contract"
	"github.com/supportledger/supportledger/eventstore"
	"github.com/supportledger/supportledger/ledger"
)

// A Moment is a point in a contract's past: a time, or the record at a position.
// The zero Moment is now.
type Moment struct {
	Position eventstore.Position
	Time     time.Time
	First    bool // before the first record of all: position 0
}

// ParseMoment reads "12345", a position, or a time by RFC 3339; "" is now, and "0"
// before the first record.
func ParseMoment(text string) (Moment, error) {
	if text == "" {
		return Moment{}, nil
	}
	if p, err := strconv.ParseUint(text, 10, 64); err == nil {
		return Moment{Position: eventstore.Position(p), First: p == 0}, nil
	}
	if t, err := time.Parse(time.RFC3339, text); err == nil && !t.IsZero() {
		return Moment{Time: t.UTC()}, nil
	}
	r := domain.Refuse(MalformedMoment,
		"send a position, such as 12345, or a time, such as 2026-03-01T12:00:00Z; the plus sign of an offset is written as %2B in an address",
		"at must be a position or an RFC 3339 time")
	r.Fields = []domain.Field{{Name: "at", Reason: "must be a position or an RFC 3339 time"}}
	return Moment{}, r
}

// The codes that refuse a moment: what is no moment, and a position that never
// was.
const (
	MalformedMoment = "malformed-moment"
	UnknownPosition = "unknown-position"
)

// Balances are a contract's units as of a moment.
type Balances struct {
	AsOf     AsOf                               `json:"as_of"`
	Balances map[contract.Unit]contract.Balance `json:"balances"`
	Grants   []contract.Grant                   `json:"-"` // what they are made of, oldest first
}

// BalanceAt is what a contract's units were after the last record at or before a
// moment, by position or by recorded time; what was due by then counts whether
// or not it had been recorded (R5), except right after an event of the contract's
// history that is asked for by its position. Before a contract was registered it has
// nothing: balances of zero, as a statement opens with. One that is unknown is refused
// with contract-not-found, a time that is still to come with invalid-field, a position
// beyond the head with UnknownPosition.
func (a *Auditor) BalanceAt(ctx context.Context, id uuid.UUID, at Moment) (Balances, error) {
	asOf, stream, err := a.locate(ctx, at)
	if err != nil {
		return Balances{}, err
	}
	s := new(contract.State)
	for r, err := range a.store.ReadStream(ctx, id.String(), 0, eventstore.Forwards) {
		if err != nil {
			return Balances{}, fmt.Errorf("read contract %s: %w", id, err)
		}
		if r.Position > asOf.Position || r.RecordedAt.After(asOf.Time) {
			if !s.Exists() && r.Type == (*contract.Registered)(nil).Name() {
				return Balances{AsOf: asOf, Balances: map[contract.Unit]contract.Balance{contract.Incident: {}}}, nil
			}
			break
		}
		if err := contract.Replay(s, r.Type, r.Data); err != nil {
			return Balances{}, fmt.Errorf("record %s@%d: %w", r.Stream, r.Revision, err)
		}
		s.Forget(r.RecordedAt)
	}
	if !s.Exists() {
		return Balances{}, refuseUnknown(id)
	}
	if stream == id.String() || stream == ledger.MailsOf(id) { // as the history shows it beside that event
		return Balances{asOf, s.RecordedBalances(), s.Grants()}, nil
	}
	return Balances{asOf, s.Balances(asOf.Time), s.GrantsAt(asOf.Time)}, nil
}

// locate finds the last record at or before a moment, and the time it stands
// for; and the stream of a record that was asked for by its position.
func (a *Auditor) locate(ctx context.Context, at Moment) (_ AsOf, stream string, _ error) {
	now := a.now()
	newest, err := a.before(ctx, eventstore.LastPosition)
	if err != nil {
		return AsOf{}, "", err
	}
	switch {
	case at.First:
		asOf, err := a.beforeAll(ctx, now)
		return asOf, "", err
	case at.Position > newest.Position:
		r := domain.Refuse(UnknownPosition, "take a position from an answer of this ledger", "at names a position that never was")
		r.Fields = []domain.Field{{Name: "at", Reason: "names a position that never was"}}
		return AsOf{}, "", r
	case at.Position > 0:
		record, err := a.before(ctx, at.Position+1)
		if record.Position == at.Position {
			stream = record.Stream
		}
		return AsOf{at.Position, record.RecordedAt}, stream, err
	case at.Time.IsZero():
		return AsOf{newest.Position, later(now, newest.RecordedAt)}, "", nil
	case at.Time.After(later(now, newest.RecordedAt)):
		return AsOf{}, "", domain.RefuseField("at", "lies in the future: it is "+now.Format(time.RFC3339)+" now")
	case !at.Time.Before(newest.RecordedAt):
		return AsOf{newest.Position, at.Time}, "", nil
	}
	p, err := a.search(ctx, at.Time, newest.Position)
	return AsOf{p, at.Time}, "", err
}

// beforeAll is the last moment before the first record.
func (a *Auditor) beforeAll(ctx context.Context, now time.Time) (AsOf, error) {
	for r, err := range a.store.ReadAll(ctx, eventstore.Start) {
		if err != nil {
			return AsOf{}, fmt.Errorf("read the first record: %w", err)
		}
		return AsOf{eventstore.Start, r.RecordedAt.Add(-time.Microsecond)}, nil
	}
	return AsOf{eventstore.Start, now}, nil
}

// search finds the last position recorded at or before a time. Recorded times
// never run backwards by more than the store's slack, so it need not look at every
// record: after one that is later by that much all are later.
func (a *Auditor) search(ctx context.Context, at time.Time, below eventstore.Position) (eventstore.Position, error) {
	slack := eventstore.Slack(a.store)
	low, high := eventstore.Start, below // what is high and above is after
	for low+1 < high {
		mid := low + (high-low)/2
		record, err := a.before(ctx, mid+1)
		if err != nil {
			return 0, err
		}
		if record.RecordedAt.After(at.Add(slack)) {
			high = mid
		} else {
			low = mid
		}
	}
	for r, err := range a.store.ReadAllBackwards(ctx, low+1) {
		if err != nil {
			return 0, fmt.Errorf("read before position %v: %w", low+1, err)
		}
		if !r.RecordedAt.After(at) {
			return r.Position, nil
		}
	}
	return eventstore.Start, nil
}

// before is the last record before a position; zero where there is none.
func (a *Auditor) before(ctx context.Context, p eventstore.Position) (eventstore.Record, error) {
	for r, err := range a.store.ReadAllBackwards(ctx, p) {
		if err != nil {
			return eventstore.Record{}, fmt.Errorf("read before position %v: %w", p, err)
		}
		return r, nil
	}
	return eventstore.Record{}, nil
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
