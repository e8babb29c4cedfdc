package contract

import (
	"bytes"
	"slices"
	"time"

	"github.com/google/uuid"
)

// Due are the events that the passing of time has brought about and that nobody
// has recorded yet (R5): that a blank contract has come to life as was promised
// (R28), the start of the term, the end of the contract, the end of grants, in
// that order. inherited are the accounts that were linked to the predecessor when
// the contract came to life or its term started (R6); Inherits says when they are
// needed.
func Due(s *State, at time.Time, inherited []uuid.UUID) []Event {
	if s.terms == nil || s.cancelled || s.expired {
		return nil
	}
	var out []Event
	if s.promiseDue(at) {
		s, out = s.live(at), s.kept()
		out = append(out, s.inherit(inherited, s.promise.ActivatesAt)...)
	}
	if s.startDue(at) {
		out = append(out, &Activated{
			Status: StatusActive, StartsOn: s.startsOn, ExpiresOn: s.expiresOn, StartsAt: s.startsAt, EndsAt: s.endsAt,
		})
		out = append(out, s.inherit(inherited, s.startsAt)...)
	}
	if s.ended(at) {
		out = append(out, &Expired{EndedAt: s.endsAt})
	}
	for i := range s.grants {
		if g := &s.grants[i]; g.Available > 0 && s.over(g, at) {
			out = append(out, &GrantLapsed{Grant: g.ID, Unit: g.Unit, Quantity: g.Available, EndedAt: s.end(g)})
		}
	}
	return out
}

// startDue says whether the start of the term has come and was not recorded.
func (s *State) startDue(at time.Time) bool {
	return s.activated && !s.started && !s.cancelled && !at.Before(s.startsAt)
}

// Inherits names the predecessor whose links at the start of the term Due needs,
// if it needs any at that time.
func (s *State) Inherits(at time.Time) (predecessor uuid.UUID, start time.Time, ok bool) {
	if s.terms == nil || s.terms.inheritsFrom() == uuid.Nil {
		return uuid.Nil, time.Time{}, false
	}
	switch {
	case s.promiseDue(at):
		return s.terms.inheritsFrom(), s.promise.ActivatesAt, true
	case s.startDue(at):
		return s.terms.inheritsFrom(), s.startsAt, true
	}
	return uuid.Nil, time.Time{}, false
}

// inherit are the events that link accounts because they were linked to the
// predecessor, since an instant.
func (s *State) inherit(accounts []uuid.UUID, since time.Time) []Event {
	sorted := slices.SortedFunc(slices.Values(accounts), func(a, b uuid.UUID) int { return bytes.Compare(a[:], b[:]) })
	var out []Event
	for _, account := range sorted {
		if !s.Linked(account) {
			out = append(out, &AccountLinked{Account: account, Inherited: s.terms.inheritsFrom(), At: since})
		}
	}
	return out
}

// NextDue is when time will bring something about next; zero where it never will.
func (s *State) NextDue() time.Time {
	if s.terms == nil || s.cancelled || s.expired {
		return time.Time{}
	}
	var next time.Time
	sooner := func(t time.Time) {
		if !t.IsZero() && (next.IsZero() || t.Before(next)) {
			next = t
		}
	}
	if s.promise != nil && !s.activated {
		sooner(s.promise.ActivatesAt)
	}
	if s.activated {
		sooner(s.endsAt)
		if !s.started {
			sooner(s.startsAt)
		}
	}
	for i := range s.grants {
		if g := &s.grants[i]; g.Available > 0 {
			sooner(s.end(g))
		}
	}
	return next
}

// Expired says that the term is over; what was left lapses with it.
type Expired struct {
	EndedAt time.Time `json:"ended_at"`
}

// Name implements Event.
func (*Expired) Name() string { return "contract.expired.v1" }

func (*Expired) evolve(s *State) { s.expired = true }
