package projections

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/eventstore"
)

// A place is how far rows have seen the log: the last record that was read,
// whether or not it changed them.
type place struct {
	position   eventstore.Position
	event      uuid.UUID // the record's id: another log has another one there
	recordedAt time.Time
}

// checkpoints has a row for each generation, written in the transaction of the
// generation's rows.
const checkpoints = `CREATE TABLE IF NOT EXISTS checkpoints (
	generation  {key} PRIMARY KEY,
	projection  TEXT NOT NULL,
	version     BIGINT NOT NULL,
	tables      TEXT NOT NULL,
	digest      TEXT NOT NULL,
	state       TEXT NOT NULL,
	position    BIGINT NOT NULL,
	event       {bytes} NOT NULL,
	recorded_at BIGINT NOT NULL
)`

// The states of a generation.
const (
	building = "building" // beside the one in use; it has not caught up yet
	current  = "current"  // in use
	retired  = "retired"  // replaced; its tables are about to be dropped
)

// A checkpoint is a row of checkpoints.
type checkpoint struct {
	place
	generation int64
	projection string
	version    int
	tables     []string
	digest     string
	state      string
}

// of says whether the rows are what a projection makes of the log today.
func (c *checkpoint) of(p *projection) bool {
	return c.projection == p.name && c.version == p.version && c.digest == p.shape
}

// readCheckpoints reads them all, oldest generation first. The caller holds
// writing.
func (db *database) readCheckpoints(ctx context.Context) ([]checkpoint, error) {
	if err := db.openWriter(ctx); err != nil {
		return nil, err
	}
	rows, err := db.writer.readCheckpoints(ctx)
	if err != nil && db.away(err) {
		db.dropWriter()
	}
	return rows, db.explain(err)
}

func (c *connection) readCheckpoints(ctx context.Context) ([]checkpoint, error) {
	rows, err := c.query(ctx,
		"SELECT generation, projection, version, tables, digest, state, position, event, recorded_at FROM checkpoints ORDER BY generation")
	if err != nil {
		return nil, fmt.Errorf("read checkpoints: %w", err)
	}
	defer func() { _ = rows.Close() }()
	var out []checkpoint
	for rows.Next() {
		var c checkpoint
		var tables string
		var at int64
		if err := rows.Scan(&c.generation, &c.projection, &c.version, &tables, &c.digest, &c.state, &c.position, &c.event, &at); err != nil {
			return nil, fmt.Errorf("read checkpoints: %w", err)
		}
		c.tables, c.recordedAt = strings.Fields(tables), instant(at)
		out = append(out, c)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("read checkpoints: %w", err)
	}
	return out, nil
}

// hold keeps everybody else from moving generations until the transaction ends,
// and brings to mind where they are by now. Those that somebody else holds, and
// those that are not in a state any more, are left out.
func (db *database) hold(ctx context.Context, gens []*generation, state, locking string) (held []*generation, err error) {
	if len(gens) == 0 {
		return nil, nil
	}
	args := make([]any, 0, len(gens)+1)
	for _, g := range gens {
		args = append(args, g.id)
	}
	text := "SELECT generation, position, event, recorded_at FROM checkpoints WHERE generation IN (?" + strings.Repeat(", ?", len(gens)-1) +
		") AND state = ? ORDER BY generation" + locking
	rows, err := db.writer.query(ctx, text, append(args, state)...)
	if err != nil {
		return nil, fmt.Errorf("read checkpoints: %w", err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var id, at int64
		var p place
		if err := rows.Scan(&id, &p.position, &p.event, &at); err != nil {
			return nil, fmt.Errorf("read checkpoints: %w", err)
		}
		p.recordedAt = instant(at)
		i := slices.IndexFunc(gens, func(g *generation) bool { return g.id == id })
		gens[i].moveTo(p)
		held = append(held, gens[i])
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("read checkpoints: %w", err)
	}
	return held, nil
}

// moveTo takes note of where the rows are. What was kept of rows that somebody
// else has moved is of no use any more.
func (g *generation) moveTo(p place) {
	if g.position.position != p.position {
		g.position, g.work = p, nil
	}
}

// tellMoved says to other nodes that rows have moved, when the transaction ends.
func (db *database) tellMoved(ctx context.Context) error {
	if db.tell == "" {
		return nil
	}
	return db.writer.later(ctx, db.tell, heardMoved)
}

// beAlone waits until nobody else changes which tables there are.
func (db *database) beAlone(ctx context.Context) error {
	for _, text := range db.alone {
		if err := db.writer.define(ctx, text); err != nil {
			return err
		}
	}
	return nil
}

// errMoved says that somebody else has applied events to the rows.
var errMoved = errors.New("the checkpoint is not where it was")

// advance moves a generation's checkpoint, if it still is where it was: an event
// counts once, whoever applies it.
func (t tx) advance(ctx context.Context, to place) error {
	r, err := t.db.writer.exec(ctx, "UPDATE checkpoints SET position = ?, event = ?, recorded_at = ? WHERE generation = ? AND position = ?",
		int64(to.position), to.event[:], micros(to.recordedAt), t.g.id, int64(t.g.position.position))
	if err != nil {
		return err
	}
	if n, err := r.RowsAffected(); err != nil || n != 1 {
		return errors.Join(errMoved, err)
	}
	return nil
}

// newestGeneration is the highest number ever given; numbers are not reused
// while one with a higher one exists.
func (db *database) newestGeneration(ctx context.Context) (id int64, err error) {
	err = db.writer.conn.QueryRowContext(ctx, "SELECT COALESCE(MAX(generation), 0) FROM checkpoints").Scan(&id)
	if err != nil {
		return 0, fmt.Errorf("read checkpoints: %w", err)
	}
	return id, nil
}

// found makes a generation's tables and checkpoint, before the first record. The
// caller is in a transaction.
func (db *database) found(ctx context.Context, p *projection, state string) (*generation, error) {
	newest, err := db.newestGeneration(ctx)
	if err != nil {
		return nil, err
	}
	g := newGeneration(p, newest+1)
	if err := g.create(ctx, &db.writer); err != nil {
		return nil, err
	}
	var names []string
	for _, t := range p.tables {
		names = append(names, g.sql("{"+t.name+"}"))
	}
	_, err = db.writer.exec(ctx, "INSERT INTO checkpoints VALUES (?, ?, ?, ?, ?, ?, 0, ?, 0)",
		g.id, p.name, p.version, strings.Join(names, " "), p.shape, state, uuid.Nil[:])
	return g, err
}

// setState says what a generation is from now on.
func (db *database) setState(ctx context.Context, generation int64, state string) error {
	_, err := db.writer.exec(ctx, "UPDATE checkpoints SET state = ? WHERE generation = ?", state, generation)
	return err
}

// drop takes a generation's tables away for good.
func (db *database) drop(ctx context.Context, c checkpoint) error {
	if err := db.writer.unprepare(); err != nil {
		return fmt.Errorf("let go of statements: %w", err)
	}
	for _, name := range c.tables {
		if err := db.writer.define(ctx, "DROP TABLE IF EXISTS "+name); err != nil {
			return err
		}
	}
	_, err := db.writer.exec(ctx, "DELETE FROM checkpoints WHERE generation = ?", c.generation)
	return err
}

// micros is how an instant lies in a row: microseconds since 1970, 0 for none.
func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

// instant is the time of a row's microseconds.
func instant(micros int64) time.Time {
	if micros == 0 {
		return time.Time{}
	}
	return time.UnixMicro(micros).UTC()
}
