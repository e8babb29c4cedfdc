package contract

import (
	"time"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/domain"
	"github.com/supportledger/supportledger/domain/catalog"
)

// Promised says that a blank contract comes to life by itself, when, and with
// which term (R28). From that instant on it is active whether or not anything has
// recorded it; Due records it.
type Promised struct {
	ActivatesOn catalog.Date `json:"activates_on"` // the day, in the contract's zone
	ActivatesAt time.Time    `json:"activates_at"` // the instant at which that day begins
	StartsOn    catalog.Date `json:"starts_on"`    // the first day of the term
	ExpiresOn   catalog.Date `json:"expires_on"`   // the last day, grace included
	StartsAt    time.Time    `json:"starts_at"`    // the instant at which the first day begins in the contract's zone
	EndsAt      time.Time    `json:"ends_at"`      // the instant at which the last day ends
}

// Name implements Event.
func (*Promised) Name() string { return "contract.promised.v1" }

func (e *Promised) evolve(s *State) { s.promise = e }

// promise is the event by which a registration promises that its contract comes to
// life on a day, within the term that starts on the day it names.
func promise(terms *Registered, activates catalog.Date, zone *time.Location) (*Promised, error) {
	last := terms.lastDay(terms.StartsOn)
	if terms.StartsOn.IsZero() || activates.Compare(terms.StartsOn) < 0 || activates.Compare(last) > 0 {
		return nil, domain.RefuseField("activates_on", "must lie within the term, whose first day is named")
	}
	return &Promised{
		ActivatesOn: activates, ActivatesAt: activates.StartOf(zone), StartsOn: terms.StartsOn, ExpiresOn: last,
		StartsAt: terms.StartsOn.StartOf(zone), EndsAt: last.EndOf(zone),
	}, nil
}

// promiseDue says whether the moment has come at which a blank contract comes to
// life by itself, and nobody has recorded it.
func (s *State) promiseDue(at time.Time) bool {
	return s.promise != nil && !s.activated && !s.cancelled && !at.Before(s.promise.ActivatesAt)
}

// live is the contract as it would be were it recorded that it has come to life
// by itself: itself, unless that is due. Reads look at it (R5).
func (s *State) live(at time.Time) *State {
	if !s.promiseDue(at) {
		return s
	}
	then := *s
	then.grants = append([]Grant(nil), s.grants...)
	for _, e := range s.kept() {
		e.evolve(&then)
	}
	return &then
}

// kept are the events by which a promise is kept: the term, and what the
// programme includes.
func (s *State) kept() []Event {
	p := s.promise
	activated := &Activated{Status: StatusActive, StartsOn: p.StartsOn, ExpiresOn: p.ExpiresOn, StartsAt: p.StartsAt, EndsAt: p.EndsAt}
	return append([]Event{activated}, includedGrants(s.terms, len(s.grants))...)
}

// Promise is how the contract was promised to come to life; nil where it was not.
func (s *State) Promise() *Promised { return s.promise }

// Blank says whether the contract is still to be activated at a time, and since
// when it ought not to be: zero where nothing was promised.
func (s *State) Blank(at time.Time) (since time.Time, blank bool) {
	if s.Status(at) != StatusRegistered {
		return time.Time{}, false
	}
	if s.promise != nil {
		since = s.promise.ActivatesAt
	}
	return since, true
}

// RenewByMembership is the wish that a contract of a new membership year follows
// this one (R28): its term begins on the day of the renewal, whenever this one
// ends. It also follows one that is still blank, whose year is known by the first day
// that was named when it was registered: that one may come to life until its year is
// over, and hands its links on. Nothing follows one that was cancelled, or was
// renewed or replaced otherwise.
type RenewByMembership struct {
	Successor uuid.UUID
	StartsOn  catalog.Date
}

func (c *RenewByMembership) decide(s *State, m Moment) ([]Event, error) {
	if err := s.mustExist(); err != nil {
		return nil, err
	}
	switch {
	case s.renewedBy == c.Successor:
		return nil, nil
	case s.renewedBy != uuid.Nil:
		return nil, refuseRenewed(s.renewedBy)
	}
	began := s.Summary(m.At).StartsOn
	if s.Status(m.At) == StatusCancelled || began.IsZero() {
		return nil, s.refuseState(m.At)
	}
	if c.StartsOn.Compare(began.AddYear()) < 0 {
		return nil, domain.RefuseField("renewed_on", "lies within the year of the contract before")
	}
	return []Event{&Renewed{Successor: c.Successor, StartsOn: c.StartsOn, Reason: "membership renewal"}}, nil
}

// MayResendIDs refuses to tell the IDs again of a contract whose IDs nobody was
// told yet, or are good for nothing any more (R30).
func (s *State) MayResendIDs(at time.Time) error {
	if err := s.mustExist(); err != nil {
		return err
	}
	switch s.Status(at) {
	case StatusRegistered, StatusExpired, StatusCancelled:
		return s.refuseState(at)
	}
	return nil
}
