package postoffice

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/domain/contract"
	"github.com/supportledger/supportledger/eventstore"
	"github.com/supportledger/supportledger/ledger"
	"github.com/supportledger/supportledger/notifications/mail"
)

// A fact is an event of a contract with the record that says it.
type fact struct {
	ledger.Recorded
	event contract.Event
}

func read(r eventstore.Record) (*fact, error) {
	decoded, err := ledger.Decode(r)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errUnreadable, err)
	}
	e, ok := decoded.Event.(contract.Event)
	if !ok {
		return nil, fmt.Errorf("%w: record %s@%d: %s is no event of a contract", errUnreadable, r.Stream, r.Revision, r.Type)
	}
	return &fact{decoded, e}, nil
}

// at reads an event of the contract; one without an event where there is none.
func (b *builder) at(ctx context.Context, revision eventstore.Revision) (*fact, error) {
	for r, err := range b.office.Store.ReadStream(ctx, b.record.Stream, revision, eventstore.Forwards) {
		if err != nil {
			return nil, fmt.Errorf("read contract %s: %w", b.about, err)
		}
		return read(r)
	}
	return new(fact), nil
}

// submission finds the event by which an incident began. The state of a contract
// at work is in memory and knows where that is; of what it has forgotten, the
// stream is read.
func (b *builder) submission(ctx context.Context, n contract.Number) (*contract.IncidentSubmitted, error) {
	var known []int64
	look := func(s *contract.State, _ time.Time) { known = s.Revisions(n) }
	if err := b.office.Ledger.View(ctx, b.about, look); err != nil {
		return nil, fmt.Errorf("look at contract %s: %w", b.about, err)
	}
	from := eventstore.Revision(0)
	if len(known) > 0 {
		from = eventstore.Revision(known[0])
	}
	for r, err := range b.office.Store.ReadStream(ctx, b.record.Stream, from, eventstore.Forwards) {
		if err != nil {
			return nil, fmt.Errorf("read contract %s: %w", b.about, err)
		}
		if r.Type != (*contract.IncidentSubmitted)(nil).Name() {
			continue
		}
		f, err := read(r)
		if err != nil {
			return nil, err
		}
		if asked := f.event.(*contract.IncidentSubmitted); asked.Number == n {
			return asked, nil
		}
	}
	return nil, fmt.Errorf("%w: contract %s closed incident %v and never took it", errUnreadable, b.about, n)
}

// outcome is what closing did to the incident's unit, and what was left right
// after.
func (b *builder) outcome(ctx context.Context) (mail.Outcome, mail.Left, error) {
	next, err := b.at(ctx, b.record.Revision+1)
	if err != nil {
		return "", mail.Left{}, err
	}
	credited, is := next.event.(*contract.IncidentCreditedBack)
	if !is || next.Meta.Command != b.record.Meta.Command {
		left, err := b.leftBefore(ctx)
		if err != nil || !left.Pays {
			return mail.NotDeducted, left, err
		}
		return mail.Counted, left, nil
	}
	left := mail.LeftOf(credited.Remaining, credited.Unlimited)
	after, err := b.at(ctx, b.record.Revision+2)
	if err != nil {
		return "", left, err
	}
	if _, lapsed := after.event.(*contract.GrantLapsed); lapsed && after.Meta.Command == b.record.Meta.Command {
		return mail.CreditLapsed, left, nil
	}
	return mail.CreditedBack, left, nil
}

// leftBefore is what the contract had left right before the event: what the last
// movement says, and what has changed since. That is few records back in the
// stream of a busy contract, and no stream of another is long.
func (b *builder) leftBefore(ctx context.Context) (mail.Left, error) {
	var t tally
	for r, err := range b.office.Store.ReadStream(ctx, b.record.Stream, b.record.Revision-1, eventstore.Backwards) {
		if err != nil {
			return mail.Left{}, fmt.Errorf("read contract %s: %w", b.about, err)
		}
		f, err := read(r)
		if err != nil {
			return mail.Left{}, err
		}
		if left, known := t.back(f); known {
			return left, nil
		}
	}
	return mail.Left{}, nil // the stream of an incident that no contract pays for
}

// A tally goes back through a contract's events until it knows what was left
// after the last.
type tally struct {
	changed int64     // by the events that were gone through
	lapsed  int64     // of that, in the last command
	command uuid.UUID // the last
}

func (t *tally) back(f *fact) (left mail.Left, known bool) {
	if f.Meta.Command != t.command {
		t.command, t.lapsed = f.Meta.Command, 0
	}
	count := func(n int64) (mail.Left, bool) { return mail.Left{Pays: true, Count: n}, true }
	after := func(remaining *int64, unlimited bool) (mail.Left, bool) {
		if unlimited || remaining == nil {
			return mail.LeftOf(remaining, true), true
		}
		return count(*remaining + t.changed)
	}
	switch e := f.event.(type) {
	case *contract.Cancelled, *contract.Expired:
		return count(0)
	case *contract.IncidentDeducted:
		return after(e.Remaining, e.Unlimited)
	case *contract.IncidentCreditedBack:
		t.changed += t.lapsed // which it does not count as left
		return after(e.Remaining, e.Unlimited)
	case *contract.GrantAdded:
		t.add(e.Unit, e.Quantity)
	case *contract.GrantAdjusted:
		t.add(e.Unit, e.Quantity)
	case *contract.GrantLapsed:
		t.add(e.Unit, -e.Quantity)
		if e.Unit == contract.Incident {
			t.lapsed += e.Quantity
		}
	}
	return left, false
}

func (t *tally) add(unit contract.Unit, quantity int64) {
	if unit == contract.Incident {
		t.changed += quantity
	}
}

// reached finds the event by which incidents were last added to the contract, and
// says whether no event between it and this one, since mails are on, came down to a
// number already.
func (b *builder) reached(ctx context.Context, threshold int) (added uuid.UUID, first bool, err error) {
	for r, err := range b.office.Store.ReadStream(ctx, b.record.Stream, b.record.Revision-1, eventstore.Backwards) {
		if err != nil {
			return uuid.Nil, false, fmt.Errorf("read contract %s: %w", b.about, err)
		}
		f, err := read(r)
		if err != nil {
			return uuid.Nil, false, err
		}
		switch e := f.event.(type) {
		case *contract.GrantAdded:
			if e.Unit == contract.Incident {
				return r.ID, true, nil
			}
		case *contract.GrantAdjusted:
			if e.Unit == contract.Incident && e.Quantity > 0 {
				return r.ID, true, nil
			}
		case *contract.IncidentDeducted:
			if n, few := b.office.fewAfter(e); few && n == threshold && r.Position > b.office.since.Position {
				return uuid.Nil, false, nil
			}
		}
	}
	return b.about, true, nil
}

// fewAfter says whether a deduction came down to a number of the catalogue.
func (o *Office) fewAfter(e *contract.IncidentDeducted) (threshold int, few bool) {
	if e.Remaining == nil {
		return 0, false
	}
	return o.Catalog.FewLeftAt(*e.Remaining+e.Quantity, *e.Remaining)
}
