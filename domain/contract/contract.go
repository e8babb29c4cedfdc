// Package contract is the heart of the business: one support contract with its
// term, its grants, its links and its incidents, as a decider. Incidents that no
// contract pays for (R15) are the same aggregate without a registration.
//
// Decide is pure: it looks at a state and answers a wish with the events that
// follow from it, with none where they already hold, or with a *domain.Refusal.
// Evolve alone changes a state. Time, numbers, zones and the catalogue arrive in
// the Moment; nothing here reads a clock, a file or a random source.
package contract

import (
	"time"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/domain/catalog"
)

// An Event is a fact about one contract. The set is closed: an event that does
// not say what it changes does not compile.
type Event interface {
	// Name is what the event is called in the log: "noun.verb.vN". Once
	// released it never changes.
	Name() string
	evolve(*State)
}

// A Command is a wish about one contract.
type Command interface {
	decide(*State, Moment) ([]Event, error)
}

// A Moment is what a decision may know besides the state and the wish.
type Moment struct {
	At      time.Time
	Catalog *catalog.Catalog
	// Zone gives the location of an IANA zone name that a registration has
	// accepted before; nil for an unknown name.
	Zone func(name string) *time.Location
	// Number is the next free incident number; only a submission takes it.
	Number Number
}

// Decide answers a wish. It changes nothing; every error is a *domain.Refusal.
// What is due at the moment (Due) must have been evolved before.
func Decide(s *State, m Moment, c Command) ([]Event, error) { return c.decide(s, m) }

// Evolve changes a state, which the caller owns, by events, oldest first.
func Evolve(s *State, events ...Event) {
	for _, e := range events {
		e.evolve(s)
		s.version++
	}
}

// State is what decisions about one contract need, and no more: history is in
// the log. The zero State is a contract that nobody has registered.
type State struct {
	version int64 // events evolved so far; the next event's revision

	terms      *Registered // nil until registered
	promise    *Promised   // of a contract that comes to life by itself
	activated  bool
	started    bool // the start of the term was recorded
	startsOn   catalog.Date
	expiresOn  catalog.Date
	startsAt   time.Time
	endsAt     time.Time
	suspended  bool
	cancelled  bool
	expired    bool
	renewedBy  uuid.UUID // the renewal's contract
	reissuedBy uuid.UUID // the replacement's contract

	grants    []Grant // by id: grants[id-1]
	totals    [len(units)]Balance
	links     map[uuid.UUID]Linked // account → since
	incidents map[Number]*incident
	settling  []Number // closed incidents, oldest closing first, until Forget

	advisories map[Number]*advisory
	advised    []Number // closed advisory requests, oldest closing first, until Forget
}

// Version is the number of events the state has seen, which is the revision of
// the next one.
func (s *State) Version() int64 { return s.version }

// Exists says whether the contract was registered.
func (s *State) Exists() bool { return s.terms != nil }

// Status is the state of a contract (R4).
type Status string

// The states of R4. A contract that was never registered has none.
const (
	StatusRegistered Status = "registered"
	StatusWaiting    Status = "waiting"
	StatusActive     Status = "active"
	StatusSuspended  Status = "suspended"
	StatusExpired    Status = "expired"
	StatusCancelled  Status = "cancelled"
)

// Status is the contract's state as of a time, whether or not the passing of
// time was recorded (R5).
func (s *State) Status(at time.Time) Status {
	switch {
	case s.terms == nil:
		return ""
	case s.cancelled:
		return StatusCancelled
	case s.ended(at):
		return StatusExpired
	case s.promiseDue(at):
		return StatusActive
	case !s.activated:
		return StatusRegistered
	case at.Before(s.startsAt):
		return StatusWaiting
	case s.suspended:
		return StatusSuspended
	}
	return StatusActive
}

// ended says whether the contract's term is over at a time.
func (s *State) ended(at time.Time) bool {
	return s.expired || s.activated && !at.Before(s.endsAt) || s.promiseDue(at) && !at.Before(s.promise.EndsAt)
}

// closed says whether nothing can become available any more.
func (s *State) closed(at time.Time) bool { return s.cancelled || s.ended(at) }

// EndsAt is the instant at which the term ends; zero until activated. A decision
// that was made before it must not be recorded at or after it.
func (s *State) EndsAt() time.Time { return s.endsAt }

// Linked says whether an account has linked the contract.
func (s *State) Linked(account uuid.UUID) bool {
	_, ok := s.links[account]
	return ok
}

// Links are the accounts that have linked the contract. The map is the state's own.
func (s *State) Links() map[uuid.UUID]Linked { return s.links }

// Terms are what was agreed at registration; nil for an unknown contract.
func (s *State) Terms() *Registered { return s.terms }

// Term is the term of an activated contract as an event, for a replacement to
// take over; nil before activation.
func (s *State) Term() *Activated {
	if !s.activated {
		return nil
	}
	status := StatusWaiting
	if s.started {
		status = StatusActive
	}
	return &Activated{Status: status, StartsOn: s.startsOn, ExpiresOn: s.expiresOn, StartsAt: s.startsAt, EndsAt: s.endsAt}
}

// A Summary is a contract as people see it (SPEC section 5, "contract").
type Summary struct {
	Terms                *Registered
	Status               Status
	StartsOn, ExpiresOn  catalog.Date
	StartsAt, EndsAt     time.Time
	Renewal, Replacement uuid.UUID // successors; Nil where there is none
}

// Summary describes the contract as of a time.
func (s *State) Summary(at time.Time) Summary {
	s = s.live(at)
	sum := Summary{
		Terms: s.terms, Status: s.Status(at),
		StartsOn: s.startsOn, ExpiresOn: s.expiresOn, StartsAt: s.startsAt, EndsAt: s.endsAt,
		Renewal: s.renewedBy, Replacement: s.reissuedBy,
	}
	if sum.StartsOn == (catalog.Date{}) && s.terms != nil {
		sum.StartsOn = s.terms.StartsOn
	}
	return sum
}

// Successor is the contract that follows this one: its replacement, else its
// renewal, else Nil.
func (s Summary) Successor() uuid.UUID {
	if s.Replacement != uuid.Nil {
		return s.Replacement
	}
	return s.Renewal
}

// Weight estimates the memory that the state takes, in bytes.
func (s *State) Weight() int64 {
	n := 1024 + 176*int64(len(s.incidents)) + 64*int64(len(s.settling)) + 160*int64(len(s.grants)) + 96*int64(len(s.links))
	for _, a := range s.advisories {
		n += 192 + 160*int64(len(a.entries))
	}
	return n
}
