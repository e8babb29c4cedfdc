package projections

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/domain/contract"
	"github.com/supportledger/supportledger/domain/partner"
	"github.com/supportledger/supportledger/domain/purchase"
	"github.com/supportledger/supportledger/eventstore"
	"github.com/supportledger/supportledger/ledger"
)

// promisesProjection answers which decisions are to be followed by an append to
// another stream that was not seen yet (R34, R41).
func promisesProjection() *projection {
	return shaped(&projection{
		name: "promises", version: 1,
		tables: []table{promisesTable},
		events: names((*partner.MembershipRenewed)(nil), (*partner.ToolkitBought)(nil), (*purchase.Registered)(nil),
			(*purchase.Spent)(nil), (*contract.Registered)(nil)),
		newWork: func(t tx) work { return &promisesWork{tx: t, rows: map[uuid.UUID]*promiseRow{}} },
	})
}

// promisesTable has a row for each contract that a partner or a purchase has
// named. half is 1 while something is missing: of a partner's, the contract; of
// a purchase that has become its contract, that this is recorded.
var promisesTable = table{
	name: "promises",
	columns: `contract {bytes} NOT NULL PRIMARY KEY,
	seq      BIGINT NOT NULL,
	purchase SMALLINT NOT NULL,
	owner    {bytes} NOT NULL,
	half     SMALLINT NOT NULL`,
	indexes: []string{"by_half: (seq, contract) WHERE half > 0"},
	order:   "contract",
}

type promiseRow struct {
	contract, owner uuid.UUID
	seq             eventstore.Position
	purchase, half  bool
	fresh, changed  bool
}

// promisesWork is a batch of promises, and of what became of them.
type promisesWork struct {
	tx   tx
	rows map[uuid.UUID]*promiseRow // what was asked for; nil where nothing was promised
}

func (w *promisesWork) load(ctx context.Context, events []*ledger.Recorded) error {
	for _, e := range events {
		var id uuid.UUID
		switch f := e.Event.(type) {
		case *contract.Registered:
			id, _ = ledger.ContractOf(e.Stream)
		case *purchase.Spent:
			id = f.Contract
		default:
			continue
		}
		if _, asked := w.rows[id]; asked {
			continue
		}
		w.rows[id] = nil
		if err := w.read(ctx, id); err != nil {
			return err
		}
	}
	return nil
}

func (w *promisesWork) read(ctx context.Context, id uuid.UUID) error {
	rows, err := w.tx.query(ctx, "SELECT seq, purchase, owner, half FROM {promises} WHERE contract = ?", id[:])
	if err != nil {
		return fmt.Errorf("read promises: %w", err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		r := &promiseRow{contract: id}
		if err := rows.Scan(&r.seq, &r.purchase, &r.owner, &r.half); err != nil {
			return fmt.Errorf("read promises: %w", err)
		}
		w.rows[id] = r
	}
	return rows.Err()
}

func (w *promisesWork) apply(e *ledger.Recorded) error {
	missing := !e.Meta.Imported() // of what was imported the contracts are there
	switch f := e.Event.(type) {
	case *partner.MembershipRenewed:
		owner, _ := ledger.PartnerOf(e.Stream)
		for _, year := range f.Contracts {
			w.promise(&promiseRow{contract: year.Contract, owner: owner, seq: e.Position, half: missing})
		}
	case *partner.ToolkitBought:
		owner, _ := ledger.PartnerOf(e.Stream)
		w.promise(&promiseRow{contract: f.Contract, owner: owner, seq: e.Position, half: missing})
	case *purchase.Registered:
		owner, _ := ledger.PurchaseOf(e.Stream)
		w.promise(&promiseRow{contract: f.Contract, owner: owner, seq: e.Position, purchase: true})
	case *purchase.Spent:
		w.settle(f.Contract, false)
	case *contract.Registered:
		if id, ok := ledger.ContractOf(e.Stream); ok && w.rows[id] != nil {
			w.settle(id, w.rows[id].purchase) // a purchase has begun to be spent, a partner's contract is there
		}
	}
	return nil
}

func (w *promisesWork) promise(r *promiseRow) {
	r.fresh = true
	w.rows[r.contract] = r
}

func (w *promisesWork) settle(id uuid.UUID, half bool) {
	if r := w.rows[id]; r != nil && r.half != half {
		r.half, r.changed = half, true
	}
}

func (w *promisesWork) flush(ctx context.Context) error {
	for _, r := range w.rows {
		var err error
		switch {
		case r == nil:
		case r.fresh:
			err = w.tx.exec(ctx, "INSERT INTO {promises} (contract, seq, purchase, owner, half) VALUES (?, ?, ?, ?, ?)",
				r.contract[:], int64(r.seq), number(r.purchase), r.owner[:], number(r.half))
		case r.changed:
			err = w.tx.exec(ctx, "UPDATE {promises} SET half = ? WHERE contract = ?", number(r.half), r.contract[:])
		}
		if err != nil {
			return fmt.Errorf("write promise of contract %s: %w", r.contract, err)
		}
	}
	clear(w.rows)
	return nil
}

// Unfinished are decisions that are to be followed by an append to another stream
// which was not seen yet, oldest first.
func (d *Due) Unfinished(ctx context.Context, limit int) ([]ledger.Unfinished, error) {
	var out []ledger.Unfinished
	err := d.promises.view(ctx, func(v *view) error {
		return v.each(ctx, "SELECT purchase, owner FROM {promises} WHERE half > 0 ORDER BY seq, contract", nil, func(scan func(...any) error) (bool, error) {
			var bought bool
			var owner uuid.UUID
			if err := scan(&bought, &owner); err != nil {
				return false, err
			}
			if bought {
				out = append(out, ledger.Unfinished{Purchase: owner})
			} else if n := len(out); n == 0 || out[n-1].Partner != owner {
				out = append(out, ledger.Unfinished{Partner: owner})
			}
			return len(out) < limit, nil
		})
	})
	return out, err
}
