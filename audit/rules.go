package audit

import (
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/domain/contract"
)

// allows says what is wrong with an event in the state that it met.
func (c *contractCheck) allows(r *recorded, e contract.Event) *wrong {
	if w := c.begins(r, e); w != nil {
		return w
	}
	switch e := e.(type) {
	case *contract.Registered:
		return c.allowsRegistered(r, e)
	case *contract.Promised:
		return c.allowsPromise(r, e)
	case *contract.Activated:
		return c.allowsActivated(r, e)
	case *contract.Suspended:
		return c.inState(r, contract.StatusActive)
	case *contract.Resumed:
		return c.inState(r, contract.StatusSuspended)
	case *contract.Cancelled:
		return c.inState(r, contract.StatusRegistered, contract.StatusWaiting, contract.StatusActive, contract.StatusSuspended)
	case *contract.Expired:
		return c.allowsExpired(r, e)
	case *contract.Renewed:
		return c.allowsRenewed(r, e)
	case *contract.Reissued:
		return c.allowsReissued(r, e)
	case *contract.GrantAdded:
		return c.allowsGrant(r, e)
	case *contract.GrantAdjusted:
		return c.allowsAdjustment(r, e)
	case *contract.GrantLapsed:
		return c.allowsLapse(r, e)
	case *contract.AccountLinked:
		return c.allowsLink(r, e)
	case *contract.AccountUnlinked:
		if !c.state.Linked(e.Account) {
			return breaks(LawLinks, "account %s was not linked", e.Account)
		}
		return nil
	}
	if n, ok := contract.AdvisoryOf(e); ok {
		return c.allowsAdvisory(r, e, n)
	}
	return c.allowsIncident(r, e)
}

// begins holds that a stream is one contract, or one incident without one.
func (c *contractCheck) begins(r *recorded, e contract.Event) *wrong {
	_, registers := e.(*contract.Registered)
	_, submits := e.(*contract.IncidentSubmitted)
	switch {
	case r.Revision == 0 && !registers && !submits:
		return breaks(LawOneContract, "the stream begins with %s", e.Name())
	case r.Revision > 0 && registers:
		return breaks(LawOneContract, "a contract is registered in a stream that has one")
	case r.Revision == 0 || c.state.Exists():
		return nil
	}
	switch e.(type) {
	case *contract.IncidentRightUsed, *contract.IncidentFilesAttached, *contract.IncidentCommented, *contract.IncidentSeverityChanged, *contract.IncidentClosed,
		*contract.IncidentReopened, *contract.IncidentReclassified:
		return nil
	}
	return breaks(LawOneContract, "%s stands in the stream of an incident that no contract pays for", e.Name())
}

// inState holds that the contract was in one of some states when it was
// recorded. What began the stream may have been completed later.
func (c *contractCheck) inState(r *recorded, allowed ...contract.Status) *wrong {
	status := c.state.Status(r.RecordedAt)
	if c.founding(r) && !c.ended || slices.Contains(allowed, status) {
		return nil
	}
	return breaks(LawState, "the contract was %s at %s", status, stamp(r.RecordedAt))
}

func (c *contractCheck) allowsRegistered(r *recorded, e *contract.Registered) *wrong {
	if len(e.ContractID) == 0 {
		return breaks(LawPair, "the registration holds no Contract ID")
	}
	s := c.succeeds
	switch {
	case s == nil && e.Predecessor != uuid.Nil:
		return breaks(LawRenewal, "predecessor %s does not name this contract", e.Predecessor)
	case s == nil:
		return nil
	case s.predecessor != e.Predecessor:
		return breaks(LawRenewal, "contract %s names this one as its successor, which names %s", s.predecessor, e.Predecessor)
	case e.Replaces != (s.reissued != nil):
		return breaks(LawRenewal, "predecessor %s was renewed or reissued, but not as this contract says", s.predecessor)
	}
	return nil
}

func (c *contractCheck) allowsActivated(r *recorded, e *contract.Activated) *wrong {
	terms := c.state.Terms()
	last := e.StartsOn.LastOfTerm(terms.GraceDays)
	switch {
	case e.ExpiresOn != last:
		return breaks(LawTerm, "a term from %v with %d grace days ends on %v, not on %v", e.StartsOn, terms.GraceDays, last, e.ExpiresOn)
	case !near(e.StartsAt, e.StartsOn.StartOf(time.UTC)) || !near(e.EndsAt, e.ExpiresOn.EndOf(time.UTC)):
		return breaks(LawTerm, "the instants %s and %s do not belong to %v and %v", stamp(e.StartsAt), stamp(e.EndsAt), e.StartsOn, e.ExpiresOn)
	case c.activations == 0:
		if s := c.succeeds; s != nil && s.renewed != nil && s.renewed.StartsOn != e.StartsOn {
			return breaks(LawRenewal, "the renewal was to start on %v, not on %v", s.renewed.StartsOn, e.StartsOn)
		}
		if p := c.state.Promise(); p != nil && !c.ended {
			return sameTerm(p, e)
		}
		return c.inState(r, contract.StatusRegistered)
	}
	term := c.state.Term()
	switch {
	case term.Status != contract.StatusWaiting || e.Status != contract.StatusActive:
		return breaks(LawState, "a contract that is %s is activated once more as %s", term.Status, e.Status)
	case term.StartsOn != e.StartsOn || !term.StartsAt.Equal(e.StartsAt) || !term.EndsAt.Equal(e.EndsAt):
		return breaks(LawTerm, "the term begins as another one than was set")
	case r.RecordedAt.Before(e.StartsAt):
		return breaks(LawTerm, "the term begins at %s, before its start at %s", stamp(r.RecordedAt), stamp(e.StartsAt))
	}
	return nil
}

