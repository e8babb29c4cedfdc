package audit

import (
	"bytes"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/domain/contract"
)

// contractCheck holds one contract's history against the laws, event by event:
// what may be recorded in the state that was, what must follow, and whether the
// sums agree afterwards.
type contractCheck struct {
	id        uuid.UUID
	state     *contract.State // by the domain's own account
	tally     tally           // by ours
	incidents map[contract.Number]*incidentCheck
	settling  []contract.Number // closed, oldest closing first
	files     FileCheck         // nil: files are not looked at

	advisories map[contract.Number]*advisoryCheck
	advised    []contract.Number  // closed, oldest closing first
	lapsing    []contract.GrantID // to which something has returned after their end

	founder     uuid.UUID       // the command that began the stream
	command     uuid.UUID       // of the last event
	succeeds    *succession     // what made this contract, if it is a successor
	submitted   contract.Number // last
	submitting  uuid.UUID       // the command by which
	activations int
	ended       bool // an expiry or a cancellation was recorded
	reissued    bool
	keep        []uuid.UUID // the links that a reissue takes along

	owed      *owed           // the event that must come next
	granting  []expectedGrant // the grants that must come next
	grantedBy uuid.UUID       // the command that owes them
}

// owed is an event that the one before requires, in the same append.
type owed struct {
	law, after, name string
	number           contract.Number  // 0: none
	grant            contract.GrantID // 0: any
	command          uuid.UUID
}

// expectedGrant is a grant that follows from an activation or a reissue.
type expectedGrant struct {
	unit      contract.Unit
	quantity  int64
	unlimited bool
	source    contract.Source
	endsAt    time.Time
	from      *contract.MovedFrom
}

// forgetAfter is how long after its last possible change an incident is kept.
const forgetAfter = 24 * time.Hour

// step holds one event against the laws.
func (c *contractCheck) step(r *recorded, e contract.Event) *wrong {
	if r.Revision == 0 {
		c.founder = r.Meta.Command
	}
	if w := c.settle(r, e); w != nil {
		w.before = r.Meta.Command != c.command // else it stands in place of the right one
		return w
	}
	c.command = r.Meta.Command
	if w := c.allows(r, e); w != nil {
		return w
	}
	contract.Evolve(c.state, e)
	c.tally.add(e)
	c.note(r, e)
	c.forget(r.RecordedAt.Add(-forgetAfter))
	return c.sums(r.RecordedAt)
}

// founding says whether a record belongs to the command that began the stream.
func (c *contractCheck) founding(r *recorded) bool { return r.Meta.Command == c.founder }

// settle looks whether the event is one that those before require.
func (c *contractCheck) settle(r *recorded, e contract.Event) *wrong {
	if o := c.owed; o != nil {
		c.owed = nil
		return o.metBy(r, e)
	}
	if len(c.granting) == 0 {
		return nil
	}
	added, isGrant := e.(*contract.GrantAdded)
	if _, activated := e.(*contract.Activated); activated && c.activations == 0 {
		return nil
	}
	want := c.granting[0]
	if !isGrant || r.Meta.Command != c.grantedBy || !want.is(added) {
		return breaks(want.law(), "%s stands where a grant must be added of %s", e.Name(), want)
	}
	if c.granting = c.granting[1:]; len(c.granting) == 0 {
		c.granting = nil // else all of them are kept
	}
	return nil
}

func (o *owed) metBy(r *recorded, e contract.Event) *wrong {
	number, _ := contract.NumberOf(e)
	grant := o.grant
	if lapsed, ok := e.(*contract.GrantLapsed); ok && grant != 0 {
		grant = lapsed.Grant
	}
	if e.Name() == o.name && number == o.number && grant == o.grant && r.Meta.Command == o.command {
		return nil
	}
	return breaks(o.law, "%s must be followed by %s of the same command, but %s follows", o.after, o.name, e.Name())
}

// unsettled is what the last event still requires of its append.
func (c *contractCheck) unsettled() (w *wrong) {
	switch {
	case c.owed != nil:
		w = breaks(c.owed.law, "%s must be followed by %s, and nothing follows in its append", c.owed.after, c.owed.name)
	case len(c.granting) > 0:
		w = breaks(c.granting[0].law(), "nothing follows in its append where a grant must be added of %s", c.granting[0])
	default:
		return nil
	}
	w.before = true
	return w
}

// owe requires an event to come next.
func (c *contractCheck) owe(r *recorded, law string, next contract.Event, number contract.Number, grant contract.GrantID) {
	c.owed = &owed{law, r.Type, next.Name(), number, grant, r.Meta.Command}
}

