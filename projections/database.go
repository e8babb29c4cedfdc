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
	dialect
	file   string
	writes *sql.DB
	reads  *sql.DB

	// writing is held for a transaction that writes; it guards what follows.
	writing  sync.Mutex
	conn     *sql.Conn
	prepared map[string]*sql.Stmt // on conn, by text
}

func (db *database) close() error {
	db.writing.Lock()
	defer db.writing.Unlock()
	err := db.unprepare()
	if db.conn != nil {
		err = errors.Join(err, db.conn.Close())
	}
	if err = errors.Join(err, db.reads.Close(), db.writes.Close()); err != nil {
		return fmt.Errorf("close %s: %w", db.file, err)
	}
	return nil
}

// unprepare lets go of the prepared statements, of which tables may be dropped.
func (db *database) unprepare() error {
	var all error
	for _, s := range db.prepared {
		all = errors.Join(all, s.Close())
	}
	db.prepared = nil
	return all
}

// prepare returns a statement on the writing connection.
func (db *database) prepare(ctx context.Context, text string) (*sql.Stmt, error) {
	if s := db.prepared[text]; s != nil {
		return s, nil
	}
	s, err := db.conn.PrepareContext(ctx, db.placeholders(text))
	if err != nil {
		return nil, fmt.Errorf("prepare %q: %w", text, err)
	}
	if db.prepared == nil {
		db.prepared = make(map[string]*sql.Stmt)
	}
	db.prepared[text] = s
	return s, nil
}

func (db *database) exec(ctx context.Context, text string, args ...any) (sql.Result, error) {
	s, err := db.prepare(ctx, text)
	if err != nil {
		return nil, err
	}
	r, err := s.ExecContext(ctx, args...)
	if err != nil {
		return nil, fmt.Errorf("execute %q: %w", text, err)
	}
	return r, nil
}

// define executes a statement that defines tables; such are not kept prepared.
func (db *database) define(ctx context.Context, text string) error {
	if _, err := db.conn.ExecContext(ctx, db.types.Replace(text)); err != nil {
		return fmt.Errorf("execute %q: %w", text, err)
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
	if _, err := db.exec(ctx, db.begin); err != nil {
		return err
	}
	err := do(ctx)
	if err == nil {
		if _, err = db.exec(ctx, "COMMIT"); err == nil {
			return nil
		}
	}
	// The database may have rolled back by itself, and then there is nothing to
	// roll back. If it could not, the next transaction says so.
	_, _ = db.exec(ctx, "ROLLBACK")
	return err
}
