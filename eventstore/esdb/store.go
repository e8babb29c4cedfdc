// Package esdb keeps records in an EventStoreDB (KurrentDB) cluster, through its
// official client.
//
// Beside what every eventstore.Store promises:
//
//   - A record's position is its commit position. Positions are places in the
//     cluster's files: they grow strictly, and not by one.
//   - Reads and appends ask for the leader, so that who was answered reads what
//     was recorded, also after another node has become leader.
//   - A cluster that cannot be reached is found again however long that takes.
//     Meanwhile everything is refused at once with ErrUnavailable; Wait waits on.
//   - An append whose answer was lost is asked again, under the same event ids,
//     until it is known what became of it: ErrUnknown is for those whose outcome
//     is still open after Patience.
//   - A recorded time is when the writer decided, and never before a record that
//     this Store has shown or recorded. Two appends that are under way at the same
//     time may stand in the log in the other order: see Slack.
//   - A record that this package has not written is damage: a ledger wants a
//     cluster of its own. Events of the cluster itself ($...) are passed over,
//     forwards by the server.
package esdb

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	client "github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/google/uuid"
	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/supportledger/supportledger/eventstore"
)

// Options say how to reach the cluster.
type Options struct {
	// Connection is the connection string: esdb://user:password@host:port?tls=true.
	Connection string
	// Patience bounds how long an append whose answer was lost is asked about, and
	// a read that was cut off is tried again; 10 s if zero.
	Patience time.Duration
	// Finishing opens a log that a copy has not finished, for whoever goes on with it.
	Finishing bool
	Logger    *slog.Logger
}

const (
	defaultPatience = 10 * time.Second
	mostDoubtful    = 4096 // appends of unknown outcome that are remembered
)

// A Store is an eventstore.Store on a cluster. It is safe for concurrent use.
type Store struct {
	line     *line
	metrics  *metrics
	log      *slog.Logger
	patience time.Duration
	limits   limits

	finishing  bool
	unfinished highest // the newest record that is known to say that more follows

	marks   marks
	spacing spacing
	lanes   lanes

	latest atomic.Int64 // µs: the newest recorded time that this Store knows of
	head   head
	recent atomic.Int64 // events that this Store has recorded
	watch  sync.Once
	work   sync.WaitGroup // the watcher

	doubtful *lru.Cache[uuid.UUID, struct{}] // first event ids of appends whose outcome was left open

	open struct {
		sync.Mutex
		closed  bool
		appends int
		idle    chan struct{} // closed when the last append has ended, once closed
	}
	life      context.Context // ends when Close begins to end reads
	end       context.CancelFunc
	closeOnce sync.Once
}

var _ eventstore.Store = (*Store)(nil)

// Open reaches for the cluster until the context ends. It returns an error that
// wraps ErrUnavailable where the cluster is not there, ErrUnfinished where it holds
// a part of a log, and neither where the connection string is wrong. No error has
// the string's password.
func Open(ctx context.Context, o Options) (*Store, error) {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Patience == 0 {
		o.Patience = defaultPatience
	}
	m := newMetrics()
	l, err := newLine(o.Connection, o.Logger, m)
	if err != nil {
		return nil, err
	}
	doubtful, err := lru.New[uuid.UUID, struct{}](mostDoubtful)
	if err != nil {
		return nil, err
	}
	s := &Store{line: l, metrics: m, log: o.Logger, patience: o.Patience, finishing: o.Finishing, doubtful: doubtful}
	s.life, s.end = context.WithCancel(context.Background())
	s.open.idle = make(chan struct{})
	if err = s.reach(ctx); err == nil {
		_, err = s.Head(ctx)
	}
	if err != nil {
		s.end()
		l.close(unfoundGrace)
		if ctx.Err() != nil && !errors.Is(err, eventstore.ErrUnavailable) {
			err = l.unfound(err)
		}
		return nil, fmt.Errorf("open cluster: %w", err)
	}
	return s, nil
}

