package projections

import (
	"bytes"
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/supportledger/supportledger/eventstore"
)

// A DifferenceError names the first row of a projection that is not what the log
// makes of it.
type DifferenceError struct {
	Projection string
	Position   eventstore.Position // up to which both have seen the log
	Table, Row string              // Row is the row's key: "seq=17"
	Column     string              // "" where one side has no such row
	Have, Want string              // what the rows say, and what the log says
}

func (e *DifferenceError) Error() string {
	what := e.Table + " " + e.Row
	if e.Column != "" {
		what += ", " + e.Column
	}
	return fmt.Sprintf("projection %s differs from the log at position %d: %s: it has %s, the log says %s; rebuild it", e.Projection, e.Position, what, e.Have, e.Want)
}

// Compare builds a projection from the log into a temporary database and
// compares all rows with those in use, as of one moment. It returns a
// *DifferenceError for the first that is not the same, and how many rows were
// compared. name is as in Rebuild, or "" for all projections, for which the log
// is read once. progress may be nil.
func (s *Set) Compare(ctx context.Context, name string, progress func(Progress)) (rows int64, err error) {
	projections := s.projections
	if name != "" {
		p, err := s.find(name)
		if err != nil {
			return 0, err
		}
		projections = []*projection{p}
	}
	dir, err := os.MkdirTemp(s.dir, compareStart)
	if err != nil {
		return 0, fmt.Errorf("make folder: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	err = s.db.look(ctx, func(c *connection) error {
		var have []*view
		for _, p := range projections {
			v, err := c.current(ctx, p)
			if err == nil {
				err = v.check(ctx)
			}
			if err != nil {
				return err
			}
			have = append(have, v)
		}
		rows, err = s.compareIn(ctx, dir, have, progress)
		return err
	})
	if err != nil {
		return rows, fmt.Errorf("compare rows with the log: %w", err)
	}
	return rows, nil
}

// check asks the database whether tables and indexes agree with each other.
func (v *view) check(ctx context.Context) error {
	for _, t := range v.g.tables {
		var verdict string
		if v.c.check == "" {
			return nil
		}
		name := v.g.sql("{" + t.name + "}")
		if err := v.c.conn.QueryRowContext(ctx, fmt.Sprintf(v.c.check, name)).Scan(&verdict); err != nil {
			return fmt.Errorf("check table %s: %w", name, err)
		}
		if verdict != "ok" {
			return fmt.Errorf("table %s of projection %s is damaged: %s; rebuild it", name, v.g, verdict)
		}
	}
	return nil
}

// compareCache is the memory for the temporary database.
const compareCache = 64 << 20

func (s *Set) compareIn(ctx context.Context, dir string, have []*view, progress func(Progress)) (rows int64, err error) {
	db, err := openSQLite(ctx, dir, compareCache)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, db.close()) }()
	if err := s.buildAgain(ctx, db, have, progress); err != nil {
		return 0, err
	}
	for _, v := range have {
		err := db.view(ctx, v.g.projection, func(want *view) error {
			for _, t := range v.g.tables {
				n, err := compareTable(ctx, t, v, want)
				if rows += n; err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return rows, err
		}
	}
	return rows, nil
}

// buildAgain makes the same rows in another database, each up to where they are.
func (s *Set) buildAgain(ctx context.Context, db *database, have []*view, progress func(Progress)) error {
	if err := db.writer.define(ctx, checkpoints); err != nil {
		return err
	}
	again := make(map[*view]*generation, len(have))
	err := db.transact(ctx, func(ctx context.Context) (err error) {
		for _, v := range have {
			if again[v], err = db.found(ctx, v.g.projection, current); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	have = slices.SortedFunc(slices.Values(have), func(a, b *view) int { return cmp.Compare(a.seen.position, b.seen.position) })
	for i, v := range have {
		var rest []*generation
		for _, other := range have[i:] {
			rest = append(rest, again[other])
		}
		if _, err := s.buildUntil(ctx, db, rest, current, v.seen.position, progress); err != nil {
			return err
		}
	}
	return nil
}

// compareTable goes through a table on both sides, in the order of its key.
func compareTable(ctx context.Context, t table, have, want *view) (n int64, err error) {
	a, err := have.open(ctx, t)
	if err != nil {
		return 0, err
	}
	defer func() { _ = a.rows.Close() }()
	b, err := want.open(ctx, t)
	if err != nil {
		return 0, err
	}
	defer func() { _ = b.rows.Close() }()
	for ; ; n++ {
		moreA, err := a.next()
		if err != nil {
			return n, err
		}
		moreB, err := b.next()
		if err != nil || !moreA && !moreB {
			return n, err
		}
		if d := difference(t, a, b, moreA, moreB); d != nil {
			d.Projection, d.Position = have.g.String(), have.seen.position
			return n, d
		}
	}
}

// A side is one of the two sides of a comparison, at one row.
type side struct {
	rows    *sql.Rows
	columns []string
	values  []any
	into    []any
}

func (v *view) open(ctx context.Context, t table) (*side, error) {
	rows, err := v.c.conn.QueryContext(ctx, v.g.sql("SELECT * FROM {"+t.name+"} ORDER BY "+t.order))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", t.name, err)
	}
	columns, err := rows.Columns()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("read %s: %w", t.name, err), rows.Close())
	}
	s := &side{rows: rows, columns: columns, values: make([]any, len(columns)), into: make([]any, len(columns))}
	for i := range s.values {
		s.into[i] = &s.values[i]
	}
	return s, nil
}

func (s *side) next() (bool, error) {
	if !s.rows.Next() {
		if err := s.rows.Err(); err != nil {
			return false, fmt.Errorf("read rows: %w", err)
		}
		return false, nil
	}
	if err := s.rows.Scan(s.into...); err != nil {
		return false, fmt.Errorf("read row: %w", err)
	}
	return true, nil
}

// key is the row's key, for people.
func (s *side) key(t table) string {
	var parts []string
	for _, name := range t.key() {
		for i, column := range s.columns {
			if column == name {
				parts = append(parts, name+"="+show(s.values[i]))
			}
		}
	}
	return strings.Join(parts, " ")
}

// difference is the first column in which two rows are not the same.
func difference(t table, have, want *side, inHave, inWant bool) *DifferenceError {
	switch {
	case !inHave:
		return &DifferenceError{Table: t.name, Row: want.key(t), Have: "no such row", Want: "that there is one"}
	case !inWant:
		return &DifferenceError{Table: t.name, Row: have.key(t), Have: "a row", Want: "that there is none"}
	case !sameKey(t, have, want):
		return &DifferenceError{Table: t.name, Row: have.key(t), Have: "this row", Want: "that " + want.key(t) + " comes here"}
	}
	for i, column := range have.columns {
		if !same(have.values[i], want.values[i]) {
			return &DifferenceError{Table: t.name, Row: have.key(t), Column: column, Have: show(have.values[i]), Want: show(want.values[i])}
		}
	}
	return nil
}

func sameKey(t table, a, b *side) bool {
	for i, column := range a.columns {
		if slices.Contains(t.key(), column) && !same(a.values[i], b.values[i]) {
			return false
		}
	}
	return true
}

func same(a, b any) bool {
	x, isBytes := a.([]byte)
	if y, too := b.([]byte); isBytes || too {
		return isBytes && too && bytes.Equal(x, y)
	}
	return a == b
}

func show(v any) string {
	switch v := v.(type) {
	case []byte:
		return fmt.Sprintf("%x", v)
	case string:
		return fmt.Sprintf("%q", v)
	case nil:
		return "nothing"
	}
	return fmt.Sprint(v)
}
