package ledger

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/domain"
	"github.com/supportledger/supportledger/domain/contract"
)

// A LinkAnswer is a contract that an account has linked.
type LinkAnswer struct {
	ContractAnswer
	// Cannot says why it cannot pay for what the link was asked for (R11); nil where
	// it can. A link that was made could pay when it was.
	Cannot *domain.Refusal
}

// Link lets an account use the contract of a pair (R7, R8). product may be "".
// Changed is false in the answer where the account has linked it already, and
// then alone it may be one that cannot pay any more.
func (l *Ledger) Link(ctx context.Context, r Request, pair Pair, portal, product string) (LinkAnswer, error) {
	id := l.keys.ContractStream(pair.AccessID, pair.ContractID)
	c := &command{
		meta: l.meta(r, id.String()), keyed: r.Key != "",
		wish: &contract.Link{Account: r.By.Account, Portal: portal, Product: product},
	}
	var answer LinkAnswer
	c.look = func(s *contract.State, at time.Time) {
		where, _ := l.catalog.Portal(portal) // the decision knew both
		about, _ := l.catalog.Product(product)
		answer.Cannot = s.Eligibility(at, where, about).Refusal
	}
	err := l.byPair(ctx, r, pair, portal, id, func(ctx context.Context) (err error) {
		answer.ContractAnswer, err = l.change(ctx, id, c, false)
		return err
	})
	if answer.Changed {
		answer.Cannot = nil // a repeat is the first answer, whatever became of the contract since
	}
	return answer, err
}

// byPair runs a try at a pair: under guard, unless the account has linked the
// contract and so knows the pair already.
func (l *Ledger) byPair(ctx context.Context, r Request, pair Pair, portal string, id uuid.UUID, try func(context.Context) error) error {
	linked := false
	if err := l.View(ctx, id, func(s *contract.State, _ time.Time) { linked = s.Linked(r.By.Account) }); err != nil {
		return err
	}
	if linked {
		return try(ctx)
	}
	return l.guarded(ctx, r, pair, portal, try)
}

// Unlink ends an account's use of a contract (R7).
func (l *Ledger) Unlink(ctx context.Context, r Request, id, account uuid.UUID, reason string) (Receipt, error) {
	c := &command{
		meta: l.meta(r, id.String()), keyed: r.Key != "",
		wish: &contract.Unlink{Account: account, Reason: reason},
	}
	if err := l.count(l.execute(ctx, id, c)); err != nil {
		return Receipt{}, err
	}
	return c.receipt(), nil
}
