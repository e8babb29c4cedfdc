// Package programcase is a program support case (R31): what somebody who is signed
// in for a partner asks the regional service center, such as for the IDs of a
// contract, or for its activation. A case needs no IDs and deducts nothing.
//
// Decide looks at a state and answers a wish with the events that follow from it,
// with none where they already hold, or with a *domain.Refusal; it changes
// nothing. Evolve alone changes a state. Times and numbers arrive inside the
// commands.
package programcase

import (
	"time"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/domain"
	"github.com/supportledger/supportledger/domain/contract"
)

// An Event is a fact about one case. The set is closed: an event that does not say
// what it changes does not compile.
type Event interface {
	// Name is what the event is called in the log: "noun.verb.vN". Once
	// released it never changes.
	Name() string
	evolve(*State)
}

// A Command is a wish about one case.
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

// State is a case. The zero State is one that nobody has opened.
type State struct {
	version int64 // events evolved so far; the next event's revision
	opened  *Opened
	closed  *Closed
}

// Version is the number of events the state has seen, which is the revision of
// the next one.
func (s *State) Version() int64 { return s.version }

// Opened is how the case was opened; nil for an unknown one.
func (s *State) Opened() *Opened { return s.opened }

// Closed is how it was answered; nil while it is open.
func (s *State) Closed() *Closed { return s.closed }

// Events is the table of names.
var Events = domain.Names[Event]{
	(*Opened)(nil).Name(): func() Event { return new(Opened) },
	(*Closed)(nil).Name(): func() Event { return new(Closed) },
}

// Personal returns an event's personal texts for sealing and opening.
func Personal(e Event) domain.Personal {
	switch e := e.(type) {
	case *Opened:
		return &e.Texts
	case *Closed:
		return &e.Texts
	}
	return nil
}

// A Kind is what somebody asks for.
type Kind string

// The kinds of R31.
const (
	RequestIDs        Kind = "request-ids"
	RequestActivation Kind = "request-activation"
	Other             Kind = "other"
)

// Open is the wish to ask for something.
type Open struct {
	Number   contract.Number
	Account  uuid.UUID
	Partner  string // the partner's id, for which the account is signed in
	Kind     Kind
	Contract uuid.UUID // that it is about; Nil where it is about none
	Portal   string
	Texts    domain.Sealed[QuestionTexts]
	At       time.Time
}

// QuestionTexts is what somebody asks, in their own words.
type QuestionTexts struct {
	Text string `json:"text"`
}

func (c *Open) decide(s *State) ([]Event, error) {
	if s.opened != nil {
		return nil, domain.Refuse("case-exists", "use another Idempotency-Key", "this case was opened before")
	}
	switch c.Kind {
	case RequestIDs, RequestActivation, Other:
	default:
		return nil, domain.RefuseField("kind", "must be request-ids, request-activation or other")
	}
	if c.Partner == "" {
		return nil, RefuseStranger()
	}
	return []Event{&Opened{
		Number: c.Number, Account: c.Account, Partner: c.Partner, Kind: c.Kind, Contract: c.Contract, Portal: c.Portal,
		Texts: c.Texts, OpenedAt: c.At,
	}}, nil
}

// NotAPartner is the code that refuses a case of somebody who is not signed in for
// a partner.
const NotAPartner = "not-a-partner"

// RefuseStranger is the answer to a sign-in that is not a partner's (R31).
func RefuseStranger() *domain.Refusal {
	return domain.Refuse(NotAPartner, "sign in with the partner's account, or submit an incident",
		"program support cases are for sign-ins of partners")
}

// Opened says that somebody asked the regional service center for something.
type Opened struct {
	Number   contract.Number              `json:"number"`            // the case's
	Account  uuid.UUID                    `json:"account"`           // whose case it is
	Partner  string                       `json:"partner_id"`        // for which the account was signed in
	Kind     Kind                         `json:"kind"`              // one of request-ids, request-activation, other
	Contract uuid.UUID                    `json:"contract,omitzero"` // that it is about
	Portal   string                       `json:"portal,omitempty"`  // where it was opened
	Texts    domain.Sealed[QuestionTexts] `json:"texts"`
	OpenedAt time.Time                    `json:"opened_at"`
}

// Name implements Event.
func (*Opened) Name() string { return "program-case.opened.v1" }

func (e *Opened) evolve(s *State) { s.opened = e }

// Close is the service center's wish to answer a case.
type Close struct {
	Outcome string // a word for what became of it
	Texts   domain.Sealed[AnswerTexts]
	At      time.Time
}

// AnswerTexts is what the service center says, under the key of the case's
// account. IDs are never in it: those go by mail to whom R29 and R30 allow.
type AnswerTexts struct {
	Text string `json:"text"`
}

func (c *Close) decide(s *State) ([]Event, error) {
	switch {
	case s.opened == nil:
		return nil, RefuseUnknown()
	case c.Outcome == "":
		return nil, domain.RefuseField("outcome", "is missing; it is a word for what became of the case")
	case s.closed != nil && s.closed.Outcome == c.Outcome:
		return nil, nil
	case s.closed != nil:
		return nil, domain.Refuse(contract.AlreadyClosed, "open a new case", "the case was closed with the outcome %s", s.closed.Outcome)
	}
	return []Event{&Closed{Number: s.opened.Number, Outcome: c.Outcome, Texts: c.Texts, ClosedAt: c.At}}, nil
}

// RefuseUnknown is the answer to an unknown case and to one of another account,
// always the same (R36).
func RefuseUnknown() *domain.Refusal {
	return domain.Refuse("case-not-found", "check the number, every digit of it", "there is no such case")
}

// Closed says that the service center has answered.
type Closed struct {
	Number   contract.Number            `json:"number"`  // the case's
	Outcome  string                     `json:"outcome"` // a word for what became of it
	Texts    domain.Sealed[AnswerTexts] `json:"texts"`
	ClosedAt time.Time                  `json:"closed_at"`
}

// Name implements Event.
func (*Closed) Name() string { return "program-case.closed.v1" }

func (e *Closed) evolve(s *State) { s.closed = e }
