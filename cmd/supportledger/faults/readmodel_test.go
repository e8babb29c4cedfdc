//go:build linux

package faults_test

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

// shape is where the rows say which shape the read model of erasures has.
var shape = regexp.MustCompile(`erasureserasures_[0-9]+([0-9a-f]{16})current`)

// R45: a ledger whose read models are of another shape, after an upgrade or
// because a bit flipped, starts and makes them anew.
func TestR45_AReadModelOfAnotherShapeIsMadeAnew(t *testing.T) {
	t.Parallel()
	dir, s := t.TempDir(), newStory()
	p := launch(t, dir)
	if key, got := s.tell(p); key != "" {
		t.Fatalf("%s: %v", key, got)
	}
	p.stop()
	rows := filepath.Join(dir, "read", "rows.db")
	body, err := os.ReadFile(rows)
	must(t, err)
	found := shape.FindAllSubmatchIndex(body, -1)
	if len(found) == 0 {
		t.Fatal("the rows do not say where the shape is")
	}
	for _, at := range found {
		body[at[2]] ^= 1
	}
	must(t, os.WriteFile(rows, body, 0o600))
	s.mustHold(t, dir)
}
