package vault

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/internal/pgserver"
	"github.com/supportledger/supportledger/internal/postgres"
)

// A home is where keys of people lie in a test. What holds in one holds in all.
type home struct {
	keeper
	reopen  func(t testing.TB)                       // as after a restart
	content func(t testing.TB) []byte                // what can be found of it
	secret  func(t testing.TB, who uuid.UUID) []byte // a person's key
	keys    func(t testing.TB) int                   // how many were ever made
}

type keeper interface {
	People
	Close() error
}

// onEach runs a test wherever keys may lie. Where PostgreSQL is not installed that
// part is skipped, and fails in CI.
func onEach(t *testing.T, test func(*testing.T, *home)) {
	t.Run("file", func(t *testing.T) { test(t, fileHome(t)) })
	t.Run("PostgreSQL", func(t *testing.T) { test(t, databaseHome(t)) })
}

func fileHome(t testing.TB) *home {
	p, path := newPeople(t)
	h := &home{keeper: p}
	h.reopen = func(t testing.TB) { p = reopen(t, p, path); h.keeper = p }
	h.content = func(t testing.TB) []byte { return readFile(t, path) }
	h.keys = func(t testing.TB) int { return len(readFile(t, path))/unitLen - 1 }
	h.secret = func(t testing.TB, who uuid.UUID) []byte {
		for n := range uint32(h.keys(t)) {
			at := slotOffset(n)
			s, err := parseSlot(readFile(t, path)[at : at+unitLen])
			must(t, err)
			if s.person == who {
				return s.secret[:]
			}
		}
		t.Fatal("the person has no key")
		return nil
	}
	return h
}

// testLease is short, since whoever erases waits for its end.
const testLease = 100 * time.Millisecond

func databaseHome(t testing.TB) *home {
	t.Helper()
	pgserver.Need(t)
	p, err := server()
	must(t, err)
	return databaseHomeAt(t, schemaIn(t, p))
}

func databaseHomeAt(t testing.TB, at *postgres.Database) *home {
	t.Helper()
	keys := Generate()
	made, err := CreatePeopleDatabase(t.Context(), at, keys)
	must(t, err)
	must(t, made.Close())
	h := &home{keeper: made}
	h.reopen = func(t testing.TB) {
		must(t, h.Close())
		p := newPeopleDatabase(at, testLease)
		must(t, p.begin(t.Context(), keys))
		h.keeper = p
		t.Cleanup(func() { _ = p.Close() })
	}
	h.reopen(t)
	look := at.Pool()
	t.Cleanup(func() { _ = look.Close() })
	h.content = func(t testing.TB) []byte {
		var all bytes.Buffer
		each(t, look, "SELECT person, id, COALESCE(secret, '') FROM people", func(person, id, secret []byte) {
			all.Write(secret)
		})
		return all.Bytes()
	}
	h.keys = func(t testing.TB) (n int) {
		each(t, look, "SELECT person, id, secret FROM people", func(_, _, _ []byte) { n++ })
		return n
	}
	h.secret = func(t testing.TB, who uuid.UUID) (found []byte) {
		each(t, look, "SELECT person, id, secret FROM people", func(person, _, secret []byte) {
			if bytes.Equal(person, who[:]) {
				found = secret
			}
		})
		return found
	}
	return h
}

func each(t testing.TB, db *sql.DB, text string, take func(person, id, secret []byte)) {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), text)
	must(t, err)
	defer rows.Close()
	for rows.Next() {
		var person, id, secret []byte
		must(t, rows.Scan(&person, &id, &secret))
		take(person, id, secret)
	}
	must(t, rows.Err())
}

// schemaIn is a new schema.
func schemaIn(t testing.TB, p *pgserver.Server) *postgres.Database {
	t.Helper()
	name := "people_" + uuid.NewString()[:8]
	conn, err := p.Connect(t.Context())
	must(t, err)
	_, err = conn.Exec(t.Context(), "CREATE SCHEMA "+name)
	must(t, errors.Join(err, conn.Close(t.Context())))
	at, err := postgres.Parse(p.URL() + "&search_path=" + name)
	must(t, err)
	return at
}

