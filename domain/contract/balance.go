package contract

import (
	"encoding/json"
	"slices"
	"time"
)

// A Unit is what a grant holds.
type Unit string

// The units. Advisory time is counted in whole minutes.
const (
	Incident Unit = "incident"
	Minute   Unit = "minute"
)

var units = [...]Unit{Incident, Minute}

// ParseUnit returns the unit of a name.
func ParseUnit(name string) (Unit, bool) {
	for _, u := range units {
		if string(u) == name {
			return u, true
		}
	}
	return "", false
}

func (u Unit) index() int {
	if u == Minute {
		return 1
	}
	return 0
}

// A Balance is one unit of one contract. Its law (R22): Granted + Adjusted =
// Available + Consumed + Lapsed + Moved, or, where Unlimited, Consumed =
// Deducted - Credited.
type Balance struct {
	Granted, Adjusted, Available, Consumed, Lapsed, Moved int64
	Deducted, Credited                                    int64
	Unlimited                                             bool
}

// Holds says whether the balance keeps its law.
func (b Balance) Holds() bool {
	if b.Consumed != b.Deducted-b.Credited || b.Consumed < 0 {
		return false
	}
	return b.Unlimited || b.Available >= 0 && b.Granted+b.Adjusted == b.Available+b.Consumed+b.Lapsed+b.Moved
}

// MarshalJSON writes the balance as an auditor reads it: granted and available
// are null where the unit is unlimited.
func (b Balance) MarshalJSON() ([]byte, error) {
	out := struct {
		Granted   *int64 `json:"granted"`
		Adjusted  int64  `json:"adjusted"`
		Available *int64 `json:"available"`
		Consumed  int64  `json:"consumed"`
		Lapsed    int64  `json:"lapsed"`
		Moved     int64  `json:"moved"`
		Unlimited bool   `json:"unlimited"`
	}{&b.Granted, b.Adjusted, &b.Available, b.Consumed, b.Lapsed, b.Moved, b.Unlimited}
	if b.Unlimited {
		out.Granted, out.Available = nil, nil
	}
	return json.Marshal(out)
}

// Balances are the contract's units as of a time: what has passed its end counts
// as lapsed whether or not that was recorded (R5). A contract always has its
// incidents; other units only once they were granted.
func (s *State) Balances(at time.Time) map[Unit]Balance {
	s = s.live(at)
	var totals [len(units)]Balance
	for i, u := range units {
		totals[i] = s.Balance(u, at)
	}
	return s.byUnit(totals)
}

// Balance is one of the contract's units as of a time, like Balances.
func (s *State) Balance(u Unit, at time.Time) Balance {
	s = s.live(at)
	b := s.totals[u.index()]
	for i := range s.grants {
		if g := &s.grants[i]; g.Unit.index() == u.index() && g.Available > 0 && s.over(g, at) {
			b.Lapsed += g.Available
			b.Available -= g.Available
		}
	}
	return b
}

// GrantsAt are the contract's grants as of a time, oldest first: what the balances of
// that time are made of. The slice is the caller's.
func (s *State) GrantsAt(at time.Time) []Grant {
	s = s.live(at)
	out := slices.Clone(s.grants)
	for i := range out {
		if g := &out[i]; s.over(g, at) {
			g.Lapsed += g.Available
			g.Available = 0
		}
	}
	return out
}

// RecordedBalances are the contract's units right after its last event, whatever
// has become due since.
func (s *State) RecordedBalances() map[Unit]Balance { return s.byUnit(s.totals) }

func (s *State) byUnit(totals [len(units)]Balance) map[Unit]Balance {
	out := make(map[Unit]Balance, len(units))
	if s.terms == nil {
		return out
	}
	for _, u := range units {
		b := totals[u.index()]
		if u == Incident || b != (Balance{}) {
			out[u] = b
		}
	}
	return out
}

// Remaining is what can be spent of a unit, were the contract active, and
// whether it is unlimited.
func (s *State) Remaining(u Unit, at time.Time) (n int64, unlimited bool) {
	s = s.live(at)
	for i := range s.grants {
		g := &s.grants[i]
		if g.Unit != u || s.over(g, at) {
			continue
		}
		if g.Unlimited && !g.moved {
			return 0, true
		}
		n += g.Available
	}
	return n, false
}
