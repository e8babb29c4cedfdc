package projections

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"time"
)

// A database is where rows lie: one connection that writes, some that read.
type database struct {
	*dialect
	name   string // the file, or where it is without the password
	writes *sql.DB
	reads  *sql.DB
	idle   chan *connection // that read; nil stands for one that is to be opened

	// writing is held for a transaction that writes; it guards the writer.
	writing sync.Mutex
	writer  connection
	held    []*sql.Stmt // never executed: see holdMemory
}

func newDatabase(d dialect, name string, writes, reads *sql.DB, readers int) *database {
	db := &database{dialect: &d, name: name, writes: writes, reads: reads, idle: make(chan *connection, readers)}
	db.writer.dialect = db.dialect
	writes.SetMaxOpenConns(1)
	reads.SetMaxOpenConns(readers)
	for range readers {
		db.idle <- nil
	}
	return db
}

// openWriter opens the connection that writes, unless it is open. The caller holds
// writing.
func (db *database) openWriter(ctx context.Context) error {
	if db.writer.conn != nil {
		return nil
	}
	conn, err := db.writes.Conn(ctx)
	if err != nil {
		return db.unopened(err)
	}
	db.writer.conn = conn
	return nil
}

// ErrUnavailable says that the database with the rows cannot be reached now. What
// was asked for was not done, and may be asked for again.
var ErrUnavailable = errors.New("the database with the lists cannot be reached")

// unopened is why there is no connection. In a database that others look after,
// whatever it is may pass.
func (db *database) unopened(err error) error {
	if db.shared {
		return fmt.Errorf("%w: open %s: %w", ErrUnavailable, db.name, err)
	}
	return fmt.Errorf("open %s: %w", db.name, err)
}

// explain marks errors that mean: not now.
func (db *database) explain(err error) error {
	if db.away(err) && !errors.Is(err, ErrUnavailable) {
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return err
}

// close waits for whoever reads or writes.
func (db *database) close() error {
	var all error
	for range cap(db.idle) {
		if c := <-db.idle; c != nil {
			all = errors.Join(all, c.close())
		}
	}
	for range cap(db.idle) {
		db.idle <- nil // whoever comes later is told that the database is closed
	}
	db.writing.Lock()
	defer db.writing.Unlock()
	for _, s := range db.held {
		all = errors.Join(all, s.Close())
	}
	all = errors.Join(all, db.writer.close(), db.reads.Close(), db.writes.Close())
	if all != nil && !db.away(all) { // what cannot be reached need not be left in order
		return fmt.Errorf("close %s: %w", db.name, all)
	}
	return nil
}

// writeMost bounds a transaction in a database that may be out of reach.
const writeMost = 2 * time.Minute

// transact executes statements as one transaction. The caller holds writing. In a
// database of one's own the context is looked at before and not within: a
// transaction is short, and one that is done is not thrown away.
func (db *database) transact(ctx context.Context, do func(context.Context) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if db.shared {
		limited, cancel := context.WithTimeoutCause(ctx, writeMost, fmt.Errorf("%w: it did not answer in %v", ErrUnavailable, writeMost))
		defer cancel()
		ctx = limited
	} else {
		ctx = context.WithoutCancel(ctx)
	}
	began, fresh := false, db.writer.conn == nil
	for {
		if err := db.openWriter(ctx); err != nil {
			return err
		}
		// Where a transaction could not even be rolled back, the next one says so, or
		// has another connection.
		usable, err := db.writer.within(ctx, db.begin, func() error {
			began = true
			return do(ctx)
		})
		if !usable && db.shared {
			db.dropWriter()
		}
		if fresh || began || !db.away(err) {
			return db.explain(err)
		}
		fresh = true // the other connection was cut while nobody used it
	}
}

// dropWriter lets go of a connection that is of no use any more; the next to write
// opens another one.
func (db *database) dropWriter() {
	_ = db.writer.close() // what is wrong with it was said before
	db.writer.conn = nil
}

// look executes statements that read, all of one moment.
func (db *database) look(ctx context.Context, do func(*connection) error) error {
	var c *connection
	select {
	case c = <-db.idle:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { db.idle <- c }()
	began, fresh := false, c == nil
	for {
		if c == nil {
			conn, err := db.reads.Conn(ctx)
			if err != nil {
				return db.unopened(err)
			}
			c = &connection{dialect: db.dialect, conn: conn}
		}
		usable, err := c.within(ctx, db.reading, func() error {
			began = true
			return do(c)
		})
		if !usable {
			// What is wrong with it was said by err, or does not matter any more.
			_ = c.close()
			c = nil
		}
		if fresh || began || !db.away(err) {
			return db.explain(err)
		}
		fresh = true // the other one was cut while nobody used it
	}
}
