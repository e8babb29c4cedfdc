// Package events lets many subscribers follow the log at once: everything that
// is published, in the order of the log, from any position on.
//
// Promises. A subscription is handed each event that its filter wants exactly
// once, in order, from the position on that it began after; where it stands is
// one position, by which another one goes on without gap or double, also in
// another process. However many subscribers there are, one goroutine reads the
// log for those that keep up, and none where there are none. Whoever does not
// keep up reads the log for itself, in small pieces and a few at a time, until
// it has caught up: a slow subscriber costs others nothing, and has no queue
// that could grow. What is kept in memory for subscribers is bounded, and never
// holds a personal text in clear: those are opened for each subscriber that may
// read them when it reads them (R47). A Contract ID is never part of an event.
package events

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/google/uuid"
	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/supportledger/supportledger/domain"
	"github.com/supportledger/supportledger/eventstore"
)

// Config is what a Hub needs; both are required.
type Config struct {
	Store eventstore.Store
	// Open opens an event's personal texts in place.
	Open func(context.Context, domain.Event) error
}

const (
	// readersAtOnce is how many subscribers may read the log for themselves at a
	// time; what they read is some megabytes at the very most.
	readersAtOnce = 4
	// contractsKnown is how many streams are remembered as a contract's or not.
	contractsKnown = 8192
)

// A Hub is where subscribers meet. It is safe for concurrent use.
type Hub struct {
	Config
	readers   chan struct{}               // one for each that reads now
	contracts *lru.Cache[uuid.UUID, bool] // whether a stream is a contract's

	mu      sync.Mutex
	current *broadcast // nil where nobody subscribes
}

// NewHub returns a hub to which nobody has subscribed yet.
func NewHub(c Config) *Hub {
	contracts, err := lru.New[uuid.UUID, bool](contractsKnown)
	if err != nil {
		panic(err) // only for a size that is not positive
	}
	return &Hub{Config: c, readers: make(chan struct{}, readersAtOnce), contracts: contracts}
}

// A Subscription is one subscriber's way through the log. It has one user at a
// time, who must close it.
type Subscription struct {
	hub      *Hub
	from     *broadcast
	filter   Filter
	personal bool
	at       eventstore.Position // everything up to it was handed out
	found    place               // where the next piece begins, of a contract's stream
}

// Subscribe begins a subscription after a position, which must not lie beyond the
// log's head. personal opens personal texts.
func (h *Hub) Subscribe(ctx context.Context, after eventstore.Position, f Filter, personal bool) (*Subscription, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.current == nil {
		head, err := h.Store.Head(ctx)
		if err != nil {
			return nil, fmt.Errorf("find head: %w", err)
		}
		h.current = h.start(head)
	}
	h.current.subscribers++
	return &Subscription{hub: h, from: h.current, filter: f, personal: personal, at: after}, nil
}

// Close ends the subscription. When the last one has ended, nobody reads the log
// any more.
func (s *Subscription) Close() {
	h, b := s.hub, s.from
	h.mu.Lock()
	b.subscribers--
	last := b.subscribers == 0
	if last && h.current == b {
		h.current = nil
	}
	h.mu.Unlock()
	if last {
		b.stop()
		<-b.ended
	}
}

// forget lets the next subscriber start another broadcast.
func (h *Hub) forget(b *broadcast) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.current == b {
		h.current = nil
	}
}

// A Batch is what comes next for a subscriber.
type Batch struct {
	Pieces [][]byte            // of the stream, as they go over the line; shared, not to be changed
	Events int                 // that the pieces hold
	Last   eventstore.Position // of the last event, where there is one
	// Upto is where the subscriber stands then: what its filter wants up to there
	// is in this batch or was in one before.
	Upto eventstore.Position
	// More is closed when there may be more; nil where there may be already.
	More <-chan struct{}
}

// Next is what comes next; it does not wait for something to happen, but perhaps
// for its turn to read.
func (s *Subscription) Next(ctx context.Context) (Batch, error) {
	batch, behind, err := s.from.after(s.at, &s.filter)
	if err == nil && (behind || s.personal && batch.Events > 0) {
		batch, err = s.read(ctx)
	}
	if err != nil {
		return Batch{}, err
	}
	s.at = max(s.at, batch.Upto)
	batch.Upto = s.at
	return batch, nil
}

// gather is how long the log is left alone after something was broadcast, so that
// under load a thousand subscribers are woken fifty times a second at most.
const gather = 20 * time.Millisecond
