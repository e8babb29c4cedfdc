package audit

import (
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/domain/contract"
	"github.com/supportledger/supportledger/vault"
)

// advisoryCheck is what an advisory request's events are held against.
type advisoryCheck struct {
	entries map[string]*entryCheck
	closed  bool
	until   time.Time // when nothing can happen to it any more, once closed
}

// entryCheck is a time entry: what each grant gave and has not got back.
type entryCheck struct {
	minutes, credited int64
	parts             map[contract.GrantID]int64
}

// allowsAdvisory says what is wrong with an event about an advisory request.
func (c *contractCheck) allowsAdvisory(r *recorded, e contract.Event, n contract.Number) *wrong {
	a := c.advisories[n]
	if e, ok := e.(*contract.AdvisoryOpened); ok {
		return c.allowsAdvisoryOpened(r, e, a)
	}
	if a == nil {
		return breaks(LawAdvisory, "no advisory request %v was opened here whose time is not over", n)
	}
	switch e := e.(type) {
	case *contract.AdvisoryTimeDeducted:
		return c.allowsTime(r, e, a)
	case *contract.AdvisoryTimeCreditedBack:
		return c.allowsTimeBack(r, e, a)
	case *contract.AdvisoryClosed:
		if a.closed {
			return breaks(LawAdvisory, "%v is closed, and was closed before", n)
		}
	}
	return nil
}

func (c *contractCheck) allowsAdvisoryOpened(r *recorded, e *contract.AdvisoryOpened, a *advisoryCheck) *wrong {
	if _, ok := vault.CheckNumber(e.Number.String()); !ok {
		return breaks(LawNumber, "%v has another check digit", e.Number)
	}
	if a != nil || c.incidents[e.Number] != nil {
		return breaks(LawNumber, "%v was given before", e.Number)
	}
	if e.Account == uuid.Nil {
		return breaks(LawLinks, "%v was opened by nobody", e.Number)
	}
	if !c.state.Linked(e.Account) && c.state.Terms().PartnerID == "" {
		return breaks(LawLinks, "%v was opened by account %s, which is not linked, on a contract that is no partner's", e.Number, e.Account)
	}
	return c.inState(r, contract.StatusActive)
}

func (c *contractCheck) allowsTime(r *recorded, e *contract.AdvisoryTimeDeducted, a *advisoryCheck) *wrong {
	switch {
	case a.closed:
		return breaks(LawAdvisory, "%v is closed, and time is taken for it", e.Number)
	case a.entries[e.Entry] != nil || e.Entry == "":
		return breaks(LawAdvisory, "time entry %q of %v was recorded before", e.Entry, e.Number)
	case e.Unit != contract.Minute || e.Minutes < 1 || e.Minutes > contract.MaxEntryMinutes:
		return breaks(LawAdvisory, "time entry %q of %v is %d %s long", e.Entry, e.Number, e.Minutes, e.Unit)
	}
	if w := c.inState(r, contract.StatusActive); w != nil {
		return w
	}
	left, unlimited := c.remaining(contract.Minute, r.RecordedAt)
	if !unlimited && left < e.Minutes {
		return breaks(LawState, "%d minutes are taken for %v, where %d are left", e.Minutes, e.Number, left)
	}
	if w := c.inOrder(e.Parts, e.Minutes, r.RecordedAt); w != nil {
		return w
	}
	return sameRest(e.Remaining, e.Unlimited, left-e.Minutes, unlimited)
}

// inOrder holds that the parts of a deduction come from the grants that R18 names,
// one after another, each but the last used up.
func (c *contractCheck) inOrder(parts []contract.GrantUnits, whole int64, at time.Time) *wrong {
	used := make(map[contract.GrantID]int64)
	for i, part := range parts {
		best := c.payer(contract.Minute, at, used)
		if best == nil || best.ID != part.Grant {
			return breaks(LawPayer, "part %d comes from grant %v, and not from the one whose turn it is", i+1, part.Grant)
		}
		wanted := whole
		if !best.Unlimited {
			wanted = min(whole, best.Available)
		}
		if part.Quantity != wanted {
			return breaks(LawPayer, "grant %v gives %d minutes, and not %d", part.Grant, part.Quantity, wanted)
		}
		used[best.ID] = part.Quantity
		whole -= part.Quantity
	}
	if whole != 0 {
		return breaks(LawAtomic, "the parts lack %d minutes", whole)
	}
	return nil
}

