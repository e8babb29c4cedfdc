//go:build linux

package faults_test

import (
	"math/rand/v2"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/supportledger/supportledger/eventstore/storetest"
)

// R41: where a sync of the log fails, everybody who waits gets a definite 503,
// nothing is acknowledged any more, and the process ends and says why; the next
// one has everything that was acknowledged, and answers the rest.
func TestR41_AFailedSyncEndsTheLedgerWithAnAnswerForEverybody(t *testing.T) {
	t.Parallel()
	for range storetest.Rounds(3, 30) {
		dir := t.TempDir()
		var armed atomic.Bool
		var failed, acked atomic.Int64
		settled := make(chan func() int, 1)
		p, _ := startGated(t, dir, func(_ int, path string) verdict {
			if !armed.Load() || !strings.Contains(path, "/store/log/") {
				return pass
			}
			if failed.Add(1) == 1 {
				acked.Store(int64((<-settled)()))
			}
			return fail
		})
		l := newLoad(p)
		settled <- func() int { l.allInside(p); return l.count() }
		enough := 1 + rand.IntN(200)
		l.run(p, func(n int) { armed.Store(armed.Load() || n >= enough) })
		if n := l.count(); failed.Load() == 0 || int64(n) != acked.Load() || len(l.refused) != callers {
			t.Errorf("%d syncs failed; %d were acknowledged before and %d in all, %d refused", failed.Load(), acked.Load(), n, len(l.refused))
		}
		for _, got := range l.refused {
			got.mustBeOutage(t, "outcome-unknown", "unavailable")
		}
		p.mustHaveFailed("input/output error")
		l.mustHold(t, dir)
	}
}

// mustHaveFailed waits for the end of a ledger that must not end well, and must
// say so.
func (p *program) mustHaveFailed(why string) {
	p.t.Helper()
	if err := p.wait(); err == nil {
		p.t.Error("the process ended as if nothing had happened")
	}
	said := p.said.String()
	if last := strings.LastIndex(said, "\nsupportledger: "); last < 0 || !strings.Contains(said[last:], why) {
		p.t.Errorf("its last words do not say %q:\n%s", why, said)
	}
}

// R41: where a person's key cannot be synced nothing is sealed with it; whoever
// waits gets a 503, and the process ends as for the log.
func TestR41_AFailedSyncOfPeoplesKeysEndsTheLedger(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var armed atomic.Bool
	p, _ := startGated(t, dir, func(_ int, path string) verdict {
		if armed.Load() && strings.HasSuffix(path, "/people") {
			return fail
		}
		return pass
	})
	s := newStory()
	if key, got := s.tell(p); key != "" {
		t.Fatalf("%s: %v", key, got)
	}
	armed.Store(true)
	p.post("operator", "/v1/contracts", "another", registration("Budi")).mustBeOutage(t, "outcome-unknown", "unavailable")
	p.mustHaveFailed("input/output error")
	s.mustHold(t, dir)
}

// The read models are made from the log: where they cannot be synced, the ledger
// goes on.
func TestR41_AFailedSyncOfReadModelsStopsNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := newStory()
	p := launch(t, dir)
	if key, got := s.prepare(p); key != "" {
		t.Fatalf("%s: %v", key, got)
	}
	p.kill() // so that the next one has something to catch up with
	var ready atomic.Bool
	var failed atomic.Int64
	p, _ = startGated(t, dir, func(_ int, path string) verdict {
		if ready.Load() && strings.Contains(path, "/read/") {
			failed.Add(1)
			return fail
		}
		return pass
	})
	ready.Store(true)
	if key, got := s.tell(p); key != "" {
		t.Fatalf("%s: %v", key, got)
	}
	s.check(p, s.numbers)
	if got := p.get("operator", "/v1/contracts"); got.err != nil || got.status >= 500 && got.status != http.StatusServiceUnavailable {
		t.Errorf("a list was answered %d %s %v", got.status, got.body, got.err)
	}
	p.stopAnyhow()
	if failed.Load() == 0 {
		t.Error("no sync failed")
	}
	s.mustHold(t, dir)
}
