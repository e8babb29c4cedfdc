package contract

import (
	"bytes"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/domain"
	"github.com/supportledger/supportledger/domain/catalog"
)

// Reissue is the wish to replace a leaked pair (R10): what is available moves to
// a replacement with new IDs and the same end, and this contract is cancelled.
type Reissue struct {
	Successor uuid.UUID
	Keep      []uuid.UUID // the linked accounts that the replacement keeps
	Reason    string
}

func (c *Reissue) decide(s *State, m Moment) ([]Event, error) {
	if err := s.mustExist(); err != nil {
		return nil, err
	}
	if s.closed(m.At) {
		return nil, s.refuseState(m.At)
	}
	keep := slices.Clone(c.Keep)
	slices.SortFunc(keep, func(a, b uuid.UUID) int { return bytes.Compare(a[:], b[:]) })
	keep = slices.Compact(keep)
	for _, account := range keep {
		if !s.Linked(account) {
			return nil, domain.RefuseField("keep_links", fmt.Sprintf("names an account that has not linked the contract: %s", account))
		}
	}
	reissued := &Reissued{Successor: c.Successor, Moved: []MovedUnits{}, Keep: keep, Status: s.Status(m.At), Reason: c.Reason}
	for i := range s.grants {
		g := &s.grants[i]
		if !s.over(g, m.At) && (g.Unlimited || g.Available > 0) {
			reissued.Moved = append(reissued.Moved, MovedUnits{
				Grant: g.ID, Unit: g.Unit, Quantity: g.Available, Unlimited: g.Unlimited, Source: g.Source, EndsAt: g.EndsAt,
			})
		}
	}
	events := []Event{reissued, &Cancelled{Reason: c.Reason}}
	return append(events, s.unlinkAllBut(keep)...), nil
}

func (s *State) unlinkAllBut(keep []uuid.UUID) []Event {
	var out []Event
	for account := range s.links {
		if !slices.Contains(keep, account) {
			out = append(out, &AccountUnlinked{Account: account, Reason: "reissued"})
		}
	}
	slices.SortFunc(out, func(a, b Event) int {
		x, y := a.(*AccountUnlinked).Account, b.(*AccountUnlinked).Account
		return bytes.Compare(x[:], y[:])
	})
	return out
}

// Reissued says what a replacement took over.
type Reissued struct {
	Successor uuid.UUID    `json:"successor"`      // the contract that replaces it
	Moved     []MovedUnits `json:"moved"`          // what it took over
	Keep      []uuid.UUID  `json:"keep,omitempty"` // the accounts whose links it keeps
	Status    Status       `json:"status"`         // of the contract when it was replaced
	Reason    string       `json:"reason"`
}

// MovedUnits are what was available of one grant.
type MovedUnits struct {
	Grant     GrantID   `json:"grant"`
	Unit      Unit      `json:"unit"`
	Quantity  int64     `json:"quantity"` // 0 where unlimited
	Unlimited bool      `json:"unlimited,omitempty"`
	Source    Source    `json:"source"`
	EndsAt    time.Time `json:"ends_at,omitzero"` // left out where they end with the contract
}

// Name implements Event.
func (*Reissued) Name() string { return "contract.reissued.v1" }

func (e *Reissued) evolve(s *State) {
	s.reissuedBy = e.Successor
	for _, moved := range e.Moved {
		g := s.grant(moved.Grant)
		g.Available -= moved.Quantity
		g.Moved += moved.Quantity
		g.moved = true
		t := &s.totals[moved.Unit.index()]
		t.Available -= moved.Quantity
		t.Moved += moved.Quantity
	}
}

// Replace brings the replacement to life (R10) from what its predecessor's
// events say: the same terms under new IDs, the same end, what was moved, the
// links that were kept.
type Replace struct {
	AccessID    string
	ContractID  []byte // ciphertext
	Predecessor uuid.UUID
	Contact     domain.Sealed[ContactTexts]
	Terms       *Registered // the predecessor's
	Term        *Activated  // the predecessor's; nil where it was not activated
	Promise     *Promised   // the predecessor's; nil where nothing was promised
	Reissued    *Reissued
	Renewal     uuid.UUID // the predecessor's renewal, if it has one
}

func (c *Replace) decide(s *State, m Moment) ([]Event, error) {
	if s.terms != nil {
		return nil, refusePairExists()
	}
	registered := *c.Terms
	registered.AccessID, registered.ContractID, registered.Contact = c.AccessID, c.ContractID, c.Contact
	registered.Predecessor, registered.Replaces, registered.Renewal = c.Predecessor, true, c.Renewal
	registered.Follows = c.Terms.inheritsFrom()
	registered.Reason = c.Reissued.Reason
	events := []Event{&registered}
	switch {
	case c.Term != nil:
		term := *c.Term
		term.Reason = c.Reissued.Reason
		events = append(events, &term)
	case c.Promise != nil:
		promised := *c.Promise
		events = append(events, &promised)
	}
	zone := m.Zone(c.Terms.TimeZone)
	for i, moved := range c.Reissued.Moved {
		added := &GrantAdded{
			Grant: GrantID(i + 1), Unit: moved.Unit, Quantity: moved.Quantity, Unlimited: moved.Unlimited,
			Source: moved.Source, EndsAt: moved.EndsAt, From: &MovedFrom{Contract: c.Predecessor, Grant: moved.Grant},
		}
		if !moved.EndsAt.IsZero() {
			added.ExpiresOn = catalog.DateOf(moved.EndsAt.Add(-time.Nanosecond), zone)
		}
		events = append(events, added)
	}
	for _, account := range c.Reissued.Keep {
		events = append(events, &AccountLinked{Account: account, Inherited: c.Predecessor, At: m.At})
	}
	if c.Reissued.Status == StatusSuspended {
		events = append(events, &Suspended{Reason: c.Reissued.Reason})
	}
	return events, nil
}
