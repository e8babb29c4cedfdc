package ledger

import (
	"fmt"
	"sync"
	"time"
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
