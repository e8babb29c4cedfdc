package esdb

import (
	"context"
	"errors"
	"time"

	"github.com/supportledger/supportledger/eventstore"
)

// A subscription tells who waits about records of other nodes. While this one
// appends a lot, that is told by its own appends, behind which the others' lie, and
// every record that is read for its position alone is work for nothing.
const (
	watchWindow = 100 * time.Millisecond
	manyOwn     = 200 // events of this Store in a window
)

// follow keeps the head up to date by one subscription, for everybody who waits.
func (s *Store) follow() {
	for s.life.Err() == nil {
		after, err := s.Head(s.life)
		for err == nil {
			if after, err = s.watchFrom(after); err == nil {
				s.awaitQuiet()
				after = max(after, s.head.load())
			}
		}
		if errors.As(err, new(*eventstore.CorruptError)) {
			s.log.Error("the log cannot be followed", "error", err)
		}
		select { // whoever reads is told what is wrong
		case <-time.After(5 * restFirst):
		case <-s.life.Done():
			return
		}
		select {
		case <-s.line.risen():
		case <-s.life.Done():
		}
	}
}

// awaitQuiet returns when this Store does not append a lot any more.
func (s *Store) awaitQuiet() {
	tick := time.NewTicker(watchWindow)
	defer tick.Stop()
	for own := s.recent.Load(); ; {
		select {
		case <-tick.C:
		case <-s.life.Done():
			return
		}
		now := s.recent.Load()
		if now-own <= manyOwn {
			return
		}
		own = now
	}
}

// watchFrom subscribes, until this Store appends a lot.
func (s *Store) watchFrom(after eventstore.Position) (eventstore.Position, error) {
	ctx, cancel := context.WithCancel(s.life)
	defer cancel()
	began, own := time.Now(), s.recent.Load()
	for r, err := range s.subscription(ctx, after, false) {
		if err != nil {
			return after, err
		}
		after = r.Position
		if time.Since(began) < watchWindow {
			continue
		}
		now := s.recent.Load()
		if now-own > manyOwn {
			return after, nil
		}
		began, own = time.Now(), now
	}
	return after, nil
}
