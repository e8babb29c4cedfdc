// Package guessing makes guessing a pair of IDs hopeless (R8): it counts the
// failures of each account and of each Access ID, whoever tries it, and says
// when the next try may be made.
package guessing

import (
	"time"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/domain"
)

// The limits of R8.
const (
	PerAccount       = 5
	PerAccountWindow = 15 * time.Minute
	PerAccessID      = 20
	PerAccessWindow  = time.Hour
)

// Refused says that a pair which an account had not linked was not valid.
type Refused struct {
	Account  uuid.UUID `json:"account"`          // the pseudonym of a sign-in
	AccessID string    `json:"access_id"`        // a keyed digest, never the digits
	Portal   string    `json:"portal,omitempty"` // where it was tried
	At       time.Time `json:"at"`
}

// Name implements domain.Event.
func (*Refused) Name() string { return "link.refused.v1" }

// State is the failures that still count. The zero State has none.
type State struct {
	accounts map[uuid.UUID][]time.Time
	ids      map[string][]time.Time
	order    []*Refused // oldest first
}

// Evolve counts a failure.
func (s *State) Evolve(e *Refused) {
	if s.accounts == nil {
		s.accounts, s.ids = make(map[uuid.UUID][]time.Time), make(map[string][]time.Time)
	}
	s.accounts[e.Account] = append(s.accounts[e.Account], e.At)
	s.ids[e.AccessID] = append(s.ids[e.AccessID], e.At)
	s.order = append(s.order, e)
}

// TryAfter is when an account may try an Access ID next: not after at where it
// may at once.
func (s *State) TryAfter(account uuid.UUID, accessID string, at time.Time) time.Time {
	byAccount := free(s.accounts[account], PerAccount, PerAccountWindow)
	byID := free(s.ids[accessID], PerAccessID, PerAccessWindow)
	if byID.After(byAccount) {
		byAccount = byID
	}
	if byAccount.Before(at) {
		return at
	}
	return byAccount
}

// free is when fewer than limit failures lie within a window.
func free(failures []time.Time, limit int, window time.Duration) time.Time {
	if len(failures) < limit {
		return time.Time{}
	}
	return failures[len(failures)-limit].Add(window)
}

// Refuse is the answer to a try that came too early.
func Refuse(wait time.Duration) *domain.Refusal {
	return domain.Refuse(TooMany, "check both IDs with their owner before the next try",
		"too many tries with IDs that were not valid; try again in %d seconds", int64((wait+time.Second-1)/time.Second))
}

// TooMany is the code that refuses a try that came too early.
const TooMany = "too-many-tries"

// Forget drops the failures that no longer count.
func (s *State) Forget(at time.Time) {
	for len(s.order) > 0 && !at.Before(s.order[0].At.Add(PerAccessWindow)) {
		e := s.order[0]
		s.order = s.order[1:]
		drop(s.accounts, e.Account)
		drop(s.ids, e.AccessID)
	}
}

func drop[K comparable](m map[K][]time.Time, k K) {
	if m[k] = m[k][1:]; len(m[k]) == 0 {
		delete(m, k)
	}
}
