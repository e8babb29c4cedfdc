package audit

import (
	"github.com/google/uuid"

	"github.com/supportledger/supportledger/domain/contract"
)

// A succession is what a predecessor's events say about its successor. It stands
// in the log before the successor does.
type succession struct {
	predecessor uuid.UUID
	renewed     *contract.Renewed
	reissued    *contract.Reissued
	registered  bool // the successor was found
}

// grants are those that a replacement takes over (R10).
func (s *succession) grants() []expectedGrant {
	out := make([]expectedGrant, len(s.reissued.Moved))
	for i, m := range s.reissued.Moved {
		out[i] = expectedGrant{
			unit: m.Unit, quantity: m.Quantity, unlimited: m.Unlimited, source: m.Source, endsAt: m.EndsAt,
			from: &contract.MovedFrom{Contract: s.predecessor, Grant: m.Grant},
		}
	}
	return out
}

// succeeds says whether records of a type name a successor.
func succeeds(name string) bool {
	return name == (*contract.Renewed)(nil).Name() || name == (*contract.Reissued)(nil).Name()
}

// noteSuccession keeps what a record says about its successor, if the successor
// belongs to what is being looked at. That nobody was named before is for
// distinct to say.
func (s *streams) noteSuccession(r *checked) {
	next := &succession{predecessor: r.contract}
	var successor uuid.UUID
	switch e := r.Event.(type) {
	case *contract.Renewed:
		next.renewed, successor = e, e.Successor
	case *contract.Reissued:
		next.reissued, successor = e, e.Successor
	default:
		return
	}
	if !r.ofContract || !s.wants(hashOf(s.seed, successor.String())) || s.successions[successor] != nil {
		return
	}
	s.successions[successor] = next
	s.weight += successionBytes
}
