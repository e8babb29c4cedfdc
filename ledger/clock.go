package ledger

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/supportledger/supportledger/eventstore"
)

// SystemClock is the machine's clock.
type SystemClock struct{}

// Now implements Clock.
func (SystemClock) Now() time.Time { return time.Now() }

// A TestClock stands still until it is set.
type TestClock struct {
	mu  sync.Mutex
	now time.Time
}

// NewTestClock returns a clock that stands at a time.
func NewTestClock(start time.Time) *TestClock { return &TestClock{now: start} }

// Now implements Clock.
func (c *TestClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Set moves the clock forwards. Backwards is an error: recorded time never runs
// backwards.
func (c *TestClock) Set(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if t.Before(c.now) {
		return fmt.Errorf("the test clock stands at %s and cannot go back to %s", c.now.Format(time.RFC3339), t.Format(time.RFC3339))
	}
	c.now = t
	return nil
}

// A steadyClock is a clock that never tells a time before the newest record it
// knows of. A clock that was set back, or is behind another node's, would decide
// for a time that the store does not record in any more: until it has caught up,
// whatever came to its end in between would be refused as changed too often.
type steadyClock struct {
	clock    Clock
	recorded atomic.Int64 // µs since 1970
}

// now is in microseconds, UTC.
func (c *steadyClock) now() time.Time {
	now := c.clock.Now().UTC().Truncate(time.Microsecond)
	if recorded := c.recorded.Load(); now.UnixMicro() < recorded {
		return time.UnixMicro(recorded).UTC()
	}
	return now
}

// saw notes that there is a record of a time.
func (c *steadyClock) saw(recorded time.Time) {
	us := recorded.UnixMicro()
	for known := c.recorded.Load(); known < us; known = c.recorded.Load() {
		if c.recorded.CompareAndSwap(known, us) {
			return
		}
	}
}

// look reads when the newest record was made.
func (c *steadyClock) look(ctx context.Context, store eventstore.Store) error {
	for r, err := range store.ReadAllBackwards(ctx, eventstore.LastPosition) {
		if err != nil {
			return fmt.Errorf("read the newest record: %w", err)
		}
		c.saw(r.RecordedAt)
		break
	}
	return nil
}

// zones finds time zones by name and remembers them.
type zones struct{ known sync.Map }

// find returns nil for a name that is no zone.
func (z *zones) find(name string) *time.Location {
	if known, ok := z.known.Load(name); ok {
		return known.(*time.Location)
	}
	// "Local" would mean another zone on another machine.
	location, err := time.LoadLocation(name)
	if err != nil || name == "Local" {
		return nil
	}
	z.known.Store(name, location)
	return location
}