// allowsPromise holds that a contract is promised to come to life when it is
// registered, and within the term that is promised with it.
func (c *contractCheck) allowsPromise(r *recorded, e *contract.Promised) *wrong {
	terms := c.state.Terms()
	switch last := e.StartsOn.LastOfTerm(terms.GraceDays); {
	case !c.founding(r) || c.state.Promise() != nil || c.activations > 0:
		return breaks(LawState, "a contract is promised to come to life after it was registered")
	case terms.StartsOn != e.StartsOn || e.ExpiresOn != last:
		return breaks(LawTerm, "a term from %v with %d grace days ends on %v; promised is %v to %v", terms.StartsOn, terms.GraceDays, last, e.StartsOn, e.ExpiresOn)
	case !near(e.StartsAt, e.StartsOn.StartOf(time.UTC)) || !near(e.EndsAt, e.ExpiresOn.EndOf(time.UTC)) || !near(e.ActivatesAt, e.ActivatesOn.StartOf(time.UTC)):
		return breaks(LawTerm, "the promised instants do not belong to their days")
	case e.ActivatesAt.Before(e.StartsAt) || !e.ActivatesAt.Before(e.EndsAt):
		return breaks(LawTerm, "the contract comes to life at %s, outside its term", stamp(e.ActivatesAt))
	}
	return nil
}

// sameTerm holds that a promised term is the one that comes.
func sameTerm(p *contract.Promised, e *contract.Activated) *wrong {
	if p.StartsOn != e.StartsOn || !p.StartsAt.Equal(e.StartsAt) || !p.EndsAt.Equal(e.EndsAt) {
		return breaks(LawTerm, "the term begins as another one than was promised")
	}
	return nil
}

// near says whether an instant can be a day's in some zone: zones are at most
// 14 hours ahead of UTC and 12 behind, and were never further than 16 away.
func near(instant, inUTC time.Time) bool {
	d := instant.Sub(inUTC)
	return -16*time.Hour <= d && d <= 16*time.Hour
}

func (c *contractCheck) allowsExpired(r *recorded, e *contract.Expired) *wrong {
	term := c.state.EndsAt()
	switch {
	case c.ended:
		return breaks(LawState, "the contract had ended before")
	case term.IsZero():
		return breaks(LawState, "a contract that was never activated expires")
	case !e.EndedAt.Equal(term) || r.RecordedAt.Before(term):
		return breaks(LawTerm, "the term ends at %s; recorded was %s as its end, at %s", stamp(term), stamp(e.EndedAt), stamp(r.RecordedAt))
	}
	return nil
}

func (c *contractCheck) allowsRenewed(r *recorded, e *contract.Renewed) *wrong {
	sum := c.state.Summary(r.RecordedAt)
	switch {
	case sum.Renewal != uuid.Nil:
		return breaks(LawRenewal, "the contract was renewed before, as %s", sum.Renewal)
	case e.Successor == uuid.Nil || e.Successor == c.id:
		return breaks(LawRenewal, "the successor's id is %s", e.Successor)
	case e.StartsOn.Compare(sum.StartsOn.AddYear()) < 0: // in the days of grace a membership's next year may begin
		return breaks(LawRenewal, "the renewal starts on %v, within the term until %v", e.StartsOn, sum.ExpiresOn)
	}
	if !c.state.Terms().StartsOn.IsZero() && c.state.Status(r.RecordedAt) == contract.StatusRegistered {
		return nil // a membership year's, which may still be blank when the next begins
	}
	return c.inState(r, contract.StatusWaiting, contract.StatusActive, contract.StatusSuspended, contract.StatusExpired)
}

func (c *contractCheck) allowsReissued(r *recorded, e *contract.Reissued) *wrong {
	if e.Successor == uuid.Nil || e.Successor == c.id || c.reissued {
		return breaks(LawReissue, "the replacement's id is %s", e.Successor)
	}
	moved := make(map[contract.GrantID]bool)
	for _, m := range e.Moved {
		g, w := c.grant(m.Grant)
		if w != nil {
			return w
		}
		if moved[m.Grant] || m.Unit != g.Unit || m.Quantity != g.Available || m.Unlimited != g.Unlimited {
			return breaks(LawReissue, "grant %v has %d %s, but %d %s move", g.ID, g.Available, g.Unit, m.Quantity, m.Unit)
		}
		moved[m.Grant] = true
	}
	for i := range c.state.Grants() {
		if g := &c.state.Grants()[i]; g.Available > 0 && !moved[g.ID] {
			return breaks(LawReissue, "grant %v has %d left, which do not move", g.ID, g.Available)
		}
	}
	for _, account := range e.Keep {
		if !c.state.Linked(account) {
			return breaks(LawReissue, "account %s keeps a link that it did not have", account)
		}
	}
	return c.inState(r, contract.StatusRegistered, contract.StatusWaiting, contract.StatusActive, contract.StatusSuspended)
}

func (c *contractCheck) allowsLink(r *recorded, e *contract.AccountLinked) *wrong {
	switch {
	case e.Account == uuid.Nil || c.state.Linked(e.Account):
		return breaks(LawLinks, "account %s was linked before", e.Account)
	case e.Inherited == uuid.Nil:
		return c.inState(r, contract.StatusActive)
	case e.Inherited != c.state.Terms().Predecessor && e.Inherited != c.state.Terms().Follows:
		return breaks(LawLinks, "the link is taken over from %s, which is not the predecessor", e.Inherited)
	}
	return nil
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }
