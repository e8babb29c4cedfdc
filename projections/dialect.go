package projections

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"modernc.org/sqlite"

	"github.com/supportledger/supportledger/internal/postgres"
)

// A dialect is everything in which one database differs from another. The rest
// of the package writes SQL that all of them read, with ? for arguments and
// these words in the definitions of tables:
//
//	{key}        a whole number that is the row's own key
//	{bytes}      a string of bytes
//	{clustered}  after a table: its rows lie in the order of its key
//	{, seq}      at the end of an index: and then by the row's own key
type dialect struct {
	types *strings.Replacer
	// begin opens a transaction that will write. It is only ever asked of the
	// one connection that writes.
	begin string
	// reading opens a transaction whose reads all see one moment.
	reading string
	// placeholders writes the arguments of a statement as the database wants them.
	placeholders func(text string) string
	// check asks whether a table and its indexes agree; the answer is "ok". ""
	// where the database looks after that itself.
	check string
	// damaged says that an error is about bytes that are not what was written.
	damaged func(error) bool

	// shared says that other processes write the same rows; what follows is for
	// that.
	shared bool
	// tables are definitions beside checkpoints.
	tables []string
	// alone are statements after which nobody else changes which tables there are
	// until the transaction ends.
	alone []string
	// brief bounds what a statement waits for readers.
	brief string
	// holding ends a SELECT whose rows nobody else may change until the transaction
	// ends: it leaves out what somebody else holds. waiting waits for those.
	holding, waiting string
	// tell says something to whoever hears.
	tell string
	// away says that the database cannot be reached now; gone that a table is not
	// there, which somebody else may have dropped since its name was read;
	// contended that a statement gave way to somebody else's.
	away, gone, contended func(error) bool
	// pipelined says that statements whose results nobody needs are sent together.
	pipelined bool
	// cursors says that an answer is computed as a whole, however little of it is
	// read, unless it is fetched in portions.
	cursors bool
}

func never(error) bool { return false }

func sqliteDialect() dialect {
	return dialect{
		types:        strings.NewReplacer("{key}", "INTEGER", "{bytes}", "BLOB", "{clustered}", " WITHOUT ROWID", "{, seq}", ""),
		begin:        "BEGIN IMMEDIATE",
		reading:      "BEGIN",
		placeholders: func(text string) string { return text },
		check:        "PRAGMA integrity_check('%s')",
		damaged:      sqliteDamaged,
		away:         never,
		gone:         never,
		contended:    never,
	}
}

// postgresDialect is for rows that several nodes share. Texts are compared by
// their bytes, as SQLite does, whatever the database's own idea is.
func postgresDialect() dialect {
	return dialect{
		types: strings.NewReplacer("{key}", "BIGINT", "{bytes}", "BYTEA", "{clustered}", "", "{, seq}", ", seq", "TEXT", `TEXT COLLATE "C"`),
		// Each statement sees what was committed when it began: what it waited for, too.
		begin:        "BEGIN ISOLATION LEVEL READ COMMITTED",
		reading:      "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
		placeholders: numbered,
		damaged:      func(err error) bool { return errors.Is(err, errMarked) },
		shared:       true,
		tables: []string{
			`CREATE TABLE IF NOT EXISTS uses (projection TEXT NOT NULL, version BIGINT NOT NULL, digest TEXT NOT NULL,
				used_at TIMESTAMPTZ NOT NULL, PRIMARY KEY (projection, version, digest))`,
		},
		alone: []string{
			"SET LOCAL lock_timeout = '10s'",
			"SELECT pg_advisory_xact_lock(hashtext('supportledger rows'), hashtext(current_schema()))",
		},
		brief:     "SET LOCAL lock_timeout = '2s'", // after one, autovacuum gives way
		holding:   " FOR UPDATE SKIP LOCKED",
		waiting:   " FOR UPDATE",
		tell:      "SELECT pg_notify('" + channel + "', current_schema()::text || ' ' || ?)",
		away:      postgres.Away,
		gone:      postgres.NoSuchTable,
		contended: postgres.Contended,
		pipelined: true,
		cursors:   true,
	}
}

// channel is where nodes tell each other about the rows of their schema.
const channel = "supportledger_rows"

// numbered writes $1, $2, ... for ?.
func numbered(text string) string {
	var out strings.Builder
	n := 0
	for {
		before, after, found := strings.Cut(text, "?")
		out.WriteString(before)
		if !found {
			return out.String()
		}
		n++
		out.WriteString("$" + strconv.Itoa(n))
		text = after
	}
}

// Settings of PostgreSQL's connections. Tables grow from nothing faster than the
// database notices, so it is told that rows are found by their indexes. A node
// that stops in the middle of a transaction does not keep its rows from the
// others for longer than half a minute.
const (
	postgresPlans   = "SET enable_seqscan = off; SET jit = off" // which a plan without an index would call for
	postgresPatient = "SET idle_in_transaction_session_timeout = '30s'"
	postgresEager   = "SET cursor_tuple_fraction = 0.001" // of an answer only the first rows are read
	postgresReaders = 8
)

