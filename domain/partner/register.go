package partner

import (
	"strings"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/domain"
)

// Register is the wish to bring a partner into the ledger.
type Register struct {
	Company   string
	Level     string
	Signature bool
	Country   string // of the headquarters, ISO 3166-1 alpha-2
	TimeZone  string // of the headquarters, IANA
	Contact   domain.Sealed[ContactTexts]
	Language  string
}

func (c *Register) decide(s *State, m Moment) ([]Event, error) {
	if s.registered != nil {
		return nil, domain.Refuse("partner-exists", "use another Idempotency-Key", "this partner was registered before")
	}
	membership, ok := m.Catalog.Membership(c.Level)
	if !ok {
		return nil, domain.RefuseField("level", "must be one of "+strings.Join(m.Catalog.Levels(), ", "))
	}
	if c.Signature && membership.Signature == "" {
		return nil, domain.Refuse(NotEligible, "register it without signature, or at a level that may have it",
			"partners of the level %s cannot have the signature contract", membership.Name)
	}
	if err := checkPlace(m, c.Country, c.TimeZone); err != nil {
		return nil, err
	}
	return []Event{&Registered{
		Company: c.Company, Level: membership.ID, Signature: c.Signature, Country: c.Country, TimeZone: c.TimeZone,
		Contact: c.Contact, Language: c.Language,
	}}, nil
}

// Registered says that a partner is known, with its headquarters.
type Registered struct {
	Company   string                      `json:"name"`
	Level     string                      `json:"level"`               // a membership of the catalogue
	Signature bool                        `json:"signature,omitempty"` // whether its years come with the signature contract
	Country   string                      `json:"country"`             // of the headquarters, ISO 3166-1
	TimeZone  string                      `json:"time_zone"`           // of the headquarters, IANA
	Contact   domain.Sealed[ContactTexts] `json:"primary_contact"`     // of the headquarters
	Language  string                      `json:"language"`            // of the contact
}

// Name implements Event.
func (*Registered) Name() string { return "partner.registered.v1" }

func (e *Registered) evolve(s *State) {
	s.registered = e
	s.places = append(s.places, &Place{
		ID: uuid.Nil, Country: e.Country, TimeZone: e.TimeZone, Primary: Contact{Texts: e.Contact, Language: e.Language},
	})
}
