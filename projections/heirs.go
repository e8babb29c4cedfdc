package projections

import (
	"context"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/domain/contract"
)

// heirTo is the contract whose links a new one will take over; Nil for none. A
// renewal is an heir until the start of its term is recorded: it will link whoever
// is linked to its predecessor just before (R6). Where one of the two is replaced
// meanwhile (R10), the replacement takes its place.
func heirTo(f *contract.Registered) uuid.UUID {
	if f.Replaces {
		return f.Follows
	}
	return f.Predecessor
}

// settleHeir finds out what an heir inherits from when it is registered, and
// forgets it when its term has started. What was replaced was so before that
// start, since a contract that has ended is not replaced any more.
func (w *contractsWork) settleHeir(b *book) {
	if b.started {
		b.inheritsFrom = uuid.Nil
		return
	}
	for {
		from := w.books[b.inheritsFrom]
		if from == nil || from.replacement == uuid.Nil {
			return
		}
		b.inheritsFrom = from.replacement
	}
}

// moveHeirs lets the heirs of a contract that was replaced inherit from the
// replacement.
func (w *contractsWork) moveHeirs(b *book) {
	for heir := w.books[b.renewal]; heir != nil; heir = w.books[heir.replacement] {
		if heir.inheritsFrom == b.id {
			heir.inheritsFrom, heir.changed = b.replacement, true
			w.touch(heir)
		}
	}
}

// loadRelatives reads the renewals and replacements of contracts, and theirs.
func (w *contractsWork) loadRelatives(ctx context.Context, of []uuid.UUID) error {
	for len(of) > 0 {
		var ids []any
		var next []uuid.UUID
		for _, id := range of {
			b := w.books[id]
			if b == nil {
				continue
			}
			for _, relative := range []uuid.UUID{b.renewal, b.replacement} {
				if relative == uuid.Nil {
					continue
				}
				next = append(next, relative)
				if _, asked := w.books[relative]; !asked {
					w.books[relative] = nil
					ids = append(ids, relative[:])
				}
			}
		}
		if err := w.readAll(ctx, ids); err != nil {
			return err
		}
		of = next
	}
	return nil
}
