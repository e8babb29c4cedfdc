package token

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// A provider is an OpenID Connect issuer in this process: over the network, or,
// where a test's time is its own, called directly.
type provider struct {
	url   string
	key   *rsa.PrivateKey
	kid   atomic.Pointer[string]
	down  atomic.Bool
	asked atomic.Int64                  // for its keys
	slow  atomic.Pointer[chan struct{}] // holds back answers that are ready
}

func newProvider(t *testing.T) *provider {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	must(t, err)
	p := &provider{url: "https://issuer.example.com", key: key}
	p.rotate("k1")
	return p
}

func (p *provider) rotate(kid string) { p.kid.Store(&kid) }

func (p *provider) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	answer := any(map[string]any{"issuer": p.url, "jwks_uri": p.url + "/keys"})
	switch {
	case p.down.Load():
		w.WriteHeader(http.StatusBadGateway)
		return
	case r.URL.Path == "/keys":
		p.asked.Add(1)
		answer = map[string]any{"keys": []any{map[string]any{
			"kty": "RSA", "kid": *p.kid.Load(), "alg": "RS256", "use": "sig",
			"n": base64.RawURLEncoding.EncodeToString(p.key.N.Bytes()),
			"e": base64.RawURLEncoding.EncodeToString(big.NewInt(int64(p.key.E)).Bytes()),
		}}}
	}
	if slow := p.slow.Load(); slow != nil {
		<-*slow
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(answer)
}

// RoundTrip implements http.RoundTripper.
func (p *provider) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	p.ServeHTTP(w, r)
	return w.Result(), r.Context().Err()
}

func (p *provider) token(t *testing.T, kid string, more map[string]any) string {
	t.Helper()
	claims := map[string]any{
		"iss": p.url, "aud": "ledger", "sub": "ani", "exp": noon.Add(time.Hour).Unix(), "roles": []string{"customer", "operator"},
		"sign_ins": []string{"mpn", "azure"}, "rights": []Right{{"azure", "contoso", "write"}, {"azure", "contoso", "own"}, {"office", "x", "write"}},
		"scope": "openid personal",
	}
	for k, v := range more {
		claims[k] = v
	}
	return forged(t, p.key, jwt.SigningMethodRS256, map[string]any{"kid": kid}, claims)
}

func (p *provider) config() OIDC {
	return OIDC{Issuer: p.url, Audience: "ledger", Client: &http.Client{Transport: p, Timeout: time.Minute}, Policy: Policy{
		Roles: []string{"customer"}, Portals: []string{"azure"}, Rights: []string{"write"}, Scopes: []string{"openid"},
	}}
}

func TestAnIssuerAssertsOnlyWhatItMay(t *testing.T) {
	p := newProvider(t)
	server := httptest.NewServer(p)
	defer server.Close()
	p.url = server.URL
	config := p.config()
	config.Client = nil
	v := verifier(t, Config{OIDC: []OIDC{config}, Now: (&wall{noon}).Now})
	c, err := v.Verify(t.Context(), p.token(t, "k1", nil))
	must(t, err)
	if !slices.Equal(c.Roles, []string{"customer"}) || !slices.Equal(c.SignIns, []string{"azure"}) ||
		len(c.Rights) != 1 || c.Rights[0] != (Right{"azure", "contoso", "write"}) || !slices.Equal(c.Scopes, []string{"openid"}) || c.Account != accountOf(p.url, "ani") {
		t.Fatalf("got %+v", c)
	}
}

// Issuers write scope as a list, too. It is none of ours then, and the token is
// as good as before.
func TestAScopeOfAnotherFormSaysNothing(t *testing.T) {
	p := newProvider(t)
	config := p.config()
	config.Policy = Everything()
	v := verifier(t, Config{OIDC: []OIDC{config}, Now: (&wall{noon}).Now})
	for _, scope := range []any{[]string{Personal}, 7, nil, map[string]any{}} {
		c, err := v.Verify(t.Context(), p.token(t, "k1", map[string]any{"scope": scope}))
		must(t, err)
		if len(c.Scopes) > 0 {
			t.Errorf("scope %v: got %q", scope, c.Scopes)
		}
	}
}

func TestAnIssuersTokenIsJudged(t *testing.T) {
	_, own, err := ed25519.GenerateKey(rand.Reader)
	must(t, err)
	inBubble(t, func(t *testing.T, p *provider, v *Verifier) {
		wants(t, v, p.token(t, "k1", nil), nil)
		wants(t, v, p.token(t, "k1", map[string]any{"exp": noon.Add(-time.Second).Unix()}), ErrExpired)
		wants(t, v, p.token(t, "k1", map[string]any{"exp": nil}), ErrInvalid) // it must have an end
		wants(t, v, p.token(t, "k1", map[string]any{"aud": "other"}), ErrInvalid)
		wants(t, v, p.token(t, "k1", map[string]any{"iss": p.url + "/"}), ErrInvalid)
		wants(t, v, forged(t, own, jwt.SigningMethodEdDSA, map[string]any{"kid": "k1"}, map[string]any{"iss": p.url, "aud": "ledger", "sub": "x"}), ErrInvalid)
		wants(t, v, forged(t, p.key, jwt.SigningMethodPS256, map[string]any{"kid": "k1"}, map[string]any{
			"iss": p.url, "aud": "ledger", "sub": "x", "exp": noon.Add(time.Hour).Unix(),
		}), ErrInvalid) // an algorithm that is not allowed
	})
}

