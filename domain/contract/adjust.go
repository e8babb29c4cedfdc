package contract

import "github.com/supportledger/supportledger/domain"

// Adjust is an operator's correction of a named grant (R22).
type Adjust struct {
	Grant    GrantID
	Quantity int64 // what to add, or, negative, to take
	Reason   string
}

func (c *Adjust) decide(s *State, m Moment) ([]Event, error) {
	if err := s.mustExist(); err != nil {
		return nil, err
	}
	switch s.Status(m.At) {
	case StatusActive, StatusSuspended:
	default:
		return nil, s.refuseState(m.At)
	}
	if c.Quantity == 0 || c.Quantity > MaxQuantity || c.Quantity < -MaxQuantity {
		return nil, domain.RefuseField("quantity", "must be a whole number other than 0, at most 1000000000 either way")
	}
	g := s.grant(c.Grant)
	if g == nil {
		return nil, domain.RefuseField("grant", "names no grant of this contract; its history lists them")
	}
	if g.Unlimited {
		return nil, refuseUnlimited()
	}
	if s.over(g, m.At) {
		return nil, domain.Refuse("grant-lapsed", "add a new grant instead", "grant %v has lapsed", g.ID)
	}
	if g.Available+c.Quantity < 0 {
		return nil, domain.Refuse("below-zero", "take at most what is available",
			"grant %v has %d available, which is less than %d", g.ID, g.Available, -c.Quantity)
	}
	return []Event{&GrantAdjusted{
		Grant: g.ID, Unit: g.Unit, Quantity: c.Quantity, Available: g.Available + c.Quantity, Reason: c.Reason,
	}}, nil
}

// Concerns implements GrantCommand.
func (c *Adjust) Concerns(s *State) Grant { return *s.grant(c.Grant) }

// GrantAdjusted says that an operator corrected a grant.
type GrantAdjusted struct {
	Grant     GrantID `json:"grant"`
	Unit      Unit    `json:"unit"`
	Quantity  int64   `json:"quantity"`  // added, or, negative, taken away
	Available int64   `json:"available"` // in this grant, afterwards
	Reason    string  `json:"reason"`
}

// Name implements Event.
func (*GrantAdjusted) Name() string { return "grant.adjusted.v1" }

func (e *GrantAdjusted) evolve(s *State) {
	g := s.grant(e.Grant)
	g.Adjusted += e.Quantity
	g.Available += e.Quantity
	t := &s.totals[e.Unit.index()]
	t.Adjusted += e.Quantity
	t.Available += e.Quantity
}
