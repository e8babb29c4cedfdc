package partner

import (
	"github.com/google/uuid"

	"github.com/supportledger/supportledger/domain"
	"github.com/supportledger/supportledger/domain/catalog"
)

// PlaceOf is the place that a contract of the partner belongs to: the location of
// a toolkit, the headquarters of any other (R29).
func (s *State) PlaceOf(contract uuid.UUID) *Place {
	for _, t := range s.toolkits {
		if t.Contract == contract {
			return s.Place(t.Location)
		}
	}
	return s.Place(uuid.Nil)
}

// Recipient is who may be sent the IDs of a contract of the partner, for a
// benefit in a country: the primary contact of its place (R29), or, where the
// region's policy allows it and somebody else is asked for, an associated contact
// in that country (R30). to is the person who is asked for; Nil asks for the
// primary contact.
func (s *State) Recipient(contract uuid.UUID, country string, to uuid.UUID, c *catalog.Catalog) (Contact, error) {
	if err := s.mustExist(); err != nil {
		return Contact{}, err
	}
	primary := s.PlaceOf(contract).Primary
	if to == uuid.Nil || to == primary.Texts.Person {
		return primary, nil
	}
	region, known := c.RegionOf(country)
	if !known {
		return Contact{}, refusePolicy("of a benefit in no region's country the primary contact only may be sent the IDs")
	}
	if !region.ResendToAssociated {
		return Contact{}, refusePolicy("in the region %s the primary contact only may be sent the IDs", region.Name)
	}
	for _, place := range s.places {
		for _, associated := range place.Associated {
			if associated.Texts.Person == to && associated.Country == country {
				return associated, nil
			}
		}
	}
	return Contact{}, refusePolicy("in the region %s the primary contact, or an associated contact in %s, may be sent the IDs", region.Name, country)
}

// RegionPolicy is the code that refuses to send IDs to somebody (R30).
const RegionPolicy = "region-policy"

// RefuseStranger is the answer where a contract has no partner, and so no
// associated contacts.
func RefuseStranger() *domain.Refusal {
	return refusePolicy("the contract belongs to no partner that is known here, so its primary contact only may be sent the IDs")
}

func refusePolicy(policy string, args ...any) *domain.Refusal {
	r := domain.Refuse(RegionPolicy, "leave to out: the IDs go to the primary contact", policy, args...)
	r.Fields = []domain.Field{{Name: "to", Reason: r.Detail}}
	return r
}
