package projections

import (
	"context"
	"errors"
	"fmt"

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
	s.live = nil
	if err := s.db.writer.define(ctx, checkpoints); err != nil {
		return err
	}
	rows, err := s.db.readCheckpoints(ctx)
	if err != nil {
		return err
	}
	for _, c := range rows {
		if err := s.sameLog(ctx, c.place); err != nil {
			return err
		}
	}
	err = s.db.transact(ctx, func(ctx context.Context) error {
		if rows, err = s.weed(ctx, rows); err != nil {
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
	s.watch.set(s.slowest())
	return nil
}

// sameLog compares the record at a place with what the log has there.
func (s *Set) sameLog(ctx context.Context, p place) error {
	if p.position == eventstore.Start {
		return nil
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

// take finds the generations in use.
func (s *Set) take(rows []checkpoint) {
	for _, c := range rows {
		if p := s.named(c.projection); c.state == current && c.of(p) {
			g := newGeneration(p, c.generation)
			g.position = c.place
			s.live = append(s.live, g)
		}
	}
}

// begin takes all projections into use where none was: a new folder, or new
// versions of all of them.
func (s *Set) begin(ctx context.Context, rows []checkpoint) error {
	for _, c := range rows {
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
