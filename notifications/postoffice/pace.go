package postoffice

import (
	"context"
	"sync"
	"time"

	"github.com/supportledger/supportledger/notifications"
)

// A pace leaves processors and disk to those who submit, as the feed does. Under
// pressure, by more than the mails' own records, few letters are sent at a time,
// with rests in between; they catch up when there is less to do.
type pace struct{ notifications.Pressure }

const (
	muchGrown  = 1000 // records a second, that are not of mails
	restTimes  = 12   // how long to rest, in times of what was worked
	restAtMost = time.Second
)

func newPace(o *Office) *pace {
	return &pace{notifications.Pressure{Store: o.Store, Grown: muchGrown, Own: o.recorded.Load}}
}

// rest waits, under pressure, until what was begun has been dealt with, and rests.
func (p *pace) rest(ctx context.Context, began time.Time, landed *sync.WaitGroup) error {
	if !p.On {
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