// openPostgres prepares for the rows that nodes share. It connects when something
// is asked: the database need not be there yet.
func openPostgres(at *postgres.Database) *database {
	writes := at.Pool(postgresPlans, postgresPatient)
	reads := at.Pool(postgresPlans, postgresEager)
	db := newDatabase(postgresDialect(), at.String(), writes, reads, postgresReaders)
	reads.SetMaxOpenConns(postgresReaders + 1) // and one that hears
	return db
}

// SQLite's result codes for a file that is damaged, or is none of its own.
const (
	sqliteCorrupt = 11
	sqliteNotADB  = 26
)

// errMarked says that rows were found damaged while they were in use.
var errMarked = errors.New("the rows were found damaged")

func sqliteDamaged(err error) bool {
	if errors.Is(err, errMarked) {
		return true
	}
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return false
	}
	code := e.Code() & 0xff
	return code == sqliteCorrupt || code == sqliteNotADB
}

// sqliteMark is a file beside a database that was found damaged: what is in it
// must not be used any more.
const sqliteMark = "damaged"

func markSQLite(dir string) error {
	if err := os.WriteFile(filepath.Join(dir, sqliteMark), nil, 0o600); err != nil {
		return fmt.Errorf("mark rows as damaged: %w", err)
	}
	return nil
}

// Pragmas of every connection. With a write-ahead log and synchronous=NORMAL a
// power cut may take the last transactions, never half of one: rows and
// checkpoint go back together, and the log brings them again
// (docs/decisions/projections.md).
const (
	sqliteFile = "rows.db"
	readers    = 4
	walPages   = 16_000 // of 4 KiB, after which the write-ahead log is moved into the file
)

// openSQLite opens the database in a folder: one connection that writes, some
// that read.
func openSQLite(ctx context.Context, dir string, cacheBytes int64) (*database, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make folder: %w", err)
	}
	if _, err := os.Stat(filepath.Join(dir, sqliteMark)); err == nil {
		return nil, errMarked
	}
	file := filepath.Join(dir, sqliteFile)
	// A cached page of 4 KiB, with what is known about it, takes 8 KiB of the
	// driver's memory. The writer gets three quarters.
	quarter := max(cacheBytes/2/4>>10, 256)
	writes, err := sql.Open("sqlite", sqliteName(file, 3*quarter, false))
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", file, err)
	}
	reads, err := sql.Open("sqlite", sqliteName(file, quarter/readers, true))
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", file, err)
	}
	db := newDatabase(sqliteDialect(), file, writes, reads, readers)
	if err := db.openWriter(ctx); err != nil {
		return nil, errors.Join(err, db.close())
	}
	if err := db.holdMemory(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("open %s: %w", file, err), db.close())
	}
	return db, nil
}

// holdMemory keeps some memory of the sizes that SQLite takes and gives back each
// time it splits a page. The driver's allocator asks the system for such a piece
// and returns it every time, unless another of its size is in use, as by the
// long text of a statement that nobody executes. That was a seventh of the time
// that writing took.
func (db *database) holdMemory(ctx context.Context) error {
	for _, size := range []int{3 << 10, 6 << 10, 12 << 10} {
		s, err := db.writer.conn.PrepareContext(ctx, "SELECT 1"+strings.Repeat(" ", size))
		if err != nil {
			return err
		}
		db.held = append(db.held, s)
	}
	return nil
}

// sqliteName is the data source name of a file.
func sqliteName(file string, cacheKiB int64, readOnly bool) string {
	q := url.Values{}
	for _, pragma := range []string{
		"busy_timeout(10000)", "journal_mode(WAL)", "synchronous(NORMAL)", "foreign_keys(OFF)", "temp_store(MEMORY)",
		fmt.Sprintf("cache_size(-%d)", cacheKiB), fmt.Sprintf("wal_autocheckpoint(%d)", walPages), "journal_size_limit(67108864)",
	} {
		q.Add("_pragma", pragma)
	}
	if readOnly {
		q.Add("_pragma", "query_only(ON)")
	}
	return (&url.URL{Scheme: "file", OmitHost: true, Path: file, RawQuery: q.Encode()}).String()
}

// removeSQLite deletes the database of a folder, which nobody has open.
func removeSQLite(dir string) error {
	var all error
	for _, name := range []string{sqliteFile, sqliteFile + "-wal", sqliteFile + "-shm", sqliteMark} {
		if err := os.Remove(filepath.Join(dir, name)); err != nil && !errors.Is(err, os.ErrNotExist) {
			all = errors.Join(all, err)
		}
	}
	return all
}
