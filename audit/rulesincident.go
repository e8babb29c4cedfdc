package audit

import (
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/domain/contract"
	"github.com/supportledger/supportledger/vault"
)

// incidentCheck is what an incident's events are held against.
type incidentCheck struct {
	open, counted bool
	filed         bool             // files were attached
	forOther      bool             // it was submitted for somebody else
	portal        string           // where
	account       uuid.UUID        // that submitted it
	grant         contract.GrantID // that paid last; 0 where none did
	last          string           // the type of its last event but comments
	decrement     bool             // of the last closing or reclassification
	severity      string
	closure       string
	until         time.Time // when nothing can happen to it any more, once closed
}

// allowsIncident says what is wrong with an event about an incident.
func (c *contractCheck) allowsIncident(r *recorded, e contract.Event) *wrong {
	n, _ := contract.NumberOf(e)
	in := c.incidents[n]
	if e, ok := e.(*contract.IncidentSubmitted); ok {
		return c.allowsSubmitted(r, e, in)
	}
	if in == nil {
		return breaks(LawIncident, "no incident %v was submitted here whose time is not over", n)
	}
	switch e := e.(type) {
	case *contract.IncidentDeducted:
		return c.allowsDeducted(r, e, in)
	case *contract.IncidentCreditedBack:
		return c.allowsCredited(r, e, in)
	case *contract.IncidentRightUsed:
		return c.allowsRight(r, e, in)
	case *contract.IncidentFilesAttached:
		return c.allowsFiles(r, e, in)
	case *contract.IncidentSeverityChanged:
		if !in.open || e.Previous != in.severity || e.Severity == in.severity {
			return breaks(LawIncident, "the severity of %v goes from %s to %s; it was %s (open: %t)", n, e.Previous, e.Severity, in.severity, in.open)
		}
	case *contract.IncidentClosed:
		if !in.open {
			return breaks(LawIncident, "%v is closed, and was closed before", n)
		}
	case *contract.IncidentReopened:
		if in.open {
			return breaks(LawIncident, "%v is reopened, and was open", n)
		}
	case *contract.IncidentReclassified:
		if in.open || e.Previous != in.closure || e.Closure == in.closure {
			return breaks(LawIncident, "%v is reclassified from %s to %s; it was %q (open: %t)", n, e.Previous, e.Closure, in.closure, in.open)
		}
	}
	return nil
}

func (c *contractCheck) allowsSubmitted(r *recorded, e *contract.IncidentSubmitted, in *incidentCheck) *wrong {
	if _, ok := vault.CheckNumber(e.Number.String()); !ok {
		return breaks(LawNumber, "%v has another check digit", e.Number)
	}
	if in != nil {
		return breaks(LawNumber, "%v was submitted before", e.Number)
	}
	if e.Account == uuid.Nil {
		return breaks(LawLinks, "%v was submitted by nobody", e.Number)
	}
	if !c.state.Exists() {
		return nil
	}
	if !c.state.Linked(e.Account) {
		return breaks(LawLinks, "%v was submitted by account %s, which is not linked", e.Number, e.Account)
	}
	return c.inState(r, contract.StatusActive)
}

func (c *contractCheck) allowsDeducted(r *recorded, e *contract.IncidentDeducted, in *incidentCheck) *wrong {
	if in.counted {
		return breaks(LawOnce, "%v is deducted, and was not credited back since the last time", e.Number)
	}
	if !in.deducts() {
		return breaks(LawAtomic, "%v is deducted after %s", e.Number, in.last)
	}
	if w := c.inState(r, contract.StatusActive); w != nil {
		return w
	}
	g, w := c.grant(e.Grant)
	if w != nil {
		return w
	}
	if g.Unit != e.Unit || e.Unit != contract.Incident || e.Quantity != 1 {
		return breaks(LawOnce, "%d %s are deducted for %v from a grant of %s", e.Quantity, e.Unit, e.Number, g.Unit)
	}
	best := c.payer(contract.Incident, r.RecordedAt, nil)
	if best == nil {
		return breaks(LawState, "%v is deducted at %s from grant %v, which has %d until %s", e.Number, stamp(r.RecordedAt), g.ID, g.Available, stamp(c.endOf(g)))
	}
	if best.ID != g.ID {
		return breaks(LawPayer, "grant %v paid for %v, not grant %v", g.ID, e.Number, best.ID)
	}
	left, unlimited := c.remaining(contract.Incident, r.RecordedAt)
	return sameRest(e.Remaining, e.Unlimited, left-1, unlimited)
}

