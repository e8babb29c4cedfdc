package contract

import "time"

// GrantLapsed says that what was left of a grant is gone.
type GrantLapsed struct {
	Grant    GrantID   `json:"grant"`
	Unit     Unit      `json:"unit"`
	Quantity int64     `json:"quantity"` // what was left
	EndedAt  time.Time `json:"ended_at"` // when the grant, or the contract, ended
}

// Name implements Event.
func (*GrantLapsed) Name() string { return "grant.lapsed.v1" }

func (e *GrantLapsed) evolve(s *State) {
	g := s.grant(e.Grant)
	g.Available -= e.Quantity
	g.Lapsed += e.Quantity
	t := &s.totals[e.Unit.index()]
	t.Available -= e.Quantity
	t.Lapsed += e.Quantity
}

// lapses are the events by which everything left lapses when a contract is
// cancelled.
func (s *State) lapses(at time.Time) []Event {
	var out []Event
	for i := range s.grants {
		if g := &s.grants[i]; g.Available > 0 {
			out = append(out, &GrantLapsed{Grant: g.ID, Unit: g.Unit, Quantity: g.Available, EndedAt: at})
		}
	}
	return out
}
