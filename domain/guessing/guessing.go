// Package guessing makes guessing a pair of IDs hopeless (R8): it counts the
// failures of each account, of each Access ID, whoever tries it, and of each
// address that is known, and says when the next try may be made.
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
	PerAddress       = 20
	PerAddressWindow = time.Hour
)

// A Try is who tries what, and from where.
type Try struct {
	Account  uuid.UUID
	AccessID string // a keyed digest, never the digits
	Address  string // a keyed digest, never the address; "" where it is not known
}

// Refused says that a pair which an account had not linked was not valid.
type Refused struct {
	Account  uuid.UUID `json:"account"`          // the pseudonym of a sign-in
	AccessID string    `json:"access_id"`        // a keyed digest, never the digits
	Portal   string    `json:"portal,omitempty"` // where it was tried
	At       time.Time `json:"at"`
}

// Name implements domain.Event.
func (*Refused) Name() string { return "link.refused.v1" }

// Located says from which address the failed link came that is recorded right before
// it, where a trusted proxy has stated one (R8).
type Located struct {
	Address string    `json:"address"` // a keyed digest, never the address
	At      time.Time `json:"at"`
}

// Name implements domain.Event.
func (*Located) Name() string { return "link.located.v1" }

// State is the failures that still count. The zero State has none.
type State struct {
	accounts  map[uuid.UUID][]time.Time
	ids       map[string][]time.Time
	addresses map[string][]time.Time
	order     []*Refused // oldest first
	located   []*Located // likewise
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

// Locate counts a failure at its address.
func (s *State) Locate(e *Located) {
	if s.addresses == nil {
		s.addresses = make(map[string][]time.Time)
	}
	s.addresses[e.Address] = append(s.addresses[e.Address], e.At)
	s.located = append(s.located, e)
}

// TryAfter is when a try may be made next: not after at where it may at once.
func (s *State) TryAfter(t Try, at time.Time) time.Time {
	next := at
	for _, until := range [...]time.Time{
		free(s.accounts[t.Account], PerAccount, PerAccountWindow),
		free(s.ids[t.AccessID], PerAccessID, PerAccessWindow),
		free(s.addresses[t.Address], PerAddress, PerAddressWindow), // of "" none are counted
	} {
		if until.After(next) {
			next = until
		}
	}
	return next
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
	for len(s.located) > 0 && !at.Before(s.located[0].At.Add(PerAddressWindow)) {
		drop(s.addresses, s.located[0].Address)
		s.located = s.located[1:]
	}
}

func drop[K comparable](m map[K][]time.Time, k K) {
	if m[k] = m[k][1:]; len(m[k]) == 0 {
		delete(m, k)
	}
}