func (c *contractCheck) allowsCredited(r *recorded, e *contract.IncidentCreditedBack, in *incidentCheck) *wrong {
	switch {
	case !in.counted:
		return breaks(LawOnce, "%v is credited back, and was not deducted since the last time", e.Number)
	case !in.credits():
		return breaks(LawAtomic, "%v is credited back after %s", e.Number, in.last)
	case e.Grant != in.grant:
		return breaks(LawIncident, "%v is credited back to grant %v, and was paid by %v", e.Number, e.Grant, in.grant)
	case e.Quantity != 1 || e.Unit != contract.Incident:
		return breaks(LawOnce, "%d %s are credited back for %v", e.Quantity, e.Unit, e.Number)
	}
	left, unlimited := c.remaining(contract.Incident, r.RecordedAt)
	g, w := c.grant(e.Grant)
	if w != nil {
		return w
	}
	if !c.over(g, r.RecordedAt) {
		left++
	}
	return sameRest(e.Remaining, e.Unlimited, left, unlimited || g.Unlimited)
}

// sameRest compares what a movement says is left with what is.
func sameRest(said *int64, saidUnlimited bool, left int64, unlimited bool) *wrong {
	switch {
	case unlimited != saidUnlimited || unlimited != (said == nil):
		return breaks(LawBalance, "the contract's incidents are unlimited: %t; recorded is %t", unlimited, saidUnlimited)
	case !unlimited && *said != left:
		return breaks(LawBalance, "%d are left afterwards; recorded is %d", left, *said)
	}
	return nil
}

// noteIncident keeps what later events of an incident are held against, and says
// what must come next.
func (c *contractCheck) noteIncident(r *recorded, e contract.Event) {
	n, about := contract.NumberOf(e)
	if !about {
		return
	}
	in := c.incidents[n]
	switch e := e.(type) {
	case *contract.IncidentCommented:
		return
	case *contract.IncidentRightUsed:
		in.forOther = true
		return
	case *contract.IncidentFilesAttached:
		in.filed = true
		return
	case *contract.IncidentSubmitted:
		in = &incidentCheck{open: true, account: e.Account, portal: e.Portal, severity: e.Severity, decrement: c.state.Exists()}
		c.incidents[n] = in
		c.submitted, c.submitting = n, r.Meta.Command
	case *contract.IncidentDeducted:
		in.counted, in.grant = true, e.Grant
	case *contract.IncidentCreditedBack:
		in.counted = false
		if g, _ := c.grant(e.Grant); !g.Unlimited && c.over(g, r.RecordedAt) {
			c.owe(r, LawLapse, (*contract.GrantLapsed)(nil), 0, e.Grant)
		}
	case *contract.IncidentSeverityChanged:
		in.severity = e.Severity
	case *contract.IncidentClosed:
		in.open, in.closure, in.decrement, in.until = false, e.Closure, e.Decrement, e.ReclassifyUntil
		c.settling = append(c.settling, n)
	case *contract.IncidentReopened:
		in.open, in.closure, in.decrement = true, "", true
	case *contract.IncidentReclassified:
		in.closure, in.decrement = e.Closure, e.Decrement
	}
	in.last = r.Type
	c.oweUnit(r, n, in)
}

// oweUnit requires a unit to move where what happened to an incident asks for it.
func (c *contractCheck) oweUnit(r *recorded, n contract.Number, in *incidentCheck) {
	switch {
	case in.deducts() && !in.counted && (in.grant != 0 || c.state.Exists()):
		c.owe(r, LawAtomic, (*contract.IncidentDeducted)(nil), n, 0)
	case in.credits() && in.counted:
		c.owe(r, LawAtomic, (*contract.IncidentCreditedBack)(nil), n, 0)
	}
}

// deducts says whether the incident's last event takes a unit, if it has none.
func (in *incidentCheck) deducts() bool { return in.decrement && slices.Contains(movers[:], in.last) }

// credits says whether the incident's last event gives its unit back.
func (in *incidentCheck) credits() bool { return !in.decrement && slices.Contains(movers[:], in.last) }

// movers are the types of events after which a unit may move.
var movers = [...]string{
	(*contract.IncidentSubmitted)(nil).Name(), (*contract.IncidentClosed)(nil).Name(),
	(*contract.IncidentReopened)(nil).Name(), (*contract.IncidentReclassified)(nil).Name(),
}