// reach waits until the client has found the cluster, and asks again what a node refuses
// that is no leader any more, or not yet.
func (s *Store) reach(ctx context.Context) error {
	for {
		err := s.line.do(ctx, func(c *client.Client) error { return ask(ctx, c) })
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		case !passes(err):
			return failure(err)
		}
		_ = s.again(ctx, time.Now().Add(s.patience)) // or it is asked again all the same
	}
}

// Slack is how far recorded times may run backwards along positions: two appends
// that are under way at once, on nodes whose clocks differ, are recorded in
// either order. It allows for an append's patience and for clocks that are some
// seconds apart. Within a stream they never run backwards.
func (s *Store) Slack() time.Duration { return time.Minute }

// noted keeps what a record tells about the log.
func (s *Store) noted(p eventstore.Position, at time.Time) {
	us := at.UnixMicro()
	for known := s.latest.Load(); known < us; known = s.latest.Load() {
		if s.latest.CompareAndSwap(known, us) {
			break
		}
	}
	s.head.raise(p)
}

// Head asks the cluster for the newest record. It is ErrUnfinished where that is not
// the last of its log.
func (s *Store) Head(ctx context.Context) (eventstore.Position, error) {
	if err := s.mayRead(ctx); err != nil {
		return 0, err
	}
	known := s.head.load()
	for r, err := range s.backwards(ctx, client.End{}, known, single) {
		if err != nil {
			return 0, err
		}
		return r.Position, s.whole()
	}
	return s.head.load(), s.whole()
}

// Wait returns when a record after the position can be read. It outlasts a
// cluster that is gone.
func (s *Store) Wait(ctx context.Context, after eventstore.Position) error {
	for {
		moved := s.head.moved()
		switch {
		case s.life.Err() != nil || s.isClosed():
			return eventstore.ErrClosed
		case s.head.load() > after:
			return nil
		}
		s.watch.Do(func() { s.work.Go(s.follow) })
		select {
		case <-moved:
		case <-ctx.Done():
			return ctx.Err()
		case <-s.life.Done():
			return eventstore.ErrClosed
		}
	}
}

// A head is the newest position that is known, with those who wait for more.
type head struct {
	at      atomic.Uint64
	mu      sync.Mutex
	waiting chan struct{} // nil while nobody waits
}

func (h *head) load() eventstore.Position { return eventstore.Position(h.at.Load()) }

// moved is closed when the head moves after this call.
func (h *head) moved() <-chan struct{} {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.waiting == nil {
		h.waiting = make(chan struct{})
	}
	return h.waiting
}

func (h *head) raise(p eventstore.Position) {
	for known := h.at.Load(); known < uint64(p); known = h.at.Load() {
		if !h.at.CompareAndSwap(known, uint64(p)) {
			continue
		}
		h.mu.Lock()
		waiting := h.waiting
		h.waiting = nil
		h.mu.Unlock()
		if waiting != nil {
			close(waiting)
		}
		return
	}
}

func (s *Store) isClosed() bool {
	s.open.Lock()
	defer s.open.Unlock()
	return s.open.closed
}

// enter begins an append, which Close waits for.
func (s *Store) enter() error {
	s.open.Lock()
	defer s.open.Unlock()
	if s.open.closed {
		return eventstore.ErrClosed
	}
	s.open.appends++
	return nil
}

func (s *Store) leave() {
	s.open.Lock()
	defer s.open.Unlock()
	s.open.appends--
	if s.open.closed && s.open.appends == 0 {
		close(s.open.idle)
	}
}

// Close waits for the appends that were accepted, ends reads with ErrClosed and
// lets go of the cluster.
func (s *Store) Close() error {
	s.closeOnce.Do(func() {
		s.open.Lock()
		s.open.closed = true
		if s.open.appends == 0 {
			close(s.open.idle)
		}
		s.open.Unlock()
		<-s.open.idle
		s.end()
		s.work.Wait()
		s.line.close(closeGrace)
	})
	return nil
}