func (c *contractCheck) allowsTimeBack(r *recorded, e *contract.AdvisoryTimeCreditedBack, a *advisoryCheck) *wrong {
	entry := a.entries[e.Entry]
	switch {
	case entry == nil:
		return breaks(LawAdvisory, "%v has no time entry %q", e.Number, e.Entry)
	case e.Unit != contract.Minute || e.Minutes < 1 || entry.credited+e.Minutes > entry.minutes:
		return breaks(LawAdvisory, "of time entry %q of %v, %d minutes long, %d and %d are credited back", e.Entry, e.Number, entry.minutes, entry.credited, e.Minutes)
	}
	left, unlimited := c.remaining(contract.Minute, r.RecordedAt)
	whole := e.Minutes
	for _, part := range e.Parts {
		g, w := c.grant(part.Grant)
		if w != nil {
			return w
		}
		if part.Quantity < 1 || part.Quantity > entry.parts[part.Grant] {
			return breaks(LawAdvisory, "grant %v gets %d minutes of time entry %q back, and gave %d", g.ID, part.Quantity, e.Entry, entry.parts[part.Grant])
		}
		whole -= part.Quantity
		unlimited = unlimited || g.Unlimited
		if !g.Unlimited && !c.over(g, r.RecordedAt) {
			left += part.Quantity
		}
	}
	if whole != 0 {
		return breaks(LawAtomic, "the parts lack %d minutes", whole)
	}
	return sameRest(e.Remaining, e.Unlimited, left, unlimited)
}

// noteAdvisory keeps what later events of a request are held against, and says
// what must come next: of what returns to a grant that is over, its lapse.
func (c *contractCheck) noteAdvisory(r *recorded, e contract.Event, n contract.Number) {
	switch e := e.(type) {
	case *contract.AdvisoryOpened:
		if c.advisories == nil {
			c.advisories = make(map[contract.Number]*advisoryCheck)
		}
		c.advisories[n] = &advisoryCheck{entries: make(map[string]*entryCheck)}
	case *contract.AdvisoryTimeDeducted:
		entry := &entryCheck{minutes: e.Minutes, parts: make(map[contract.GrantID]int64)}
		for _, part := range e.Parts {
			entry.parts[part.Grant] = part.Quantity
		}
		c.advisories[n].entries[e.Entry] = entry
	case *contract.AdvisoryTimeCreditedBack:
		entry := c.advisories[n].entries[e.Entry]
		entry.credited += e.Minutes
		for _, part := range e.Parts {
			entry.parts[part.Grant] -= part.Quantity
			if g, _ := c.grant(part.Grant); !g.Unlimited && c.over(g, r.RecordedAt) {
				c.lapsing = append(c.lapsing, g.ID)
			}
		}
		c.oweLapse(r)
	case *contract.AdvisoryClosed:
		a := c.advisories[n]
		a.closed, a.until = true, e.CreditUntil
		c.advised = append(c.advised, n)
	}
}

// oweLapse requires the next of several lapses.
func (c *contractCheck) oweLapse(r *recorded) {
	if len(c.lapsing) > 0 {
		c.owe(r, LawLapse, (*contract.GrantLapsed)(nil), 0, c.lapsing[0])
		c.lapsing = slices.Delete(c.lapsing, 0, 1)
	}
}

// forgetAdvisories drops the requests that nothing can happen to any more.
func (c *contractCheck) forgetAdvisories(at time.Time) {
	for len(c.advised) > 0 && at.After(c.advisories[c.advised[0]].until) {
		delete(c.advisories, c.advised[0])
		c.advised = c.advised[1:]
	}
}
