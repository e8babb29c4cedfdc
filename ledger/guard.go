package ledger

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/domain"
	"github.com/supportledger/supportledger/domain/contract"
	"github.com/supportledger/supportledger/domain/guessing"
	"github.com/supportledger/supportledger/eventstore"
	"github.com/supportledger/supportledger/vault"
)

// guard makes guessing hopeless (R8). Failures are events of one stream, so that
// all nodes count the same ones; tries of one account, of one Access ID, and from
// one address wait for each other, so that a volley cannot outrun the count.
type guard struct {
	store eventstore.Store
	keys  *vault.Keys
	tries [256]sync.Mutex // by account, Access ID and address, striped

	mu    sync.Mutex
	state guessing.State
	last  eventstore.Revision
	read  bool // the failures that still count were read
}

func newGuard(store eventstore.Store, keys *vault.Keys) *guard {
	return &guard{store: store, keys: keys, last: eventstore.NoStream}
}

// tooMany is a refusal that knows when the next try may be made.
type tooMany struct {
	error // the refusal
	after time.Duration
}

func (t *tooMany) Unwrap() error { return t.error }

// RetryAfter is how long to wait after an error that says so, such as too many
// tries; ok is false for any other.
func RetryAfter(err error) (wait time.Duration, ok bool) {
	var t *tooMany
	if !errors.As(err, &t) {
		return 0, false
	}
	return t.after, true
}

// guarded runs a try of an account at a pair, unless there were too many
// failures, and counts it if the pair was not valid.
func (l *Ledger) guarded(ctx context.Context, r Request, pair Pair, portal string, try func(context.Context) error) error {
	ctx = context.WithoutCancel(ctx) // who hangs up is counted, too
	who := guessing.Try{Account: r.By.Account, AccessID: l.keys.Digest("access-id", pair.AccessID)}
	if r.Address != "" {
		who.Address = l.keys.Digest("address", r.Address)
	}
	defer l.guard.wait(who)()
	at := l.Now()
	until, err := l.guard.tryAfter(ctx, who, at)
	if err != nil {
		return fmt.Errorf("count failed tries: %w", err)
	}
	if until.After(at) {
		return &tooMany{l.count(guessing.Refuse(until.Sub(at))), until.Sub(at)}
	}
	tried := try(ctx)
	var refusal *domain.Refusal
	if errors.As(tried, &refusal) && refusal.Code == contract.PairNotValid {
		if err := l.recordFailure(ctx, r.By, who, portal, at); err != nil {
			if late := new(tooMany); errors.As(err, &late) {
				return late
			}
			return fmt.Errorf("record a failed try: %w", err)
		}
	}
	return tried
}

// wait takes the turns of an account, an Access ID and an address, always in the same
// order, and returns how to give them back.
func (g *guard) wait(t guessing.Try) (done func()) {
	stripes := []byte{t.Account[15], stripe(t.AccessID)}
	if t.Address != "" {
		stripes = append(stripes, stripe(t.Address))
	}
	slices.Sort(stripes)
	stripes = slices.Compact(stripes)
	for _, s := range stripes {
		g.tries[s].Lock()
	}
	return func() {
		for _, s := range stripes {
			g.tries[s].Unlock()
		}
	}
}

func stripe(digest string) byte { return digest[0] ^ digest[1]<<4 }

// tryAfter is when the next try may be made, by all failures recorded until now.
func (g *guard) tryAfter(ctx context.Context, t guessing.Try, at time.Time) (time.Time, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if err := g.catchUp(ctx, at); err != nil {
		return time.Time{}, err
	}
	g.state.Forget(at)
	return g.state.TryAfter(t, at), nil
}

// catchUp reads the failures that other nodes have recorded; at first those that
// still count.
func (g *guard) catchUp(ctx context.Context, at time.Time) error {
	if !g.read {
		return g.readRecent(ctx, at)
	}
	for r, err := range g.store.ReadStream(ctx, guessesStream, g.last+1, eventstore.Forwards) {
		if err != nil {
			return err
		}
		if err := g.add(r); err != nil {
			return err
		}
	}
	return nil
}

// readRecent reads back from the newest failure as far as failures still count.
func (g *guard) readRecent(ctx context.Context, at time.Time) error {
	var recent []eventstore.Record
	for r, err := range g.store.ReadStream(ctx, guessesStream, eventstore.LastRevision, eventstore.Backwards) {
		if err != nil {
			return err
		}
		recent = append(recent, r)
		if at.Sub(r.RecordedAt) > guessing.PerAccessWindow {
			break
		}
	}
	g.state, g.last = guessing.State{}, eventstore.NoStream
	for i := len(recent) - 1; i >= 0; i-- {
		if err := g.add(recent[i]); err != nil {
			return err
		}
	}
	g.read = true
	return nil
}

func (g *guard) add(r eventstore.Record) error {
	e, err := DecodeEvent(r.Type, r.Data)
	if err != nil {
		return fmt.Errorf("read %s@%d: %w", r.Stream, r.Revision, err)
	}
	switch e := e.(type) {
	case *guessing.Refused:
		g.state.Evolve(e)
	case *guessing.Located:
		g.state.Locate(e)
	default:
		return fmt.Errorf("read %s@%d: %s is no failed try", r.Stream, r.Revision, r.Type)
	}
	g.last = r.Revision
	return nil
}

// recordFailure makes a failure count everywhere. Where others have recorded so
// many meanwhile, on other nodes, that this try came too late, it returns that as
// a *tooMany, and nobody learns what became of the try.
func (l *Ledger) recordFailure(ctx context.Context, by Actor, t guessing.Try, portal string, at time.Time) error {
	g := l.guard
	g.mu.Lock()
	defer g.mu.Unlock()
	failure := []domain.Event{&guessing.Refused{Account: t.Account, AccessID: t.AccessID, Portal: portal, At: at}}
	if t.Address != "" {
		failure = append(failure, &guessing.Located{Address: t.Address, At: at})
	}
	a, err := l.eventsOf(guessesStream, failure, &Meta{By: by, Command: uuid.New(), Catalog: l.digest})
	if err != nil {
		return err
	}
	for range maxTries {
		// Of unknown outcome, the very same is asked again: it must not count twice.
		if !errors.Is(err, eventstore.ErrUnknown) {
			if err := g.catchUp(ctx, at); err != nil {
				return err
			}
			if until := g.state.TryAfter(t, at); until.After(at) {
				return &tooMany{l.count(guessing.Refuse(until.Sub(at))), until.Sub(at)}
			}
			a.Expected = g.last
		}
		_, err = l.append(ctx, a, nil)
		if conflict := new(*eventstore.ConflictError); !errors.As(err, conflict) && !errors.Is(err, eventstore.ErrUnknown) {
			return err // the next catchUp counts it
		}
	}
	return ErrBusy
}
