package audit

import (
	"maps"

	"github.com/supportledger/supportledger/domain/contract"
)

// A tally adds up what a contract's events say about its units, and nothing
// else: an account of its own, against which the domain's is checked. The zero
// tally is a contract without grants.
type tally struct {
	incident, minute contract.Balance
	unlimited        map[contract.GrantID]bool
}

func (t *tally) unit(u contract.Unit) *contract.Balance {
	if u == contract.Minute {
		return &t.minute
	}
	return &t.incident
}

// moves says whether events of a type change a balance.
func moves(name string) bool {
	switch name {
	case (*contract.GrantAdded)(nil).Name(), (*contract.GrantAdjusted)(nil).Name(), (*contract.GrantLapsed)(nil).Name(),
		(*contract.IncidentDeducted)(nil).Name(), (*contract.IncidentCreditedBack)(nil).Name(),
		(*contract.AdvisoryTimeDeducted)(nil).Name(), (*contract.AdvisoryTimeCreditedBack)(nil).Name(),
		(*contract.Reissued)(nil).Name():
		return true
	}
	return false
}

// add counts an event.
func (t *tally) add(e contract.Event) {
	switch e := e.(type) {
	case *contract.GrantAdded:
		t.grant(e)
	case *contract.GrantAdjusted:
		b := t.unit(e.Unit)
		b.Adjusted += e.Quantity
		b.Available += e.Quantity
	case *contract.GrantLapsed:
		b := t.unit(e.Unit)
		b.Lapsed += e.Quantity
		b.Available -= e.Quantity
	case *contract.IncidentDeducted:
		b := t.unit(e.Unit)
		b.Deducted += e.Quantity
		t.consume(b, e.Grant, e.Quantity)
	case *contract.IncidentCreditedBack:
		b := t.unit(e.Unit)
		b.Credited += e.Quantity
		t.consume(b, e.Grant, -e.Quantity)
	case *contract.AdvisoryTimeDeducted:
		b := t.unit(e.Unit)
		b.Deducted += e.Minutes
		for _, part := range e.Parts {
			t.consume(b, part.Grant, part.Quantity)
		}
	case *contract.AdvisoryTimeCreditedBack:
		b := t.unit(e.Unit)
		b.Credited += e.Minutes
		for _, part := range e.Parts {
			t.consume(b, part.Grant, -part.Quantity)
		}
	case *contract.Reissued:
		for _, m := range e.Moved {
			b := t.unit(m.Unit)
			b.Moved += m.Quantity
			b.Available -= m.Quantity
		}
	}
}

func (t *tally) grant(e *contract.GrantAdded) {
	b := t.unit(e.Unit)
	if !e.Unlimited {
		b.Granted += e.Quantity
		b.Available += e.Quantity
		return
	}
	b.Unlimited = true
	if t.unlimited == nil {
		t.unlimited = make(map[contract.GrantID]bool)
	}
	t.unlimited[e.Grant] = true
}

func (t *tally) consume(b *contract.Balance, grant contract.GrantID, quantity int64) {
	b.Consumed += quantity
	if !t.unlimited[grant] {
		b.Available -= quantity
	}
}

// copy returns a tally that shares nothing with t.
func (t *tally) copy() tally {
	out := *t
	out.unlimited = maps.Clone(t.unlimited)
	return out
}

// balances are the units as they are shown: incidents always, others once they
// were granted.
func (t *tally) balances() map[contract.Unit]contract.Balance {
	out := map[contract.Unit]contract.Balance{contract.Incident: t.incident}
	if t.minute != (contract.Balance{}) {
		out[contract.Minute] = t.minute
	}
	return out
}
