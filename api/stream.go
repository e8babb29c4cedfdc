package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"time"

	"github.com/supportledger/supportledger/api/events"
	"github.com/supportledger/supportledger/api/token"
	"github.com/supportledger/supportledger/eventstore"
)

const (
	// reconnectAfter is how long a browser waits before it connects again.
	reconnectAfter = 3 * time.Second
	// recheck is how often a token is looked at while nothing happens.
	recheck = time.Second
	// farewell is how long a stream may take to end.
	farewell = time.Second
)

// Why streams end.
var (
	errStopping = errors.New("the ledger stops")
	errStalled  = errors.New("the subscriber reads nothing")
)

// A stream writes what a subscription hands out to one client.
type stream struct {
	*API
	*call
	wire     *http.ResponseController
	stopping context.Context
	id       eventstore.Position // the last that the client was told
	wrote    time.Time
}

// stream serves a subscriber until either side ends it.
func (a *API) stream(c *call, subscription *events.Subscription, after eventstore.Position) {
	s := &stream{API: a, call: c, wire: http.NewResponseController(c.ResponseWriter), stopping: stoppingOf(c)}
	// Whoever has stopped reading does not hold up the end for long.
	hurry := func() { _ = s.wire.SetWriteDeadline(time.Now().Add(farewell)) }
	defer context.AfterFunc(s.stopping, hurry)()
	a.metrics.subscribers.Inc()
	defer a.metrics.subscribers.Dec()
	err := s.begin(after)
	if err == nil {
		err = s.run(subscription)
	}
	if !errors.Is(err, errStopping) && c.Err() == nil {
		_ = s.write([]byte(": " + lastWord(err) + "\n\n")) // if it can still be written
	}
	hurry()
	c.cause = err
	a.metrics.countEnd(err)
}

// lastWord is what a client is told when its stream ends for no reason of its
// own.
func lastWord(err error) string {
	if errors.Is(err, token.ErrExpired) || errors.Is(err, token.ErrInvalid) {
		return err.Error()
	}
	return "the stream cannot go on; connect again"
}

// begin tells the client where its stream begins, so that it can go on from
// there even if it is cut off before the first event.
func (s *stream) begin(after eventstore.Position) error {
	// A stream outlives the time that other requests have to be read.
	if err := s.wire.SetReadDeadline(time.Time{}); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	h := s.call.Header()
	h.Set("Content-Type", eventStream)
	h.Set("X-Accel-Buffering", "no") // for proxies that would gather a stream
	s.call.WriteHeader(http.StatusOK)
	s.id = after
	return s.write(fmt.Appendf(nil, "retry: %d\nid: %d\n\n", reconnectAfter.Milliseconds(), after))
}

// run hands out events until the client is gone, its token is over, or the ledger
// stops.
func (s *stream) run(subscription *events.Subscription) error {
	tick := time.NewTicker(min(recheck, s.Heartbeat))
	defer tick.Stop()
	for {
		batch, err := subscription.Next(s.call)
		if err != nil {
			return err
		}
		if err := s.may(); err != nil {
			return err
		}
		if batch.Events > 0 {
			if err := s.write(batch.Pieces...); err != nil {
				return err
			}
			s.metrics.streamed.Add(float64(batch.Events))
			s.id = batch.Last
		} else if time.Since(s.wrote) >= s.Heartbeat {
			if err := s.beat(batch.Upto); err != nil {
				return err
			}
		}
		if batch.More == nil {
			continue
		}
		select {
		case <-batch.More:
		case <-tick.C:
		case <-s.stopping.Done():
		case <-s.call.Done():
		}
	}
}

// may says why a stream must end.
func (s *stream) may() error {
	if s.stopping.Err() != nil {
		return errStopping
	}
	if err := s.call.Err(); err != nil {
		return err
	}
	return s.Tokens.Standing(s.claims)
}

// beat keeps a line open on which nothing happens. The id moves on with it where
// events went by that the client did not ask for: it need not pass them again.
func (s *stream) beat(upto eventstore.Position) error {
	text := []byte(": nothing new\n")
	if upto > s.id {
		s.id = upto
		text = append(strconv.AppendUint(append(text, "id: "...), uint64(upto), 10), '\n')
	}
	return s.write(append(text, '\n'))
}

// write writes and flushes; a client that does not read in time is dropped.
func (s *stream) write(pieces ...[]byte) error {
	s.wrote = time.Now()
	if err := s.wire.SetWriteDeadline(s.wrote.Add(s.StallTimeout)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	if s.stopping.Err() != nil { // only now: the deadline above may have undone that of stopping
		return errStopping
	}
	for _, piece := range pieces {
		if _, err := s.call.Write(piece); err != nil {
			return stalled(err)
		}
	}
	return stalled(s.wire.Flush())
}

func stalled(err error) error {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return errStalled
	}
	return err
}

type stoppingKey struct{}

// stoppingOf is done when the server that a request came to begins to stop.
func stoppingOf(ctx context.Context) context.Context {
	if stopping, ok := ctx.Value(stoppingKey{}).(context.Context); ok {
		return stopping
	}
	return context.Background()
}
