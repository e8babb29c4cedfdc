package token

import (
	"context"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
)

// pace is the time between two looks at an issuer's keys. A new key is known that
// much later at most, whatever strangers ask.
const pace = time.Second

// keys are an issuer's keys as of the last look at them, each as what judges its
// tokens. A key that is known is found at once. For others the issuer is looked
// at, for everybody who waits together and no more often than the pace: strangers
// who make up key ids can neither have it asked at will nor have anybody refused.
type keys struct {
	ask func(context.Context) (map[string]*oidc.IDTokenVerifier, error)

	mu    sync.Mutex
	known map[string]*oidc.IDTokenVerifier // by key id
	begun int                              // looks
	ended int                              // looks
	last  time.Time                        // when the last look began
	under *look                            // way; nil where nobody waits
}

// A look at an issuer's keys waits for its time, begins, and ends.
type look struct {
	number int
	done   chan struct{} // closed at its end
	err    error
}

// find returns a key; nil where it is not the issuer's, which only a look that
// began after the question can tell.
func (k *keys) find(ctx context.Context, id string) (*oidc.IDTokenVerifier, error) {
	k.mu.Lock()
	since := k.begun
	k.mu.Unlock()
	for {
		key, l := k.findOrLook(ctx, id, since)
		if l == nil {
			return key, nil
		}
		select {
		case <-l.done:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		if l.err != nil {
			return nil, l.err
		}
	}
}

// findOrLook returns a key, or the look to wait for before it is known whether
// there is one.
func (k *keys) findOrLook(ctx context.Context, id string, since int) (*oidc.IDTokenVerifier, *look) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if key := k.known[id]; key != nil || k.ended > since {
		return key, nil
	}
	if k.under == nil {
		k.under = &look{number: k.begun + 1, done: make(chan struct{})}
		go k.look(context.WithoutCancel(ctx), k.under, time.Until(k.last.Add(pace)))
	}
	return nil, k.under
}

// look asks the issuer once its time has come.
func (k *keys) look(ctx context.Context, l *look, wait time.Duration) {
	<-time.After(wait)
	k.mu.Lock()
	k.begun, k.last = l.number, time.Now()
	k.mu.Unlock()
	known, err := k.ask(ctx)
	k.mu.Lock()
	if err == nil {
		k.known = known
	}
	l.err, k.ended, k.under = err, l.number, nil
	k.mu.Unlock()
	close(l.done)
}
