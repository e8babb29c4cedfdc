// Package purchase is what somebody bought at a portal: incidents, under a
// reference (R34). It becomes a pay-per-incident contract of its own when its
// account first spends it; which one is decided when it is registered, so that
// the contract's existence says that the reference was spent, whatever has been
// recorded here.
//
// Decide looks at a state and answers a wish with the events that follow from it,
// with none where they already hold, or with a *domain.Refusal; it changes
// nothing. Evolve alone changes a state.
package purchase

import (
	"time"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/domain"
	"github.com/supportledger/supportledger/domain/catalog"
	"github.com/supportledger/supportledger/domain/contract"
)

// An Event is a fact about one purchase. The set is closed: an event that does not
// say what it changes does not compile.
type Event interface {
	// Name is what the event is called in the log: "noun.verb.vN". Once
	// released it never changes.
	Name() string
	evolve(*State)
}

// A Command is a wish about one purchase.
type Command interface {
	decide(*State) ([]Event, error)
}

// Decide answers a wish. It changes nothing; every error is a *domain.Refusal.
func Decide(s *State, c Command) ([]Event, error) { return c.decide(s) }

// Evolve changes a state, which the caller owns, by events, oldest first.
func Evolve(s *State, events ...Event) {
	for _, e := range events {
		e.evolve(s)
		s.version++
	}
}

// State is a purchase. The zero State is one that nobody has registered.
type State struct {
	version    int64 // events evolved so far; the next event's revision
	registered *Registered
	spent      *Spent
}

// Version is the number of events the state has seen, which is the revision of
// the next one.
func (s *State) Version() int64 { return s.version }

// Terms is how the purchase was registered; nil for an unknown one.
func (s *State) Terms() *Registered { return s.registered }

// Spent is how it was spent; nil until that is recorded.
func (s *State) Spent() *Spent { return s.spent }

// Events is the table of names.
var Events = domain.Names[Event]{
	(*Registered)(nil).Name(): func() Event { return new(Registered) },
	(*Spent)(nil).Name():      func() Event { return new(Spent) },
}

// Register is a portal's wish to make known what an account has bought.
type Register struct {
	Reference string
	Account   uuid.UUID
	Family    string // of products; a name for several is good for all of them
	Quantity  int64
	Contract  uuid.UUID // that it will become
	Catalog   *catalog.Catalog
	At        time.Time
}

// ReferenceUsed is the code that refuses to use a purchase's reference again.
const ReferenceUsed = contract.ReferenceUsed

func (c *Register) decide(s *State) ([]Event, error) {
	if c.Reference == "" {
		return nil, domain.RefuseField("reference", "is missing")
	}
	if c.Account == uuid.Nil {
		return nil, domain.RefuseField("account", "is missing; it is the id of the account that has bought")
	}
	families := c.Catalog.FamiliesOf(c.Family)
	if len(families) == 0 {
		return nil, domain.RefuseField("family", "is no family of products of the catalogue")
	}
	if c.Quantity < 1 || c.Quantity > contract.MaxQuantity {
		return nil, domain.RefuseField("quantity", "must be from 1 to 1000000000")
	}
	programme, ok := c.Catalog.BoughtFor(families)
	if !ok {
		return nil, domain.RefuseField("family", "is not sold: no programme of bought incidents covers it")
	}
	e := &Registered{
		Reference: c.Reference, Account: c.Account, Family: c.Family, Families: families, Quantity: c.Quantity,
		Programme: programme.ID, Contract: c.Contract, RegisteredAt: c.At,
	}
	if s.registered == nil {
		return []Event{e}, nil
	}
	if before := s.registered; before.Account != e.Account || before.Family != e.Family || before.Quantity != e.Quantity {
		return nil, domain.Refuse(ReferenceUsed, "use a reference of its own for every purchase", "another purchase was registered under this reference")
	}
	return nil, nil
}

// Registered says that somebody has bought incidents.
type Registered struct {
	Reference    string    `json:"reference"` // the portal's name for the purchase
	Account      uuid.UUID `json:"account"`   // who may spend it
	Family       string    `json:"family"`    // as the portal named it
	Families     []string  `json:"families"`  // of products that it is good for
	Quantity     int64     `json:"quantity"`  // incidents
	Programme    string    `json:"programme"` // of the contract that it becomes
	Contract     uuid.UUID `json:"contract"`  // that it becomes when it is spent
	RegisteredAt time.Time `json:"registered_at"`
}

// Name implements Event.
func (*Registered) Name() string { return "purchase.registered.v1" }

func (e *Registered) evolve(s *State) { s.registered = e }

// MayBeSpent refuses whoever must not spend the purchase: to a stranger it is
// unknown. Whether it was spent is for its contract to say.
func (s *State) MayBeSpent(account uuid.UUID) error {
	if s.registered == nil || s.registered.Account != account {
		return RefuseUnknown()
	}
	return nil
}

// RefuseUnknown is the answer to an unknown reference and to one of another
// account, always the same (R36).
func RefuseUnknown() *domain.Refusal {
	r := domain.Refuse("purchase-unknown", "check the reference, and that you are signed in with the account that has bought",
		"no purchase with this reference is known")
	r.Fields = []domain.Field{{Name: "payment.purchase.reference", Reason: "names no purchase"}}
	return r
}

// Spend is the wish to record that the purchase has become its contract.
type Spend struct {
	Account uuid.UUID
	Number  contract.Number // of the incident it was first spent on
	At      time.Time
}

func (c *Spend) decide(s *State) ([]Event, error) {
	if err := s.MayBeSpent(c.Account); err != nil {
		return nil, err
	}
	if s.spent != nil {
		return nil, nil
	}
	return []Event{&Spent{Account: c.Account, Contract: s.registered.Contract, Number: c.Number, SpentAt: c.At}}, nil
}

// Spent says that the purchase has become a contract, linked to the buyer.
type Spent struct {
	Account  uuid.UUID       `json:"account"`  // who has spent it
	Contract uuid.UUID       `json:"contract"` // that it has become
	Number   contract.Number `json:"number"`   // of the incident that it was first spent on
	SpentAt  time.Time       `json:"spent_at"`
}

// Name implements Event.
func (*Spent) Name() string { return "purchase.spent.v1" }

func (e *Spent) evolve(s *State) { s.spent = e }
