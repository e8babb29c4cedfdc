package partner

import (
	"github.com/google/uuid"

	"github.com/supportledger/supportledger/domain"
)

// AddLocation is the wish to make a location of the partner known (R27).
type AddLocation struct {
	Location uuid.UUID // its id from now on
	Title    string
	Country  string // ISO 3166-1 alpha-2
	TimeZone string // IANA
	Contact  domain.Sealed[ContactTexts]
	Language string
}

func (c *AddLocation) decide(s *State, m Moment) ([]Event, error) {
	if err := s.mustExist(); err != nil {
		return nil, err
	}
	if s.Place(c.Location) != nil {
		return nil, domain.Refuse("location-exists", "use another Idempotency-Key", "this location was added before")
	}
	if err := checkPlace(m, c.Country, c.TimeZone); err != nil {
		return nil, err
	}
	return []Event{&LocationAdded{
		Location: c.Location, Title: c.Title, Country: c.Country, TimeZone: c.TimeZone, Contact: c.Contact, Language: c.Language,
	}}, nil
}

// LocationAdded says that the partner has one more location.
type LocationAdded struct {
	Location uuid.UUID                   `json:"location"` // its id
	Title    string                      `json:"name"`
	Country  string                      `json:"country"`   // ISO 3166-1
	TimeZone string                      `json:"time_zone"` // IANA
	Contact  domain.Sealed[ContactTexts] `json:"primary_contact"`
	Language string                      `json:"language"` // of the contact
}

// Name implements Event.
func (*LocationAdded) Name() string { return "partner.location-added.v1" }

func (e *LocationAdded) evolve(s *State) {
	s.places = append(s.places, &Place{
		ID: e.Location, Title: e.Title, Country: e.Country, TimeZone: e.TimeZone,
		Primary: Contact{Texts: e.Contact, Language: e.Language},
	})
}

// refuseLocation is the answer to a location that the partner does not have.
func refuseLocation() *domain.Refusal {
	return domain.RefuseField("location", "is not the id of one of the partner's locations")
}
