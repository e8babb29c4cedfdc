package projections

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// A connection is one connection to a database with the statements that were
// prepared on it: to prepare one takes longer than to execute it. It is used by
// one goroutine at a time.
type connection struct {
	*dialect
	conn     *sql.Conn
	prepared map[string]*sql.Stmt // by text
}

// preparedMost bounds the statements; beyond it they are begun anew.
const preparedMost = 256

func (c *connection) close() error {
	return errors.Join(c.unprepare(), c.conn.Close())
}

// unprepare lets go of the prepared statements, of which tables may be dropped.
func (c *connection) unprepare() error {
	var all error
	for _, s := range c.prepared {
		all = errors.Join(all, s.Close())
	}
	c.prepared = nil
	return all
}

// prepare returns a statement.
func (c *connection) prepare(ctx context.Context, text string) (*sql.Stmt, error) {
	if s := c.prepared[text]; s != nil {
		return s, nil
	}
	if len(c.prepared) >= preparedMost {
		if err := c.unprepare(); err != nil {
			return nil, fmt.Errorf("let go of statements: %w", err)
		}
	}
	s, err := c.conn.PrepareContext(ctx, c.placeholders(text))
	if err != nil {
		return nil, fmt.Errorf("prepare %q: %w", text, err)
	}
	if c.prepared == nil {
		c.prepared = make(map[string]*sql.Stmt)
	}
	c.prepared[text] = s
	return s, nil
}

func (c *connection) exec(ctx context.Context, text string, args ...any) (sql.Result, error) {
	s, err := c.prepare(ctx, text)
	if err != nil {
		return nil, err
	}
	r, err := s.ExecContext(ctx, args...)
	if err != nil {
		return nil, fmt.Errorf("execute %q: %w", text, err)
	}
	return r, nil
}

func (c *connection) query(ctx context.Context, text string, args ...any) (*sql.Rows, error) {
	s, err := c.prepare(ctx, text)
	if err != nil {
		return nil, err
	}
	rows, err := s.QueryContext(ctx, args...)
	if err != nil {
		return nil, fmt.Errorf("query %q: %w", text, err)
	}
	return rows, nil
}

// define executes a statement that defines tables; such are not kept prepared.
func (c *connection) define(ctx context.Context, text string) error {
	if _, err := c.conn.ExecContext(ctx, c.types.Replace(text)); err != nil {
		return fmt.Errorf("execute %q: %w", text, err)
	}
	return nil
}

// within does something in a transaction that begins with a statement. It says
// whether the connection can be used again.
func (c *connection) within(ctx context.Context, begin string, do func() error) (usable bool, err error) {
	if _, err := c.exec(ctx, begin); err != nil {
		return false, err
	}
	if err = do(); err == nil {
		if _, err = c.exec(ctx, "COMMIT"); err == nil {
			return true, nil
		}
	}
	_, rollback := c.exec(context.WithoutCancel(ctx), "ROLLBACK")
	return rollback == nil, err
}
