package audit

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/domain"
	"github.com/supportledger/supportledger/domain/catalog"
	"github.com/supportledger/supportledger/domain/contract"
	"github.com/supportledger/supportledger/eventstore"
	"github.com/supportledger/supportledger/ledger"
)

// A Statement is what a contract had at the start of a period, what moved in it,
// and what it had at the end. For every unit, opening and movements add up to
// closing.
type Statement struct {
	Contract    uuid.UUID       `json:"contract"`
	AccessID    string          `json:"access_id"`
	ServiceName string          `json:"service_name"`
	Programme   string          `json:"programme"`
	TimeZone    string          `json:"time_zone"` // whose days the period is made of
	Status      contract.Status `json:"status"`    // at its end
	From        catalog.Date    `json:"from"`      // the first day
	To          catalog.Date    `json:"to"`        // the last day
	AsOf        AsOf            `json:"as_of"`     // up to where it is true, where its last day is not over yet

	Opening   map[contract.Unit]contract.Balance `json:"opening"`
	Movements []Movement                         `json:"movements"`
	Closing   map[contract.Unit]contract.Balance `json:"closing"`
}

// A Movement is what one event did to one unit.
type Movement struct {
	// At is when it counts from: what lapses does so at its end, whenever that
	// was recorded (R5).
	At       time.Time           `json:"at"`
	Position eventstore.Position `json:"position,omitempty"` // 0: nothing has recorded it yet
	Type     string              `json:"type"`
	Unit     contract.Unit       `json:"unit"`
	Change   int64               `json:"change"` // of what is available; where unlimited, of what was consumed, with the other sign
	Grant    contract.GrantID    `json:"grant"`
	Number   string              `json:"number,omitempty"` // of the incident, or of the advisory request
	Reason   string              `json:"reason,omitempty"`
	Balance  contract.Balance    `json:"balance"` // of the unit, afterwards
}

// mostMovements bounds a statement, which is made in memory.
const mostMovements = 100_000

// Statement makes the statement of a contract for the days from and to, both
// included, in the contract's own zone. The zero from is the first day of its
// term, or the day of its registration before it has one; the zero to is today.
// Codes are contract-not-found and invalid-field.
func (a *Auditor) Statement(ctx context.Context, id uuid.UUID, from, to catalog.Date) (Statement, error) {
	all, err := a.account(ctx, id)
	if err != nil {
		return Statement{}, err
	}
	terms := all.state.Terms()
	if terms == nil {
		return Statement{}, refuseUnknown(id)
	}
	zone, err := time.LoadLocation(terms.TimeZone)
	if err != nil {
		return Statement{}, fmt.Errorf("contract %s: %w", id, err)
	}
	today := catalog.DateOf(all.asOf.Time, zone)
	if from.IsZero() {
		if from = all.state.Summary(all.asOf.Time).StartsOn; from.IsZero() || from.Compare(today) > 0 {
			from = terms.RegisteredOn
		}
	}
	if to.IsZero() {
		to = today
	}
	switch {
	case from.Year < 1 || from.Year > lastYear || to.Year > lastYear:
		return Statement{}, domain.RefuseField("from", "must be a year from 1 to 9000")
	case from.Compare(to) > 0:
		return Statement{}, domain.RefuseField("to", "must not be before "+from.String())
	}
	s := Statement{
		Contract: id, AccessID: terms.AccessID, ServiceName: terms.ServiceName, Programme: terms.Programme, TimeZone: terms.TimeZone,
		From: from, To: to, AsOf: all.asOf, Movements: []Movement{},
	}
	begins, ends := from.StartOf(zone), to.EndOf(zone)
	s.Status = all.statusAt(ends)
	return s, all.fill(&s, begins, ends)
}

const lastYear = 9000

// An account is everything that moved a contract's units.
type account struct {
	state *contract.State
	asOf  AsOf
	moved []moved
	// statuses are when the contract's state changed, oldest first.
	statuses []statusAt
}

type statusAt struct {
	at     time.Time
	status contract.Status
}

// moved is an event that moves units, and when it counts from.
type moved struct {
	at       time.Time
	position eventstore.Position
	event    contract.Event
}

// account reads a contract whole.
func (a *Auditor) account(ctx context.Context, id uuid.UUID) (*account, error) {
	all := &account{state: new(contract.State)}
	var err error
	if all.asOf.Position, err = a.store.Head(ctx); err != nil {
		return nil, fmt.Errorf("find head: %w", err)
	}
	all.asOf.Time = a.now()
	latest := map[contract.GrantID]time.Time{} // of a grant's movements
	for r, err := range a.store.ReadStream(ctx, id.String(), 0, eventstore.Forwards) {
		if err != nil {
			return nil, fmt.Errorf("read contract %s: %w", id, err)
		}
		if r.Position > all.asOf.Position {
			break // recorded since
		}
		recorded, err := ledger.Decode(r)
		if err != nil {
			return nil, err
		}
		e, ok := recorded.Event.(contract.Event)
		if !ok {
			return nil, fmt.Errorf("record %s@%d is no contract's", r.Stream, r.Revision)
		}
		all.statuses = append(all.statuses, statusAt{r.RecordedAt, all.state.Status(r.RecordedAt)})
		contract.Evolve(all.state, e)
		all.state.Forget(r.RecordedAt)
		all.statuses[len(all.statuses)-1].status = all.state.Status(r.RecordedAt)
		all.asOf.Time = later(all.asOf.Time, r.RecordedAt)
		if moves(r.Type) {
			all.moved = append(all.moved, moved{countsFrom(e, r.RecordedAt, latest), r.Position, e})
		}
	}
	for _, e := range contract.Due(all.state, all.asOf.Time, nil) {
		if moves(e.Name()) {
			all.moved = append(all.moved, moved{countsFrom(e, all.asOf.Time, latest), 0, e})
		}
	}
	slices.SortStableFunc(all.moved, func(a, b moved) int { return a.at.Compare(b.at) })
	return all, nil
}

