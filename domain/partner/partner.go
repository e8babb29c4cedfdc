// Package partner is a partner of the vendor: its headquarters and locations, the
// people who are told, the memberships that it renews, the toolkits that its
// locations buy (R27, R28). What a year or a toolkit is worth are contracts,
// which are registered right after the decision: their ids stand in its events,
// so that whoever finds one missing can make exactly the one that was promised.
//
// Decide looks at a state and answers a wish with the events that follow from it,
// or with a *domain.Refusal; it changes nothing. Evolve alone changes a state.
// Time, ids, zones and the catalogue arrive in the Moment and in the commands.
//
// What the decisions hold: a headquarters and every location have one primary
// contact each at any time; a membership year is renewed once; a toolkit's
// reference is good for one toolkit.
package partner

import (
	"time"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/domain"
	"github.com/supportledger/supportledger/domain/catalog"
)

// An Event is a fact about one partner. The set is closed: an event that does not
// say what it changes does not compile.
type Event interface {
	// Name is what the event is called in the log: "noun.verb.vN". Once
	// released it never changes.
	Name() string
	evolve(*State)
}

// A Command is a wish about one partner.
type Command interface {
	decide(*State, Moment) ([]Event, error)
}

// A Moment is what a decision may know besides the state and the wish.
type Moment struct {
	At      time.Time
	Catalog *catalog.Catalog
	// Zone gives the location of an IANA zone name; nil for an unknown one.
	Zone func(name string) *time.Location
}

// Decide answers a wish. It changes nothing; every error is a *domain.Refusal.
func Decide(s *State, m Moment, c Command) ([]Event, error) { return c.decide(s, m) }

// Evolve changes a state, which the caller owns, by events, oldest first.
func Evolve(s *State, events ...Event) {
	for _, e := range events {
		e.evolve(s)
		s.version++
	}
}

// State is what decisions about one partner need. The zero State is a partner
// that nobody has registered.
type State struct {
	version    int64 // events evolved so far; the next event's revision
	registered *Registered
	places     []*Place // the headquarters first, then locations, oldest first
	renewals   []*MembershipRenewed
	toolkits   []*ToolkitBought
}

// Version is the number of events the state has seen, which is the revision of
// the next one.
func (s *State) Version() int64 { return s.version }

// Terms is how the partner was registered; nil for an unknown one.
func (s *State) Terms() *Registered { return s.registered }

// A Place is the headquarters, or a location, with the people who are told.
type Place struct {
	ID           uuid.UUID // Nil: the headquarters
	Title        string    // what a location is called; "" for the headquarters
	Country      string
	TimeZone     string
	Primary      Contact
	Associated   []Contact // oldest first
	Competencies []string  // that its toolkits were bought for
}

// A Contact is a person who is told, known by the key of their texts.
type Contact struct {
	Texts    domain.Sealed[ContactTexts]
	Country  string // of an associated contact; may be "" of a primary one
	Language string
}

// ContactTexts are the personal texts of a contact.
type ContactTexts struct {
	Name  string `json:"name"`
	Email string `json:"email"`
}

// Places are the headquarters and then the locations, oldest first. They are the
// state's own.
func (s *State) Places() []*Place { return s.places }

// Place finds the headquarters (Nil) or a location; nil for an unknown one.
func (s *State) Place(id uuid.UUID) *Place {
	for _, p := range s.places {
		if p.ID == id {
			return p
		}
	}
	return nil
}

// Renewals are the memberships that were renewed, oldest first. They are the
// state's own.
func (s *State) Renewals() []*MembershipRenewed { return s.renewals }

// Toolkits are those that were bought, oldest first. They are the state's own.
func (s *State) Toolkits() []*ToolkitBought { return s.toolkits }

// Weight estimates the memory that the state takes, in bytes.
func (s *State) Weight() int64 {
	n := int64(512)
	for _, p := range s.places {
		n += 512 + 320*int64(len(p.Associated))
	}
	return n + 512*int64(len(s.renewals)+len(s.toolkits))
}

// mustExist refuses wishes about a partner that nobody registered.
func (s *State) mustExist() error {
	if s.registered == nil {
		return RefuseUnknown()
	}
	return nil
}

// RefuseUnknown is the answer to wishes about a partner that there is not.
func RefuseUnknown() *domain.Refusal {
	return domain.Refuse("partner-not-found", "check the partner's id", "there is no such partner")
}

// membership is what the catalogue says about the partner's level.
func (s *State) membership(c *catalog.Catalog) (*catalog.Membership, error) {
	m, ok := c.Membership(s.registered.Level)
	if !ok {
		return nil, domain.Refuse("membership-withdrawn", "register contracts for this partner by hand",
			"the membership %s is no longer in the catalogue", s.registered.Level)
	}
	return m, nil
}

// NotEligible is the code that refuses what partners of a level may not have.
const NotEligible = "not-eligible"

// checkPlace looks at country and zone of a headquarters or location.
func checkPlace(m Moment, country, zone string) error {
	if !catalog.KnownCountry(country) {
		return domain.RefuseField("country", "must be two capital letters of ISO 3166-1")
	}
	if m.Zone(zone) == nil {
		return domain.RefuseField("time_zone", "is not an IANA zone name such as Asia/Jakarta")
	}
	return nil
}
