package audit

import (
	"fmt"
	"time"

	"github.com/supportledger/supportledger/domain/contract"
)

func (c *contractCheck) allowsGrant(r *recorded, e *contract.GrantAdded) *wrong {
	grants := c.state.Grants()
	switch _, known := contract.ParseUnit(string(e.Unit)); {
	case int(e.Grant) != len(grants)+1:
		return breaks(LawBalance, "the contract has %d grants, and the next is called %v", len(grants), e.Grant)
	case !known:
		return breaks(LawBalance, "grant %v is of %q, which is no unit", e.Grant, e.Unit)
	case e.Unlimited && e.Quantity != 0, !e.Unlimited && (e.Quantity < 1 || e.Quantity > contract.MaxQuantity):
		return breaks(LawBalance, "grant %v has a quantity of %d", e.Grant, e.Quantity)
	case !e.ExpiresOn.IsZero() && !near(e.EndsAt, e.ExpiresOn.EndOf(time.UTC)):
		return breaks(LawTerm, "grant %v ends at %s, which is not the end of %v", e.Grant, stamp(e.EndsAt), e.ExpiresOn)
	case c.ended:
		return breaks(LawState, "a grant is added after the contract has ended")
	case e.Source == contract.Included || e.From != nil:
		if r.Meta.Command != c.grantedBy {
			return breaks(LawState, "grant %v comes from no activation and no reissue", e.Grant)
		}
		return nil
	}
	for i := range grants {
		if grants[i].Unit == e.Unit && grants[i].Unlimited {
			return breaks(LawBalance, "the contract has %s without limit, and is granted more", e.Unit)
		}
	}
	return c.inState(r, contract.StatusRegistered, contract.StatusWaiting, contract.StatusActive, contract.StatusSuspended)
}

func (c *contractCheck) allowsAdjustment(r *recorded, e *contract.GrantAdjusted) *wrong {
	g, w := c.grant(e.Grant)
	switch {
	case w != nil:
		return w
	case g.Unlimited || g.Unit != e.Unit:
		return breaks(LawBalance, "grant %v holds %s (unlimited: %t), adjusted is %s", g.ID, g.Unit, g.Unlimited, e.Unit)
	case e.Available != g.Available+e.Quantity || e.Available < 0:
		return breaks(LawBalance, "grant %v has %d, adjusted by %d; recorded is %d", g.ID, g.Available, e.Quantity, e.Available)
	case c.over(g, r.RecordedAt):
		return breaks(LawState, "grant %v is adjusted at %s, after its end", g.ID, stamp(r.RecordedAt))
	}
	return c.inState(r, contract.StatusActive, contract.StatusSuspended)
}

func (c *contractCheck) allowsLapse(r *recorded, e *contract.GrantLapsed) *wrong {
	g, w := c.grant(e.Grant)
	switch {
	case w != nil:
		return w
	case g.Unit != e.Unit || g.Unlimited || e.Quantity < 1 || e.Quantity != g.Available:
		return breaks(LawLapse, "grant %v has %d %s left, lapsed are %d %s", g.ID, g.Available, g.Unit, e.Quantity, e.Unit)
	case e.EndedAt.After(r.RecordedAt):
		return breaks(LawLapse, "grant %v lapses at %s, for an end at %s", g.ID, stamp(r.RecordedAt), stamp(e.EndedAt))
	case !c.over(g, r.RecordedAt):
		return breaks(LawLapse, "grant %v lapses at %s, its end is %s", g.ID, stamp(r.RecordedAt), stamp(c.endOf(g)))
	}
	return nil
}

// payer is the grant that must pay for a unit (R18); nil where none can. used is
// what was taken from grants before, and not recorded yet.
func (c *contractCheck) payer(u contract.Unit, at time.Time, used map[contract.GrantID]int64) *contract.Grant {
	var best *contract.Grant
	for i := range c.state.Grants() {
		g := &c.state.Grants()[i]
		if g.Unit != u || !g.Unlimited && g.Available-used[g.ID] < 1 || c.over(g, at) {
			continue
		}
		if best == nil || c.sooner(g, best) {
			best = g
		}
	}
	return best
}

// sooner says whether a pays before b: what lapses sooner, then included before
// bought or added, then the older.
func (c *contractCheck) sooner(a, b *contract.Grant) bool {
	ea, eb := c.endOf(a), c.endOf(b)
	switch {
	case !ea.Equal(eb):
		return eb.IsZero() || !ea.IsZero() && ea.Before(eb)
	case sourceOrder[a.Source] != sourceOrder[b.Source]:
		return sourceOrder[a.Source] < sourceOrder[b.Source]
	}
	return a.ID < b.ID
}

var sourceOrder = map[contract.Source]int{contract.Included: 0, contract.Bought: 1, contract.Added: 1}

// remaining is what can still be spent of a unit, and whether there is no limit.
func (c *contractCheck) remaining(u contract.Unit, at time.Time) (n int64, unlimited bool) {
	for i := range c.state.Grants() {
		g := &c.state.Grants()[i]
		if g.Unit != u || c.over(g, at) {
			continue
		}
		if g.Unlimited {
			return 0, true
		}
		n += g.Available
	}
	return n, false
}

// includedGrants are what an activation grants.
func includedGrants(terms *contract.Registered) []expectedGrant {
	out := make([]expectedGrant, len(terms.Included))
	for i, in := range terms.Included {
		out[i] = expectedGrant{unit: in.Unit, quantity: in.Quantity, unlimited: in.Unlimited, source: contract.Included}
	}
	return out
}

func (x expectedGrant) is(e *contract.GrantAdded) bool {
	if (x.from == nil) != (e.From == nil) || x.from != nil && *x.from != *e.From {
		return false
	}
	return x.unit == e.Unit && x.quantity == e.Quantity && x.unlimited == e.Unlimited && x.source == e.Source && x.endsAt.Equal(e.EndsAt)
}

func (x expectedGrant) law() string {
	if x.from != nil {
		return LawReissue
	}
	return LawAtomic
}

func (x expectedGrant) String() string {
	amount := fmt.Sprintf("%d %s", x.quantity, x.unit)
	if x.unlimited {
		amount = fmt.Sprintf("%s without limit", x.unit)
	}
	if x.from != nil {
		amount += fmt.Sprintf(" from grant %v of %s", x.from.Grant, x.from.Contract)
	}
	return amount
}
