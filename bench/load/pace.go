package load

import (
	"context"
	"maps"
	"sync"
	"time"
)

// A Pace lets callers together call so many times a second and no more, evenly,
// and notes when each answer came.
type Pace struct {
	every time.Duration

	mu           sync.Mutex
	next         time.Time
	acknowledged map[uint64]time.Time
}

// NewPace makes a pace of so many calls a second.
func NewPace(perSecond int) *Pace {
	return &Pace{every: time.Second / time.Duration(perSecond), acknowledged: map[uint64]time.Time{}}
}

// Of makes callers keep the pace.
func (p *Pace) Of(callers []Caller) []Caller {
	paced := make([]Caller, len(callers))
	for i, call := range callers {
		paced[i] = func(ctx context.Context) (uint64, error) {
			if err := p.wait(ctx); err != nil {
				return 0, err
			}
			n, err := call(ctx)
			if err == nil {
				p.note(n, time.Now())
			}
			return n, err
		}
	}
	return paced
}

// wait waits for a caller's turn. Turns that nobody took in time are lost.
func (p *Pace) wait(ctx context.Context) error {
	p.mu.Lock()
	now := time.Now()
	turn := p.next
	if turn.Before(now) {
		turn = now
	}
	p.next = turn.Add(p.every)
	p.mu.Unlock()
	timer := time.NewTimer(turn.Sub(now))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (p *Pace) note(n uint64, at time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.acknowledged[n] = at
}

// Acknowledged says when each incident was acknowledged.
func (p *Pace) Acknowledged() map[uint64]time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	return maps.Clone(p.acknowledged)
}
