package transfer

import (
	"context"
	"fmt"
	"iter"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/supportledger/supportledger/eventstore"
	"github.com/supportledger/supportledger/ledger"
)

// manyRows is a partner with so many locations, contacts, toolkits and contracts of
// its own.
func manyRows(each int) string {
	var b strings.Builder
	b.WriteString("record,partner,partner_name,level,location,location_name,access_id,contract_id,programme,country,time_zone,status,starts_on,competency,reference,contact_name,contact_email\n" +
		"partner,4711,Contoso,gold,,,,,,ID,UTC,,,,,Citra,citra@example.com\n")
	for i := range each {
		fmt.Fprintf(&b, "location,4711,,,l%d,Bandung %d,,,,ID,UTC,,,,,Dewi,dewi%d@example.com\n", i, i, i)
		fmt.Fprintf(&b, "contact,4711,,,l%d,,,,,ID,,,,,,Eko,eko%d@example.com\n", i, i)
		fmt.Fprintf(&b, "contract,4711,,,l%d,,%010d,0000000001,toolkit,ID,UTC,active,2026-02-01,devices,PO-%d,Dewi,dewi%d@example.com\n", i, 2*i, i, i)
		fmt.Fprintf(&b, "contract,4711,,,,,%010d,0000000001,gold,ID,UTC,active,2026-02-01,,,Citra,citra@example.com\n", 2*i+1)
	}
	return b.String()
}

// A counting store counts the records of partners that are read.
type counting struct {
	eventstore.Store
	read atomic.Int64
}

// ReadStream implements eventstore.Store.
func (c *counting) ReadStream(ctx context.Context, stream string, from eventstore.Revision, dir eventstore.Direction) iter.Seq2[eventstore.Record, error] {
	return func(yield func(eventstore.Record, error) bool) {
		for r, err := range c.Store.ReadStream(ctx, stream, from, dir) {
			if strings.HasPrefix(stream, "partner-") {
				c.read.Add(1)
			}
			if !yield(r, err) {
				return
			}
		}
	}
}

// What an import reads of a partner grows with what the file has of it, and not with
// the square of that: new, again, and where half of it was imported before.
func TestAnImportReadsAPartnerOnce(t *testing.T) {
	r := newRig(t)
	store := &counting{Store: r.store}
	var err error
	r.Ledger, err = ledger.New(ledger.Config{Store: store, Keys: r.keys, People: r.people, Catalog: r.Catalog, Clock: r.clock})
	must(t, err)
	const each, recorded = 40, 1 + 3*40
	for _, c := range []struct {
		what    string
		content string
		most    int64
	}{
		{"half of it", manyRows(each / 2), recorded},
		{"all of it", manyRows(each), 4 * recorded},
		{"the same again", manyRows(each), 5 * recorded},
	} {
		before := store.read.Load()
		r.imports(CSV, c.content)
		if n := store.read.Load() - before; n > c.most {
			t.Errorf("%s: %d records of the partner were read, which has %d; want %d at most", c.what, n, recorded, c.most)
		}
	}
	if n := len(r.partner("4711").State.Toolkits()); n != each {
		t.Errorf("the partner has %d toolkits, want %d", n, each)
	}
}
