package projections

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/supportledger/supportledger/internal/pgserver"
	"github.com/supportledger/supportledger/internal/postgres"
)

// An engine is a database that rows may lie in.
type engine string

const (
	onFile   engine = "SQLite"
	onServer engine = "PostgreSQL"
)

// onEach runs a test on every database. Where PostgreSQL is not installed that
// part is skipped, and fails in CI.
func onEach(t *testing.T, test func(*testing.T, engine)) {
	t.Run(string(onFile), func(t *testing.T) { test(t, onFile) })
	t.Run(string(onServer), func(t *testing.T) {
		pgserver.Need(t)
		test(t, onServer)
	})
}

// at puts rows into a database: for each folder another one.
func (on engine) at(t testing.TB, c Config) Config {
	t.Helper()
	return at(t, c, on.url(t, c.Dir))
}

// at puts rows where a URL says; "" for a file.
func at(t testing.TB, c Config, url string) Config {
	t.Helper()
	if url != "" {
		var err error
		c.Database, err = postgres.Parse(url)
		must(t, err)
	}
	return c
}

// url is where the rows of a folder are, in a schema that is made if there is
// none; "" for a file.
func (on engine) url(t testing.TB, dir string) string {
	t.Helper()
	if on == onFile {
		return ""
	}
	p, err := server()
	must(t, err)
	at, err := schemaOf(t.Context(), p, dir)
	must(t, err)
	return at
}

func schemaOf(ctx context.Context, p *pgserver.Server, dir string) (string, error) {
	name := fmt.Sprintf("rows_%x", sha256.Sum256([]byte(dir)))[:20]
	conn, err := p.Connect(ctx)
	if err != nil {
		return "", err
	}
	_, err = conn.Exec(ctx, "CREATE SCHEMA IF NOT EXISTS "+name)
	return p.URL() + "&search_path=" + name, errors.Join(err, conn.Close(ctx))
}

// serverDir is where the server of all tests lies.
func serverDir() string {
	return filepath.Join(os.TempDir(), fmt.Sprint("pg-projections-", os.Getpid()))
}

// server is the PostgreSQL of all tests.
var server = sync.OnceValues(func() (*pgserver.Server, error) {
	return pgserver.ForTests(context.Background(), serverDir())
})

// stopServer ends the server, if a test has started it.
func stopServer() error {
	if _, err := os.Stat(serverDir()); err != nil {
		return nil
	}
	p, err := server()
	if err != nil {
		return errors.Join(err, os.RemoveAll(serverDir()))
	}
	return errors.Join(p.Stop(), os.RemoveAll(serverDir()))
}

// raw executes a statement beside the projections.
func (s *Set) raw(t *testing.T, text string) sql.Result {
	t.Helper()
	s.db.writing.Lock()
	defer s.db.writing.Unlock()
	must(t, s.db.openWriter(t.Context()))
	r, err := s.db.writer.conn.ExecContext(t.Context(), text)
	must(t, err)
	return r
}
