package yardstick

import (
	"crypto/ed25519"
	"crypto/rand"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/supportledger/supportledger/bench/load"
)

func answersOverHTTP(t *testing.T, p *Postgres) {
	if err := p.Reset(t.Context(), 200, 1_000_000); err != nil {
		t.Fatal(err)
	}
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	handler, pool, err := NewFront(t.Context(), p.URL(), 4, public)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	web := httptest.NewServer(handler)
	defer web.Close()
	targets, err := Targets(200, private, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	plan := load.HTTP{Addr: web.Listener.Addr().String(), Run: "run", Wording: load.OnPremises(), Targets: targets}
	callers, shut, err := plan.Callers(t.Context(), 8)
	if err != nil {
		t.Fatal(err)
	}
	defer shut()
	r, err := load.Run(t.Context(), callers, load.Span{Measure: 200 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	found, err := p.Found(t.Context(), r.Numbers)
	if err != nil || r.Asked == 0 || r.Acknowledged != r.Asked || found != r.Asked {
		t.Errorf("asked %d, acknowledged %d, found %d (%v)", r.Asked, r.Acknowledged, found, err)
	}
	refusesOverHTTP(t, web.URL, targets[0])
}

func refusesOverHTTP(t *testing.T, url string, target load.Target) {
	_, stranger, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	forged, err := Targets(1, stranger, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	good := string(load.OnPremises().Body(target.Contract))
	for name, test := range map[string]struct {
		token, key, body string
		want             int
	}{
		"no token":             {"", "k", good, 401},
		"a forged token":       {forged[0].Token, "k", good, 401},
		"no key":               {target.Token, "", good, 400},
		"no JSON":              {target.Token, "k", "{", 400},
		"no agreement":         {target.Token, "k", strings.Replace(good, ": true", ": false", 1), 422},
		"another's contract":   {target.Token, "k", string(load.OnPremises().Body(Contract(1))), 409},
		"a body that is right": {target.Token, "k", good, 201},
	} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url+"/v1/incidents", strings.NewReader(test.body))
		if err != nil {
			t.Fatal(err)
		}
		if test.token != "" {
			req.Header.Set("Authorization", "Bearer "+test.token)
		}
		if test.key != "" {
			req.Header.Set("Idempotency-Key", test.key)
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		text, _ := io.ReadAll(res.Body)
		res.Body.Close()
		if res.StatusCode != test.want {
			t.Errorf("%s: %d %s, want %d", name, res.StatusCode, text, test.want)
		}
	}
}
