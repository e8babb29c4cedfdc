// Package ledger is the command loop: load a contract, decide a wish, append what
// follows.
//
// What holds for every call that changes something:
//
//   - When it returns without an error, what it answers is durable. When it
//     returns a *domain.Refusal, nothing was recorded for it, except what had
//     become due by itself (R5). After any other error it may be asked again
//     under the same Idempotency-Key without harm (R41).
//   - The wishes for one contract are decided one after another, each against
//     the state that the one before left; those that arrive while an append is
//     under way ride together in the next. Contracts do not wait for each other.
//   - A repeat under the same key is answered from the records of the first
//     time, by any node, after any restart, for RememberFor.
//
// Nothing that was not durable is ever answered: reads go through the same queue
// and wait for the append they depend on.
package ledger

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/domain/catalog"
	"github.com/supportledger/supportledger/eventstore"
	"github.com/supportledger/supportledger/vault"
)

// RememberFor is how long a repeat is recognised by its Idempotency-Key.
const RememberFor = 30 * 24 * time.Hour

// Errors that are not refusals.
var (
	// ErrBusy says that others kept changing the contract while the wish was
	// decided; nothing was recorded, and the same request may be sent again.
	ErrBusy = errors.New("the contract was changed too often at the same time")
)

// Config is what a Ledger needs. All but Logger, CacheBytes and Tracer are required.
type Config struct {
	Store   eventstore.Store
	Keys    *vault.Keys
	People  vault.People
	Catalog *catalog.Catalog
	Clock   Clock
	Logger  *slog.Logger
	// CacheBytes bounds the states of contracts kept in memory, by estimate;
	// 0 is DefaultCacheBytes.
	CacheBytes int64
	// Tracer makes spans of commands whose request is traced; nil: none.
	Tracer Tracer
}

// DefaultCacheBytes is the room for contracts' states unless configured.
const DefaultCacheBytes = 192 << 20

// A Ledger decides and records. It is safe for concurrent use; any number of
// them may share one store.
type Ledger struct {
	store   eventstore.Store
	keys    *vault.Keys
	people  vault.People
	catalog *catalog.Catalog
	digest  [32]byte // of the catalogue
	clock   steadyClock
	log     *slog.Logger
	metrics *metrics
	tracer  Tracer // nil: no traces

	streams *streams[*command, *queue]
	numbers *numbers
	guard   *guard
	mails   *streams[*mailCommand, *mailbox]
	zones   zones
	plans   sync.Pool // of *plan
}

// New returns a ledger over a store, of which it reads the newest record.
func New(c Config) (*Ledger, error) {
	l := &Ledger{
		store: c.Store, keys: c.Keys, people: c.People, catalog: c.Catalog, log: c.Logger,
		metrics: newMetrics(), tracer: c.Tracer,
	}
	if l.log == nil {
		l.log = slog.New(slog.DiscardHandler)
	}
	if n, err := hex.Decode(l.digest[:], []byte(c.Catalog.Digest)); err != nil || n != len(l.digest) {
		return nil, fmt.Errorf("catalogue %s: its digest %q is not a SHA-256 in hex", c.Catalog.Vendor, c.Catalog.Digest)
	}
	l.clock.clock = c.Clock
	if err := l.clock.look(context.Background(), c.Store); err != nil {
		return nil, err
	}
	size := c.CacheBytes
	if size == 0 {
		size = DefaultCacheBytes
	}
	l.plans.New = func() any { return new(plan) }
	l.streams = &streams[*command, *queue]{
		cache: newCache[*command](size, 64, openQueue), serve: l.serve, log: l.log,
	}
	l.numbers = newNumbers(c.Store, c.Keys)
	l.guard = newGuard(c.Store, c.Keys)
	l.mails = &streams[*mailCommand, *mailbox]{
		cache: newCache[*mailCommand](mailboxesBytes, 1, openMailbox), serve: mailboxes{l}.serve, log: l.log,
	}
	return l, nil
}

// Now is the time by which decisions are made: microseconds, UTC. It is never
// before a record that this ledger has made or met, whatever the clock says.
func (l *Ledger) Now() time.Time { return l.clock.now() }

// Head is the position of the newest record.
func (l *Ledger) Head(ctx context.Context) (eventstore.Position, error) { return l.store.Head(ctx) }

// meta is what the records of a request say about it. target is what the key is
// good for: a contract, an incident, or "".
func (l *Ledger) meta(r Request, target string) Meta {
	m := Meta{By: r.By, Catalog: l.digest, Trace: r.Trace, Sampled: r.Sampled}
	if r.Key == "" {
		m.Command = uuid.New()
		return m
	}
	m.Command = l.keys.Command(r.By.Account, r.Call, target, r.Key)
	m.Fingerprint = l.keys.Fingerprint(r.Body)
	return m
}
