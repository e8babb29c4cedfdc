package token

import (
	"context"
	"crypto"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
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

// remote is an OIDC issuer in use. It is found with the first token, so that an
// issuer that is down holds up nothing else.
type remote struct {
	OIDC
	now  func() time.Time
	log  *slog.Logger
	keys keys
	at   string // where its keys are; "" until found; of the look that is under way
}

func newRemote(c OIDC, now func() time.Time, log *slog.Logger) (*remote, error) {
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
	r := &remote{OIDC: c, now: now, log: log}
	r.keys.ask = r.ask
	return r, nil
}

// verify judges a token that says it is this issuer's and names a key.
func (r *remote) verify(ctx context.Context, raw, kid string) (*Claims, error) {
	key, err := r.keys.find(ctx, kid)
	if err != nil {
		return nil, err
	}
	if key == nil {
		return nil, ErrInvalid
	}
	t, err := key.Verify(ctx, raw)
	if errors.As(err, new(*oidc.TokenExpiredError)) {
		return nil, ErrExpired
	}
	if err != nil {
		return nil, ErrInvalid
	}
	var j claimsJSON
	if t.Claims(&j) != nil {
		return nil, ErrInvalid
	}
	return j.claims(t.Expiry)
}

// ask asks the issuer for its keys, and before the first time where they are.
func (r *remote) ask(ctx context.Context) (map[string]*oidc.IDTokenVerifier, error) {
	published, err := r.published(ctx)
	if err != nil {
		r.log.Warn("a token's issuer cannot be reached", "issuer", r.Issuer, "error", err)
		return nil, fmt.Errorf("%w: %s: %w", ErrUnavailable, r.Issuer, err)
	}
	known := make(map[string]*oidc.IDTokenVerifier)
	for _, j := range published {
		key, err := j.public()
		if err != nil {
			r.log.Warn("an issuer's key cannot be used: tokens that it has signed are not valid", "issuer", r.Issuer, "key", j.ID, "error", err)
			continue
		}
		known[j.ID] = oidc.NewVerifier(r.Issuer, &oidc.StaticKeySet{PublicKeys: []crypto.PublicKey{key}}, &oidc.Config{
			ClientID: r.Audience, SupportedSigningAlgs: r.Algorithms, Now: r.now,
		})
	}
	return known, nil
}

func (r *remote) published(ctx context.Context) ([]jwk, error) {
	if r.at == "" {
		provider, err := oidc.NewProvider(oidc.ClientContext(ctx, r.Client), r.Issuer)
		if err != nil {
			return nil, err
		}
		var found struct {
			Keys string `json:"jwks_uri"`
		}
		if err := provider.Claims(&found); err != nil || found.Keys == "" {
			return nil, errors.New("it does not say where its keys are")
		}
		r.at = found.Keys
	}
	return fetchKeys(ctx, r.Client, r.at)
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
