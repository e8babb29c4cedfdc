// Package notifications tells others what the ledger has recorded: the feed
// publishes every event of the published sections to NATS JetStream (R38).
//
// What holds for the stream LEDGER, whatever stops when:
//
//   - It is a prefix of the log's published events: in the log's order, none
//     missing, each exactly once. JetStream itself refuses whatever would break
//     that, since every message names the sequence that it must follow.
//   - It is never the truth. The feed goes on after what the stream really holds,
//     read from its last message; what NATS lost is published again.
//   - What makes it no prefix (messages that were deleted) is noticed within a
//     second, told, and healed by publishing everything again in place of it.
//     What cannot be this log's (another installation's stream, a stream that is
//     ahead of a restored log) is refused with a sentence; nothing but the feed
//     stops, and it goes on by itself when that has been put right.
//   - Several ledgers on one log may feed one stream; whoever is second goes on
//     after the first.
//
// A message carries no Contract ID and no personal text (R3, R47).
package notifications

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/google/uuid"
	"github.com/nats-io/nats.go"

	"github.com/supportledger/supportledger/eventstore"
	"github.com/supportledger/supportledger/ledger"
)

// A Dial connects to NATS. It returns before there is a connection, which is
// then made, and made again, for as long as it is not closed.
type Dial func(ctx context.Context, options ...nats.Option) (*nats.Conn, error)

// Config is what a feed needs.
type Config struct {
	Store        eventstore.Store
	Installation uuid.UUID // who speaks: vault.Keys.Installation
	Dial         Dial
	Replicas     int // of the stream; 1 if 0
	Logger       *slog.Logger
	Tracer       Tracer // makes a span of publishing what a traced request has recorded; nil: none
}

// A Feed publishes the log. Make one with New, and let it Run.
type Feed struct {
	store    eventstore.Store
	source   string
	dial     Dial
	replicas int
	log      *slog.Logger
	metrics  *metrics
	tracer   Tracer // nil: no traces
	progress progress
	heals    heals
	state    state
	known    uint64 // the sequence up to which the stream holds what the feed knows; of Run's goroutine
}

// New makes a feed. It does nothing until it runs.
func New(c Config) *Feed {
	f := &Feed{
		store: c.Store, source: sourceOf(c.Installation), dial: c.Dial, replicas: max(1, c.Replicas), log: c.Logger,
		tracer: c.Tracer,
		heals:  heals{first: healPauseFirst, most: healPauseMost},
	}
	if f.log == nil {
		f.log = slog.New(slog.DiscardHandler)
	}
	f.metrics = newMetrics(f)
	return f
}

// How long the feed rests between two tries.
const (
	restFirst = 100 * time.Millisecond
	restMost  = 5 * time.Second
)

// Run publishes until the context ends, which is no error. It outlasts whatever
// happens to NATS. A record that it does not know or cannot read ends it with an
// error that names the record: none is ever left out.
func (f *Feed) Run(ctx context.Context) error {
	var nc *nats.Conn
	defer func() { closeConn(nc) }()
	for rest := restFirst; ; rest = min(2*rest, restMost) {
		before := f.progress.published.Load()
		err := f.connected(ctx, &nc)
		switch {
		case ctx.Err() != nil:
			return nil
		case ledger.Permanent(err):
			f.metrics.stopped.Set(1)
			f.log.Error("the feed has stopped", "error", err)
			return err
		}
		if f.progress.published.Load() > before {
			rest = restFirst
		}
		f.metrics.retries.Inc()
		f.told(err)
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(jitter(rest)):
		}
	}
}

// connected publishes over a connection, which it makes if there is none.
func (f *Feed) connected(ctx context.Context, nc **nats.Conn) error {
	if *nc == nil || (*nc).IsClosed() {
		made, err := f.dial(ctx, nats.Name("supportledger feed"), nats.ErrorHandler(f.heard))
		if err != nil {
			return fmt.Errorf("connect to NATS: %w", err)
		}
		*nc = made
	}
	return f.session(ctx, *nc)
}

// heard takes what a connection tells beside its answers; whatever is of
// consequence shows in these.
func (f *Feed) heard(_ *nats.Conn, _ *nats.Subscription, err error) {
	f.log.Debug("the connection to NATS", "error", err)
}

// jitter keeps ledgers that were stopped together from meeting again.
func jitter(d time.Duration) time.Duration { return d/2 + rand.N(d) }

func closeConn(nc *nats.Conn) {
	if nc != nil {
		nc.Close()
	}
}

// A RefusedError says why the feed does not touch a stream, and what to do.
type RefusedError struct{ Reason string }

func (e *RefusedError) Error() string { return e.Reason }

func refuse(format string, args ...any) error { return &RefusedError{fmt.Sprintf(format, args...)} }
