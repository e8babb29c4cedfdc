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
// processors: where others make the log grow and this process keeps most of the
// machine busy.
type Pressure struct {
	Store eventstore.Store // that holds the log
	Grown float64          // others have to make the log grow by more records a second than this
	Own   func() uint64    // records that the caller has made, which count for nothing; nil for none

	On   bool                // when last looked
	Head eventstore.Position // of the log, likewise

	looked time.Time
	busy   time.Duration // of this process, since its start
	used   float64       // of the processors, smoothed
	own    uint64
}

const (
	lookAtPressure = 500 * time.Millisecond // at most so often
	muchUsed       = 0.7                    // of the processors, by this process, smoothed: read models work in bursts
)

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
	busy, own := processors.Busy(), uint64(0)
	if p.Own != nil {
		own = p.Own()
	}
	if !p.looked.IsZero() {
		machine := min(runtime.NumCPU(), runtime.GOMAXPROCS(0))
		p.used = (p.used + (busy-p.busy).Seconds()/took.Seconds()/float64(machine)) / 2
		others := float64(eventstore.Between(p.Store, p.Head, head)) - float64(own-p.own)
		p.On = p.used > muchUsed && others > p.Grown*took.Seconds()
	}
	p.looked, p.busy, p.Head, p.own = now, busy, head, own
	return nil
}