// note keeps what later events are held against, and says what must come next.
func (c *contractCheck) note(r *recorded, e contract.Event) {
	switch e := e.(type) {
	case *contract.Registered:
		if c.succeeds != nil && c.succeeds.reissued != nil {
			c.granting, c.grantedBy = c.succeeds.grants(), r.Meta.Command
		}
	case *contract.Activated:
		c.activations++
		if c.activations == 1 && !c.state.Terms().Replaces {
			c.granting, c.grantedBy = includedGrants(c.state.Terms()), r.Meta.Command
		}
	case *contract.Reissued:
		c.reissued, c.keep = true, e.Keep
		c.owe(r, LawReissue, (*contract.Cancelled)(nil), 0, 0)
	case *contract.Expired, *contract.Cancelled:
		c.ended = true
	case *contract.GrantLapsed:
		c.oweLapse(r)
	default:
		if n, ok := contract.AdvisoryOf(e); ok {
			c.noteAdvisory(r, e, n)
		} else {
			c.noteIncident(r, e)
		}
	}
	if c.owed != nil || !c.ended {
		return
	}
	if c.tally.incident.Available+c.tally.minute.Available > 0 {
		c.owe(r, LawLapse, (*contract.GrantLapsed)(nil), 0, 0)
	} else if c.reissued && c.leaves() {
		c.owe(r, LawReissue, (*contract.AccountUnlinked)(nil), 0, 0)
	}
}

// leaves says whether an account is still linked that a reissue did not keep.
func (c *contractCheck) leaves() bool {
	for account := range c.state.Links() {
		if !slices.Contains(c.keep, account) {
			return true
		}
	}
	return false
}

// forget drops the incidents that nothing can happen to any more.
func (c *contractCheck) forget(at time.Time) {
	c.state.Forget(at)
	c.forgetAdvisories(at)
	for len(c.settling) > 0 {
		n := c.settling[0]
		if in := c.incidents[n]; in != nil && !in.open {
			if !at.After(in.until) {
				return
			}
			delete(c.incidents, n)
		}
		c.settling = c.settling[1:]
	}
}

// sums holds the balances against each other: ours, the grants', the domain's.
func (c *contractCheck) sums(at time.Time) *wrong {
	var total tally
	for i := range c.state.Grants() {
		g := &c.state.Grants()[i]
		if !g.Unlimited && (g.Available < 0 || g.Granted+g.Adjusted != g.Available+g.Consumed+g.Lapsed+g.Moved) {
			return breaks(LawBalance, "grant %v: %+v", g.ID, *g)
		}
		b := total.unit(g.Unit)
		b.Granted += g.Granted
		b.Adjusted += g.Adjusted
		b.Available += g.Available
		b.Consumed += g.Consumed
		b.Lapsed += g.Lapsed
		b.Moved += g.Moved
	}
	for _, u := range [...]contract.Unit{contract.Incident, contract.Minute} {
		ours := *c.tally.unit(u)
		if !ours.Holds() {
			return breaks(LawBalance, "%s: %+v", u, ours)
		}
		if grants := *total.unit(u); sumsOf(grants) != sumsOf(ours) {
			return breaks(LawBalance, "%s: the grants add up to %+v, the events to %+v", u, grants, ours)
		}
		if c.promised() {
			continue // what comes by itself is a balance before it is an event
		}
		if b := c.state.Balance(u, at); c.state.Exists() && lapsing(b) != lapsing(ours) {
			return breaks(LawBalance, "%s: the contract says %+v, its events add up to %+v", u, b, ours)
		}
	}
	return nil
}

// promised says whether the contract is blank and will come to life by itself.
func (c *contractCheck) promised() bool { return c.state.Promise() != nil && c.state.Term() == nil }

// sumsOf leaves out what grants do not keep.
func sumsOf(b contract.Balance) contract.Balance {
	b.Deducted, b.Credited, b.Unlimited = 0, 0, false
	return b
}

// lapsing leaves out the difference between what has lapsed and what is recorded
// as lapsed.
func lapsing(b contract.Balance) contract.Balance {
	b.Lapsed += b.Available
	b.Available = 0
	return b
}

// over says whether a grant was past its end.
func (c *contractCheck) over(g *contract.Grant, at time.Time) bool {
	end := c.endOf(g)
	return c.ended || !end.IsZero() && !at.Before(end)
}

func (c *contractCheck) endOf(g *contract.Grant) time.Time {
	term := c.state.EndsAt()
	if g.EndsAt.IsZero() || !term.IsZero() && term.Before(g.EndsAt) {
		return term
	}
	return g.EndsAt
}

func (c *contractCheck) grant(id contract.GrantID) (*contract.Grant, *wrong) {
	grants := c.state.Grants()
	if id < 1 || int(id) > len(grants) {
		return nil, breaks(LawBalance, "the contract has no grant %v", id)
	}
	return &grants[id-1], nil
}

// replaying turns a panic over a history that cannot be into a finding.
func replaying(step func() *wrong) (w *wrong) {
	defer func() {
		if p := recover(); p != nil {
			w = breaks(LawReplays, "replaying stopped: %s", firstLine(fmt.Sprint(p)))
		}
	}()
	return step()
}

func firstLine(s string) string {
	line, _, _ := bytes.Cut([]byte(s), []byte("\n"))
	return string(line)
}
