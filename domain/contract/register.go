package contract

import (
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/domain"
	"github.com/supportledger/supportledger/domain/catalog"
)

// Register is the wish to bring a contract into the ledger. The shell has made
// the pair, named the stream by it, and sealed what must not lie in clear.
type Register struct {
	AccessID    string
	ContractID  []byte // ciphertext (R3)
	Programme   string
	PartnerID   string
	Country     string // ISO 3166-1 alpha-2, or ""
	TimeZone    string // IANA; "" is UTC
	StartsOn    catalog.Date
	Contact     domain.Sealed[ContactTexts]
	Language    string // of the contact
	Predecessor uuid.UUID
	// ActivateOn, where set, activates at once with a term from that day: a
	// renewal (R6).
	ActivateOn catalog.Date
	// PromiseOn, where set, promises that the blank contract comes to life by
	// itself on that day, with its term from StartsOn (R28).
	PromiseOn catalog.Date
	Reason    string
}

// ContactTexts are the personal texts of a contract's primary contact.
type ContactTexts struct {
	Name  string `json:"name"`
	Email string `json:"email"`
}

func (c *Register) decide(s *State, m Moment) ([]Event, error) {
	if s.terms != nil {
		return nil, refusePairExists()
	}
	programme, ok := m.Catalog.Programme(c.Programme)
	if !ok {
		return nil, domain.RefuseField("programme", fmt.Sprintf("is not in the catalogue: %q", c.Programme))
	}
	zone := c.TimeZone
	if zone == "" {
		zone = "UTC"
	}
	location := m.Zone(zone)
	if location == nil {
		return nil, domain.RefuseField("time_zone", fmt.Sprintf("is not an IANA zone name: %q", zone))
	}
	if c.Country != "" && !catalog.KnownCountry(c.Country) {
		return nil, domain.RefuseField("country", "is not the code of a country, two capital letters (ISO 3166-1)")
	}
	registered := &Registered{
		AccessID: c.AccessID, ContractID: c.ContractID,
		Programme: programme.ID, ServiceName: programme.ServiceName, Short: programme.Short, PlanText: programme.PlanText,
		Covers: programme.Covers, Portals: programme.Portals, Included: includedOf(programme), GraceDays: programme.GraceDays,
		PartnerID: c.PartnerID, Country: c.Country, TimeZone: zone, StartsOn: c.StartsOn,
		Contact: c.Contact, Language: c.Language, Predecessor: c.Predecessor,
		RegisteredOn: catalog.DateOf(m.At, location), Reason: c.Reason,
	}
	if c.StartsOn.Year > lastYear {
		return nil, domain.RefuseField("starts_on", "lies too far in the future")
	}
	if c.StartsOn != (catalog.Date{}) && !m.At.Before(registered.lastDay(c.StartsOn).EndOf(location)) {
		return nil, domain.RefuseField("starts_on", "lies so far back that the term would be over")
	}
	events := []Event{registered}
	if c.PromiseOn != (catalog.Date{}) {
		promised, err := promise(registered, c.PromiseOn, location)
		if err != nil {
			return nil, err
		}
		return append(events, promised), nil
	}
	if programme.Activation == catalog.ActivateImmediately || c.ActivateOn != (catalog.Date{}) {
		events = append(events, activation(registered, c.ActivateOn, 0, m, c.Reason)...)
		if c.Predecessor != uuid.Nil { // its start, with the links that it inherits, is recorded by Due
			events[1].(*Activated).Status = StatusWaiting
		}
	}
	return events, nil
}

func refusePairExists() *domain.Refusal {
	return domain.Refuse(PairExists, "use other IDs, or leave them out to have them made", "a contract with this pair of IDs exists already")
}

// lastYear bounds the dates of requests, so that every term and every zone fits
// into the four digits of a recorded year.
const lastYear = 9000

// PairExists is the code that refuses a second contract with a pair (R2).
const PairExists = "pair-exists"

func includedOf(p *catalog.Programme) []IncludedUnits {
	var out []IncludedUnits
	for _, in := range p.Included {
		out = append(out, IncludedUnits{Unit: Unit(in.Unit), Quantity: in.Quantity, Unlimited: in.Unlimited})
	}
	return out
}

