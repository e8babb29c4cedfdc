package projections

import (
	"context"
	"fmt"
	"time"

	"github.com/supportledger/supportledger/eventstore"
)

// AsOf says when an answer is true: the rows have seen the log up to Position,
// and what was due at Time counts as recorded (R5, R37).
type AsOf struct {
	Position eventstore.Position
	Time     time.Time
}

// Limits of one page.
const (
	DefaultLimit = 100
	MaxLimit     = 1000
)

// A Page asks for a part of a list.
type Page struct {
	Cursor string // a List's Next; "" for the first page
	Limit  int    // rows; 0 is DefaultLimit, more than MaxLimit is MaxLimit
}

func (p Page) limit() int {
	if p.Limit <= 0 {
		return DefaultLimit
	}
	return min(p.Limit, MaxLimit)
}

// A List is one page of an answer. Next asks for the page after it and is "" on
// the last one.
type List[T any] struct {
	Items []T
	Next  string
	AsOf  AsOf
}

// A BuildingError says that a question cannot be answered yet: after an upgrade
// its rows are built from the log. Ask again later.
type BuildingError struct{ Projection string }

func (e *BuildingError) Error() string {
	return "the rows of " + e.Projection + " are being built from the log"
}

// A reader asks questions of one projection.
type reader struct {
	set *Set
	*projection
}

// A view is one moment of a generation's rows.
type view struct {
	c    *connection
	g    *generation
	seen place
}

// view shows the rows in use, all of one moment.
func (r reader) view(ctx context.Context, look func(*view) error) error {
	return r.set.db.view(ctx, r.projection, look)
}

func (db *database) view(ctx context.Context, p *projection, look func(*view) error) error {
	err := db.look(ctx, func(c *connection) error {
		v, err := c.current(ctx, p)
		if err != nil {
			return err
		}
		return look(v)
	})
	if err != nil {
		return fmt.Errorf("read %s: %w", p, err)
	}
	return nil
}

// current finds the generation of a projection that is in use.
func (c *connection) current(ctx context.Context, p *projection) (*view, error) {
	rows, err := c.query(ctx, "SELECT generation, position, event, recorded_at FROM checkpoints WHERE projection = ? AND version = ? AND digest = ? AND state = ?",
		p.name, p.version, p.shape, current)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	if !rows.Next() {
		if err := rows.Err(); err != nil {
			return nil, fmt.Errorf("read checkpoint: %w", err)
		}
		return nil, &BuildingError{p.String()}
	}
	v := &view{c: c}
	var id, at int64
	if err := rows.Scan(&id, &v.seen.position, &v.seen.event, &at); err != nil {
		return nil, fmt.Errorf("read checkpoint: %w", err)
	}
	v.seen.recordedAt = instant(at)
	v.g = newGeneration(p, id)
	return v, nil
}

func (v *view) asOf(at time.Time) AsOf { return AsOf{Position: v.seen.position, Time: at} }

// each calls take for every row of an answer until it returns false. The
// arguments of scan are a row's columns.
func (v *view) each(ctx context.Context, text string, args []any, take func(scan func(...any) error) (bool, error)) error {
	rows, err := v.c.query(ctx, v.g.sql(text), args...)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		more, err := take(rows.Scan)
		if err != nil {
			return fmt.Errorf("read row: %w", err)
		}
		if !more {
			return nil
		}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("read rows: %w", err)
	}
	return nil
}
