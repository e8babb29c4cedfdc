package token

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
)

// An OIDC is a configured OpenID Connect issuer, found by discovery.
type OIDC struct {
	Issuer     string   // its URL, as in iss
	Audience   string   // that its tokens must be for
	Algorithms []string // allowed; none: DefaultAlgorithms
	Policy     Policy
	Client     *http.Client // nil: one with a timeout of 10 s
}

// DefaultAlgorithms are allowed where an issuer's configuration names none.
var DefaultAlgorithms = []string{oidc.RS256, oidc.ES256, oidc.EdDSA}

var knownAlgorithms = []string{
	oidc.RS256, oidc.RS384, oidc.RS512, oidc.ES256, oidc.ES384, oidc.ES512, oidc.PS256, oidc.PS384, oidc.PS512, oidc.EdDSA,
}

// retryAfter is how long a failed discovery, or a look for an unknown key id,
// is not repeated: strangers must not make us ask the issuer at will.
const retryAfter = 5 * time.Second

// remote is an OIDC issuer in use. Discovery happens with the first token, so
// that an issuer that is down holds up nothing else.
type remote struct {
	OIDC
	now func() time.Time

	mu       sync.Mutex
	verifier *oidc.IDTokenVerifier
	failed   time.Time // the last discovery that failed
	kids     map[string]bool
	searched time.Time // the last look for a key id that was not known
}

func newRemote(c OIDC, now func() time.Time) (*remote, error) {
	if c.Issuer == "" || c.Audience == "" {
		return nil, fmt.Errorf("token issuer %q: both its URL and its audience must be given", c.Issuer)
	}
	if len(c.Algorithms) == 0 {
		c.Algorithms = DefaultAlgorithms
	}
	for _, a := range c.Algorithms {
		if !slices.Contains(knownAlgorithms, a) {
			return nil, fmt.Errorf("token issuer %s: algorithm %q is not one of %s", c.Issuer, a, strings.Join(knownAlgorithms, " "))
		}
	}
	if c.Client == nil {
		c.Client = &http.Client{Timeout: 10 * time.Second}
	}
	return &remote{OIDC: c, now: now, kids: make(map[string]bool)}, nil
}

// verify judges a token that says it is this issuer's and names a key.
func (r *remote) verify(ctx context.Context, raw, kid string) (*Claims, error) {
	verifier, err := r.discover(ctx)
	if err != nil {
		return nil, err
	}
	if !r.mayLook(kid) {
		return nil, fmt.Errorf("%w: key %q cannot be looked for yet", ErrUnavailable, kid)
	}
	down := new(outage)
	t, err := verifier.Verify(context.WithValue(ctx, outageKey{}, down), raw)
	var expired *oidc.TokenExpiredError
	switch {
	case errors.As(err, &expired):
		return nil, ErrExpired
	case err != nil && down.happened:
		return nil, ErrUnavailable
	case err != nil:
		return nil, ErrInvalid
	}
	r.found(kid)
	var j claimsJSON
	if t.Claims(&j) != nil {
		return nil, ErrInvalid
	}
	return j.claims(t.Expiry)
}

// discover finds the issuer's keys, once.
func (r *remote) discover(ctx context.Context) (*oidc.IDTokenVerifier, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.verifier != nil {
		return r.verifier, nil
	}
	if r.now().Sub(r.failed) < retryAfter {
		return nil, ErrUnavailable
	}
	ctx = oidc.ClientContext(context.WithoutCancel(ctx), r.Client)
	provider, err := oidc.NewProvider(ctx, r.Issuer)
	if err != nil {
		r.failed = r.now()
		return nil, fmt.Errorf("%w: %s", ErrUnavailable, r.Issuer)
	}
	var found struct {
		Keys string `json:"jwks_uri"`
	}
	if err := provider.Claims(&found); err != nil || found.Keys == "" {
		r.failed = r.now()
		return nil, fmt.Errorf("%w: %s names no keys", ErrUnavailable, r.Issuer)
	}
	r.verifier = oidc.NewVerifier(r.Issuer, keySet{oidc.NewRemoteKeySet(ctx, found.Keys)}, &oidc.Config{
		ClientID: r.Audience, SupportedSigningAlgs: r.Algorithms, Now: r.now,
	})
	return r.verifier, nil
}

// mayLook says whether a key id may be looked for at the issuer now.
func (r *remote) mayLook(kid string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.kids[kid] {
		return true
	}
	if r.now().Sub(r.searched) < retryAfter {
		return false
	}
	r.searched = r.now()
	return true
}

// found notes a key id under which a token was valid; others may be looked for
// at once again.
func (r *remote) found(kid string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.kids[kid] {
		r.kids[kid], r.searched = true, time.Time{}
	}
}

// outage tells a verification that failed for want of keys from one that failed
// by the token: go-oidc answers both alike.
type (
	outage    struct{ happened bool }
	outageKey struct{}
)

type keySet struct{ remote *oidc.RemoteKeySet }

// VerifySignature implements oidc.KeySet.
func (k keySet) VerifySignature(ctx context.Context, raw string) ([]byte, error) {
	payload, err := k.remote.VerifySignature(ctx, raw)
	if err != nil && strings.HasPrefix(err.Error(), "fetching keys") {
		ctx.Value(outageKey{}).(*outage).happened = true
	}
	return payload, err
}

// header is what must be known of a token before it is judged.
type header struct{ kid, issuer string }

// readHeader reads, without believing it, who says to have made a token.
func readHeader(raw string) (header, error) {
	parts := strings.Split(raw, ".")
	if len(parts) != 3 {
		return header{}, ErrInvalid
	}
	var h struct {
		Kid string `json:"kid"`
	}
	var p struct {
		Issuer string `json:"iss"`
	}
	if decodePart(parts[0], &h) != nil || decodePart(parts[1], &p) != nil || h.Kid == "" {
		return header{}, ErrInvalid
	}
	return header{h.Kid, p.Issuer}, nil
}

func decodePart(part string, v any) error {
	text, err := base64url.DecodeString(part)
	if err != nil {
		return err
	}
	return json.Unmarshal(text, v)
}
