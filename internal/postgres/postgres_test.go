package postgres

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/supportledger/supportledger/internal/pgserver"
)

// Whatever is wrong with a URL, and whatever prints one, the password is not
// told.
func TestR3_noPasswordIsTold(t *testing.T) {
	for _, text := range []string{
		"postgres://ledger:hunter2@db.example.com/rows", "postgres://ledger:hunter2@db.example.com:notaport/rows",
		"postgres://ledger:hunter2@[::1/rows", "postgres://ledger:hunter2%zz@db/rows", "postgres://ledger:hun\x7fhunter2@db/rows",
		"postgres://db/rows?user=ledger&password=hunter2&sslmode=perhaps", "postgres://ledger:hunter2 @db/rows",
		"postgres://ledger:@hunter2:@db/rows", "postgres://ledger:hunter2@db:1:2/rows", "postgres://ledger:a/hunter2@db/rows",
		"postgres://ledger:a?hunter2@db/rows", "postgres://ledger:a#hunter2@db/rows?connect_timeout=hunter2",
		"host=db password=hunter2", "postgresql://ledger:hunter2@db/rows?sslmode=verify-full&sslrootcert=/none/hunter2", "hunter2",
	} {
		d, err := Parse(text)
		var told bytes.Buffer
		fmt.Fprintln(&told, err)
		if err == nil {
			slog.New(slog.NewTextHandler(&told, nil)).Info("database", "database", d)
			for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%d", "%q"} {
				fmt.Fprintf(&told, verb+"\n", d)
				fmt.Fprintf(&told, verb+"\n", []any{d})
			}
		}
		if strings.Contains(told.String(), "hunter2") {
			t.Errorf("%q is told as %s", text, told.String())
		}
	}
	d, err := Parse("postgres://ledger:hunter2@127.0.0.1:1/rows?connect_timeout=1")
	if err != nil {
		t.Fatal(err)
	}
	pool := d.Pool()
	defer pool.Close()
	if err := pool.PingContext(t.Context()); !Away(err) || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("connecting says %v", err)
	}
}

func TestNames(t *testing.T) {
	for text, want := range map[string]string{
		"postgres://ledger:x@db.example.com/rows":        "postgres://ledger@db.example.com:5432/rows",
		"postgresql://a@/b?host=%2Frun%2Fpg":             "postgres://a@/run/pg/b",
		"postgres://a@[::1]:77/b?search_path=ledger_one": "postgres://a@[::1]:77/b?search_path=ledger_one",
	} {
		if d, err := Parse(text); err != nil || d.String() != want {
			t.Errorf("%s is named %v (%v), want %s", text, d, err, want)
		}
	}
}

// An outage is told from what will not pass by itself.
func TestAway(t *testing.T) {
	p := pgserver.Start(t, "")
	d, err := Parse(p.URL())
	if err != nil {
		t.Fatal(err)
	}
	pool := d.Pool("SET search_path = public", "SET timezone = 'UTC'")
	defer pool.Close()
	ask := func(text string, args ...any) error {
		var n int
		return pool.QueryRowContext(t.Context(), text, args...).Scan(&n)
	}
	if err := ask("SELECT $1::int", 7); err != nil {
		t.Fatal(err)
	}
	if err := ask("SELECT n FROM nothing"); Away(err) || !NoSuchTable(err) {
		t.Errorf("a missing table is %v", err)
	}
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := pool.ExecContext(canceled, "SELECT 1"); Away(err) || !errors.Is(err, context.Canceled) {
		t.Errorf("a caller that has left is told %v", err)
	}
	nobody, err := Parse(strings.Replace(p.URL(), "/postgres?", "/nowhere?", 1))
	if err != nil {
		t.Fatal(err)
	}
	none := nobody.Pool()
	defer none.Close()
	if err := none.PingContext(t.Context()); err == nil || Away(err) {
		t.Errorf("a database that there is not is %v", err)
	}
	conn, err := pool.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := Raw(conn, func(c *pgx.Conn) error { return c.Ping(t.Context()) }); err != nil {
		t.Error(err)
	}
	if err := p.Crash(t.Context()); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if _, err := conn.ExecContext(t.Context(), "SELECT 1"); !Away(err) {
			t.Errorf("on a cut connection one is told %v", err)
		}
		if err := ask("SELECT 1"); !Away(err) {
			t.Errorf("while the server is down one is told %v", err)
		}
	}
	if err := p.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := ask("SELECT 1"); err != nil {
		t.Errorf("when it is back one is told %v", err)
	}
}
