package notifications

import (
	"context"
	"time"

	"github.com/supportledger/supportledger/eventstore"
)

// A pace leaves the processors to those who submit. Under pressure the feed works
// for a small part of the time only, and catches up when there is less to do. The
// further it is behind the less it rests, so that a burst is for those who submit
// and a lasting load is shared.
type pace struct {
	Pressure
	began time.Time // the work on a chunk
}

// restAtMost is how long the feed rests between two chunks.
const restAtMost = 80 * time.Millisecond

// restTimes is how long the feed rests, in times of what it worked, by how far it
// is behind.
func restTimes(behind uint64) time.Duration {
	switch {
	case behind < 1_000_000:
		return 12
	case behind < 4_000_000:
		return 3
	}
	return 0
}

// begin says that work on a chunk begins now.
func (p *pace) begin() { p.began = time.Now() }

// gather lets a few records come together: a chunk of one costs several times
// its share of a chunk of many.
func gather(ctx context.Context) error { return rest(ctx, gathering) }

// gathering is what a subscriber waits longer for that.
const gathering = 5 * time.Millisecond

func rest(ctx context.Context, pause time.Duration) error {
	select {
	case <-time.After(pause):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// hand passes on a chunk; under pressure it waits until that has landed, and rests.
func (p *pace) hand(ctx context.Context, out chan<- chunk, c chunk) error {
	if err := p.Look(ctx); err != nil {
		return err
	}
	defer p.begin()
	if !p.On {
		return hand(ctx, out, c)
	}
	c.landed = make(chan struct{})
	if err := hand(ctx, out, c); err != nil {
		return err
	}
	select {
	case <-c.landed:
	case <-ctx.Done():
		return ctx.Err()
	}
	worked := time.Since(p.began)
	return rest(ctx, min(restAtMost, restTimes(eventstore.Between(p.Store, c.last, p.Head))*worked))
}
