package contract

import (
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/domain"
)

// advisory is what decisions need of one advisory request (R32). What was said in
// it is in the log, at its revisions.
type advisory struct {
	account   uuid.UUID
	revisions []int64 // of its events, oldest first
	entries   map[string]*timeEntry
	closed    bool
	creditBy  time.Time // once closed: until when an entry can be credited
}

// timeEntry is time that was taken for a request, and how much of it was given
// back.
type timeEntry struct {
	minutes, credited int64
	parts             []GrantUnits // where it came from; what was given back is taken off
}

// settled says whether nothing can happen to the request any more.
func (a *advisory) settled(at time.Time) bool { return a.closed && at.After(a.creditBy) }

// advisory finds a request that an engineer may act on; settled refuses for one
// to which nothing can happen any more, in the state still or not (Forget).
func (s *State) advisory(n Number, at time.Time, settled *domain.Refusal) (*advisory, error) {
	a, ok := s.advisories[n]
	if !ok || a.settled(at) {
		return nil, settled
	}
	return a, nil
}

// AdvisoryRevisions are the places in the contract's stream of an advisory
// request's events, oldest first; none once it is settled and forgotten.
func (s *State) AdvisoryRevisions(n Number) []int64 {
	a, ok := s.advisories[n]
	if !ok {
		return nil
	}
	return slices.Clone(a.revisions)
}

// touchAdvisory notes that the event now evolving is about an advisory request.
func (s *State) touchAdvisory(n Number) *advisory {
	a := s.advisories[n]
	if a == nil {
		return &advisory{entries: make(map[string]*timeEntry)} // forgotten: nothing is decided by it any more
	}
	a.revisions = append(a.revisions, s.version)
	return a
}

// forgetAdvisories drops the requests to which nothing can happen any more.
func (s *State) forgetAdvisories(at time.Time) {
	for len(s.advised) > 0 && s.advisories[s.advised[0]].settled(at) {
		delete(s.advisories, s.advised[0])
		s.advised = s.advised[1:]
	}
}

// OpenAdvisory is the wish for advice, which takes minutes as it is given (R32).
type OpenAdvisory struct {
	Account  uuid.UUID
	Partner  string // for which the account is signed in; "" for none
	Portal   string
	Title    string
	Texts    domain.Sealed[AdvisoryTexts]
	Language string // of the contact
}

// AdvisoryTexts are the personal texts of an advisory request: the contact, and
// what is asked.
type AdvisoryTexts struct {
	Name        string `json:"name"`
	Email       string `json:"email"`
	Phone       string `json:"phone,omitempty"`
	Description string `json:"description"`
}

func (c *OpenAdvisory) decide(s *State, m Moment) ([]Event, error) {
	if s.terms == nil || !s.Linked(c.Account) && !s.BelongsTo(c.Partner) {
		return nil, RefuseUnknown()
	}
	if c.Title == "" {
		return nil, domain.RefuseField("title", "is missing")
	}
	if s.Status(m.At) != StatusActive {
		return nil, s.refuseState(m.At)
	}
	return []Event{&AdvisoryOpened{
		Number: m.Number, Account: c.Account, Portal: c.Portal, Title: c.Title, Texts: c.Texts, Language: c.Language, OpenedAt: m.At,
	}}, nil
}

// BelongsTo says whether a contract is a partner's own, by the partner's id.
func (s *State) BelongsTo(partner string) bool {
	return partner != "" && s.terms != nil && s.terms.PartnerID == partner
}

// AdvisoryOpened says that somebody asked for advice.
type AdvisoryOpened struct {
	Number   Number                       `json:"number"`           // the request's
	Account  uuid.UUID                    `json:"account"`          // whose request it is
	Portal   string                       `json:"portal,omitempty"` // where it was opened
	Title    string                       `json:"title"`
	Texts    domain.Sealed[AdvisoryTexts] `json:"texts"`
	Language string                       `json:"language,omitempty"` // of the contact
	OpenedAt time.Time                    `json:"opened_at"`
}

// Name implements Event.
func (*AdvisoryOpened) Name() string { return "advisory.opened.v1" }

func (e *AdvisoryOpened) evolve(s *State) {
	if s.advisories == nil {
		s.advisories = make(map[Number]*advisory)
	}
	s.advisories[e.Number] = &advisory{account: e.Account, entries: make(map[string]*timeEntry), revisions: []int64{s.version}}
}

// CloseAdvisory is an engineer's wish that no more time is taken for a request.
type CloseAdvisory struct {
	Number Number
	Texts  domain.Sealed[AdviceTexts] // under the key of the request's account
}

// AdviceTexts is what an engineer says in an advisory request.
type AdviceTexts struct {
	Text string `json:"text"`
}

func (c *CloseAdvisory) decide(s *State, m Moment) ([]Event, error) {
	a, ok := s.advisories[c.Number]
	if !ok || a.closed {
		return nil, nil // what is not in the state any more was closed
	}
	return []Event{&AdvisoryClosed{
		Number: c.Number, Texts: c.Texts, ClosedAt: m.At, CreditUntil: m.At.Add(days(m.Catalog.ReclassifyDays)),
	}}, nil
}

// AdvisoryClosed says that no more time is taken for a request.
type AdvisoryClosed struct {
	Number      Number                     `json:"number"` // the request's
	Texts       domain.Sealed[AdviceTexts] `json:"texts"`
	ClosedAt    time.Time                  `json:"closed_at"`
	CreditUntil time.Time                  `json:"credit_until"` // from then on no time is credited back
}

// Name implements Event.
func (*AdvisoryClosed) Name() string { return "advisory.closed.v1" }

func (e *AdvisoryClosed) evolve(s *State) {
	a := s.touchAdvisory(e.Number)
	a.closed, a.creditBy = true, e.CreditUntil
	s.advised = append(s.advised, e.Number)
}

// RefuseNoAdvisory is the answer to an unknown advisory request and to one of
// another account, always the same (R36).
func RefuseNoAdvisory() *domain.Refusal {
	return domain.Refuse("advisory-not-found", "check the number, every digit of it", "there is no such advisory request")
}
