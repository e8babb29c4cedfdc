package projections

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/supportledger/supportledger/eventstore"
)

// errOtherLog says that rows were made from another log than the store's, or
// from more of it than is left.
var errOtherLog = errors.New("the rows are of another log")

// reconcile finds the generations that are good for the program and the log as
// they are now. Where none is in use, all begin in use; otherwise what is missing
// is built beside.
func (s *Set) reconcile(ctx context.Context) error {
	s.db.writing.Lock()
	defer s.db.writing.Unlock()
	return s.reconcileLocked(ctx)
}

func (s *Set) reconcileLocked(ctx context.Context) error {
	s.live = nil
	err := s.db.transact(ctx, func(ctx context.Context) error {
		if err := s.db.beAlone(ctx); err != nil {
			return err
		}
		rows, err := s.readTables(ctx)
		if err != nil {
			return err
		}
		for _, c := range rows {
			if err := s.sameLog(ctx, c.place); err != nil {
				return err
			}
		}
		if s.db.shared {
			err = s.useWithin(ctx)
		} else {
			rows, err = s.weed(ctx, rows)
		}
		if err != nil {
			return err
		}
		s.take(rows)
		if len(s.live) > 0 {
			return nil
		}
		return s.begin(ctx, rows)
	})
	if err != nil {
		return err
	}
	s.known = true
	s.stand()
	return nil
}

// readTables defines what there is beside the projections' own tables, and reads
// the checkpoints.
func (s *Set) readTables(ctx context.Context) ([]checkpoint, error) {
	for _, text := range append([]string{checkpoints}, s.db.tables...) {
		if err := s.db.writer.define(ctx, text); err != nil {
			return nil, err
		}
	}
	return s.db.readCheckpoints(ctx)
}

// logPatience is how long a node waits until its store has what another node has
// seen in it.
const logPatience = 10 * time.Second

// sameLog compares the record at a place with what the log has there.
func (s *Set) sameLog(ctx context.Context, p place) error {
	if p.position == eventstore.Start {
		return nil
	}
	if s.db.shared {
		soon, cancel := context.WithTimeout(ctx, logPatience)
		defer cancel()
		if err := s.store.Wait(soon, p.position-1); err != nil && soon.Err() == nil {
			return fmt.Errorf("compare rows with the log: %w", err)
		}
	}
	for r, err := range s.store.ReadAllBackwards(ctx, p.position+1) {
		if err != nil {
			return fmt.Errorf("compare rows with the log: %w", err)
		}
		if r.Position == p.position && r.ID == p.event {
			return nil
		}
		return fmt.Errorf("%w: at position %d they saw event %s, and the log has %s at %d", errOtherLog, p.position, p.event, r.ID, r.Position)
	}
	return fmt.Errorf("%w: they have seen position %d, and the log is empty", errOtherLog, p.position)
}

// weed drops generations that nobody can use or continue, and returns the rest.
// One in use by an older version stays until its successor has caught up.
func (s *Set) weed(ctx context.Context, rows []checkpoint) ([]checkpoint, error) {
	var kept []checkpoint
	for _, c := range rows {
		p := s.named(c.projection)
		if p == nil || c.state == retired || c.state == building && !c.of(p) {
			if err := s.db.drop(ctx, c); err != nil {
				return nil, err
			}
			continue
		}
		kept = append(kept, c)
	}
	return kept, nil
}

func (s *Set) named(name string) *projection {
	for _, p := range s.projections {
		if p.name == name {
			return p
		}
	}
	return nil
}

// take finds the generations in use, and where they are. The caller holds writing.
func (s *Set) take(rows []checkpoint) {
	var live []*generation
	for _, c := range rows {
		p := s.named(c.projection)
		if p == nil || c.state != current || !c.of(p) {
			continue
		}
		g := newGeneration(p, c.generation)
		if i := slices.IndexFunc(s.live, func(known *generation) bool { return known.id == c.generation }); i >= 0 {
			g = s.live[i]
		}
		g.moveTo(c.place)
		live = append(live, g)
	}
	s.live = live
}

// begin takes all projections into use where none was: a new folder, or new
// versions of all of them. Rows that other nodes share stay as they are.
func (s *Set) begin(ctx context.Context, rows []checkpoint) error {
	for _, c := range rows {
		if s.db.shared {
			break
		}
		if err := s.db.drop(ctx, c); err != nil {
			return err
		}
	}
	for _, p := range s.projections {
		g, err := s.db.found(ctx, p, current)
		if err != nil {
			return err
		}
		s.live = append(s.live, g)
	}
	return nil
}
