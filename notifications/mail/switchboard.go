package mail

import (
	"context"
	"errors"
	"sync"
)

// A switchboard delivers to a server over several connections, each of which is
// opened when it is needed: a letter that the server stalls does not keep the
// others.
type switchboard struct {
	turns chan struct{} // one for each connection

	mu   sync.Mutex
	free []*SMTP // the last that was used is the next, so that letters share connections where there are few
}

// lines is how many connections there are at most; servers take ten from one
// client and more.
const lines = 8

func newSwitchboard(server Server) *switchboard {
	b := &switchboard{turns: make(chan struct{}, lines)}
	for range lines {
		b.put(NewSMTP(server))
	}
	return b
}

func (b *switchboard) put(s *SMTP) {
	b.mu.Lock()
	b.free = append(b.free, s)
	b.mu.Unlock()
	b.turns <- struct{}{}
}

// take is for whoever has a turn.
func (b *switchboard) take() *SMTP {
	b.mu.Lock()
	defer b.mu.Unlock()
	last := len(b.free) - 1
	s := b.free[last]
	b.free = b.free[:last]
	return s
}

// Send implements Transport.
func (b *switchboard) Send(ctx context.Context, m *Message) error {
	select {
	case <-b.turns:
	case <-ctx.Done():
		return &Error{Step: "wait for other letters", Cause: context.Cause(ctx)}
	}
	s := b.take()
	defer b.put(s)
	return s.Send(ctx, m)
}

// Close implements Transport. It waits for the letters that are being sent.
func (b *switchboard) Close() error {
	var all []*SMTP
	var errs []error
	for range lines {
		<-b.turns
		s := b.take()
		all, errs = append(all, s), append(errs, s.Close())
	}
	for _, s := range all {
		b.put(s) // which says that it was closed
	}
	return errors.Join(errs...)
}
