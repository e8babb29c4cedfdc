package projections

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/supportledger/supportledger/eventstore"
)

// A Progress says how far a long work has come (R45).
type Progress struct {
	Projection string
	Position   eventstore.Position // done
	Until      eventstore.Position // to be done; it may move while the log grows
}

// Rebuild makes a projection's rows anew from the log, beside those in use,
// which go on answering; when the new ones have caught up they take their place
// at once. It is safe to stop at any moment: what was built is continued by the
// next Rebuild, or by Run. name is one of Names, or a question that a projection
// answers. progress may be nil.
func (s *Set) Rebuild(ctx context.Context, name string, progress func(Progress)) error {
	p, err := s.find(name)
	if err != nil {
		return err
	}
	if err := s.build(ctx, p, progress); err != nil {
		return fmt.Errorf("rebuild %s: %w", p, err)
	}
	return nil
}

func (s *Set) find(name string) (*projection, error) {
	for _, p := range s.projections {
		if name == p.name || name == p.String() || slices.Contains(p.questions, name) {
			return p, nil
		}
	}
	return nil, fmt.Errorf("no projection is called %q; there are %s", name, strings.Join(s.Names(), ", "))
}

// buildMissing builds the projections that have no generation in use, and, if
// asked to, finishes those whose rebuilding was stopped.
func (s *Set) buildMissing(ctx context.Context, finish bool) error {
	for _, p := range s.projections {
		begun, err := s.begun(ctx, p)
		if err != nil {
			return err
		}
		if s.inUse(p) && !(finish && begun) {
			continue
		}
		s.log.Info("a projection is built from the log", "projection", p.String())
		if err := s.patiently(ctx, func() error { return s.build(ctx, p, nil) }); err != nil {
			return fmt.Errorf("build %s: %w", p, err)
		}
	}
	return nil
}

// begun says whether a generation is half built.
func (s *Set) begun(ctx context.Context, p *projection) (bool, error) {
	s.db.writing.Lock()
	defer s.db.writing.Unlock()
	rows, err := s.db.readCheckpoints(ctx)
	return slices.ContainsFunc(rows, func(c checkpoint) bool { return c.state == building && c.of(p) }), err
}

func (s *Set) inUse(p *projection) bool {
	s.db.writing.Lock()
	defer s.db.writing.Unlock()
	return slices.ContainsFunc(s.live, func(g *generation) bool { return g.projection == p })
}

// build makes one generation beside and puts it in its place; one build at a time.
func (s *Set) build(ctx context.Context, p *projection, progress func(Progress)) error {
	select {
	case s.builds <- struct{}{}:
		defer func() { <-s.builds }()
	case <-ctx.Done():
		return ctx.Err()
	}
	g, err := s.beside(ctx, p)
	if err != nil {
		return err
	}
	for {
		read, err := s.buildUntil(ctx, s.db, []*generation{g}, s.Position(), progress)
		if err != nil {
			return err
		}
		if read <= s.most.building { // the rest is short enough to make the others wait for it
			break
		}
	}
	if err := s.join(ctx, g); err != nil {
		return err
	}
	s.log.Info("a projection was built and is in use", "projection", p.String(), "position", s.Position())
	return s.dropRetired(ctx)
}

// beside is the generation that is being built, or a new one.
func (s *Set) beside(ctx context.Context, p *projection) (g *generation, err error) {
	s.db.writing.Lock()
	defer s.db.writing.Unlock()
	rows, err := s.db.readCheckpoints(ctx)
	if err != nil {
		return nil, err
	}
	for _, c := range rows {
		if c.state == building && c.of(p) {
			g = newGeneration(p, c.generation)
			g.position = c.place
			return g, nil
		}
	}
	err = s.db.transact(ctx, func(ctx context.Context) error {
		g, err = s.db.found(ctx, p, building)
		return err
	})
	return g, err
}

// buildUntil brings generations that stand at the same place forward to a
// position, by themselves. It returns how many records it has read.
func (s *Set) buildUntil(ctx context.Context, db *database, gens []*generation, until eventstore.Position, progress func(Progress)) (int, error) {
	f := startFeed(ctx, s.store, projectionsOf(gens), gens[0].position.position, until)
	defer f.close()
	read := 0
	for {
		c, more, err := f.next(ctx)
		if !more {
			return read, err
		}
		db.writing.Lock()
		b, more, err := db.bring(ctx, gens, f, c, until, s.most.building, nil)
		db.writing.Unlock()
		if b != nil {
			read += b.read
			if progress != nil {
				progress(Progress{title(gens), b.seen.position, until})
			}
		}
		if err != nil || !more {
			return read, err
		}
	}
}

// title names what is built: "contracts/3, activity/2".
func title(gens []*generation) string {
	var names []string
	for _, g := range gens {
		names = append(names, g.String())
	}
	return strings.Join(names, ", ")
}

func projectionsOf(gens []*generation) []*projection {
	out := make([]*projection, len(gens))
	for i, g := range gens {
		out[i] = g.projection
	}
	return out
}

// join brings a generation to where the others are and puts it in the place of
// the one in use, in one transaction.
func (s *Set) join(ctx context.Context, g *generation) error {
	s.db.writing.Lock()
	defer s.db.writing.Unlock()
	target := eventstore.Start
	for _, other := range s.live {
		target = max(target, other.position.position)
	}
	replace := func(ctx context.Context) error { return s.replace(ctx, g) }
	var err error
	if g.position.position >= target {
		err = s.db.transact(ctx, replace)
	} else {
		f := startFeed(ctx, s.store, []*projection{g.projection}, g.position.position, target)
		defer f.close()
		_, _, err = s.db.bring(ctx, []*generation{g}, f, chunk{}, target, math.MaxInt, replace)
	}
	if err != nil {
		return err
	}
	s.live = slices.DeleteFunc(s.live, func(old *generation) bool { return old.projection == g.projection })
	s.live = append(s.live, g)
	s.watch.set(s.slowest())
	return nil
}

// replace retires the generations of a projection in use and takes another one
// into use.
func (s *Set) replace(ctx context.Context, g *generation) error {
	rows, err := s.db.readCheckpoints(ctx)
	if err != nil {
		return err
	}
	for _, c := range rows {
		if c.projection == g.name && c.generation != g.id {
			if err := s.db.setState(ctx, c.generation, retired); err != nil {
				return err
			}
		}
	}
	return s.db.setState(ctx, g.id, current)
}

// dropRetired takes away the tables of generations that were replaced.
func (s *Set) dropRetired(ctx context.Context) error {
	s.db.writing.Lock()
	defer s.db.writing.Unlock()
	rows, err := s.db.readCheckpoints(ctx)
	if err != nil {
		return err
	}
	var all error
	for _, c := range rows {
		if c.state != retired {
			continue
		}
		drop := func(ctx context.Context) error { return s.db.drop(ctx, c) }
		if err := s.db.transact(ctx, drop); err != nil {
			all = errors.Join(all, fmt.Errorf("drop generation %d of %s: %w", c.generation, c.projection, err))
		}
	}
	return all
}
