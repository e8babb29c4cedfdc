package contract

import (
	"slices"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/domain"
	"github.com/supportledger/supportledger/domain/catalog"
)

// TakeOverLink is an operator's wish that an account uses a contract which it
// used where the contract was kept before. Unlike Link it does not ask whether
// something is left to pay with: that the link is there was decided elsewhere.
type TakeOverLink struct {
	Account uuid.UUID
	Portal  string // "" where that is not known
}

func (c *TakeOverLink) decide(s *State, m Moment) ([]Event, error) {
	if err := s.mustExist(); err != nil {
		return nil, err
	}
	if err := c.checkPortal(s, m); err != nil {
		return nil, err
	}
	if s.Linked(c.Account) {
		return nil, nil
	}
	if s.Status(m.At) != StatusActive {
		return nil, s.refuseState(m.At)
	}
	return []Event{&AccountLinked{Account: c.Account, Portal: c.Portal, At: m.At}}, nil
}

// checkPortal looks at the portal of a link, where one is named.
func (c *TakeOverLink) checkPortal(s *State, m Moment) error {
	if c.Portal == "" {
		return nil
	}
	portal, _, err := lookUp(m.Catalog, c.Portal, "")
	switch {
	case err != nil:
		return err
	case portal.IDs == catalog.IDsNotUsed:
		return refuseIDsNotUsed(portal)
	case !slices.Contains(s.terms.Portals, portal.ID):
		return refusal(reasonPortal)
	}
	return nil
}

// OpeningBalance is an operator's wish that what is left of a unit is what was
// left where the contract was kept before: what its programme includes is
// adjusted, or where that is nothing a grant is added.
type OpeningBalance struct {
	Unit      Unit
	Remaining int64
	Reason    string
}

func (c *OpeningBalance) decide(s *State, m Moment) ([]Event, error) {
	if err := s.mustExist(); err != nil {
		return nil, err
	}
	if c.Remaining < 0 || c.Remaining > MaxQuantity {
		return nil, domain.RefuseField("remaining", "must be from 0 to 1000000000")
	}
	if s.unlimited(c.Unit) {
		return nil, refuseUnlimited()
	}
	for i := range s.grants {
		g := &s.grants[i]
		if g.Unit != c.Unit || g.Source != Included {
			continue
		}
		if c.Remaining == g.Granted {
			return nil, nil
		}
		return (&Adjust{Grant: g.ID, Quantity: c.Remaining - g.Granted, Reason: c.Reason}).decide(s, m)
	}
	if s.includes(c.Unit) { // and is not activated yet
		return nil, s.refuseState(m.At)
	}
	if c.Remaining == 0 {
		return nil, nil
	}
	return (&AddGrant{Unit: c.Unit, Quantity: c.Remaining, Reason: c.Reason}).decide(s, m)
}

// includes says whether the programme grants a unit on activation.
func (s *State) includes(u Unit) bool {
	return slices.ContainsFunc(s.terms.Included, func(in IncludedUnits) bool { return in.Unit == u })
}