// inBubble runs a test with an issuer, in a time of its own.
func inBubble(t *testing.T, test func(*testing.T, *provider, *Verifier)) {
	p := newProvider(t)
	synctest.Test(t, func(t *testing.T) {
		test(t, p, verifier(t, Config{OIDC: []OIDC{p.config()}, Now: (&wall{noon}).Now}))
	})
}

// sub makes a token different from others.
func sub(n int) map[string]any { return map[string]any{"sub": fmt.Sprint("account-", n)} }

// together judges n tokens at once; all must be judged alike.
func together(t *testing.T, v *Verifier, n int, token func(int) string, want error) *sync.WaitGroup {
	all := new(sync.WaitGroup)
	for i := range n {
		raw := token(i)
		all.Go(func() {
			if _, err := v.Verify(context.Background(), raw); !errors.Is(err, want) {
				t.Errorf("token %d: got %v, want %v", i, err, want)
			}
		})
	}
	return all
}

func TestTheFirstTokensWaitForTheIssuerTogether(t *testing.T) {
	inBubble(t, func(t *testing.T, p *provider, v *Verifier) {
		began, gate := time.Now(), make(chan struct{})
		p.slow.Store(&gate)
		all := together(t, v, 50, func(i int) string { return p.token(t, "k1", sub(i)) }, nil)
		synctest.Wait() // all of them wait
		close(gate)
		all.Wait()
		if n := p.asked.Load(); n != 1 {
			t.Errorf("asked for the keys %d times", n)
		}
		if took := time.Since(began); took > 0 {
			t.Errorf("they waited %v without need", took)
		}
	})
}

// Strangers who make up key ids are told that their tokens are not valid. They
// cannot make us ask the issuer at will, hold up a token with a key that was seen,
// or keep a new key from being found.
func TestStrangersHoldUpNobodyForLong(t *testing.T) {
	inBubble(t, func(t *testing.T, p *provider, v *Verifier) {
		wants(t, v, p.token(t, "k1", nil), nil)
		began, strangers := time.Now(), new(sync.WaitGroup)
		for i := range 100 {
			strangers.Go(func() {
				<-time.After(time.Duration(i) * pace / 10)
				together(t, v, 5, func(n int) string { return p.token(t, fmt.Sprint("made-up-", i), sub(n)) }, ErrInvalid).Wait()
			})
		}
		for i := range 9 {
			asked := time.Now()
			wants(t, v, p.token(t, "k1", sub(i)), nil)
			wants(t, v, altered(p.token(t, "k1", sub(i))), ErrInvalid)
			if took := time.Since(asked); took > 0 {
				t.Errorf("a key that was seen was waited for, %v", took)
			}
			<-time.After(pace * 7 / 10)
		}
		p.rotate("k2")
		asked := time.Now()
		wants(t, v, p.token(t, "k2", nil), nil)
		if took := time.Since(asked); took > pace {
			t.Errorf("a new key was found after %v", took)
		}
		strangers.Wait()
		if n, most := p.asked.Load(), int64(2+time.Since(began)/pace); n > most {
			t.Errorf("asked the issuer %d times in %v", n, time.Since(began))
		}
	})
}

// A look at the issuer's keys that had begun before a token came does not say
// that its key is unknown.
func TestAKeyIsUnknownOnlyAfterALookThatBeganLater(t *testing.T) {
	inBubble(t, func(t *testing.T, p *provider, v *Verifier) {
		wants(t, v, p.token(t, "k1", nil), nil)
		gate := make(chan struct{})
		p.slow.Store(&gate)
		<-time.After(pace)
		stranger := together(t, v, 1, func(int) string { return p.token(t, "made-up", nil) }, ErrInvalid)
		synctest.Wait() // the answer is ready, and on its way
		p.rotate("k2")
		owner := together(t, v, 1, func(int) string { return p.token(t, "k2", nil) }, nil)
		synctest.Wait()
		close(gate)
		owner.Wait()
		stranger.Wait()
	})
}

func TestAnIssuerThatIsDownIsNotAnInvalidToken(t *testing.T) {
	inBubble(t, func(t *testing.T, p *provider, v *Verifier) {
		p.down.Store(true)
		together(t, v, 5, func(i int) string { return p.token(t, "k1", sub(i)) }, ErrUnavailable).Wait()
		p.down.Store(false)
		wants(t, v, p.token(t, "k1", nil), nil)
		p.down.Store(true)
		wants(t, v, p.token(t, "k3", nil), ErrUnavailable)                            // its keys cannot be had
		wants(t, v, p.token(t, "k1", map[string]any{"sub": "budi"}), nil)             // a key that was seen
		wants(t, v, p.token(t, "k1", map[string]any{"iss": "https://x"}), ErrInvalid) // nobody's
	})
}

// Who stops waiting for an issuer does not take the answer away from the others.
func TestWaitingForAnIssuerEndsWithTheRequest(t *testing.T) {
	inBubble(t, func(t *testing.T, p *provider, v *Verifier) {
		gate := make(chan struct{})
		p.slow.Store(&gate)
		for _, kid := range []string{"k1", "k2"} {
			soon, cancel := context.WithTimeout(t.Context(), time.Second)
			_, err := v.Verify(soon, p.token(t, kid, nil))
			cancel()
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("got %v", err)
			}
			others := together(t, v, 2, func(i int) string { return p.token(t, "k1", sub(i)) }, nil)
			if kid == "k1" {
				synctest.Wait()
				gate <- struct{}{} // where its keys are
				gate <- struct{}{}
			}
			others.Wait()
		}
		close(gate)
	})
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
