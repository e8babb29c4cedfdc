package projections

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"

	"github.com/supportledger/supportledger/internal/postgres"
)

// A connection is one connection to a database with the statements that were
// prepared on it: to prepare one takes longer than to execute it. It is used by
// one goroutine at a time.
type connection struct {
	*dialect
	conn     *sql.Conn
	prepared map[string]*sql.Stmt // by text
	queue    []queued
}

// A queued statement is sent with others, at the latest when one is whose result
// is needed.
type queued struct {
	text string
	args []any
}

// queueMost bounds the statements that wait.
const queueMost = 4096

// preparedMost bounds the statements; beyond it they are begun anew.
const preparedMost = 256

func (c *connection) close() error {
	c.queue = nil
	if c.conn == nil {
		return nil
	}
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
	s, err := c.ready(ctx, text)
	if err != nil {
		return nil, err
	}
	r, err := s.ExecContext(ctx, storable(args)...)
	if err != nil {
		return nil, fmt.Errorf("execute %q: %w", text, err)
	}
	return r, nil
}

func (c *connection) query(ctx context.Context, text string, args ...any) (*sql.Rows, error) {
	s, err := c.ready(ctx, text)
	if err != nil {
		return nil, err
	}
	rows, err := s.QueryContext(ctx, storable(args)...)
	if err != nil {
		return nil, fmt.Errorf("query %q: %w", text, err)
	}
	return rows, nil
}

// ready returns a statement, after whatever is queued was executed.
func (c *connection) ready(ctx context.Context, text string) (*sql.Stmt, error) {
	if err := c.send(ctx); err != nil {
		return nil, err
	}
	return c.prepare(ctx, text)
}

// later executes a statement together with others, where that is cheaper. An
// error may be that of another one.
func (c *connection) later(ctx context.Context, text string, args ...any) error {
	if !c.pipelined {
		_, err := c.exec(ctx, text, args...)
		return err
	}
	c.queue = append(c.queue, queued{text, storable(args)})
	if len(c.queue) < queueMost {
		return nil
	}
	return c.send(ctx)
}

// send executes what is queued, without waiting for each result.
func (c *connection) send(ctx context.Context) error {
	if len(c.queue) == 0 {
		return nil
	}
	batch := new(pgx.Batch)
	for _, q := range c.queue {
		batch.Queue(c.placeholders(q.text), q.args...)
	}
	c.queue = c.queue[:0]
	err := postgres.Raw(c.conn, func(conn *pgx.Conn) error { return conn.SendBatch(ctx, batch).Close() })
	if err != nil {
		return fmt.Errorf("execute statements: %w", err)
	}
	return nil
}

// storable takes from texts what not every database stores: bytes that are no
// UTF-8, and NUL. No text that was accepted has them; what somebody looks for may.
func storable(args []any) []any {
	for i, a := range args {
		if text, ok := a.(string); ok && (!utf8.ValidString(text) || strings.Contains(text, "\x00")) {
			args[i] = strings.ReplaceAll(strings.ToValidUTF8(text, "\uFFFD"), "\x00", "\uFFFD")
		}
	}
	return args
}

// define executes a statement that defines tables; such are not kept prepared.
func (c *connection) define(ctx context.Context, text string) error {
	if err := c.send(ctx); err != nil {
		return err
	}
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
	c.queue = nil
	_, rollback := c.exec(context.WithoutCancel(ctx), "ROLLBACK")
	return rollback == nil, err
}
