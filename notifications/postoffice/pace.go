package postoffice

import (
	"context"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/supportledger/supportledger/notifications"
)

// A pace leaves processors and disk to those who submit, as the feed does. Under
// pressure, by more than the mails' own records, few letters are sent at a time,
// with rests in between, so that a burst is for those who submit. The longer a
// message has waited the less is rested: where the load does not end it is shared,
// and letters do not fall behind for ever.
type pace struct {
	notifications.Pressure
	burst time.Duration // what a burst lasts at most
	late  time.Duration // how long the message that was taken last had waited
}

const (
	muchGrown  = 1000 // records a second, that are not of mails
	restAtMost = time.Second
)

func newPace(o *Office) *pace {
	return &pace{Pressure: notifications.Pressure{Store: o.Store, Grown: muchGrown, Own: o.recorded.Load}, burst: o.Patience.Burst}
}

// restTimes is how long to rest, in times of what was worked.
func (p *pace) restTimes() time.Duration {
	switch {
	case p.late < p.burst:
		return 12
	case p.late < 5*p.burst:
		return 3
	}
	return 0
}

// armful is how many messages to take at once.
func (p *pace) armful() int {
	if p.On && p.late < p.burst {
		return smallArmful
	}
	return armful
}

// saw notes how long a message has waited. One that comes again, for a letter's
// next try, says nothing about that.
func (p *pace) saw(m jetstream.Msg) {
	if told, err := m.Metadata(); err == nil && told.NumDelivered == 1 {
		p.late = time.Since(told.Timestamp)
	}
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
	case <-time.After(min(restAtMost, p.restTimes()*time.Since(began))):
	case <-ctx.Done():
		return ctx.Err()
	}
	return nil
}
