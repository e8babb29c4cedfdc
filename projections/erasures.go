package projections

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/supportledger/supportledger/domain/person"
	"github.com/supportledger/supportledger/eventstore"
	"github.com/supportledger/supportledger/ledger"
)

// erasuresProjection answers who was forgotten, so that whoever starts with an
// older copy of the keys destroys them again (R47).
func erasuresProjection() *projection {
	return shaped(&projection{
		name: "erasures", version: 1,
		tables:  []table{erasuresTable},
		events:  names((*person.Erased)(nil)),
		newWork: func(t tx) work { return &erasuresWork{tx: t} },
	})
}

var erasuresTable = table{
	name: "erasures",
	columns: `seq {key} PRIMARY KEY,
	person {bytes} NOT NULL,
	keys   TEXT NOT NULL,
	reason TEXT NOT NULL`,
	order: "seq",
}

// erasuresWork is a batch of erasures.
type erasuresWork struct {
	tx   tx
	rows []erasureRow
}

type erasureRow struct {
	seq eventstore.Position
	*person.Erased
}

func (w *erasuresWork) load(context.Context, []*ledger.Recorded) error { return nil }

func (w *erasuresWork) apply(e *ledger.Recorded) error {
	if f, ok := e.Event.(*person.Erased); ok {
		w.rows = append(w.rows, erasureRow{e.Position, f})
	}
	return nil
}

func (w *erasuresWork) flush(ctx context.Context) error {
	for _, r := range w.rows {
		keys, err := json.Marshal(r.Keys)
		if err != nil {
			return fmt.Errorf("write erasure: %w", err)
		}
		err = w.tx.exec(ctx, "INSERT INTO {erasures} (seq, person, keys, reason) VALUES (?, ?, ?, ?)", int64(r.seq), r.Person[:], string(keys), r.Reason)
		if err != nil {
			return err
		}
	}
	w.rows = nil
	return nil
}

// Erasures answers: who was forgotten?
type Erasures struct{ reader }

// All are the facts, oldest first, up to the position that is returned.
func (e *Erasures) All(ctx context.Context) (all []*person.Erased, upTo eventstore.Position, err error) {
	err = e.view(ctx, func(v *view) error {
		upTo = v.seen.position
		return v.each(ctx, "SELECT person, keys, reason FROM {erasures} ORDER BY seq", nil, func(scan func(...any) error) (bool, error) {
			var f person.Erased
			var keys []byte
			if err := scan(&f.Person, &keys, &f.Reason); err != nil {
				return false, err
			}
			all = append(all, &f)
			return true, json.Unmarshal(keys, &f.Keys)
		})
	})
	return all, upTo, err
}
