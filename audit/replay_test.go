package audit

import (
	"strings"
	"testing"
)

// A history that the domain cannot even follow is a finding, not a crash.
func TestAPanicInReplayIsAFinding(t *testing.T) {
	var none map[string][]int
	w := replaying(func() *wrong { return breaks(LawReplays, "%d", none["nothing"][3]) })
	if w == nil || w.law != LawReplays || !strings.Contains(w.found, "index out of range") {
		t.Errorf("found %+v", w)
	}
}
