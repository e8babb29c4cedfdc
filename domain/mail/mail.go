// Package mail holds what is recorded of the mails about one contract, or about
// an incident that no contract pays for: which were sent, which were given up,
// and which are to be sent again (R29, R39). It knows nothing of letters and
// servers.
//
// Decide looks at a state and answers a wish with the events that follow from
// it, with none where they already hold, or with a *domain.Refusal. Evolve alone
// changes a state. Times and ids arrive inside the commands.
//
// What the decisions hold: a mail is recorded as sent once, and nothing is
// recorded of it afterwards. One that was given up stays given up until somebody
// asks for it again, or until it turns out to have been sent after all, by
// another node that was still trying.
package mail

import (
	"time"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/domain"
)

// An Event is a fact about one mail. The set is closed: an event that does not
// say what it changes does not compile.
type Event interface {
	// Name is what the event is called in the log: "noun.verb.vN". Once
	// released it never changes.
	Name() string
	evolve(*State)
}

// A Command is a wish to record something about one mail.
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

// A Kind is what a mail is about.
type Kind string

// The kinds of R39.
const (
	IDs       Kind = "ids"       // both IDs, on activation and when asked for again
	Linked    Kind = "linked"    // a new link, to the primary contact
	Submitted Kind = "submitted" // an incident was submitted
	Closed    Kind = "closed"    // an incident was closed, and counts or not
	FewLeft   Kind = "few-left"  // few incidents are left
	Expiring  Kind = "expiring"  // the contract will expire in 30 or 7 days
	Expired   Kind = "expired"   // the contract has expired
)

// Kinds are all of them, in the order of a contract's life.
func Kinds() []Kind { return []Kind{IDs, Linked, Submitted, Closed, FewLeft, Expiring, Expired} }

// Known says whether a kind is one of Kinds.
func (k Kind) Known() bool {
	switch k {
	case IDs, Linked, Submitted, Closed, FewLeft, Expiring, Expired:
		return true
	}
	return false
}

// A Letter says which mail an event is about, and what has caused it.
type Letter struct {
	Mail     uuid.UUID `json:"mail"` // derived from the cause and the recipient
	Kind     Kind      `json:"kind"`
	Cause    uuid.UUID `json:"cause,omitzero"` // the event's id; Nil where time or an operator has caused it
	Language string    `json:"language"`
}

// check refuses what no letter can be.
func (l *Letter) check() error {
	switch {
	case l.Mail == uuid.Nil:
		return domain.RefuseField("mail", "must be the id of a mail")
	case !l.Kind.Known():
		return domain.RefuseField("kind", "must be one of the kinds of mails")
	case l.Language == "":
		return domain.RefuseField("language", "must name the language that the mail is written in")
	}
	return nil
}

// A Recipient is to whom a mail goes: a personal text (R47).
type Recipient struct {
	Name  string `json:"name,omitempty"`
	Email string `json:"email"`
	// Said is how the last try ended, of a mail that was given up: servers like
	// to repeat the address, so it is sealed with it.
	Said string `json:"said,omitempty"`
}

// Status is what has become of a mail.
type Status string

// What is recorded of a mail: nothing yet, that it was sent, that it was given
// up, that somebody asked for it since.
const (
	Unrecorded      Status = ""
	StatusSent      Status = "sent"
	StatusGivenUp   Status = "given-up"
	StatusRequested Status = "requested"
)

// A Standing is what is recorded of one mail.
type Standing struct {
	Status Status
	// The rest is kept only while the mail was given up or asked for.
	Letter    Letter
	Recipient domain.Sealed[Recipient]
	Tries     int // made before it was given up last
	At        time.Time
}

// State is what decisions about the mails of one contract need: which were sent,
// and what is known of those that were not. The zero State has none.
type State struct {
	version int64 // events evolved so far; the next event's revision
	sent    map[uuid.UUID]struct{}
	open    map[uuid.UUID]Standing // given up, or asked for
}

// Version is the number of events the state has seen, which is the revision of
// the next one.
func (s *State) Version() int64 { return s.version }

// Standing is what is recorded of a mail.
func (s *State) Standing(mail uuid.UUID) Standing {
	if _, sent := s.sent[mail]; sent {
		return Standing{Status: StatusSent}
	}
	return s.open[mail]
}

// settle notes that a mail was sent: nothing else is ever asked about it.
func (s *State) settle(mail uuid.UUID) {
	if s.sent == nil {
		s.sent = make(map[uuid.UUID]struct{})
	}
	s.sent[mail] = struct{}{}
	delete(s.open, mail)
}

// keep notes what is known of a mail that was not sent.
func (s *State) keep(mail uuid.UUID, known Standing) {
	if s.open == nil {
		s.open = make(map[uuid.UUID]Standing)
	}
	s.open[mail] = known
}

// Weight estimates the memory that the state takes, in bytes.
func (s *State) Weight() int64 { return 256 + 40*int64(len(s.sent)) + 512*int64(len(s.open)) }
