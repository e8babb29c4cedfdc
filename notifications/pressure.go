package notifications

import (
	"context"
	"fmt"
	"runtime"
	"time"

	"github.com/supportledger/supportledger/eventstore"
	"github.com/supportledger/supportledger/internal/processors"
)

// Pressure tells whoever follows the log when those who submit need the
// processors: where others make the log grow while more of this process's
// goroutines wait for a processor than may run. How busy this process is would not
// say it: on a machine that others keep busy too, or in a container with less than
// a processor, it never is by much, and those who submit wait the longer.
type Pressure struct {
	Store eventstore.Store // that holds the log
	Grown float64          // others have to make the log grow by more records a second than this
	Own   func() uint64    // records that the caller has made, which count for nothing; nil for none

	On   bool                // when last looked
	Head eventstore.Position // of the log, likewise

	looked  time.Time
	waited  time.Duration // for processors, by all goroutines since the process's start
	waiting float64       // goroutines, on average, smoothed: read models work in bursts
	own     uint64
}

// lookAtPressure is how often to look at most.
const lookAtPressure = 500 * time.Millisecond

// Look finds out anew, if it is time to.
func (p *Pressure) Look(ctx context.Context) error {
	now := time.Now()
	took := now.Sub(p.looked)
	if took < lookAtPressure {
		return nil
	}
	head, err := p.Store.Head(ctx)
	if err != nil {
		return fmt.Errorf("ask for the log's head: %w", err)
	}
	waited, own := processors.Waited(), uint64(0)
	if p.Own != nil {
		own = p.Own()
	}
	if !p.looked.IsZero() {
		p.waiting = (p.waiting + (waited-p.waited).Seconds()/took.Seconds()) / 2
		others := float64(eventstore.Between(p.Store, p.Head, head)) - float64(own-p.own)
		p.On = p.waiting > float64(runtime.GOMAXPROCS(0)) && others > p.Grown*took.Seconds()
	}
	p.looked, p.waited, p.Head, p.own = now, waited, head, own
	return nil
}
