package projections

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/supportledger/supportledger/domain"
	"github.com/supportledger/supportledger/ledger"
)

// A projection is one read model: its tables, the events that change them, and
// how. Where several questions are cheaply answered from the same tables they
// share one, so that an event is written once and a question sees them agree;
// each question still has a file of its own.
type projection struct {
	name    string
	version int // of what the rows say; a new one is built from the first event
	// questions are what its rows answer, for people who look for one by name.
	questions []string
	tables    []table
	events    []string // the types that change its rows; others are not decoded for it
	newWork   func(tx) work
	shape     string // digest of how the tables are defined
}

func (p *projection) String() string { return fmt.Sprintf("%s/%d", p.name, p.version) }

// A table is defined in the words of dialect.
type table struct {
	name    string
	columns string   // what stands between the parentheses
	suffix  string   // what stands behind them
	indexes []string // "by_owner: (owner, seq)"
	order   string   // the columns that make its rows unique
}

func (t table) key() []string { return strings.Split(t.order, ", ") }

// A work is what batches of events change in the rows of a projection. Rows are
// read when first needed, changed in memory by apply, and written once at the
// end of the batch, however many of its events were about them. A work may keep
// rows for the next batch: it is thrown away when a batch does not succeed, or
// when somebody else has brought the rows forward.
type work interface {
	// load reads the rows that events will change, as far as it has not.
	load(ctx context.Context, events []*ledger.Recorded) error
	// apply changes what was loaded by one event; it does no I/O.
	apply(e *ledger.Recorded) error
	// flush writes what was changed since the last time.
	flush(ctx context.Context) error
}

// shaped notes how the tables are defined, so that rows which were made by
// another definition are not taken for these.
func shaped(p *projection) *projection {
	h := sha256.New()
	for _, t := range p.tables {
		fmt.Fprintln(h, t.name, t.columns, t.suffix, strings.Join(t.indexes, ";"))
	}
	p.shape = hex.EncodeToString(h.Sum(nil)[:8])
	return p
}

// names are the names of events.
func names(events ...domain.Event) []string {
	out := make([]string, len(events))
	for i, e := range events {
		out[i] = e.Name()
	}
	return out
}

// A generation is one set of a projection's tables. There is one that questions
// are answered from, and beside it perhaps one that is being built.
type generation struct {
	*projection
	id    int64
	names *strings.Replacer // "{contracts}" → "contracts_7"

	// Guarded by database.writing:
	position place             // what its rows have seen
	texts    map[string]string // statements with the names put in
	work     work              // of the last batch, if it succeeded
}

func newGeneration(p *projection, id int64) *generation {
	var pairs []string
	for _, t := range p.tables {
		pairs = append(pairs, "{"+t.name+"}", fmt.Sprintf("%s_%d", t.name, id))
	}
	return &generation{projection: p, id: id, names: strings.NewReplacer(pairs...), texts: map[string]string{}}
}

// sql puts the names of the generation's tables into a statement.
func (g *generation) sql(text string) string { return g.names.Replace(text) }

// create defines the tables.
func (g *generation) create(ctx context.Context, c *connection) error {
	for _, t := range g.tables {
		name := g.sql("{" + t.name + "}")
		if err := c.define(ctx, "CREATE TABLE "+name+" ("+t.columns+")"+t.suffix); err != nil {
			return err
		}
		for _, index := range t.indexes {
			unique := ""
			if rest, ok := strings.CutPrefix(index, "unique "); ok {
				unique, index = "UNIQUE ", rest
			}
			by, on, _ := strings.Cut(index, ": ")
			if err := c.define(ctx, "CREATE "+unique+"INDEX "+name+"_"+by+" ON "+name+" "+on); err != nil {
				return err
			}
		}
	}
	return nil
}

// tx is a transaction that writes one generation's rows.
type tx struct {
	db *database
	g  *generation
}

// sql is a statement with the names of the generation's tables.
func (t tx) sql(text string) string {
	named, ok := t.g.texts[text]
	if !ok {
		named = t.g.sql(text)
		t.g.texts[text] = named
	}
	return named
}

// exec changes rows: at once, or before the next query and the transaction's end.
func (t tx) exec(ctx context.Context, text string, args ...any) error {
	return t.db.writer.later(ctx, t.sql(text), args...)
}

func (t tx) query(ctx context.Context, text string, args ...any) (*sql.Rows, error) {
	return t.db.writer.query(ctx, t.sql(text), args...)
}
