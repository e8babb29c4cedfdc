package notifications

import (
	"context"
	"fmt"
	"time"

	"github.com/supportledger/supportledger/eventstore"
)

// A pace leaves the processors to those who submit. As long as the feed keeps up
// with the log, or the log does not grow, it works as fast as it can. Where the
// log outgrows it there is more to do than the machine can do at once; then it
// works for a small part of the time only, and catches up later.
type pace struct {
	store   eventstore.Store
	pressed bool

	// Since the last look.
	began   time.Time
	records int
	head    eventstore.Position
}

const (
	lookRecords = 8 * chunkRecords // between two looks, more than what is under way
	restTimes   = 6                // how long it rests, in times of what it worked, where it is pressed
	restAtMost  = 250 * time.Millisecond
)

func newPace(store eventstore.Store) *pace { return &pace{store: store} }

// hand passes on a full chunk, and rests after it where the log outgrows the feed.
func (p *pace) hand(ctx context.Context, out chan<- chunk, c chunk) error {
	if p.pressed {
		c.landed = make(chan struct{})
	}
	if err := hand(ctx, out, c); err != nil {
		return err
	}
	p.records += c.records
	if c.landed != nil {
		select {
		case <-c.landed:
		case <-ctx.Done():
			return ctx.Err()
		}
	} else if p.records < lookRecords {
		return nil
	}
	return p.look(ctx)
}

// look compares how far the log has come with how far the feed has.
func (p *pace) look(ctx context.Context) error {
	head, err := p.store.Head(ctx)
	if err != nil {
		return fmt.Errorf("ask for the log's head: %w", err)
	}
	worked := time.Since(p.began)
	known := p.head != eventstore.Start
	p.pressed = known && int(head-p.head) >= p.records
	if p.pressed {
		select {
		case <-time.After(min(restTimes*worked, restAtMost)):
		case <-ctx.Done():
			return ctx.Err()
		}
		if head, err = p.store.Head(ctx); err != nil {
			return fmt.Errorf("ask for the log's head: %w", err)
		}
	}
	p.began, p.records, p.head = time.Now(), 0, head
	return nil
}
