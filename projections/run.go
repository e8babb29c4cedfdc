package projections

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/supportledger/supportledger/eventstore"
	"github.com/supportledger/supportledger/ledger"
)

// Run follows the log until the context ends, which is no error. It builds what
// is missing or of an older version beside. What may pass (a full disk, a store
// out of reach) is logged, counted and tried again; a record that the
// projections do not know or cannot read, or a damaged one, ends it with an
// error that names the record.
func (s *Set) Run(asked context.Context) error {
	s.watch.start()
	ctx, cancel := context.WithCancelCause(asked)
	defer cancel(nil)
	var hearing sync.WaitGroup
	if s.db.shared {
		hearing.Go(func() { s.hear(ctx) })
	}
	built := make(chan error, 1)
	go func() {
		err := s.buildMissing(ctx, true)
		if err != nil {
			cancel(err) // ends following as well
		}
		built <- err
	}()
	err := s.follow(ctx, forever)
	cancel(err)
	hearing.Wait()
	if builtErr := <-built; builtErr != nil && !errors.Is(builtErr, context.Canceled) && !errors.Is(builtErr, err) {
		err = builtErr
	}
	if asked.Err() != nil && !s.stays(err) {
		err = context.Canceled // whatever else was wrong in the end would have passed
	}
	return s.ended(err)
}

// stays says of an error that it will not pass while the program, the log and the
// rows are what they are.
func (s *Set) stays(err error) bool {
	return ledger.Permanent(err) || s.db.damaged(err) || errors.Is(err, errOtherLog)
}

// CatchUp brings all lists to where the log is now, building what is missing;
// it is for those who do not Run.
func (s *Set) CatchUp(ctx context.Context) error {
	s.watch.start()
	head, err := s.store.Head(ctx)
	if err != nil {
		return fmt.Errorf("catch up: %w", err)
	}
	if err := s.follow(ctx, head); err != nil {
		return s.ended(err)
	}
	return s.ended(s.buildMissing(ctx, false))
}

// ended notes why nobody follows the log any more.
func (s *Set) ended(err error) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, context.Canceled) {
		s.watch.stop(ErrStopped)
		return nil
	}
	if s.db.damaged(err) {
		err = errors.Join(fmt.Errorf("%s is damaged; it is made anew from the log at the next start: %w", s.db.name, err), markSQLite(s.dir))
	}
	s.metrics.failed.Set(1)
	s.log.Error("the projections have stopped", "error", err)
	s.watch.stop(fmt.Errorf("%w: %w", ErrStopped, err))
	return err
}

// follow brings the generations in use forward to a position, over whatever
// passes.
func (s *Set) follow(ctx context.Context, until eventstore.Position) error {
	return s.patiently(ctx, func() error { return s.followOnce(ctx, until) })
}

// How long rests are between two tries.
const (
	restFirst = 50 * time.Millisecond
	restMost  = 5 * time.Second
	restAway  = time.Second // while a database cannot be reached
)

// patiently does something again and again until it ends without an error or
// with one that will not pass.
func (s *Set) patiently(ctx context.Context, do func() error) error {
	for rest := restFirst; ; rest = min(2*rest, restMost) {
		began := time.Now()
		err := do()
		if err == nil || ctx.Err() != nil || s.stays(err) {
			return err
		}
		if s.lose(err); errors.Is(err, ErrUnavailable) {
			rest = min(rest, restAway)
		}
		if time.Since(began) > 2*restMost {
			rest = restFirst
		}
		s.metrics.retries.Inc()
		s.log.Warn("the projections try again", "in", rest, "error", err)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(rest):
		}
		if err := s.reload(ctx); err != nil {
			s.lose(err)
			s.log.Warn("the projections cannot read their checkpoints", "error", err)
		}
	}
}

// lose notes that the database cannot be reached, if that is what an error says.
func (s *Set) lose(err error) {
	if errors.Is(err, ErrUnavailable) {
		s.watch.lose(err)
	}
}

