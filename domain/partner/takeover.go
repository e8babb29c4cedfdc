package partner

import (
	"slices"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/domain"
	"github.com/supportledger/supportledger/domain/catalog"
)

// What other books say of a partner is taken over by wishes of their own: it was
// so before, and asking again changes nothing, whatever has become of it.

// TakeOverContact is the wish that somebody is an associated contact who was one
// before (R27). Who is one already stays as recorded.
type TakeOverContact struct {
	Location uuid.UUID // Nil: the headquarters
	Country  string    // where the contact is, ISO 3166-1 alpha-2
	Contact  domain.Sealed[ContactTexts]
	Language string
}

func (c *TakeOverContact) decide(s *State, m Moment) ([]Event, error) {
	if place := s.Place(c.Location); place != nil && place.associated(c.Contact.Person) >= 0 {
		return nil, nil
	}
	change := ChangeContact{Location: c.Location, Country: c.Country, Contact: c.Contact, Language: c.Language}
	return change.decide(s, m)
}

// TakeOverYear is the wish that the membership year which runs is known, with the
// contracts that it was worth, which the ledger has: the next year's follow them
// (R28). A partner's years are taken over once; later ones are renewed here.
type TakeOverYear struct {
	RenewedOn catalog.Date
	// Contracts are the year's, each with its programme, and with the day on
	// which it was promised to come to life, if it was. They have no
	// predecessors here.
	Contracts []YearContract
}

func (c *TakeOverYear) decide(s *State, m Moment) ([]Event, error) {
	if err := s.mustExist(); err != nil {
		return nil, err
	}
	if s.hasYear(c) {
		return nil, nil
	}
	membership, err := s.membership(m.Catalog)
	if err != nil {
		return nil, err
	}
	if n := len(s.renewals); n > 0 {
		return nil, domain.Refuse("already-renewed", "leave renewed_on out; later renewals are recorded by a call, which registers the year's contracts",
			"a membership year of this partner was recorded before, which was renewed on %v, and not with this contract", s.renewals[n-1].RenewedOn)
	}
	if err := s.mayRenewOn(c.RenewedOn, catalog.DateOf(m.At, m.Zone(s.registered.TimeZone))); err != nil {
		return nil, err
	}
	renewed := &MembershipRenewed{RenewedOn: c.RenewedOn, Level: membership.ID}
	for _, year := range c.Contracts {
		if year.Programme != programmeOf(membership, year.Kind) {
			return nil, domain.RefuseField("renewed_on", "is for the contracts of the partner's membership, and this programme is none of them")
		}
		if s.promised(year.Contract) {
			return nil, refuseOther()
		}
		year.Predecessor = uuid.Nil
		renewed.Contracts = append(renewed.Contracts, year)
	}
	if _, core := renewed.Contract(KindCore); !core {
		return nil, domain.RefuseField("renewed_on", "is there without the core contract of that year")
	}
	return []Event{renewed}, nil
}

// programmeOf is the programme of a year's contract of a kind.
func programmeOf(m *catalog.Membership, kind Kind) string {
	if kind == KindSignature {
		return m.Signature
	}
	return m.Core
}

// hasYear says whether a year is recorded with at least those contracts.
func (s *State) hasYear(c *TakeOverYear) bool {
	return slices.ContainsFunc(s.renewals, func(r *MembershipRenewed) bool {
		return r.RenewedOn == c.RenewedOn && !slices.ContainsFunc(c.Contracts, func(year YearContract) bool {
			recorded, ok := r.Contract(year.Kind)
			return !ok || recorded.Contract != year.Contract
		})
	})
}

// TakeOverToolkit is the wish that a toolkit is known which a location bought
// before, and whose contract the ledger has (R28).
type TakeOverToolkit struct {
	BuyToolkit
	Programme string // the contract's
}

func (c *TakeOverToolkit) decide(s *State, m Moment) ([]Event, error) {
	for _, t := range s.toolkits {
		if t.Contract == c.Contract && t.Location == c.Location && t.Competency == c.Competency && t.Reference == c.Reference {
			return nil, nil
		}
	}
	events, err := c.BuyToolkit.decide(s, m)
	switch {
	case err != nil:
		return nil, err
	case s.promised(c.Contract):
		return nil, refuseOther()
	case events[0].(*ToolkitBought).Programme != c.Programme:
		return nil, domain.RefuseField("location", "is there on a contract whose programme is not that of the partner's toolkits")
	}
	return events, nil
}

// promised says whether a contract is one of a year or of a toolkit.
func (s *State) promised(contract uuid.UUID) bool {
	return slices.ContainsFunc(s.toolkits, func(t *ToolkitBought) bool { return t.Contract == contract }) ||
		slices.ContainsFunc(s.renewals, func(r *MembershipRenewed) bool {
			return slices.ContainsFunc(r.Contracts, func(year YearContract) bool { return year.Contract == contract })
		})
}

// refuseOther is the answer where a contract is something else to the partner.
func refuseOther() *domain.Refusal {
	return domain.Refuse("contract-promised", "name each contract once, as a year's or as a toolkit's",
		"the contract is that of another year or toolkit of the partner already")
}
