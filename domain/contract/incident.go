package contract

import (
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/domain"
	"github.com/supportledger/supportledger/domain/catalog"
)

// incident is what decisions need of one incident. Everything else about it is
// in the log, at its revisions. Most are open, and many: the struct is kept small.
type incident struct {
	account   uuid.UUID
	revisions []int64  // of its events, oldest first
	first     [2]int64 // holds them until there are more: one piece of memory is less than two
	severity  string
	country   string
	dueAt     int64     // of the response, µs since 1970
	closing   *closedAs // nil while it is open
	grant     GrantID   // that the last deduction came from; 0 where none did
	counted   bool      // deducted and not credited back (R21)
	answered  bool      // an engineer has commented
}

// closedAs is what decisions need of how an incident was closed.
type closedAs struct {
	closure              string
	reopenBy, reclassify time.Time // until when
}

// Who asks something of an incident: the account, and whether it may act on
// other accounts' incidents.
type Who struct {
	Account  uuid.UUID
	Engineer bool
}

// incident finds an incident that somebody may act on; settled refuses for one
// whose closing can no longer change, in the state still or not (Forget). Whose
// a forgotten one was is in the log: the shell turns strangers away first (R36).
func (s *State) incident(n Number, who Who, at time.Time, settled *domain.Refusal) (*incident, error) {
	in, ok := s.incidents[n]
	if !ok {
		return nil, settled
	}
	if !who.Engineer && in.account != who.Account {
		return nil, RefuseNoIncident()
	}
	if in.settled(at) {
		return nil, settled
	}
	return in, nil
}

// settled says whether the closing can no longer change (R20).
func (in *incident) settled(at time.Time) bool {
	return in.closing != nil && at.After(in.closing.reclassify)
}

// RefuseNoIncident is the answer to an unknown incident and to one of another
// account, always the same (R36).
func RefuseNoIncident() *domain.Refusal {
	return domain.Refuse("incident-not-found", "check the number, every digit of it", "there is no such incident")
}

// Revisions are the places in the contract's stream of an incident's events,
// oldest first; none once the incident is settled and forgotten.
func (s *State) Revisions(n Number) []int64 {
	in, ok := s.incidents[n]
	if !ok {
		return nil
	}
	return slices.Clone(in.revisions)
}

// Forget drops the incidents whose closing can no longer change (R20), and the
// advisory requests to which nothing can happen any more. It alters no decision:
// those look at the same times.
func (s *State) Forget(at time.Time) {
	s.forgetAdvisories(at)
	for len(s.settling) > 0 {
		in, ok := s.incidents[s.settling[0]]
		if ok && in.closing != nil {
			if !in.settled(at) {
				return
			}
			delete(s.incidents, s.settling[0])
		}
		s.settling = s.settling[1:]
	}
}

// touch notes that the event now evolving is about an incident.
func (s *State) touch(n Number) *incident {
	in := s.incidents[n]
	if in == nil {
		return new(incident) // forgotten: nothing is decided by it any more
	}
	in.revisions = append(in.revisions, s.version)
	return in
}

// deduct is the event by which a unit is taken for an incident; nil where none
// is left.
func (s *State) deduct(n Number, at time.Time) *IncidentDeducted {
	g := s.payer(Incident, at)
	if g == nil {
		return nil
	}
	left, unlimited := s.Remaining(Incident, at)
	e := &IncidentDeducted{Number: n, Grant: g.ID, Unit: Incident, Quantity: 1, Unlimited: unlimited}
	if !unlimited {
		left--
		e.Remaining = &left
	}
	return e
}

