package token

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// A provider is an OpenID Connect issuer in this process.
type provider struct {
	*httptest.Server
	key    *rsa.PrivateKey
	down   atomic.Bool
	asked  atomic.Int64 // for its keys
	rotate atomic.Pointer[string]
}

func newProvider(t *testing.T) *provider {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	must(t, err)
	p := &provider{key: key}
	first := "k1"
	p.rotate.Store(&first)
	p.Server = httptest.NewServer(http.HandlerFunc(p.serve))
	t.Cleanup(p.Close)
	return p
}

func (p *provider) serve(w http.ResponseWriter, r *http.Request) {
	if p.down.Load() {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	answer := any(map[string]any{"issuer": p.URL, "jwks_uri": p.URL + "/keys"})
	if r.URL.Path == "/keys" {
		p.asked.Add(1)
		answer = map[string]any{"keys": []any{map[string]any{
			"kty": "RSA", "kid": *p.rotate.Load(), "alg": "RS256", "use": "sig",
			"n": base64.RawURLEncoding.EncodeToString(p.key.N.Bytes()),
			"e": base64.RawURLEncoding.EncodeToString(big.NewInt(int64(p.key.E)).Bytes()),
		}}}
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(answer)
}

func (p *provider) token(t *testing.T, kid string, more map[string]any) string {
	t.Helper()
	claims := map[string]any{
		"iss": p.URL, "aud": "ledger", "sub": "ani", "exp": noon.Add(time.Hour).Unix(), "roles": []string{"customer", "operator"},
		"sign_ins": []string{"mpn", "azure"}, "rights": []Right{{"azure", "contoso", "write"}, {"azure", "contoso", "own"}, {"office", "x", "write"}},
	}
	for k, v := range more {
		claims[k] = v
	}
	return forged(t, p.key, jwt.SigningMethodRS256, map[string]any{"kid": kid}, claims)
}

func (p *provider) config() OIDC {
	return OIDC{Issuer: p.URL, Audience: "ledger", Policy: Policy{
		Roles: []string{"customer"}, Portals: []string{"azure"}, Rights: []string{"write"},
	}}
}

func TestAnIssuerAssertsOnlyWhatItMay(t *testing.T) {
	p := newProvider(t)
	v := verifier(t, Config{OIDC: []OIDC{p.config()}, Now: (&wall{noon}).Now})
	c, err := v.Verify(t.Context(), p.token(t, "k1", nil))
	must(t, err)
	if !slices.Equal(c.Roles, []string{"customer"}) || !slices.Equal(c.SignIns, []string{"azure"}) ||
		len(c.Rights) != 1 || c.Rights[0] != (Right{"azure", "contoso", "write"}) || c.Account != accountOf(p.URL, "ani") {
		t.Fatalf("got %+v", c)
	}
}

func TestAnIssuersTokenIsJudged(t *testing.T) {
	p := newProvider(t)
	_, own, err := ed25519.GenerateKey(rand.Reader)
	must(t, err)
	v := verifier(t, Config{OIDC: []OIDC{p.config()}, Now: (&wall{noon}).Now})
	wants(t, v, p.token(t, "k1", nil), nil)
	wants(t, v, p.token(t, "k1", map[string]any{"exp": noon.Add(-time.Second).Unix()}), ErrExpired)
	wants(t, v, p.token(t, "k1", map[string]any{"exp": nil}), ErrInvalid) // it must have an end
	wants(t, v, p.token(t, "k1", map[string]any{"aud": "other"}), ErrInvalid)
	wants(t, v, p.token(t, "k1", map[string]any{"iss": p.URL + "/"}), ErrInvalid)
	wants(t, v, forged(t, own, jwt.SigningMethodEdDSA, map[string]any{"kid": "k1"}, map[string]any{"iss": p.URL, "aud": "ledger", "sub": "x"}), ErrInvalid)
	wants(t, v, forged(t, p.key, jwt.SigningMethodPS256, map[string]any{"kid": "k1"}, map[string]any{
		"iss": p.URL, "aud": "ledger", "sub": "x", "exp": noon.Add(time.Hour).Unix(),
	}), ErrInvalid) // an algorithm that is not allowed
}

func TestStrangersCannotMakeUsAskTheIssuerAtWill(t *testing.T) {
	p, clock := newProvider(t), &wall{noon}
	v := verifier(t, Config{OIDC: []OIDC{p.config()}, Now: clock.Now})
	wants(t, v, p.token(t, "k1", nil), nil)
	wants(t, v, p.token(t, "unknown", nil), ErrInvalid)
	for i := range 50 { // one of them may be a new key of the issuer: try again
		wants(t, v, p.token(t, "unknown", map[string]any{"jti": string(rune('a' + i))}), ErrUnavailable)
	}
	if n := p.asked.Load(); n > 2 {
		t.Fatalf("asked the issuer %d times for 50 unknown keys", n)
	}
	rotated := "k2"
	p.rotate.Store(&rotated)
	clock.now = noon.Add(retryAfter)
	wants(t, v, p.token(t, "k2", nil), nil) // a new key is found
}

func TestAnIssuerThatIsDownIsNotAnInvalidToken(t *testing.T) {
	p, clock := newProvider(t), &wall{noon}
	p.down.Store(true)
	v := verifier(t, Config{OIDC: []OIDC{p.config()}, Now: clock.Now})
	wants(t, v, p.token(t, "k1", nil), ErrUnavailable)
	p.down.Store(false)
	wants(t, v, p.token(t, "k1", nil), ErrUnavailable) // not asked again at once
	clock.now = noon.Add(retryAfter)
	wants(t, v, p.token(t, "k1", nil), nil)
	p.down.Store(true)
	clock.now = clock.now.Add(retryAfter)
	wants(t, v, p.token(t, "k3", nil), ErrUnavailable)                            // its keys cannot be had
	wants(t, v, p.token(t, "k1", map[string]any{"sub": "budi"}), nil)             // a key that is known
	wants(t, v, p.token(t, "k1", map[string]any{"iss": "https://x"}), ErrInvalid) // nobody's
}

func TestAConfigurationThatMakesNoSenseIsRefused(t *testing.T) {
	for what, c := range map[string][]OIDC{
		"no audience":  {{Issuer: "https://a"}},
		"no issuer":    {{Audience: "x"}},
		"an algorithm": {{Issuer: "https://a", Audience: "x", Algorithms: []string{"none"}}},
		"twice":        {{Issuer: "https://a", Audience: "x"}, {Issuer: "https://a", Audience: "y"}},
		"the built-in": {{Issuer: BuiltIn, Audience: "x"}},
	} {
		if _, err := NewVerifier(Config{OIDC: c, Account: accountOf}); err == nil {
			t.Errorf("%s: accepted", what)
		}
	}
}
