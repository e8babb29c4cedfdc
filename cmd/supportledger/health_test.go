package main

import (
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
)

// What a container or a script asks: whether the process answers, and whether
// requests should be sent to it.
func TestHealthIsAsked(t *testing.T) {
	s := serve(t, t.TempDir())
	address := strings.TrimPrefix(s.base, "http://")
	_, port, _ := strings.Cut(address, ":")
	for _, listen := range []string{address, ":" + port, "0.0.0.0:" + port} {
		if said := succeed(t, "health", "--listen", listen); said != "ready\n" {
			t.Errorf("--listen %s: it said %q", listen, said)
		}
	}
	t.Setenv("SUPPORTLEDGER_LISTEN", address)
	t.Setenv("HTTP_PROXY", "http://127.0.0.1:1")
	if said := succeed(t, "health", "--live"); said != "ok\n" {
		t.Errorf("--live said %q", said)
	}
	must(t, s.stop())
	fail(t, exitFailed, []string{"ask: Get", "refused"}, "health")
	fail(t, exitUsage, []string{`"8080" is not HOST:PORT`}, "health", "--listen", "8080")
	fail(t, exitUsage, []string{"is not HOST:PORT"}, "health", "--listen", "127.0.0.1:0")
}

// A ledger that says no says why, and what is no ledger is told apart.
func TestHealthSaysWhyNot(t *testing.T) {
	for said, words := range map[string]string{
		`{"status": 503, "code": "not-ready", "detail": "the lists are 7 positions behind the log"}`: "the lists are 7 positions behind the log",
		`oops`: "it answers with status 503",
	} {
		other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/readyz" {
				w.Write([]byte("<html>"))
				return
			}
			w.WriteHeader(http.StatusServiceUnavailable)
			w.Write([]byte(said))
		}))
		address := filepath.Base(other.URL)
		fail(t, exitFailed, []string{words}, "health", "--listen", address)
		fail(t, exitFailed, []string{"no ledger that answers"}, "health", "--live", "--listen", address)
		other.Close()
	}
}
