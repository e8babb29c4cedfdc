package contract

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/domain"
	"github.com/supportledger/supportledger/domain/catalog"
)

// A GrantID names a grant within its contract: "g1" is the first.
type GrantID int32

func (id GrantID) String() string { return "g" + strconv.Itoa(int(id)) }

// MarshalText writes "g1".
func (id GrantID) MarshalText() ([]byte, error) { return []byte(id.String()), nil }

// UnmarshalText reads "g1".
func (id *GrantID) UnmarshalText(b []byte) error {
	digits, ok := strings.CutPrefix(string(b), "g")
	n, err := strconv.ParseInt(digits, 10, 32)
	if !ok || err != nil || n < 1 || digits[0] == '+' || digits[0] == '0' {
		return fmt.Errorf("%q is not the id of a grant, such as g1", b)
	}
	*id = GrantID(n)
	return nil
}

// A Grant is a quantity of one unit that became available at once and lapses
// together.
type Grant struct {
	ID                                                    GrantID
	Unit                                                  Unit
	Source                                                Source
	Unlimited                                             bool
	Granted, Adjusted, Available, Consumed, Lapsed, Moved int64
	ExpiresOn                                             catalog.Date // its own last day; zero: it ends with the contract
	EndsAt                                                time.Time    // when that ends
	moved                                                 bool         // an unlimited grant that a replacement took along
}

// A Source says where a grant came from; it orders what is spent first (R18).
type Source string

// The sources. What is included is spent before what was bought or added (R18).
const (
	Included Source = "included" // in the programme
	Bought   Source = "bought"
	Added    Source = "added" // by an operator
)

func (s Source) rank() int {
	if s == Included {
		return 0
	}
	return 1
}

// Grants are the contract's grants, oldest first. The slice is the state's own.
func (s *State) Grants() []Grant { return s.grants }

// end is when a grant lapses: at its own end or the contract's, whichever comes
// first; zero where neither is known yet.
func (s *State) end(g *Grant) time.Time {
	if g.EndsAt.IsZero() || s.activated && s.endsAt.Before(g.EndsAt) {
		return s.endsAt
	}
	return g.EndsAt
}

// over says whether a grant is past its end.
func (s *State) over(g *Grant, at time.Time) bool {
	if s.cancelled || s.expired {
		return true
	}
	end := s.end(g)
	return !end.IsZero() && !at.Before(end)
}

// payer is the grant that the next unit comes from (R18): the one that lapses
// soonest, then included before bought, then the oldest; nil where none is left.
func (s *State) payer(u Unit, at time.Time) *Grant {
	var best *Grant
	for i := range s.grants {
		g := &s.grants[i]
		if g.Unit != u || g.moved || !g.Unlimited && g.Available == 0 || s.over(g, at) {
			continue
		}
		if best == nil || s.before(g, best) {
			best = g
		}
	}
	return best
}

func (s *State) before(a, b *Grant) bool {
	if ea, eb := s.end(a), s.end(b); !ea.Equal(eb) {
		return !ea.IsZero() && (eb.IsZero() || ea.Before(eb))
	}
	if a.Source.rank() != b.Source.rank() {
		return a.Source.rank() < b.Source.rank()
	}
	return a.ID < b.ID
}

func (s *State) grant(id GrantID) *Grant {
	if id < 1 || int(id) > len(s.grants) {
		return nil
	}
	return &s.grants[id-1]
}

// A GrantCommand is a wish about one grant.
type GrantCommand interface {
	Command
	// Concerns is the grant that the wish was about, in the state right after it was
	// granted.
	Concerns(s *State) Grant
}

// AddGrant is an operator's wish to make units available (R4).
type AddGrant struct {
	Unit      Unit
	Quantity  int64
	ExpiresOn catalog.Date // zero: lapses with the contract
	Reason    string
}

// MaxQuantity bounds what one grant or adjustment may hold, so that no sum of
// them can overflow.
const MaxQuantity = 1_000_000_000

