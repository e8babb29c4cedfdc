package projections

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
)

// A database is where rows lie: one connection that writes, some that read.
type database struct {
	*dialect
	file   string
	writes *sql.DB
	reads  *sql.DB
	idle   chan *connection // that read; nil stands for one that is to be opened

	// writing is held for a transaction that writes; it guards the writer.
	writing sync.Mutex
	writer  connection
	held    []*sql.Stmt // never executed: see holdMemory
}

// newDatabase opens the connection that writes.
func newDatabase(ctx context.Context, d dialect, file string, writes, reads *sql.DB, readers int) (*database, error) {
	db := &database{dialect: &d, file: file, writes: writes, reads: reads, idle: make(chan *connection, readers)}
	writes.SetMaxOpenConns(1)
	reads.SetMaxOpenConns(readers)
	for range readers {
		db.idle <- nil
	}
	conn, err := writes.Conn(ctx)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open %s: %w", file, err), writes.Close(), reads.Close())
	}
	db.writer = connection{dialect: db.dialect, conn: conn}
	return db, nil
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
	if all = errors.Join(all, db.writer.close(), db.reads.Close(), db.writes.Close()); all != nil {
		return fmt.Errorf("close %s: %w", db.file, all)
	}
	return nil
}

// transact executes statements as one transaction. The caller holds writing. The
// context is looked at before and not within: a transaction is short, and one
// that is done is not thrown away.
func (db *database) transact(ctx context.Context, do func(context.Context) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	ctx = context.WithoutCancel(ctx)
	// Where a transaction could not even be rolled back, the next one says so.
	_, err := db.writer.within(ctx, db.begin, func() error { return do(ctx) })
	return err
}

// look executes statements that read, all of one moment.
func (db *database) look(ctx context.Context, do func(*connection) error) error {
	var c *connection
	select {
	case c = <-db.idle:
	case <-ctx.Done():
		return ctx.Err()
	}
	if c == nil {
		conn, err := db.reads.Conn(ctx)
		if err != nil {
			db.idle <- nil
			return fmt.Errorf("open %s: %w", db.file, err)
		}
		c = &connection{dialect: db.dialect, conn: conn}
	}
	usable, err := c.within(ctx, db.reading, func() error { return do(c) })
	if !usable {
		// What is wrong with it was said by err, or does not matter any more.
		_ = c.close()
		c = nil
	}
	db.idle <- c
	return err
}
