package pgserver

import (
	"context"
	"fmt"
	"os"
	"testing"

	"github.com/supportledger/supportledger/internal/lacking"
	"github.com/supportledger/supportledger/internal/ownaddress"
)

// forTests are settings of a server that need not survive a power cut, and of
// which several may run at once; it listens on a port of its own, too.
const forTests = `
listen_addresses = '127.0.0.1'
port = %d
max_connections = 200
fsync = off
full_page_writes = off
shared_buffers = 128MB
max_wal_size = 4GB
jit = off
autovacuum_naptime = 5s
`

// Start starts a server for one test. Settings "" are those of ForTests. Where
// PostgreSQL is missing the test is skipped, and fails where CI=true.
func Start(t testing.TB, settings string) *Server {
	t.Helper()
	Need(t)
	// The tests' own folders are closed to the user that PostgreSQL runs as.
	dir, err := os.MkdirTemp("", "pg-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	p, err := start(t.Context(), dir, settings)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Stop(); err != nil {
			t.Error(err)
		}
	})
	return p
}

// Need skips a test where PostgreSQL is missing, and fails it where CI=true.
func Need(t testing.TB) {
	t.Helper()
	if _, err := Find(); err != nil {
		lacking.Here(t, err.Error())
	}
}

// ForTests starts a server for all tests of a package, in a folder that it makes:
// t.TempDir is closed to the user that PostgreSQL runs as. The caller stops it and
// removes the folder.
func ForTests(ctx context.Context, dir string) (*Server, error) { return start(ctx, dir, "") }

func start(ctx context.Context, dir, settings string) (*Server, error) {
	port := 5432
	if settings == "" {
		at, err := ownaddress.Find(1)
		if err != nil {
			return nil, err
		}
		port = int(at[0].Port())
		settings = fmt.Sprintf(forTests, port)
	}
	if err := os.MkdirAll(dir, 0o711); err != nil {
		return nil, err
	}
	if err := os.Chmod(dir, 0o711); err != nil {
		return nil, err
	}
	p, err := Create(ctx, dir, settings)
	if err != nil {
		return nil, err
	}
	p.Port = port
	return p, p.Start(ctx)
}
