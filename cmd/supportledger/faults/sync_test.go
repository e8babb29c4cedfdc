//go:build linux

package faults_test

import (
	"math/rand/v2"
	"testing"

	"github.com/supportledger/supportledger/eventstore/storetest"
)

// R41 and R45: wherever a sync ends a ledger, from the first one of a new folder
// on, the next start finds everything that was acknowledged, and the story can be
// told to its end. CI kills at every stride-th sync, from a random one on.
func TestR41_KilledAtEachSync(t *testing.T) {
	t.Parallel()
	stride := storetest.Rounds(4, 1)
	kills := 0
	for n := 1 + rand.IntN(stride); ; n += stride {
		path, killed := killAt(t, n)
		if !killed {
			break
		}
		kills++
		t.Logf("killed at sync %d, of %s", n, path)
	}
	if kills*stride < 60 {
		t.Errorf("only %d kills", kills)
	}
}

// killAt tells the story to a new ledger that is killed at its nth sync.
func killAt(t *testing.T, n int) (path string, killed bool) {
	dir, s := t.TempDir(), newStory()
	p, g := startGated(t, dir, killingAt(n))
	if p.base != "" {
		_, _ = s.tell(p)
		p.stopAnyhow()
	}
	if seen := g.syncs(); len(seen) >= n {
		path, killed = seen[n-1], true
	}
	if n%2 == 0 { // and once more, while it recovers
		p, _ := startGated(t, dir, killingAt(1+rand.IntN(8)))
		if p.base != "" {
			_, _ = s.tell(p)
		}
		p.kill()
	}
	s.mustHold(t, dir)
	return path, killed
}

// killingAt decides to kill at the nth sync.
func killingAt(n int) func(int, string) verdict {
	return func(i int, _ string) verdict {
		if i == n {
			return kill
		}
		return pass
	}
}
