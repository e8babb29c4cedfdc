package ledger

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/domain"
	"github.com/supportledger/supportledger/domain/contract"
	"github.com/supportledger/supportledger/eventstore"
)

// Renew registers a successor that starts when this contract ends (R6), and
// answers with it, its IDs whole.
func (l *Ledger) Renew(ctx context.Context, r Request, id uuid.UUID, reason string) (ContractAnswer, error) {
	meta := l.meta(r, id.String())
	successor := l.successorOf(meta.Command)
	return l.follow(ctx, id, meta, &contract.Renew{Successor: successor, Reason: reason}, true)
}

// Reissue replaces a leaked pair (R10), and answers with the replacement. keep
// are the linked accounts that it keeps.
func (l *Ledger) Reissue(ctx context.Context, r Request, id uuid.UUID, keep []uuid.UUID, reason string) (ContractAnswer, error) {
	meta := l.meta(r, id.String())
	successor := l.successorOf(meta.Command)
	return l.follow(ctx, id, meta, &contract.Reissue{Successor: successor, Keep: keep, Reason: reason}, false)
}

// successorOf is the contract that a command brings about: its pair derives from
// the command, and its name from the pair.
func (l *Ledger) successorOf(command uuid.UUID) uuid.UUID {
	return l.keys.ContractStream(l.keys.DerivePair(command))
}

// follow decides on the predecessor that there is a successor, and then brings
// the successor into being. The first append is the decision; the second can be
// made by anybody, at any time, from what the first one recorded.
func (l *Ledger) follow(ctx context.Context, id uuid.UUID, meta Meta, wish contract.Command, whole bool) (ContractAnswer, error) {
	c := &command{meta: meta, keyed: true, wish: wish}
	if err := l.count(l.execute(ctx, id, c)); err != nil {
		return ContractAnswer{}, err
	}
	answer, err := l.succeed(ctx, id, meta, whole)
	if err != nil {
		return ContractAnswer{}, fmt.Errorf("bring the successor of contract %s into being: %w", id, err)
	}
	answer.Replayed, answer.Changed = c.replayed, true
	return answer, nil
}

// succeed makes the successor that a command decided on. Asked again, it finds
// the one that is there.
func (l *Ledger) succeed(ctx context.Context, predecessor uuid.UUID, decided Meta, whole bool) (ContractAnswer, error) {
	accessID, contractID := l.keys.DerivePair(decided.Command)
	id := l.keys.ContractStream(accessID, contractID)
	sealed := l.keys.SealContractID(id, contractID)
	var wish contract.Command
	s, event, err := l.decisionBy(ctx, predecessor, decided.Command)
	if err != nil {
		return ContractAnswer{}, err
	}
	switch e := event.(type) {
	case *contract.Renewed:
		terms := s.Terms()
		wish = &contract.Register{
			AccessID: accessID, ContractID: sealed, Programme: terms.Programme, PartnerID: terms.PartnerID,
			Country: terms.Country, TimeZone: terms.TimeZone, Contact: terms.Contact, Language: terms.Language,
			Predecessor: predecessor, ActivateOn: e.StartsOn, Reason: e.Reason,
		}
	case *contract.Reissued:
		wish = &contract.Replace{
			AccessID: accessID, ContractID: sealed, Predecessor: predecessor, Contact: s.Terms().Contact,
			Terms: s.Terms(), Term: s.Term(), Promise: s.Promise(), Reissued: e, Renewal: s.Summary(time.Time{}).Renewal,
		}
	default:
		return ContractAnswer{}, fmt.Errorf("contract %s records no successor by command %s", predecessor, decided.Command)
	}
	meta := decided
	meta.Command, meta.Catalog = l.keys.Derive(decided.Command, "successor"), l.digest
	answer, err := l.change(ctx, id, &command{meta: meta, keyed: true, wish: wish}, whole)
	if err != nil {
		return ContractAnswer{}, err
	}
	// Its start may have come: then its links are recorded now.
	return answer, l.execute(ctx, id, new(command))
}

// decisionBy finds the event by which a command decided on a successor, and the
// state of the contract right after that command.
func (l *Ledger) decisionBy(ctx context.Context, id, by uuid.UUID) (*contract.State, contract.Event, error) {
	s := new(contract.State)
	var decision contract.Event
	for r, err := range l.store.ReadStream(ctx, id.String(), 0, eventstore.Forwards) {
		if err != nil {
			return nil, nil, err
		}
		recorded, err := Decode(r)
		if err != nil {
			return nil, nil, err
		}
		if decision != nil && recorded.Meta.Command != by {
			break
		}
		e := recorded.Event.(contract.Event)
		contract.Evolve(s, e)
		if recorded.Meta.Command == by && isSuccession(e) {
			decision = e
		}
	}
	return s, decision, nil
}

func isSuccession(e contract.Event) bool {
	switch e.(type) {
	case *contract.Renewed, *contract.Reissued:
		return true
	}
	return false
}

// complete brings the successors of a contract into being that a crash has left
// out (R6).
func (l *Ledger) complete(ctx context.Context, id uuid.UUID) error {
	partnerID := ""
	for r, err := range l.store.ReadStream(ctx, id.String(), 0, eventstore.Forwards) {
		if err != nil {
			return err
		}
		if r.Type != (*contract.Registered)(nil).Name() && r.Type != (*contract.Renewed)(nil).Name() && r.Type != (*contract.Reissued)(nil).Name() {
			continue
		}
		recorded, err := Decode(r)
		if err != nil {
			return err
		}
		meta := recorded.Meta
		switch e := recorded.Event.(type) {
		case *contract.Registered:
			partnerID = e.PartnerID
			continue
		case *contract.Renewed:
			if e.Successor == l.successorOf(meta.Command) {
				break
			}
			if err := l.completeYear(ctx, e.Successor, partnerID); err != nil {
				return err
			}
			continue
		}
		var refusal *domain.Refusal
		if _, err := l.succeed(ctx, id, meta, false); err != nil && !(errors.As(err, &refusal) && refusal.Code == contract.PairExists) {
			return err
		}
	}
	return nil
}

// completeYear brings the contract of a membership year into being that was named
// as a successor and is not there: its partner's stream has promised it.
func (l *Ledger) completeYear(ctx context.Context, successor uuid.UUID, partnerID string) error {
	there := false
	if err := l.View(ctx, successor, func(s *contract.State, _ time.Time) { there = s.Exists() }); err != nil || there {
		return err
	}
	id, err := uuid.Parse(partnerID)
	if err != nil {
		return fmt.Errorf("contract %s was to follow for partner %q, which is none", successor, partnerID)
	}
	return l.TouchPartner(ctx, id)
}
