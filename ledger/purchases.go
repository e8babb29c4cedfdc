package ledger

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/domain"
	"github.com/supportledger/supportledger/domain/contract"
	"github.com/supportledger/supportledger/domain/purchase"
	"github.com/supportledger/supportledger/eventstore"
)

// A PurchaseAnswer is a purchase as it was right after a command.
type PurchaseAnswer struct {
	Receipt
	ID    uuid.UUID
	State *purchase.State
}

func (l *Ledger) purchases(id uuid.UUID) *aside[purchase.State, purchase.Event] {
	return &aside[purchase.State, purchase.Event]{stream: purchasesPrefix + id.String(), names: purchase.Events, evolve: purchase.Evolve}
}

// purchaseOf names the purchase of a reference, the same on every node.
func (l *Ledger) purchaseOf(reference string) uuid.UUID {
	return l.keys.Derive(uuid.Nil, "purchase "+reference)
}

// boughtPair is the pair of the contract that a purchase becomes.
func (l *Ledger) boughtPair(id uuid.UUID) Pair {
	accessID, contractID := l.keys.DerivePair(l.keys.Derive(id, "bought contract"))
	return Pair{accessID, contractID}
}

// RegisterPurchase makes known what an account has bought at a portal (R34). The
// same purchase again is no change.
func (l *Ledger) RegisterPurchase(ctx context.Context, r Request, wish purchase.Register) (PurchaseAnswer, error) {
	id := l.purchaseOf(wish.Reference)
	pair := l.boughtPair(id)
	wish.Contract, wish.Catalog = l.keys.ContractStream(pair.AccessID, pair.ContractID), l.catalog
	done, err := l.purchases(id).execute(ctx, l, l.meta(r, id.String()), r.Key != "", func(s *purchase.State, at time.Time) ([]purchase.Event, error) {
		wish.At = at
		return purchase.Decide(s, &wish)
	})
	return PurchaseAnswer{Receipt: done.Receipt, ID: id, State: done.state}, err
}

// spend pays for an incident with a purchase. The contract that the purchase
// becomes, its units, the link, the incident and its deduction are one append to
// the stream that the reference names, so that a reference is spent once, on
// whatever node, and a refusal spends nothing. That it was spent is recorded
// with the purchase afterwards, by whoever finds that it is not.
func (l *Ledger) spend(ctx context.Context, r Request, wish *Submission, submit *contract.Submit) (IncidentAnswer, error) {
	id := l.purchaseOf(wish.Purchase)
	bought, err := l.purchases(id).read(ctx, l, &Meta{}, false)
	if err != nil {
		return IncidentAnswer{}, err
	}
	if err := bought.state.MayBeSpent(r.By.Account); err != nil {
		return IncidentAnswer{}, l.count(err)
	}
	terms, pair := bought.state.Terms(), l.boughtPair(id)
	stream := terms.Contract
	contact, err := seal(ctx, l, l.keys.Contact(wish.Texts.Email), contract.ContactTexts{Name: wish.Texts.Name, Email: wish.Texts.Email})
	if err != nil {
		return IncidentAnswer{}, err
	}
	c := &command{meta: l.meta(r, stream.String()), keyed: r.Key != "", wish: &contract.Buy{
		Registration: contract.Register{
			AccessID: pair.AccessID, ContractID: l.keys.SealContractID(stream, pair.ContractID), Programme: terms.Programme,
			Contact: contact, Language: wish.Language, Reason: "purchase " + terms.Reference,
		},
		Families: terms.Families, Quantity: terms.Quantity, Reference: terms.Reference, Submit: *submit,
	}}
	err = l.count(l.streams.execute(ctx, stream, c))
	var refusal *domain.Refusal
	if err == nil || errors.As(err, &refusal) && refusal.Code == contract.ReferenceUsed {
		if left := l.TouchPurchase(ctx, id); left != nil { // it is spent all the same: whoever looks next records it
			l.log.ErrorContext(ctx, "record that a purchase was spent", "purchase", id, "error", left)
		}
	}
	if err != nil {
		return IncidentAnswer{}, err
	}
	return l.submitted(ctx, stream, c, wish)
}

// TouchPurchase records that a purchase was spent, if it was and that is not
// recorded: its contract says so.
func (l *Ledger) TouchPurchase(ctx context.Context, id uuid.UUID) error {
	s, err := l.purchases(id).read(ctx, l, &Meta{}, false)
	if err != nil || s.state.Terms() == nil || s.state.Spent() != nil {
		return err
	}
	number, founder, err := l.firstIncident(ctx, s.state.Terms().Contract)
	if err != nil || number == 0 {
		return err
	}
	meta := founder
	meta.Command, meta.Catalog = l.keys.Derive(founder.Command, "purchase spent"), l.digest
	_, err = l.purchases(id).execute(ctx, l, meta, true, func(s *purchase.State, at time.Time) ([]purchase.Event, error) {
		return purchase.Decide(s, &purchase.Spend{Account: s.Terms().Account, Number: number, At: at})
	})
	return err
}

// firstIncident is the first one of a contract, and what was recorded of who asked
// for it; 0 where there is no such contract.
func (l *Ledger) firstIncident(ctx context.Context, id uuid.UUID) (contract.Number, Meta, error) {
	for r, err := range l.store.ReadStream(ctx, id.String(), 0, eventstore.Forwards) {
		if err != nil {
			return 0, Meta{}, fmt.Errorf("read contract %s: %w", id, err)
		}
		if r.Type != (*contract.IncidentSubmitted)(nil).Name() {
			continue
		}
		recorded, err := Decode(r)
		if err != nil {
			return 0, Meta{}, err
		}
		return recorded.Event.(*contract.IncidentSubmitted).Number, recorded.Meta, nil
	}
	return 0, Meta{}, nil
}
