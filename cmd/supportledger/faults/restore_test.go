//go:build linux

package faults_test

import (
	"context"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/supportledger/supportledger/eventstore/storetest"
)

// R45: wherever a restore is killed, no ledger can be started in its place, and
// restoring once more does the whole of it; or everything is in place already.
func TestR45_ARestoreThatWasKilledIsAskedForAgain(t *testing.T) {
	t.Parallel()
	dir, copied, s := t.TempDir(), filepath.Join(t.TempDir(), "copy"), newStory()
	p := launch(t, dir)
	_, got := s.tell(p)
	got.must(t)
	p.stop()
	path, err := binary()
	must(t, err)
	run := func(args ...string) (string, error) {
		ctx, cancel := context.WithTimeout(t.Context(), tooLong)
		defer cancel()
		out, err := exec.CommandContext(ctx, path, args...).CombinedOutput()
		return string(out), err
	}
	if out, err := run("backup", "--data", dir, "--to", copied); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	_, whole := verify(t, dir)
	kills, stride := 0, storetest.Rounds(6, 1)
	for n := 1 + rand.IntN(stride); ; n += stride {
		to := filepath.Join(t.TempDir(), "restored")
		restore := []string{"restore", "--from", copied, "--data", to, "--people", filepath.Join(dir, "people")}
		p, g := behindGate(t, to, exec.Command(path, restore...), killingAt(n))
		if len(g.syncs()) < n { // it came to its end
			s.mustHold(t, to)
			break
		}
		kills++
		if _, err := os.Stat(filepath.Join(to, "store")); err != nil {
			if out, err := run("serve", "--data", to, "--dev", "--listen", "127.0.0.1:0"); err == nil || !strings.Contains(out, "restore") {
				t.Fatalf("killed at sync %d, %s: serving says %v\n%s", n, g.syncs()[n-1], err, out)
			}
			if out, err := run(restore...); err != nil {
				t.Fatalf("killed at sync %d, %s: %v\n%s", n, g.syncs()[n-1], err, out)
			}
		}
		if _, got := verify(t, to); got != whole {
			t.Errorf("killed at sync %d, %s: verify says\n%s\nwant\n%s\n%s", n, g.syncs()[n-1], got, whole, p.said)
		}
	}
	if kills*stride < 20 {
		t.Errorf("only %d kills", kills)
	}
}