// credit are the events by which an incident's unit returns to its grant, and
// lapses at once where that has ended (R19).
func (s *State) credit(n Number, in *incident, at time.Time) []Event {
	g := s.grant(in.grant)
	left, unlimited := s.Remaining(Incident, at)
	unlimited = unlimited || g.Unlimited
	e := &IncidentCreditedBack{Number: n, Grant: g.ID, Unit: Incident, Quantity: 1, Unlimited: unlimited}
	lapses := !g.Unlimited && (s.over(g, at) || g.moved)
	if !unlimited {
		if !lapses {
			left++
		}
		e.Remaining = &left
	}
	if !lapses {
		return []Event{e}
	}
	return []Event{e, &GrantLapsed{Grant: g.ID, Unit: g.Unit, Quantity: 1, EndedAt: s.endedAt(g, at)}}
}

// endedAt is when a grant ended to which something returns at a time.
func (s *State) endedAt(g *Grant, at time.Time) time.Time {
	ended := s.end(g)
	if s.cancelled || ended.IsZero() || ended.After(at) {
		return at
	}
	return ended
}

// IncidentDeducted says that a unit was taken for an incident.
type IncidentDeducted struct {
	Number    Number  `json:"number"`
	Grant     GrantID `json:"grant"`
	Unit      Unit    `json:"unit"`
	Quantity  int64   `json:"quantity"`  // always 1
	Remaining *int64  `json:"remaining"` // of the contract, afterwards; null where unlimited
	Unlimited bool    `json:"unlimited,omitempty"`
}

// Name implements Event.
func (*IncidentDeducted) Name() string { return "incident.deducted.v1" }

func (e *IncidentDeducted) evolve(s *State) {
	in := s.touch(e.Number)
	in.grant, in.counted = e.Grant, true
	s.consume(e.Grant, e.Quantity)
}

// IncidentCreditedBack says that an incident's unit returned to its grant.
type IncidentCreditedBack struct {
	Number    Number  `json:"number"`
	Grant     GrantID `json:"grant"`
	Unit      Unit    `json:"unit"`
	Quantity  int64   `json:"quantity"`  // always 1
	Remaining *int64  `json:"remaining"` // of the contract, afterwards; null where unlimited
	Unlimited bool    `json:"unlimited,omitempty"`
}

// Name implements Event.
func (*IncidentCreditedBack) Name() string { return "incident.credited-back.v1" }

func (e *IncidentCreditedBack) evolve(s *State) {
	s.touch(e.Number).counted = false
	s.consume(e.Grant, -e.Quantity)
}

// consume moves units of a grant between available and consumed.
func (s *State) consume(id GrantID, quantity int64) {
	g := s.grant(id)
	t := &s.totals[g.Unit.index()]
	g.Consumed += quantity
	t.Consumed += quantity
	if quantity > 0 {
		t.Deducted += quantity
	} else {
		t.Credited -= quantity
	}
	if !g.Unlimited {
		g.Available -= quantity
		t.Available -= quantity
	}
}

// lookUp finds a portal and, unless it is "", a product of it.
func lookUp(c *catalog.Catalog, portalID, productID string) (*catalog.Portal, *catalog.Product, error) {
	portal, ok := c.Portal(portalID)
	if !ok {
		return nil, nil, domain.RefuseField("portal", "is not in the catalogue")
	}
	if productID == "" {
		return portal, nil, nil
	}
	product, ok := c.Product(productID)
	if !ok {
		return nil, nil, domain.RefuseField("product", "is not in the catalogue")
	}
	if !portal.Takes(product.Family) {
		return nil, nil, refuseWrongPortal(c, product)
	}
	return portal, product, nil
}

// refuseWrongPortal names the right portal and its address (R13).
func refuseWrongPortal(c *catalog.Catalog, product *catalog.Product) *domain.Refusal {
	hint := "no portal takes it; ask the vendor"
	if right, ok := c.PortalFor(product.Family); ok {
		hint = "ask at the " + right.Name + " (" + right.ID + "): " + right.Address
	}
	r := domain.Refuse("wrong-portal", hint, "requests about %s are not taken at this portal", product.Name)
	r.Fields = []domain.Field{{Name: "portal", Reason: hint}}
	return r
}
