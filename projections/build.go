package projections

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

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
		begun := false
		err := s.patiently(ctx, func() (err error) {
			begun, err = s.begun(ctx, p)
			return err
		})
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
	if err := s.reload(ctx); err != nil {
		return false, err
	}
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
		if err := s.reload(ctx); err != nil {
			return err
		}
		read, err := s.buildUntil(ctx, s.db, []*generation{g}, building, s.Position(), progress)
		if errors.Is(err, errBeaten) {
			if g, err = s.watchBuild(ctx, p, g); g == nil {
				return err
			}
			continue
		}
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

// watchRest is how long a node rests before it looks again at rows that another
// one builds.
const watchRest = 200 * time.Millisecond

// watchBuild looks, after a rest, what has become of a generation that another
// node builds as well. It returns none where it is in use by now.
func (s *Set) watchBuild(ctx context.Context, p *projection, g *generation) (*generation, error) {
	select {
	case <-time.After(watchRest):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	s.db.writing.Lock()
	rows, err := s.db.readCheckpoints(ctx)
	s.db.writing.Unlock()
	if err != nil {
		return nil, err
	}
	for _, c := range rows {
		if c.generation != g.id {
			continue
		}
		if c.state == building {
			g.moveTo(c.place)
			return g, nil
		}
		return nil, s.reload(ctx)
	}
	return s.beside(ctx, p) // its builder may have gone, and it with it
}

// beside is the generation that is being built, or a new one.
func (s *Set) beside(ctx context.Context, p *projection) (g *generation, err error) {
	s.db.writing.Lock()
	defer s.db.writing.Unlock()
	err = s.db.transact(ctx, func(ctx context.Context) error {
		if err := s.db.beAlone(ctx); err != nil {
			return err
		}
		rows, err := s.db.readCheckpoints(ctx)
		if err != nil {
			return err
		}
		for _, c := range rows {
			if c.state == building && c.of(p) {
				g = newGeneration(p, c.generation)
				g.position = c.place
				return nil
			}
		}
		g, err = s.db.found(ctx, p, building)
		return err
	})
	return g, err
}

// buildUntil brings generations that stand at the same place forward to a
// position, by themselves. It returns how many records it has read; errBeaten
// where somebody else builds them.
func (s *Set) buildUntil(ctx context.Context, db *database, gens []*generation, state string, until eventstore.Position, progress func(Progress)) (int, error) {
	f := startFeed(ctx, s.store, projectionsOf(gens), gens[0].position.position, until)
	defer f.close()
	read := 0
	for {
		c, more, err := f.next(ctx)
		if !more {
			return read, err
		}
		db.writing.Lock()
		b, more, err := db.bring(ctx, gens, state, f, c, until, s.most.building)
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
// the one in use, in one transaction. Whoever brings the others forward waits.
func (s *Set) join(ctx context.Context, g *generation) error {
	s.db.writing.Lock()
	defer s.db.writing.Unlock()
	b := &batch{db: s.db, gens: []*generation{g}}
	there := false
	err := s.db.transact(ctx, func(ctx context.Context) error {
		if err := s.db.beAlone(ctx); err != nil {
			return err
		}
		rows, err := s.db.readCheckpoints(ctx)
		if err != nil {
			return err
		}
		s.take(rows)
		if there = slices.ContainsFunc(s.live, func(live *generation) bool { return live.id == g.id }); there {
			return nil // another node was quicker
		}
		if err := s.catchUpWith(ctx, b, g); err != nil {
			return err
		}
		if err := s.replace(ctx, g, rows); err != nil {
			return err
		}
		return s.db.tellMoved(ctx)
	})
	if err != nil {
		b.forget()
		return err
	}
	if !there {
		b.settle()
		s.live = slices.DeleteFunc(s.live, func(old *generation) bool { return old.projection == g.projection })
		s.live = append(s.live, g)
	}
	s.stand()
	return nil
}

// catchUpWith brings a generation to where those in use are, which wait.
func (s *Set) catchUpWith(ctx context.Context, b *batch, g *generation) error {
	if _, err := s.db.hold(ctx, s.live, current, s.db.waiting); err != nil {
		return err
	}
	if held, err := s.db.hold(ctx, []*generation{g}, building, s.db.waiting); err != nil || len(held) == 0 {
		return errors.Join(err, fmt.Errorf("generation %d of %s is not there any more", g.id, g))
	}
	target := eventstore.Start
	for _, other := range s.live {
		target = max(target, other.position.position)
	}
	if g.position.position >= target {
		return nil
	}
	f := startFeed(ctx, s.store, []*projection{g.projection}, g.position.position, target)
	defer f.close()
	_, ended, err := b.fill(ctx, f, chunk{}, target, math.MaxInt)
	if err = errors.Join(err, ended); err != nil {
		return err
	}
	return b.finish(ctx)
}

// replace retires the generations of a projection in use and takes another one
// into use. What other nodes' versions use stays.
func (s *Set) replace(ctx context.Context, g *generation, rows []checkpoint) error {
	for _, c := range rows {
		if c.projection == g.name && c.generation != g.id && (!s.db.shared || c.of(g.projection)) {
			if err := s.db.setState(ctx, c.generation, retired); err != nil {
				return err
			}
		}
	}
	return s.db.setState(ctx, g.id, current)
}

// dropRetired takes away the tables of generations that were replaced. Those that
// somebody still reads stay for the next time.
func (s *Set) dropRetired(ctx context.Context) error {
	return s.dropThose(ctx, func(c checkpoint) bool { return c.state == retired })
}

func (s *Set) dropThose(ctx context.Context, which func(checkpoint) bool) error {
	s.db.writing.Lock()
	defer s.db.writing.Unlock()
	rows, err := s.db.readCheckpoints(ctx)
	if err != nil {
		return err
	}
	var all error
	for _, c := range rows {
		if !which(c) {
			continue
		}
		err := s.db.transact(ctx, func(ctx context.Context) error {
			if err := s.db.beAlone(ctx); err != nil {
				return err
			}
			if s.db.brief != "" {
				if err := s.db.writer.define(ctx, s.db.brief); err != nil {
					return err
				}
			}
			return s.db.drop(ctx, c)
		})
		if s.db.contended(err) {
			s.log.Info("tables are still read and are dropped later", "projection", c.projection, "generation", c.generation)
			continue
		}
		if err != nil {
			all = errors.Join(all, fmt.Errorf("drop generation %d of %s: %w", c.generation, c.projection, err))
		}
	}
	return all
}
