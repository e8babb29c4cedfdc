package token

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/google/uuid"
	lru "github.com/hashicorp/golang-lru/v2"
)

var base64url = base64.RawURLEncoding.Strict()

// Config says whose tokens are judged, and how.
type Config struct {
	BuiltIn *Issuer // nil: none
	OIDC    []OIDC
	// Account gives the pseudonym of a sign-in.
	Account func(iss, sub string) uuid.UUID
	// Revoked is a file that lists what does not count any more; "" for none.
	Revoked string
	// Now is the machine's clock; nil for time.Now.
	Now    func() time.Time
	Logger *slog.Logger // nil: no log
}

// cached is how many verified tokens are remembered; about 1 KB each.
const cached = 16_384

// maxToken bounds a token's length, in bytes.
const maxToken = 16 << 10

// A Verifier judges tokens.
type Verifier struct {
	builtIn *Issuer
	issuers map[string]*remote
	account func(iss, sub string) uuid.UUID
	now     func() time.Time
	revoked *revoked
	known   *lru.Cache[[sha256.Size]byte, *Claims]
}

// NewVerifier returns a verifier. The errors name what is wrong in the
// configuration; no issuer is asked before its first token comes.
func NewVerifier(c Config) (*Verifier, error) {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	v := &Verifier{builtIn: c.BuiltIn, issuers: make(map[string]*remote), account: c.Account, now: c.Now}
	for _, o := range c.OIDC {
		if _, twice := v.issuers[o.Issuer]; twice || o.Issuer == BuiltIn {
			return nil, fmt.Errorf("token issuer %s: it is configured twice", o.Issuer)
		}
		r, err := newRemote(o, c.Now, c.Logger)
		if err != nil {
			return nil, err
		}
		v.issuers[o.Issuer] = r
	}
	var err error
	if v.revoked, err = newRevoked(c.Revoked, c.Now, c.Logger); err != nil {
		return nil, err
	}
	if v.known, err = lru.New[[sha256.Size]byte, *Claims](cached); err != nil {
		return nil, fmt.Errorf("remember tokens: %w", err)
	}
	return v, nil
}

// Verify says who a bearer token speaks for. It waits for the token's issuer
// where its key was not seen before. Its errors are ErrInvalid, ErrExpired,
// ErrUnavailable and the context's. The claims are shared: nobody changes them.
func (v *Verifier) Verify(ctx context.Context, raw string) (*Claims, error) {
	if len(raw) > maxToken {
		return nil, ErrInvalid
	}
	digest := sha256.Sum256([]byte(raw))
	claims, ok := v.known.Get(digest)
	if !ok {
		var err error
		if claims, err = v.judge(ctx, raw); err != nil {
			return nil, err
		}
		v.known.Add(digest, claims)
	}
	if err := v.Standing(claims); err != nil {
		if errors.Is(err, ErrExpired) {
			v.known.Remove(digest)
		}
		return nil, err
	}
	return claims, nil
}

// Standing says whether a token that was verified still counts: nil, ErrExpired,
// or ErrInvalid where it was revoked. It costs next to nothing.
func (v *Verifier) Standing(c *Claims) error {
	switch {
	case !c.Expires.IsZero() && !v.now().Before(c.Expires):
		return ErrExpired
	case v.revoked.lists(c):
		return ErrInvalid
	}
	return nil
}

func (v *Verifier) judge(ctx context.Context, raw string) (*Claims, error) {
	h, err := readHeader(raw)
	if err != nil {
		return nil, err
	}
	claims, policy, err := v.ask(ctx, raw, h)
	if err != nil {
		return nil, err
	}
	policy.cut(claims)
	claims.Account = v.account(claims.Issuer, claims.Subject)
	return claims, nil
}

// ask has a token judged by the issuer that it names.
func (v *Verifier) ask(ctx context.Context, raw string, h header) (*Claims, Policy, error) {
	if h.issuer == BuiltIn && v.builtIn != nil {
		claims, err := v.builtIn.verify(raw, v.now)
		return claims, Everything(), err
	}
	r, ok := v.issuers[h.issuer]
	if !ok {
		return nil, Policy{}, ErrInvalid
	}
	claims, err := r.verify(ctx, raw, h.kid)
	return claims, r.Policy, err
}
