package projections

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/supportledger/supportledger/eventstore"
	"github.com/supportledger/supportledger/internal/postgres"
	"github.com/supportledger/supportledger/ledger"
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
// its rows are built from the log. Ask again later; to those who ask for what is
// due it is ledger.ErrLater.
type BuildingError struct{ Projection string }

func (e *BuildingError) Error() string {
	return "the rows of " + e.Projection + " are being built from the log"
}

// Is implements errors.Is.
func (e *BuildingError) Is(target error) bool { return target == ledger.ErrLater }

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
	told := r.set.Position() // somebody may have been told that lists are true there
	return r.set.db.view(ctx, r.projection, func(v *view) error {
		if v.seen.position < told {
			return fmt.Errorf("%w: it has lost what came after position %d, and had seen %d", ErrUnavailable, v.seen.position, told)
		}
		return look(v)
	})
}

func (db *database) view(ctx context.Context, p *projection, look func(*view) error) error {
	see := func(c *connection) error {
		v, err := c.current(ctx, p)
		if err != nil {
			return err
		}
		return look(v)
	}
	err := db.look(ctx, see)
	if db.gone(err) { // others were put in the place of those tables meanwhile
		err = db.look(ctx, see)
	}
	if db.gone(err) {
		err = fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
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
// arguments of scan are a row's columns. All of the answer is computed: see walk.
func (v *view) each(ctx context.Context, text string, args []any, take func(scan func(...any) error) (bool, error)) error {
	rows, err := v.c.query(ctx, v.g.sql(text), args...)
	if err != nil {
		return err
	}
	_, _, err = takeRows(rows, take)
	return err
}

// takeRows says how many rows there were, and whether more are wanted.
func takeRows(rows *sql.Rows, take func(scan func(...any) error) (bool, error)) (n int, more bool, err error) {
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		n++
		more, err := take(rows.Scan)
		if err != nil {
			return n, false, fmt.Errorf("read row: %w", err)
		}
		if !more {
			return n, false, nil
		}
	}
	if err := rows.Err(); err != nil {
		return n, false, fmt.Errorf("read rows: %w", err)
	}
	return n, true, nil
}

// walk is each for answers of which perhaps only the first rows are wanted.
func (v *view) walk(ctx context.Context, text string, args []any, likely int, take func(scan func(...any) error) (bool, error)) error {
	if !v.c.cursors {
		return v.each(ctx, text, args, take)
	}
	if _, err := v.c.exec(ctx, "DECLARE walked NO SCROLL CURSOR FOR "+v.g.sql(text), args...); err != nil {
		return err
	}
	for portion := likely; ; portion = walkMost {
		// It is not prepared: what it returns differs from cursor to cursor.
		rows, err := v.c.conn.QueryContext(ctx, fmt.Sprintf("FETCH %d FROM walked", portion), postgres.Unprepared)
		if err != nil {
			return fmt.Errorf("read rows: %w", err)
		}
		n, more, err := takeRows(rows, take)
		if err != nil {
			return err
		}
		if !more || n < portion {
			return v.c.define(ctx, "CLOSE walked")
		}
	}
}

// walkMost is how many rows are fetched at once where the first ones were too few.
const walkMost = 1000