func serverDir() string { return filepath.Join(os.TempDir(), fmt.Sprint("pg-vault-", os.Getpid())) }

// server is the PostgreSQL of all tests.
var server = sync.OnceValues(func() (*pgserver.Server, error) {
	return pgserver.ForTests(context.Background(), serverDir())
})

func TestMain(m *testing.M) {
	code := m.Run()
	if err := stopServer(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

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

func TestR47_ATextOpensForItsPersonOnly(t *testing.T) { onEach(t, testR47_ATextOpensForItsPersonOnly) }

func testR47_ATextOpensForItsPersonOnly(t *testing.T, p *home) {
	box := seal(t, p, 1, "Budi Santoso")
	if got := open(t, p, 1, box); got != "Budi Santoso" {
		t.Errorf("opened %q", got)
	}
	if bytes.Contains(box, []byte("Budi")) || len(box) != len("Budi Santoso")+boxOverhead {
		t.Errorf("box of %d bytes", len(box))
	}
	seal(t, p, 2, "another")
	_, err := p.Open(t.Context(), person(2), box)
	wantIs(t, err, ErrErased)
	_, err = p.Open(t.Context(), person(3), box)
	wantIs(t, err, ErrErased)
}

func TestR47_AnAlteredBoxDoesNotOpen(t *testing.T) { onEach(t, testR47_AnAlteredBoxDoesNotOpen) }

func testR47_AnAlteredBoxDoesNotOpen(t *testing.T, p *home) {
	box := seal(t, p, 1, "text")
	for n := range box {
		altered := bytes.Clone(box)
		altered[n] ^= 1
		if _, err := p.Open(t.Context(), person(1), altered); err == nil {
			t.Fatalf("opened with byte %d altered", n)
		}
		if _, err := p.Open(t.Context(), person(1), box[:n]); err == nil {
			t.Fatalf("opened with %d of %d bytes", n, len(box))
		}
	}
}

func TestR47_KeysSurviveARestart(t *testing.T) { onEach(t, testR47_KeysSurviveARestart) }

func testR47_KeysSurviveARestart(t *testing.T, p *home) {
	boxes := make([][]byte, 300)
	for n := range boxes {
		boxes[n] = seal(t, p, n, fmt.Sprint("text ", n))
	}
	p.reopen(t)
	for n, box := range boxes {
		if got := open(t, p, n, box); got != fmt.Sprint("text ", n) {
			t.Fatalf("person %d: %q", n, got)
		}
	}
}

func TestR47_ErasingLeavesNoKeyByte(t *testing.T) { onEach(t, testR47_ErasingLeavesNoKeyByte) }

func testR47_ErasingLeavesNoKeyByte(t *testing.T, p *home) {
	kept, box := seal(t, p, 1, "kept"), seal(t, p, 2, "forgotten")
	secret := p.secret(t, person(2))
	if !bytes.Contains(p.content(t), secret) {
		t.Fatal("the key is not where the test looks for it")
	}
	ids, err := p.Erase(t.Context(), person(2))
	must(t, err)
	if len(ids) != 1 || ids[0] != KeyID(box) {
		t.Errorf("erased %v, the box names %x", ids, box[:8])
	}
	for range 2 {
		if bytes.Contains(p.content(t), secret[:4]) {
			t.Error("the file still holds the key")
		}
		_, err := p.Open(t.Context(), person(2), box)
		wantIs(t, err, ErrErased)
		if got := open(t, p, 1, kept); got != "kept" {
			t.Errorf("another person's text: %q", got)
		}
		p.reopen(t)
	}
}

func TestR47_WhoComesAgainHasANewKey(t *testing.T) { onEach(t, testR47_WhoComesAgainHasANewKey) }

func testR47_WhoComesAgainHasANewKey(t *testing.T, p *home) {
	old := seal(t, p, 1, "old")
	ids, err := p.Erase(t.Context(), person(1))
	must(t, err)
	box := seal(t, p, 1, "new")
	for range 2 {
		if got := open(t, p, 1, box); got != "new" {
			t.Errorf("opened %q", got)
		}
		_, err := p.Open(t.Context(), person(1), old)
		wantIs(t, err, ErrErased)
		must(t, p.EraseKeys(t.Context(), person(1), ids)) // a restart repeats it
		p.reopen(t)
	}
	if now := keysOf(t, p, 1); len(now) != 1 || now[0] == ids[0] {
		t.Errorf("keys %v after %v", now, ids)
	}
}

func TestR47_ErasingTwiceIsErasingOnce(t *testing.T) { onEach(t, testR47_ErasingTwiceIsErasingOnce) }

func testR47_ErasingTwiceIsErasingOnce(t *testing.T, p *home) {
	seal(t, p, 1, "text")
	ids := keysOf(t, p, 1)
	for range 2 {
		must(t, p.EraseKeys(t.Context(), person(1), ids))
		if now := keysOf(t, p, 1); len(now) != 0 {
			t.Errorf("keys left: %v", now)
		}
	}
	if again, err := p.Erase(t.Context(), person(1)); err != nil || len(again) != 0 {
		t.Errorf("erased %v, %v", again, err)
	}
	must(t, p.EraseKeys(t.Context(), person(9), ids))
}

func TestR47_CallersAtOnceMakeOneKey(t *testing.T) { onEach(t, testR47_CallersAtOnceMakeOneKey) }

func testR47_CallersAtOnceMakeOneKey(t *testing.T, p *home) {
	boxes := make([][]byte, 64)
	atOnce(len(boxes), func(n int) { boxes[n], _ = p.Seal(t.Context(), person(1), []byte("text")) })
	for _, box := range boxes {
		if got := open(t, p, 1, box); got != "text" {
			t.Errorf("opened %q", got)
		}
	}
	if n := p.keys(t); n != 1 {
		t.Errorf("%d keys were made", n)
	}
}

func TestR47_SealingAndErasingAtOnce(t *testing.T) { onEach(t, testR47_SealingAndErasingAtOnce) }

func testR47_SealingAndErasingAtOnce(t *testing.T, p *home) {
	boxes := make([][]byte, 400)
	atOnce(len(boxes), func(n int) {
		var err error
		if boxes[n], err = p.Seal(t.Context(), person(n%3), []byte("text")); err != nil {
			t.Error(err)
		}
		if n%7 == 0 {
			if _, err := p.Erase(t.Context(), person(n%3)); err != nil {
				t.Error(err)
			}
		}
	})
	before := make([]error, len(boxes))
	for n, box := range boxes {
		_, before[n] = p.Open(t.Context(), person(n%3), box)
		if before[n] != nil && !errors.Is(before[n], ErrErased) {
			t.Fatal(before[n])
		}
	}
	p.reopen(t)
	for n, box := range boxes {
		if _, err := p.Open(t.Context(), person(n%3), box); errors.Is(err, ErrErased) != (before[n] != nil) {
			t.Fatalf("box %d: %v before, %v after the restart", n, before[n], err)
		}
	}
}

func TestR47_AfterClosingNothingIsMade(t *testing.T) { onEach(t, testR47_AfterClosingNothingIsMade) }

func testR47_AfterClosingNothingIsMade(t *testing.T, p *home) {
	must(t, p.Close())
	must(t, p.Close())
	_, err := p.Seal(t.Context(), person(1), nil)
	wantIs(t, err, ErrClosed)
	_, err = p.Erase(t.Context(), person(1))
	wantIs(t, err, ErrClosed)
}

func TestR47_NothingPrintsAPersonsKey(t *testing.T) { onEach(t, testR47_NothingPrintsAPersonsKey) }

func testR47_NothingPrintsAPersonsKey(t *testing.T, p *home) {
	seal(t, p, 1, "text")
	var out bytes.Buffer
	slog.New(slog.NewTextHandler(&out, nil)).Info("people", "people", p)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%d", "%x"} {
		fmt.Fprintf(&out, verb+"\n", p)
		fmt.Fprintf(&out, verb+"\n", []any{p})
	}
	wantNoTrace(t, out.String(), p.secret(t, person(1)))
}
