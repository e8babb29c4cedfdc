package pebblestore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/supportledger/supportledger/eventstore"
)

// Head is the position of the newest durable record.
func (s *Store) Head(ctx context.Context) (eventstore.Position, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	if err := s.enter(); err != nil {
		return 0, err
	}
	defer s.leave()
	return s.durable(), nil
}

// Wait returns when a record after the position is durable.
func (s *Store) Wait(ctx context.Context, after eventstore.Position) error {
	for {
		select {
		case <-s.closing:
			return eventstore.ErrClosed
		default:
		}
		moved := s.moved()
		if s.durable() > after {
			return nil
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return ctx.Err()
		case <-s.closing:
			return eventstore.ErrClosed
		}
	}
}

// moved is closed when the head moves after this call.
func (s *Store) moved() <-chan struct{} {
	s.changes.Lock()
	defer s.changes.Unlock()
	if s.changes.moved == nil {
		s.changes.moved = make(chan struct{})
	}
	return s.changes.moved
}

// publish moves the visible head and wakes who waits for it.
func (s *Store) publish(head eventstore.Position) {
	s.changes.Lock()
	s.head.Store(uint64(head))
	moved := s.changes.moved
	s.changes.moved = nil
	s.changes.Unlock()
	if moved != nil {
		close(moved)
	}
}

// enter keeps the databases open until leave.
func (s *Store) enter() error {
	s.open.RLock()
	if s.open.closed {
		s.open.RUnlock()
		return eventstore.ErrClosed
	}
	return nil
}

func (s *Store) leave() { s.open.RUnlock() }

// fail ends appending for good. It returns without waiting for anybody.
func (s *Store) fail(err error) {
	s.failOnce.Do(func() {
		err := fmt.Errorf("%w: the store stopped appending: %w", eventstore.ErrUnavailable, err)
		s.cause.Store(&err)
		s.log.Error("the store stopped appending; what the log holds decides at the restart", "error", err)
		close(s.failed)
		s.queue.close(err)
		if s.opts.OnFatal != nil {
			go s.opts.OnFatal(err)
		}
	})
}

func (s *Store) hasFailed() bool { return s.cause.Load() != nil }

// failure is why the store stopped appending.
func (s *Store) failure() error { return *s.cause.Load() }

func (s *Store) failureOrNil() error {
	if err := s.cause.Load(); err != nil {
		return *err
	}
	return nil
}

// Close answers the appends that were accepted and closes the files. Reads that
// are under way end with ErrClosed.
func (s *Store) Close() error {
	s.closeOnce.Do(func() { s.closeErr = s.shutDown() })
	return s.closeErr
}

func (s *Store) shutDown() error {
	close(s.closing)
	s.queue.close(eventstore.ErrClosed)
	select {
	case <-s.done:
	case <-s.failed: // the committer may hang in a failed database
		select {
		case <-s.done:
		case <-time.After(closeGrace):
		}
	}
	s.open.Lock()
	s.open.closed = true
	s.open.Unlock()
	if s.hasFailed() {
		return errors.Join(s.failure(), s.abandon())
	}
	err := s.witness.settle(s.durable(), stopped)
	return errors.Join(err, s.closeFiles())
}

// abandon closes the databases as far as they let themselves be closed.
func (s *Store) abandon() error {
	closed := make(chan error, 1)
	go func() {
		defer func() {
			if p := recover(); p != nil {
				closed <- fmt.Errorf("close: pebble: %v", p)
			}
		}()
		closed <- s.closeFiles()
	}()
	select {
	case err := <-closed:
		return err
	case <-time.After(closeGrace):
		return errors.New("the databases do not close; the folder stays locked until the process ends")
	}
}

// closeFiles closes what is open; the index is flushed so that the next start
// has nothing to catch up with.
func (s *Store) closeFiles() error {
	var errs []error
	if s.index != nil {
		if !s.hasFailed() {
			errs = append(errs, s.index.Flush())
		}
		errs = append(errs, s.index.Close())
	}
	if s.frames != nil {
		errs = append(errs, s.frames.Close())
	}
	if s.witness.notepad != nil {
		errs = append(errs, s.witness.file.Close())
	}
	if s.lock != nil {
		errs = append(errs, s.lock.Close())
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("close store: %w", err)
	}
	return nil
}
