// Package api serves the ledger over HTTP, as SPEC section 5 fixes it.
//
// Promises. Every answer with a status of 400 or more is problem+json (RFC 9457)
// with a code of the table in problem.go. What a write answers is durable, and a
// repeat under the same Idempotency-Key answers with the same bytes. Nothing of
// another account is told apart from what does not exist (R36). No log line,
// metric or error carries a token, a body, or a Contract ID (R3). Nothing that a
// client sends ends in a 5xx (R43); what does is our own fault, and logged.
package api

import (
	"context"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gorilla/mux"

	"github.com/supportledger/supportledger/api/events"
	"github.com/supportledger/supportledger/api/token"
	"github.com/supportledger/supportledger/attachments"
	"github.com/supportledger/supportledger/audit"
	"github.com/supportledger/supportledger/domain/catalog"
	"github.com/supportledger/supportledger/eventstore"
	"github.com/supportledger/supportledger/ledger"
	"github.com/supportledger/supportledger/projections"
	"github.com/supportledger/supportledger/transfer"
	"github.com/supportledger/supportledger/vault"
)

// Config is what the API needs. Those without a comment that says otherwise are
// required.
type Config struct {
	Ledger      *ledger.Ledger
	Projections *projections.Set
	Auditor     *audit.Auditor
	Catalog     *catalog.Catalog
	Keys        *vault.Keys
	Tokens      *token.Verifier
	Store       eventstore.Store // for subscribers, who follow it
	// PeopleReady says whether the keys of people can be reached; nil where they
	// are beside the data.
	PeopleReady func(context.Context) error
	// FeedConnected says whether the feed reaches NATS; nil where nothing is
	// published.
	FeedConnected func() bool
	Attachments   attachments.Shelf
	Imports       *transfer.Jobs // nil: some that end with the process
	Logger        *slog.Logger   // nil: no log
	Tracer        Tracer         // nil: no traces

	// TestClock is the clock that POST /v1/test-clock sets; nil: there is no
	// such call.
	TestClock *ledger.TestClock
	// Registry is what /metrics shows; nil: no such call here, because it has a
	// listener of its own (Metrics) or none.
	Registry *Registry
	// Version is shown in /openapi.json and /healthz.
	Version string

	// RefusalFloor is what the time of an answer pair-not-valid is rounded up
	// to, so that it tells nothing (R8); 0 is 100 ms.
	RefusalFloor time.Duration
	// RequestTimeout bounds the work on one request; 0 is 25 s.
	RequestTimeout time.Duration
	// AwaitTimeout is how long ?after= waits; 0 is 10 s.
	AwaitTimeout time.Duration
	// Heartbeat is how long a subscriber hears nothing at most; 0 is 15 s.
	Heartbeat time.Duration
	// StallTimeout is how long a subscriber may read nothing; 0 is 10 s.
	StallTimeout time.Duration
	// TrustedProxies are those that state where a request comes from, by
	// X-Forwarded-For; none: failed links are not counted by address (R8).
	TrustedProxies Proxies
	// MaxStreams is how many event streams may be open at once; 0 is
	// DefaultMaxStreams.
	MaxStreams int
	// MaxLag is how far in events the projections may be behind for /readyz to
	// say ready; 0 is a million.
	MaxLag uint64
	// Rate is how many requests a second one account may send, and Burst how
	// many at once; 0: as many as it likes.
	Rate  float64
	Burst int
}

// DefaultMaxStreams is how many event streams may be open unless configured: 256 MiB
// of them at most, since a test holds each to 64 KiB.
const DefaultMaxStreams = 4096

// An API answers HTTP requests. It is safe for concurrent use.
type API struct {
	Config
	log     *slog.Logger
	metrics *metrics
	limiter *limiter // nil: no limit
	events  *events.Hub
	seats   *atomic.Int64 // that streams have taken
	leaving *atomic.Bool  // requests should go elsewhere
	router  *mux.Router
	hot     http.Handler // of the hot route, found without the router
	huma    huma.API
	slow    http.Handler // the hot route as huma serves it, for the test that compares the two
}

// New returns an API over a ledger and what belongs to it.
func New(c Config) *API {
	c.RefusalFloor = orDefault(c.RefusalFloor, 100*time.Millisecond)
	c.RequestTimeout = orDefault(c.RequestTimeout, 25*time.Second)
	c.AwaitTimeout = orDefault(c.AwaitTimeout, 10*time.Second)
	c.Heartbeat = orDefault(c.Heartbeat, 15*time.Second)
	c.StallTimeout = orDefault(c.StallTimeout, 10*time.Second)
	c.MaxLag = orDefault(c.MaxLag, 1_000_000)
	c.MaxStreams = orDefault(c.MaxStreams, DefaultMaxStreams)
	if c.Imports == nil {
		c.Imports = transfer.NewJobs()
	}
	a := &API{
		Config: c, log: c.Logger, metrics: newMetrics(c.MaxStreams), limiter: newLimiter(c.Rate, c.Burst), seats: new(atomic.Int64), leaving: new(atomic.Bool),
		events: events.NewHub(events.Config{Store: c.Store, Open: c.Ledger.Open}),
	}
	if a.log == nil {
		a.log = slog.New(slog.DiscardHandler)
	}
	a.router = mux.NewRouter().SkipClean(true)
	a.router.NotFoundHandler = http.HandlerFunc(a.notFound)
	a.router.MethodNotAllowedHandler = http.HandlerFunc(a.methodNotAllowed)
	a.huma = newHuma(a)
	a.registerAll()
	a.publish()
	return a
}

func orDefault[T comparable](v, fallback T) T {
	var zero T
	if v == zero {
		return fallback
	}
	return v
}

// registerAll makes every call known.
func (a *API) registerAll() {
	a.registerIncidents()
	a.registerContracts()
	a.registerLinks()
	a.registerMe()
	a.registerPartners()
	a.registerPurchases()
	a.registerCases()
	a.registerAdvisories()
	a.registerAttachments()
	a.registerTransfer()
	a.registerEvents()
	a.registerCatalog()
	a.registerMails()
	a.registerDue()
	a.registerAdmin()
	a.registerHealth()
}
