package ledger

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/domain"
	"github.com/supportledger/supportledger/domain/contract"
	"github.com/supportledger/supportledger/eventstore"
)

// Register brings a contract into the ledger (R2). Where no pair is given, one
// is made from the command, so that a repeat finds the same contract.
func (l *Ledger) Register(ctx context.Context, r Request, wish Registration) (ContractAnswer, error) {
	pair, target := Pair{wish.AccessID, wish.ContractID}, ""
	if pair != (Pair{}) {
		target = l.keys.ContractStream(pair.AccessID, pair.ContractID).String()
	}
	meta := l.meta(r, target)
	if target == "" {
		pair.AccessID, pair.ContractID = l.keys.DerivePair(meta.Command)
	}
	id := l.keys.ContractStream(pair.AccessID, pair.ContractID)
	contact := l.keys.Contact(wish.Contact.Email)
	sealed, err := seal(ctx, l, contact, wish.Contact)
	if err != nil {
		return ContractAnswer{}, err
	}
	return l.change(ctx, id, &command{meta: meta, keyed: r.Key != "", wish: &contract.Register{
		AccessID: pair.AccessID, ContractID: l.keys.SealContractID(id, pair.ContractID),
		Programme: wish.Programme, PartnerID: wish.PartnerID, Country: wish.Country, TimeZone: wish.TimeZone,
		StartsOn: wish.StartsOn, Contact: sealed, Language: wish.Language,
	}}, true)
}

// Change asks a contract for something an operator may ask: to activate,
// suspend, resume, cancel, add a grant or adjust one (R4).
func (l *Ledger) Change(ctx context.Context, r Request, id uuid.UUID, wish contract.Command) (ContractAnswer, error) {
	if activating, ok := wish.(*contract.Activate); ok {
		return l.activate(ctx, r, id, activating)
	}
	c := &command{meta: l.meta(r, id.String()), keyed: r.Key != "", wish: wish}
	return l.change(ctx, id, c, false)
}

// A GrantAnswer is a contract as it was right after a command about one of its
// grants, with that grant.
type GrantAnswer struct {
	ContractAnswer
	Grant    contract.Grant
	Balances map[contract.Unit]contract.Balance
}

// ChangeGrant asks a contract to add a grant or to adjust one, and describes that
// grant, too.
func (l *Ledger) ChangeGrant(ctx context.Context, r Request, id uuid.UUID, wish contract.GrantCommand) (GrantAnswer, error) {
	var answer GrantAnswer
	c := &command{meta: l.meta(r, id.String()), keyed: r.Key != "", wish: wish}
	c.look = func(s *contract.State, at time.Time) {
		answer.Grant, answer.Balances = wish.Concerns(s), s.Balances(at)
	}
	var err error
	answer.ContractAnswer, err = l.change(ctx, id, c, false)
	return answer, err
}

// change executes a wish about a contract and describes the contract as it was
// right after it. The command's own look sees it, too, a repeat's as well.
func (l *Ledger) change(ctx context.Context, id uuid.UUID, c *command, whole bool) (ContractAnswer, error) {
	answer, more := ContractAnswer{ID: id}, c.look
	c.look = func(s *contract.State, at time.Time) {
		if answer.Summary = s.Summary(at); more != nil {
			more(s, at)
		}
	}
	if err := l.count(l.execute(ctx, id, c)); err != nil {
		return ContractAnswer{}, err
	}
	answer.Receipt = c.receipt()
	if c.replayed {
		s, at, err := l.stateUntil(ctx, id, func(r eventstore.Record) bool { return int64(r.Revision) <= c.last() })
		if err != nil {
			return ContractAnswer{}, err
		}
		c.look(s, at)
	}
	answer.Created = answer.Terms != nil && c.first == 0 && (c.changed || c.replayed)
	if !whole || !answer.Created {
		return answer, nil
	}
	var err error
	answer.ContractID, err = l.keys.OpenContractID(id, answer.Terms.ContractID)
	return answer, err
}

func (c *command) receipt() Receipt {
	return Receipt{Position: c.position, Replayed: c.replayed, Changed: c.changed || c.replayed}
}

// stateUntil replays a contract as long as its records belong to a past, and
// says when the last of those was recorded.
func (l *Ledger) stateUntil(ctx context.Context, id uuid.UUID, past func(eventstore.Record) bool) (*contract.State, time.Time, error) {
	s, at := new(contract.State), time.Time{}
	for r, err := range l.store.ReadStream(ctx, id.String(), 0, eventstore.Forwards) {
		if err != nil {
			return nil, at, fmt.Errorf("read contract %s: %w", id, err)
		}
		if !past(r) {
			break
		}
		if err := contract.Replay(s, r.Type, r.Data); err != nil {
			return nil, at, fmt.Errorf("record %s@%d: %w", r.Stream, r.Revision, err)
		}
		at = r.RecordedAt
	}
	return s, at, nil
}

// linkedBefore are the accounts that were linked to a contract just before a
// time; to its replacement, where it had been reissued by then.
func (l *Ledger) linkedBefore(ctx context.Context, id uuid.UUID, at time.Time) ([]uuid.UUID, error) {
	var links map[uuid.UUID]contract.Linked
	for id != uuid.Nil { // each replacement is younger than the one before
		s, _, err := l.stateUntil(ctx, id, func(r eventstore.Record) bool { return r.RecordedAt.Before(at) })
		if err != nil {
			return nil, err
		}
		if !s.Exists() {
			break // not completed yet: the links that were kept are still those of the one before
		}
		links, id = s.Links(), s.Summary(at).Replacement
	}
	return slices.Collect(maps.Keys(links)), nil
}

// View shows a contract's state as it is now: everything that was recorded
// before the call, and nothing that was not durable when it returns. The state
// must not be kept or changed.
func (l *Ledger) View(ctx context.Context, id uuid.UUID, read func(s *contract.State, at time.Time)) error {
	return l.execute(ctx, id, &command{look: read})
}

// count notes a refusal by its code.
func (l *Ledger) count(err error) error {
	if refusal, ok := err.(*domain.Refusal); ok {
		l.metrics.refusals.WithLabelValues(refusal.Code).Inc()
	}
	return err
}