// Registered says that a contract exists, and on which terms. The terms stay as
// they were when it was registered, whatever the catalogue says later.
type Registered struct {
	AccessID     string                      `json:"access_id"`
	ContractID   []byte                      `json:"contract_id,omitempty"` // ciphertext; cut from whatever leaves the log
	Programme    string                      `json:"programme"`             // its id in the catalogue
	ServiceName  string                      `json:"service_name"`          // what it is called to people
	Short        string                      `json:"short"`                 // the programme's abbreviation
	PlanText     string                      `json:"plan_text,omitempty"`   // how it is called in plan labels
	Covers       []string                    `json:"covers"`                // families of products
	Portals      []string                    `json:"portals"`               // where it pays
	Included     []IncludedUnits             `json:"included,omitempty"`    // what is granted on activation
	GraceDays    int                         `json:"grace_days,omitempty"`  // by which the term is longer than a year
	PartnerID    string                      `json:"partner_id,omitempty"`
	Country      string                      `json:"country,omitempty"`  // ISO 3166-1
	TimeZone     string                      `json:"time_zone"`          // IANA
	StartsOn     catalog.Date                `json:"starts_on,omitzero"` // the first day of the term; left out where it begins on activation
	Contact      domain.Sealed[ContactTexts] `json:"primary_contact"`
	Language     string                      `json:"language,omitempty"`   // of the contact
	RegisteredOn catalog.Date                `json:"registered_on"`        // in the contract's zone
	Predecessor  uuid.UUID                   `json:"predecessor,omitzero"` // the contract that it follows or replaces
	Renewal      uuid.UUID                   `json:"renewal,omitzero"`     // taken over from the contract it replaces
	Replaces     bool                        `json:"replaces,omitempty"`   // it replaces its predecessor, whose IDs were leaked
	Follows      uuid.UUID                   `json:"follows,omitzero"`     // with replaces: what the contract it replaces was the renewal of
	Reason       string                      `json:"reason,omitempty"`
}

// IncludedUnits are granted on activation.
type IncludedUnits struct {
	Unit      Unit  `json:"unit"`
	Quantity  int64 `json:"quantity,omitempty"` // left out where unlimited
	Unlimited bool  `json:"unlimited,omitempty"`
}

// Name implements Event.
func (*Registered) Name() string { return "contract.registered.v1" }

func (e *Registered) evolve(s *State) {
	s.terms = e
	s.renewedBy = e.Renewal
}

// inheritsFrom is the contract whose links go over to this one at the start of
// its term (R6); Nil where there is none.
func (e *Registered) inheritsFrom() uuid.UUID {
	if e.Replaces {
		return e.Follows
	}
	return e.Predecessor
}

// lastDay is the last day of a term that starts on a day, grace included (R5).
func (e *Registered) lastDay(starts catalog.Date) catalog.Date {
	return starts.AddYear().AddDays(e.GraceDays - 1)
}

// Label is how the contract is shown at a portal (R12): by its plan and masked
// where the portal shows plan labels, else by Access ID and service name.
func (e *Registered) Label(planLabel bool) string {
	if !planLabel {
		return e.AccessID + " - " + e.ServiceName
	}
	plan := e.PlanText
	if plan == "" {
		plan = e.Short
	}
	return fmt.Sprintf("%02d %s-%s-%s (%s)", e.RegisteredOn.Year%100, plan,
		orUnknown(e.PartnerID), orUnknown(e.Country), MaskAccessID(e.AccessID))
}

func orUnknown(s string) string {
	if s == "" {
		return "unk"
	}
	return s
}

// MaskAccessID hides the last five digits of an Access ID (R12, R35).
func MaskAccessID(id string) string {
	const hidden = "xxxxx"
	if len(id) < len(hidden) {
		return hidden
	}
	return id[:len(id)-len(hidden)] + hidden
}

// activation are the events that bring a contract to life with a term from a
// day (default: its own starts_on, else the day of the moment), and grant what
// its programme includes. granted is how many grants it has already.
func activation(terms *Registered, starts catalog.Date, granted int, m Moment, reason string) []Event {
	zone := m.Zone(terms.TimeZone)
	if starts == (catalog.Date{}) {
		starts = terms.StartsOn
	}
	if starts == (catalog.Date{}) {
		starts = catalog.DateOf(m.At, zone)
	}
	last := terms.lastDay(starts)
	activated := &Activated{
		StartsOn: starts, ExpiresOn: last,
		StartsAt: starts.AddDays(-1).EndOf(zone), EndsAt: last.EndOf(zone),
		Status: StatusActive, Reason: reason,
	}
	if m.At.Before(activated.StartsAt) {
		activated.Status = StatusWaiting
	}
	events := []Event{activated}
	return append(events, includedGrants(terms, granted)...)
}

// includedGrants are what a programme includes, as events. granted is how many
// grants the contract has already.
func includedGrants(terms *Registered, granted int) []Event {
	var events []Event
	for i, in := range terms.Included {
		events = append(events, &GrantAdded{
			Grant: GrantID(granted + i + 1), Unit: in.Unit, Quantity: in.Quantity, Unlimited: in.Unlimited, Source: Included,
		})
	}
	return events
}

// mustExist refuses wishes about a contract that nobody registered.
func (s *State) mustExist() error {
	if s.terms == nil {
		return RefuseUnknown()
	}
	return nil
}

// RefuseUnknown is the answer to wishes about a contract that there is not.
func RefuseUnknown() *domain.Refusal {
	return domain.Refuse("contract-not-found", "check the contract's id", "there is no such contract")
}

// refuseState refuses with the contract's state as the code (R4).
func (s *State) refuseState(at time.Time) *domain.Refusal {
	status := s.Status(at)
	if status == StatusRegistered {
		return refusal(reasonNotActivated)
	}
	if status == StatusActive {
		return domain.Refuse("active", "", "the contract is active")
	}
	return refusal(string(status))
}
