package pgserver

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"testing"
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
	p, stop, err := start(t.Context(), settings)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
	return p
}

// Need skips a test where PostgreSQL is missing, and fails it where CI=true.
func Need(t testing.TB) {
	t.Helper()
	if _, err := Find(); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
}

// ForTests starts a server that all tests of a package share; stop removes it.
func ForTests(ctx context.Context) (p *Server, stop func() error, err error) { return start(ctx, "") }

func start(ctx context.Context, settings string) (_ *Server, stop func() error, err error) {
	port := 5432
	if settings == "" {
		if port, err = freePort(); err != nil {
			return nil, nil, err
		}
		settings = fmt.Sprintf(forTests, port)
	}
	// The tests' own folders are closed to the user that PostgreSQL runs as.
	dir, err := os.MkdirTemp("", "pg-")
	if err != nil {
		return nil, nil, err
	}
	remove := func() error { return os.RemoveAll(dir) }
	if err := os.Chmod(dir, 0o711); err != nil {
		return nil, nil, errors.Join(err, remove())
	}
	p, err := Create(ctx, dir, settings)
	if err != nil {
		return nil, nil, errors.Join(err, remove())
	}
	p.Port = port
	if err := p.Start(ctx); err != nil {
		return nil, nil, errors.Join(err, remove())
	}
	return p, func() error { return errors.Join(p.Stop(), remove()) }, nil
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	return l.Addr().(*net.TCPAddr).Port, l.Close()
}
