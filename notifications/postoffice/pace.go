package postoffice

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"time"

	"github.com/supportledger/supportledger/eventstore"
	"github.com/supportledger/supportledger/notifications"
)

// A pace leaves processors and disk to those who submit, as the feed does. Where
// the log grows by more than the mails' own records and this process keeps most
// of the machine busy, few letters are sent at a time, with rests in between;
// they catch up when there is less to do.
type pace struct {
	office  *Office
	pressed bool

	// When last looked.
	looked time.Time
	busy   time.Duration // of this process, since its start
	used   float64       // of the processors, smoothed
	head   eventstore.Position
	own    uint64 // records of mails, since the start
}

const (
	lookAtPace = 500 * time.Millisecond // at most so often
	muchUsed   = 0.7                    // of the processors
	muchGrown  = 1000                   // records a second, that are not of mails
	restTimes  = 12                     // how long to rest, in times of what was worked
	restAtMost = time.Second
)

// look finds out whether the office is pressed.
func (p *pace) look(ctx context.Context) error {
	now := time.Now()
	took := now.Sub(p.looked)
	if took < lookAtPace {
		return nil
	}
	head, err := p.office.Store.Head(ctx)
	if err != nil {
		return fmt.Errorf("ask for the log's head: %w", err)
	}
	busy, own := notifications.Busy(), p.office.recorded.Load()
	if !p.looked.IsZero() {
		processors := min(runtime.NumCPU(), runtime.GOMAXPROCS(0))
		p.used = (p.used + (busy-p.busy).Seconds()/took.Seconds()/float64(processors)) / 2
		others := float64(head-p.head) - float64(own-p.own)
		p.pressed = p.used > muchUsed && others > muchGrown*took.Seconds()
	}
	p.looked, p.busy, p.head, p.own = now, busy, head, own
	return nil
}

// rest waits, where the office is pressed, until what was begun has been dealt
// with, and rests.
func (p *pace) rest(ctx context.Context, began time.Time, landed *sync.WaitGroup) error {
	if !p.pressed {
		return nil
	}
	over := make(chan struct{})
	go func() { landed.Wait(); close(over) }()
	select {
	case <-over:
	case <-time.After(restAtMost): // a server that stalls
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case <-time.After(min(restAtMost, restTimes*time.Since(began))):
	case <-ctx.Done():
		return ctx.Err()
	}
	return nil
}
