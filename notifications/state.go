package notifications

import (
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/supportledger/supportledger/eventstore"
)

// progress is how far the feed is; anybody may read it.
type progress struct {
	position  atomic.Uint64 // of the last record that needs nothing more
	published atomic.Uint64 // messages that the stream has confirmed
	connected atomic.Bool
	missing   atomic.Uint64 // messages that the stream should hold and does not
}

// Position is the place in the log up to which the stream holds everything.
func (f *Feed) Position() eventstore.Position {
	return eventstore.Position(f.progress.position.Load())
}

// state is what was last told, so that each change is told once.
type state struct {
	mu   sync.Mutex
	last string
}

// changed says whether something else was told before.
func (s *state) changed(to string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	was := s.last
	s.last = to
	return was != to
}

const (
	working     = "working"
	unreachable = "unreachable"
)

// told says once why the feed does not publish.
func (f *Feed) told(err error) {
	f.progress.connected.Store(false)
	var refused *RefusedError
	switch {
	case errors.As(err, &refused):
		if f.state.changed(refused.Reason) {
			f.log.Error("the feed refuses to publish, and looks again from time to time", "reason", refused.Reason)
		}
	case errors.Is(err, errMoved):
		f.log.Debug("the feed looks again what the stream holds", "reason", err)
	case f.state.changed(unreachable):
		f.log.Warn("the feed does not reach NATS; it tries again and catches up by itself", "error", err, "position", f.Position())
	}
}

// toldWorking says that the feed publishes (again).
func (f *Feed) toldWorking(at place) {
	f.progress.connected.Store(true)
	if f.state.changed(working) {
		f.log.Info("the feed publishes", "position", at.position, "messages", at.ordinal)
	}
}

// heals bounds how often a stream is filled again, lest the feed does nothing
// else where somebody or something keeps deleting messages.
type heals struct {
	last  time.Time
	pause time.Duration
}

const (
	healPauseFirst = 10 * time.Second
	healPauseMost  = time.Hour
)

// may says whether the stream may be filled again now.
func (h *heals) may(now time.Time) bool {
	if h.last.IsZero() || now.Sub(h.last) > healPauseMost {
		h.pause = healPauseFirst
		h.last = now
		return true
	}
	if now.Sub(h.last) < h.pause {
		return false
	}
	h.last, h.pause = now, min(2*h.pause, healPauseMost)
	return true
}
