package projections

import (
	"context"
	"fmt"
	"slices"

	"github.com/supportledger/supportledger/eventstore"
	"github.com/supportledger/supportledger/ledger"
)

// Records in one transaction at most. More of them make each cheaper, since rows
// and pages that are touched often are written once, and keep whoever waits for
// the first of them, and the other writer, waiting longer.
type batchSizes struct{ following, building int }

var usualBatches = batchSizes{following: 64 << 10, building: 8 << 10}

// A batch is a transaction that brings generations forward.
type batch struct {
	db   *database
	gens []*generation
	seen place // the last record that was added
	read int
}

// bring writes one batch: chunk after chunk until most records were read or the
// one at target was, and, in the same transaction, whatever last adds. It
// returns how far it came, and whether the feed goes on.
func (db *database) bring(ctx context.Context, gens []*generation, f *feed, first chunk, target eventstore.Position, most int, last func(context.Context) error) (*batch, bool, error) {
	b := &batch{db: db, gens: gens}
	more, ended := true, error(nil)
	err := db.transact(ctx, func(inner context.Context) error {
		for _, g := range gens {
			if g.work == nil {
				g.work = g.newWork(tx{db, g})
			}
		}
		for c := first; more; {
			if c.read > 0 {
				if err := b.add(inner, c); err != nil {
					return err
				}
			}
			if b.read >= most || c.position >= target {
				break
			}
			c, more, ended = f.next(ctx)
		}
		if err := b.finish(inner); err != nil || last == nil {
			return err
		}
		return last(inner)
	})
	if err != nil {
		for _, g := range gens {
			g.work = nil
		}
		return nil, false, err
	}
	for _, g := range gens {
		if g.position.position < b.seen.position {
			g.position = b.seen
		}
	}
	return b, more, ended
}

// add changes rows by a chunk of events. A generation that has seen some of them
// before skips those: a log that is delivered twice counts once.
func (b *batch) add(ctx context.Context, c chunk) error {
	for _, g := range b.gens {
		events := c.events
		if len(events) > 0 && events[0].Position <= g.position.position {
			events = slices.DeleteFunc(slices.Clone(events), func(e *ledger.Recorded) bool {
				return e.Position <= g.position.position
			})
		}
		if err := g.work.load(ctx, events); err != nil {
			return fmt.Errorf("projection %s: %w", g, err)
		}
		for _, e := range events {
			if err := g.work.apply(e); err != nil {
				return fmt.Errorf("projection %s: %w", g, ledger.Unreadable(stopped, &e.Record, err))
			}
		}
	}
	b.seen, b.read = c.place, b.read+c.read
	return nil
}

// finish writes the rows and the checkpoints.
func (b *batch) finish(ctx context.Context) error {
	for _, g := range b.gens {
		if err := g.work.flush(ctx); err != nil {
			return fmt.Errorf("projection %s: %w", g, err)
		}
		if b.seen.position <= g.position.position {
			continue
		}
		if err := (tx{b.db, g}).advance(ctx, b.seen); err != nil {
			return fmt.Errorf("projection %s: %w", g, err)
		}
	}
	return nil
}
