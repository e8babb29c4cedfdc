package notifications

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/supportledger/supportledger/eventstore"
)

// progress is how far the feed is; anybody may read it.
type progress struct {
	position  atomic.Uint64 // of the last record that needs nothing more
	published atomic.Uint64 // messages that the stream has confirmed
	messages  atomic.Uint64 // that the stream should hold by then
	subjects  atomic.Uint64 // of the stream, when it was last looked at
	connected atomic.Bool
	missing   atomic.Int64 // messages that the stream should hold and does not
}

// Position is the place in the log up to which the stream holds everything.
func (f *Feed) Position() eventstore.Position {
	return eventstore.Position(f.progress.position.Load())
}

// Connected says whether the feed publishes, or watches another node publish;
// false while NATS cannot be reached, or its stream is refused.
func (f *Feed) Connected() bool { return f.progress.connected.Load() }

// Await waits until nothing up to a position needs anything more.
func (f *Feed) Await(ctx context.Context, position eventstore.Position) error {
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for f.Position() < position {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("wait for the feed, which is at %v of %v: %w", f.Position(), position, ctx.Err())
		}
	}
	return nil
}

// Messages is how many the stream should hold by now.
func (f *Feed) Messages() int64 { return int64(f.progress.messages.Load()) }

// Subjects is how many different subjects the stream holds messages of: one for
// each contract and kind of event. NATS keeps them in memory.
func (f *Feed) Subjects() int64 { return int64(f.progress.subjects.Load()) }

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
	moved := errors.Is(err, errMoved) // as by another node that publishes the same
	f.progress.connected.Store(moved)
	var refused *RefusedError
	switch {
	case errors.As(err, &refused):
		if f.state.changed(refused.Reason) {
			f.log.Error("the feed refuses to publish, and looks again from time to time", "reason", refused.Reason)
		}
	case moved:
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
// else where somebody or something keeps deleting messages. It belongs to the
// feed's goroutines, one session at a time.
type heals struct {
	first, most time.Duration // between two, which becomes longer each time
	last        time.Time
	pause       time.Duration // after the last
}

const (
	healPauseFirst = 10 * time.Second
	healPauseMost  = time.Hour
)

// next is when the stream may be filled again.
func (h *heals) next() time.Time { return h.last.Add(h.pause) }

// began says that the stream holds the first message of what it is filled with.
func (h *heals) began(now time.Time) {
	if now.Sub(h.last) > 2*h.most { // it has been whole for long
		h.pause = 0
	}
	h.last, h.pause = now, max(h.first, min(2*h.pause, h.most))
}
