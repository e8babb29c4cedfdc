package audit

import (
	"github.com/google/uuid"

	"github.com/supportledger/supportledger/domain/contract"
	"github.com/supportledger/supportledger/eventstore"
	"github.com/supportledger/supportledger/ledger"
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
// belongs to the share that is being looked at.
func (s *streams) noteSuccession(r *eventstore.Record) *wrong {
	id, ok := ledger.ContractOf(r.Stream)
	if !ok || !succeeds(r.Type) {
		return nil
	}
	e, err := contract.Decode(r.Type, r.Data)
	if err != nil {
		return breaks(LawDecodes, "%v", err)
	}
	next, successor := &succession{predecessor: id}, uuid.Nil
	switch e := e.(type) {
	case *contract.Renewed:
		next.renewed, successor = e, e.Successor
	case *contract.Reissued:
		next.reissued, successor = e, e.Successor
	}
	if !s.now.has(s.hash(successor.String())) {
		return nil
	}
	if before := s.successions[successor]; before != nil {
		return breaks(LawRenewal, "contract %s was named as the successor of %s before", successor, before.predecessor)
	}
	s.successions[successor] = next
	s.weight += successionBytes
	return nil
}
