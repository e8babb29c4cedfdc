package notifications

import (
	"context"
	"fmt"
	"runtime"
	"time"

	"github.com/supportledger/supportledger/eventstore"
)

// A pace leaves the processors to those who submit. Where the log grows and this
// process keeps most of the machine busy, the feed works for a small
// part of the time only, and catches up when there is less to do. The further it
// is behind the less it rests, so that a burst is for those who submit and a
// lasting load is shared.
type pace struct {
	store   eventstore.Store
	pressed bool
	began   time.Time // the work on a chunk

	// When last looked.
	looked time.Time
	busy   time.Duration // of this process, since its start
	used   float64       // of the processors, smoothed
	head   eventstore.Position
}

const (
	lookAtPace = 500 * time.Millisecond // at most so often
	muchUsed   = 0.7                    // of the processors, by this process, smoothed: read models work in bursts
	restAtMost = 80 * time.Millisecond
)

// restTimes is how long the feed rests, in times of what it worked, by how far it
// is behind.
func restTimes(behind int) time.Duration {
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
func gather(ctx context.Context) error {
	select {
	case <-time.After(gathering):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// gathering is what a subscriber waits longer for that.
const gathering = 5 * time.Millisecond

// hand passes on a chunk; where the feed is pressed it waits until that has
// landed, and rests.
func (p *pace) hand(ctx context.Context, out chan<- chunk, c chunk) error {
	if err := p.look(ctx); err != nil {
		return err
	}
	defer p.begin()
	if !p.pressed {
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
	select {
	case <-time.After(min(restAtMost, restTimes(int(p.head-c.last))*worked)):
	case <-ctx.Done():
		return ctx.Err()
	}
	return nil
}

// look finds out whether the feed is pressed.
func (p *pace) look(ctx context.Context) error {
	now := time.Now()
	took := now.Sub(p.looked)
	if took < lookAtPace {
		return nil
	}
	head, err := p.store.Head(ctx)
	if err != nil {
		return fmt.Errorf("ask for the log's head: %w", err)
	}
	all := busy()
	if !p.looked.IsZero() {
		processors := min(runtime.NumCPU(), runtime.GOMAXPROCS(0))
		p.used = (p.used + (all-p.busy).Seconds()/took.Seconds()/float64(processors)) / 2
		p.pressed = head > p.head && p.used > muchUsed
	}
	p.looked, p.busy, p.head = now, all, head
	return nil
}
