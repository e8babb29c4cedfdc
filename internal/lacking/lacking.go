// Package lacking is for tests that cannot run everywhere.
package lacking

import (
	"os"
	"testing"
)

// Here ends a test that cannot run here, and says why: it is skipped on a laptop,
// and fails where CI=true, so that nothing is left out there.
func Here(t testing.TB, why string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatalf("CI must run this: %s", why)
	}
	t.Skip(why)
}