// followOnce brings the generations in use forward. Where several nodes share
// them, one does and the others watch: see watchOthers.
func (s *Set) followOnce(ctx context.Context, until eventstore.Position) error {
	for {
		if err := s.reload(ctx); err != nil {
			return err
		}
		at := s.Position()
		if at >= until {
			return nil
		}
		err := s.shift(ctx, until)
		if !errors.Is(err, errBeaten) && !errors.Is(err, errPartly) {
			return err
		}
		if errors.Is(err, errPartly) {
			if err := rest(ctx, triesAgain); err != nil {
				return err
			}
			continue
		}
		s.metrics.beaten.Inc()
		if err := s.watchOthers(ctx, at, until); err != nil {
			return err
		}
	}
}

// shift brings the generations in use forward until somebody else does.
func (s *Set) shift(ctx context.Context, until eventstore.Position) error {
	if err := s.mayShift(ctx); err != nil {
		return err
	}
	f := startFeed(ctx, s.store, s.projections, s.Position(), until)
	defer f.close()
	f.made = s.newMade()
	var head eventstore.Position
	for {
		c, more, err := f.next(ctx)
		if !more {
			return err
		}
		began, before := time.Now(), head
		if head, more, err = s.followBatch(ctx, f, c); !more || err != nil {
			return err
		}
		if before != eventstore.Start && head > before {
			s.gather(ctx, time.Since(began))
		}
	}
}

// The time in which records gather, while the log grows and nobody waits for the
// rows, is so many times that of the batch before: those who submit have the
// processors first, and a row of a large batch costs a fraction of one of a
// small batch.
const (
	gatherTimes = 10
	gatherMost  = 5 * time.Second
)

// gather lets records come together for the next batch, until somebody waits.
func (s *Set) gather(ctx context.Context, took time.Duration) {
	full := time.NewTimer(min(gatherTimes*took, gatherMost))
	defer full.Stop()
	select {
	case <-full.C:
	case <-s.watch.rest():
	case <-ctx.Done():
	}
}

// followBatch writes one batch for all generations in use: what the log held
// when it began, so that batches grow with the backlog. It says how far that was.
func (s *Set) followBatch(ctx context.Context, f *feed, first chunk) (head eventstore.Position, more bool, err error) {
	s.db.writing.Lock()
	defer s.db.writing.Unlock()
	if head, err = s.store.Head(ctx); err != nil {
		return head, false, fmt.Errorf("ask for the log's head: %w", err)
	}
	began, live := time.Now(), len(s.live)
	b, more, err := s.db.bring(ctx, s.live, current, f, first, min(head, f.until), s.most.following)
	if b == nil {
		return head, false, err
	}
	s.metrics.wrote(b.read, time.Since(began))
	s.traceBatch(b, f.made, began)
	s.stand()
	if more && err == nil && len(b.gens) < live {
		return head, false, errPartly // what was left out needs what this feed has passed
	}
	return head, more, err
}

// slowest is the position that all generations in use have seen. The caller
// holds writing.
func (s *Set) slowest() eventstore.Position {
	position := forever
	for _, g := range s.live {
		position = min(position, g.position.position)
	}
	if len(s.live) == 0 {
		return eventstore.Start
	}
	return position
}

// stand tells those who wait where the rows are. The caller holds writing.
func (s *Set) stand() {
	_ = s.place(func() (eventstore.Position, error) { return s.slowest(), nil })
}

// place tells those who wait where the rows are. Whoever looked last is believed,
// so looking and telling are one act.
func (s *Set) place(look func() (eventstore.Position, error)) error {
	s.placing.Lock()
	defer s.placing.Unlock()
	position, err := look()
	if err == nil {
		s.watch.set(position)
	}
	return err
}

// reload reads which generations are in use and where they are, as somebody else
// may have brought them forward.
func (s *Set) reload(ctx context.Context) error {
	s.db.writing.Lock()
	defer s.db.writing.Unlock()
	if !s.known {
		return s.reconcileLocked(ctx)
	}
	return s.place(func() (eventstore.Position, error) {
		rows, err := s.db.readCheckpoints(ctx)
		if err != nil {
			s.known = !s.db.gone(err) // somebody has removed the tables
			return eventstore.Start, err
		}
		s.take(rows)
		return s.slowest(), nil
	})
}
