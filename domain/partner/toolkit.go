package partner

import (
	"slices"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/domain"
)

// BuyToolkit is the wish to record that a location, which has earned a
// competency, has bought a toolkit (R28). Contract is the id of the contract that
// it is worth.
type BuyToolkit struct {
	Location   uuid.UUID
	Competency string
	Reference  string // of the purchase
	Contract   uuid.UUID
}

func (c *BuyToolkit) decide(s *State, m Moment) ([]Event, error) {
	if err := s.mustExist(); err != nil {
		return nil, err
	}
	if c.Location == uuid.Nil || s.Place(c.Location) == nil {
		return nil, refuseLocation()
	}
	if c.Competency == "" {
		return nil, domain.RefuseField("competency", "is missing; a toolkit is for a location that has earned one")
	}
	if c.Reference == "" {
		return nil, domain.RefuseField("reference", "is missing; it is that of the purchase")
	}
	membership, err := s.membership(m.Catalog)
	if err != nil {
		return nil, err
	}
	if membership.Toolkit == "" {
		return nil, domain.Refuse(NotEligible, "locations of other levels may", "locations of partners of the level %s cannot buy a toolkit", membership.Name)
	}
	programme, known := m.Catalog.Programme(membership.Toolkit)
	if !known {
		return nil, refuseProgramme(membership.Toolkit)
	}
	if slices.ContainsFunc(s.toolkits, func(t *ToolkitBought) bool { return t.Reference == c.Reference }) {
		return nil, domain.Refuse("reference-used", "check the reference; each is good for one toolkit", "a toolkit was recorded for this reference before")
	}
	return []Event{&ToolkitBought{
		Location: c.Location, Competency: c.Competency, Reference: c.Reference, Contract: c.Contract,
		Programme: programme.ID, InternalUse: programme.InternalUse,
	}}, nil
}

// ToolkitBought says that a location has bought a toolkit. Its contract is
// registered right after; whoever finds it missing completes it.
type ToolkitBought struct {
	Location    uuid.UUID `json:"location"`
	Competency  string    `json:"competency"` // that the location has earned
	Reference   string    `json:"reference"`  // of the purchase
	Contract    uuid.UUID `json:"contract"`   // the id of the extra core contract
	Programme   string    `json:"programme"`  // the contract's, its id in the catalogue
	InternalUse []string  `json:"internal_use,omitempty"`
}

// Name implements Event.
func (*ToolkitBought) Name() string { return "partner.toolkit-bought.v1" }

func (e *ToolkitBought) evolve(s *State) {
	s.toolkits = append(s.toolkits, e)
	if place := s.Place(e.Location); !slices.Contains(place.Competencies, e.Competency) {
		place.Competencies = append(place.Competencies, e.Competency)
	}
}