// countsFrom is when an event counts from. What lapses does so at its end, unless
// it came back to a grant that had ended before.
func countsFrom(e contract.Event, recordedAt time.Time, latest map[contract.GrantID]time.Time) time.Time {
	at := recordedAt
	if lapsed, ok := e.(*contract.GrantLapsed); ok && lapsed.EndedAt.Before(at) {
		at = later(lapsed.EndedAt, latest[lapsed.Grant])
	}
	for _, one := range split(e) {
		g := movement(one).Grant
		latest[g] = later(latest[g], at)
	}
	return at
}

// statusAt is the contract's state just before an instant, or now where that is
// still to come.
func (a *account) statusAt(end time.Time) contract.Status {
	at := a.asOf.Time
	if !end.After(at) {
		at = end.Add(-time.Microsecond)
	}
	last := a.statuses[len(a.statuses)-1]
	if !at.Before(last.at) {
		return a.state.Status(at)
	}
	i, _ := slices.BinarySearchFunc(a.statuses, at, func(s statusAt, at time.Time) int {
		return cmp.Or(s.at.Compare(at), -1) // behind all that are not later
	})
	if i == 0 {
		return ""
	}
	return a.statuses[i-1].status
}

// fill adds up what moved before, in, and until the end of a period.
func (a *account) fill(s *Statement, begins, ends time.Time) error {
	var t tally
	opened := false
	for _, m := range a.moved {
		if !m.at.Before(ends) {
			break
		}
		if !opened && !m.at.Before(begins) {
			s.Opening, opened = t.balances(), true
		}
		if !opened {
			t.add(m.event)
			continue
		}
		for _, one := range split(m.event) {
			part := movement(one)
			before := *t.unit(part.Unit)
			t.add(one)
			part.At, part.Position, part.Type, part.Balance = m.at, m.position, one.Name(), *t.unit(part.Unit)
			part.Change = part.Balance.Available - before.Available
			if part.Balance.Unlimited && part.Change == 0 {
				part.Change = before.Consumed - part.Balance.Consumed
			}
			s.Movements = append(s.Movements, part)
		}
		if len(s.Movements) > mostMovements {
			return domain.RefuseField("from", fmt.Sprintf("begins a period with more than %d movements: choose a shorter one", mostMovements))
		}
	}
	s.Closing = t.balances()
	if !opened {
		s.Opening = s.Closing
	}
	return nil
}

// split makes of an event that moves units of several grants one for each.
func split(e contract.Event) (each []contract.Event) {
	switch e := e.(type) {
	case *contract.AdvisoryTimeDeducted:
		for i, part := range e.Parts {
			one := *e
			one.Minutes, one.Parts = part.Quantity, e.Parts[i:i+1]
			each = append(each, &one)
		}
	case *contract.AdvisoryTimeCreditedBack:
		for i, part := range e.Parts {
			one := *e
			one.Minutes, one.Parts = part.Quantity, e.Parts[i:i+1]
			each = append(each, &one)
		}
	case *contract.Reissued:
		for i := range e.Moved {
			one := *e
			one.Moved = e.Moved[i : i+1]
			each = append(each, &one)
		}
	default:
		each = append(each, e)
	}
	return each
}

// movement is what an event moves, which is about one grant.
func movement(e contract.Event) Movement {
	switch e := e.(type) {
	case *contract.GrantAdded:
		return Movement{Unit: e.Unit, Grant: e.Grant, Reason: e.Reason}
	case *contract.GrantAdjusted:
		return Movement{Unit: e.Unit, Grant: e.Grant, Reason: e.Reason}
	case *contract.GrantLapsed:
		return Movement{Unit: e.Unit, Grant: e.Grant}
	case *contract.IncidentDeducted:
		return Movement{Unit: e.Unit, Grant: e.Grant, Number: e.Number.String()}
	case *contract.IncidentCreditedBack:
		return Movement{Unit: e.Unit, Grant: e.Grant, Number: e.Number.String()}
	case *contract.AdvisoryTimeDeducted:
		return Movement{Unit: e.Unit, Grant: e.Parts[0].Grant, Number: e.Number.String()}
	case *contract.AdvisoryTimeCreditedBack:
		return Movement{Unit: e.Unit, Grant: e.Parts[0].Grant, Number: e.Number.String(), Reason: e.Reason}
	case *contract.Reissued:
		return Movement{Unit: e.Moved[0].Unit, Grant: e.Moved[0].Grant, Reason: e.Reason}
	default:
		panic(fmt.Sprintf("%s moves no units", e.Name())) // moves says so
	}
}
