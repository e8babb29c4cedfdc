package projections

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/supportledger/supportledger/eventstore"
)

// ErrStopped says that the projections do not follow the log any more.
var ErrStopped = errors.New("the projections do not follow the log")

// A watch tells those who wait how far the rows have come.
type watch struct {
	mu       sync.Mutex
	position eventstore.Position
	moved    chan struct{} // closed at the next change; nil while nobody waits
	wanted   chan struct{} // closed when somebody begins to wait; nil while nobody rests
	stopped  error         // why nothing will move any more
	away     error         // why nothing moves now, and nothing can be asked
}

// rest returns a channel that is closed as soon as somebody waits: at once if
// somebody does already.
func (w *watch) rest() <-chan struct{} {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.wanted = make(chan struct{})
	wanted := w.wanted
	if w.moved != nil {
		w.want()
	}
	return wanted
}

// hurry ends the rest of whoever rests, as if somebody waited here.
func (w *watch) hurry() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.want()
}

// waits says whether somebody waits.
func (w *watch) waits() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.moved != nil
}

func (w *watch) want() {
	if w.wanted != nil {
		close(w.wanted)
		w.wanted = nil
	}
}

func (w *watch) at() eventstore.Position {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.position
}

func (w *watch) set(p eventstore.Position) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.position, w.away = p, nil
	w.wake()
}

// start says that somebody moves the rows.
func (w *watch) start() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.stopped = nil
}

func (w *watch) stop(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.stopped = err
	w.wake()
}

// lose says that the rows cannot be reached, until they are set again.
func (w *watch) lose(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.away = err
	w.wake()
}

func (w *watch) wake() {
	if w.moved != nil {
		close(w.moved)
		w.moved = nil
	}
}

// await returns when the rows have seen a position.
func (w *watch) await(ctx context.Context, p eventstore.Position) error {
	for {
		w.mu.Lock()
		if w.position >= p || w.stopped != nil || w.away != nil {
			err := cmp.Or(w.stopped, w.away)
			if w.position >= p {
				err = nil
			}
			w.mu.Unlock()
			return err
		}
		if w.moved == nil {
			w.moved = make(chan struct{})
		}
		w.want()
		moved := w.moved
		w.mu.Unlock()
		select {
		case <-moved:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Await returns when what every list answers is true up to a position at least:
// whoever has written something then finds it (R37). It waits without asking the
// database. It returns the context's error, or one that wraps ErrStopped where
// the projections have stopped and waiting is in vain, or ErrUnavailable while
// their database cannot be reached.
func (s *Set) Await(ctx context.Context, p eventstore.Position) error {
	if err := s.watch.await(ctx, p); err != nil {
		return fmt.Errorf("wait for position %d: %w", p, err)
	}
	return nil
}

// Stopped is why the projections do not follow the log any more, an error that
// wraps ErrStopped; nil while they do.
func (s *Set) Stopped() error {
	s.watch.mu.Lock()
	defer s.watch.mu.Unlock()
	return s.watch.stopped
}

// Away is why the database with the rows cannot be reached, an error that wraps
// ErrUnavailable; nil while it can.
func (s *Set) Away() error {
	s.watch.mu.Lock()
	defer s.watch.mu.Unlock()
	return s.watch.away
}

// Position is how far every list has seen the log.
func (s *Set) Position() eventstore.Position { return s.watch.at() }
