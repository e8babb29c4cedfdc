package lacking

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// NodeClient ends a test where programs for Node with the official EventStoreDB client
// cannot run. They run in the folder, which is examples/reader/node.
func NodeClient(t testing.TB, folder string) {
	t.Helper()
	_, err := exec.LookPath("node")
	if err == nil {
		_, err = os.Stat(filepath.Join(folder, "node_modules", "@eventstore", "db-client"))
	}
	if err != nil {
		Here(t, fmt.Sprintf("the Node program cannot run: %v (Debian: apt-get install nodejs npm; then npm ci in examples/reader/node)", err))
	}
}