func (c *AddGrant) decide(s *State, m Moment) ([]Event, error) {
	if err := s.mustExist(); err != nil {
		return nil, err
	}
	if s.closed(m.At) {
		return nil, s.refuseState(m.At)
	}
	if _, ok := ParseUnit(string(c.Unit)); !ok {
		return nil, domain.RefuseField("unit", "must be incident or minute")
	}
	if c.Quantity < 1 || c.Quantity > MaxQuantity {
		return nil, domain.RefuseField("quantity", "must be from 1 to 1000000000")
	}
	if s.unlimited(c.Unit) {
		return nil, refuseUnlimited()
	}
	added := &GrantAdded{
		Grant: GrantID(len(s.grants) + 1), Unit: c.Unit, Quantity: c.Quantity,
		Source: Added, Reason: c.Reason,
	}
	if c.ExpiresOn.Year > lastYear {
		return nil, domain.RefuseField("expires_on", "lies too far in the future")
	}
	if c.ExpiresOn != (catalog.Date{}) {
		if s.activated && c.ExpiresOn.Compare(s.expiresOn) > 0 {
			return nil, domain.RefuseField("expires_on", "must not lie after the contract's last day, "+s.expiresOn.String())
		}
		ends := c.ExpiresOn.EndOf(m.Zone(s.terms.TimeZone))
		if !m.At.Before(ends) {
			return nil, domain.RefuseField("expires_on", "must not lie in the past")
		}
		added.ExpiresOn, added.EndsAt = c.ExpiresOn, ends
	}
	return []Event{added}, nil
}

// Concerns implements GrantCommand: the grant is the newest.
func (c *AddGrant) Concerns(s *State) Grant { return s.grants[len(s.grants)-1] }

// unlimited says whether a unit is, or will be on activation, without limit.
func (s *State) unlimited(u Unit) bool {
	for i := range s.grants {
		if g := &s.grants[i]; g.Unit == u && g.Unlimited {
			return true
		}
	}
	for _, in := range s.terms.Included {
		if Unit(in.Unit) == u && in.Unlimited {
			return true
		}
	}
	return false
}

func refuseUnlimited() *domain.Refusal {
	return domain.Refuse("unlimited", "nothing needs to be added or taken", "the contract has this unit without limit")
}

// GrantAdded says that units became available.
type GrantAdded struct {
	Grant     GrantID      `json:"grant"`
	Unit      Unit         `json:"unit"`
	Quantity  int64        `json:"quantity"` // 0 where unlimited
	Unlimited bool         `json:"unlimited,omitempty"`
	Source    Source       `json:"source"`              // included in the programme, bought, or added by an operator
	ExpiresOn catalog.Date `json:"expires_on,omitzero"` // the last day; left out where they end with the contract
	EndsAt    time.Time    `json:"ends_at,omitzero"`    // the instant at which that day ends
	From      *MovedFrom   `json:"from,omitempty"`      // what a replacement took over
	Reason    string       `json:"reason,omitempty"`
}

// MovedFrom names the grant whose units a replacement took over (R10).
type MovedFrom struct {
	Contract uuid.UUID `json:"contract"` // the one that was replaced
	Grant    GrantID   `json:"grant"`
}

// Name implements Event.
func (*GrantAdded) Name() string { return "grant.added.v1" }

func (e *GrantAdded) evolve(s *State) {
	s.grants = append(s.grants, Grant{
		ID: e.Grant, Unit: e.Unit, Source: e.Source, Unlimited: e.Unlimited,
		Granted: e.Quantity, Available: e.Quantity, ExpiresOn: e.ExpiresOn, EndsAt: e.EndsAt,
	})
	t := &s.totals[e.Unit.index()]
	t.Granted += e.Quantity
	t.Available += e.Quantity
	t.Unlimited = t.Unlimited || e.Unlimited
}
