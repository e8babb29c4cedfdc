package projections

import (
	"context"
	"errors"
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

// errBeaten says that there was nothing to do: somebody else has brought the rows
// forward, or is just about it.
var errBeaten = errors.New("another node brings the rows forward")

// errPartly says that some rows were brought forward, and some not, which another
// node of another version holds.
var errPartly = errors.New("another node holds some of the rows")

// bring writes one batch for generations in a state, as far as nobody else holds
// them: chunk after chunk until most records were read or the one at target was.
// A generation that has not seen what lies before the first chunk is left out. It
// returns how far it came, and whether the feed goes on; errBeaten where there
// was nothing to bring forward.
func (db *database) bring(ctx context.Context, gens []*generation, state string, f *feed, first chunk, target eventstore.Position, most int) (*batch, bool, error) {
	b := &batch{db: db}
	more, ended := true, error(nil)
	err := db.transact(ctx, func(inner context.Context) (err error) {
		if b.gens, err = db.hold(inner, gens, state, db.holding); err != nil {
			return err
		}
		b.gens = slices.DeleteFunc(b.gens, func(g *generation) bool { return g.position.position < first.after })
		if len(b.gens) == 0 {
			return errBeaten
		}
		if more, ended, err = b.fill(inner, f, first, target, most); err != nil {
			return err
		}
		return b.finish(inner)
	})
	if err != nil {
		b.forget()
		return nil, false, err
	}
	b.settle()
	return b, more, ended
}

// fill applies chunk after chunk.
func (b *batch) fill(ctx context.Context, f *feed, first chunk, target eventstore.Position, most int) (more bool, ended, err error) {
	for _, g := range b.gens {
		if g.work == nil {
			g.work = g.newWork(tx{b.db, g})
		}
	}
	more = true
	for c := first; more; {
		if c.read > 0 {
			if err := b.add(ctx, c); err != nil {
				return false, nil, err
			}
		}
		if b.read >= most || c.position >= target {
			break
		}
		c, more, ended = f.next(ctx)
	}
	return more, ended, nil
}

// add changes rows by a chunk of events. A generation that has seen some of them
// before skips those: a log that is delivered twice counts once.
func (b *batch) add(ctx context.Context, c chunk) error {
	for _, g := range b.gens {
		if max(g.position.position, b.seen.position) < c.after {
			return fmt.Errorf("projection %s: after position %d comes %d", g, g.position.position, c.after)
		}
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
	moved := false
	for _, g := range b.gens {
		if err := g.work.flush(ctx); err != nil {
			return fmt.Errorf("projection %s: %w", g, err)
		}
		if b.seen.position <= g.position.position {
			continue
		}
		moved = true
		if err := (tx{b.db, g}).advance(ctx, b.seen); err != nil {
			return fmt.Errorf("projection %s: %w", g, err)
		}
	}
	if !moved {
		return errBeaten
	}
	return b.db.tellMoved(ctx)
}

// settle takes note of what a transaction has done.
func (b *batch) settle() {
	for _, g := range b.gens {
		if g.position.position < b.seen.position {
			g.position = b.seen
		}
	}
}

// forget throws away what a transaction that did not succeed has left in memory.
func (b *batch) forget() {
	for _, g := range b.gens {
		g.work = nil
	}
}
