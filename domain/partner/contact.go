package partner

import (
	"slices"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/domain"
	"github.com/supportledger/supportledger/domain/catalog"
)

// ChangeContact is the wish that somebody is a contact from now on: the primary
// one of a place, instead of who was it, or an associated one (R27).
type ChangeContact struct {
	Location uuid.UUID // Nil: the headquarters
	Primary  bool
	Country  string // where the contact is, ISO 3166-1 alpha-2
	Contact  domain.Sealed[ContactTexts]
	Language string
}

func (c *ChangeContact) decide(s *State, _ Moment) ([]Event, error) {
	if err := s.mustExist(); err != nil {
		return nil, err
	}
	place := s.Place(c.Location)
	if place == nil {
		return nil, refuseLocation()
	}
	if !catalog.KnownCountry(c.Country) {
		return nil, domain.RefuseField("country", "must be two capital letters of ISO 3166-1")
	}
	e := &ContactChanged{Location: c.Location, Primary: c.Primary, Country: c.Country, Contact: c.Contact, Language: c.Language}
	if c.Primary {
		e.Previous = place.Primary.Texts.Person
	} else if place.Primary.Texts.Person == c.Contact.Person {
		return nil, domain.Refuse("primary-contact", "make somebody else the primary contact first",
			"this contact is the primary one of the same place")
	}
	return []Event{e}, nil
}

// ContactChanged says that somebody is a contact from now on.
type ContactChanged struct {
	Location uuid.UUID                   `json:"location,omitzero"` // left out for the headquarters
	Primary  bool                        `json:"primary,omitempty"` // the primary one, or an associated one
	Previous uuid.UUID                   `json:"previous,omitzero"` // with primary: who was it until now, and is no contact of this place any more
	Country  string                      `json:"country"`           // where the contact is, ISO 3166-1
	Contact  domain.Sealed[ContactTexts] `json:"contact"`
	Language string                      `json:"language"` // of the contact
}

// Name implements Event.
func (*ContactChanged) Name() string { return "partner.contact-changed.v1" }

func (e *ContactChanged) evolve(s *State) {
	place := s.Place(e.Location)
	now := Contact{Texts: e.Contact, Country: e.Country, Language: e.Language}
	at := place.associated(e.Contact.Person)
	switch {
	case e.Primary && at >= 0:
		place.Associated = slices.Delete(place.Associated, at, at+1)
		place.Primary = now
	case e.Primary:
		place.Primary = now
	case at >= 0:
		place.Associated[at] = now
	default:
		place.Associated = append(place.Associated, now)
	}
}

// associated is where somebody stands among the associated contacts; -1 for
// somebody else.
func (p *Place) associated(who uuid.UUID) int {
	return slices.IndexFunc(p.Associated, func(c Contact) bool { return c.Texts.Person == who })
}
