package projections

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"modernc.org/sqlite"
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
}

func sqliteDialect() dialect {
	return dialect{
		types:        strings.NewReplacer("{key}", "INTEGER", "{bytes}", "BLOB", "{clustered}", " WITHOUT ROWID", "{, seq}", ""),
		begin:        "BEGIN IMMEDIATE",
		reading:      "BEGIN",
		placeholders: func(text string) string { return text },
		check:        "PRAGMA integrity_check('%s')",
		damaged:      sqliteDamaged,
	}
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
	db, err := newDatabase(ctx, sqliteDialect(), file, writes, reads, readers)
	if err != nil {
		return nil, err
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
