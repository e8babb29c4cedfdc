package transfer

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/catalogfile"
	"github.com/supportledger/supportledger/domain/catalog"
	"github.com/supportledger/supportledger/eventstore"
	"github.com/supportledger/supportledger/eventstore/pebblestore"
	"github.com/supportledger/supportledger/ledger"
	"github.com/supportledger/supportledger/vault"
)

var (
	start    = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	operator = ledger.Actor{Account: uuid.MustParse("00000000-0000-4000-8000-0000000000aa"), Role: ledger.Operator}
)

// A rig is a ledger on a store in a folder of its own, and an importer for it.
type rig struct {
	Importer
	t      testing.TB
	dir    string
	keys   *vault.Keys
	people *vault.PeopleFile
	clock  *ledger.TestClock
	store  *pebblestore.Store
	calls  int
}

func newRig(t testing.TB) *rig {
	t.Helper()
	r := &rig{t: t, dir: t.TempDir(), keys: vault.Generate(), clock: ledger.NewTestClock(start)}
	var err error
	r.Catalog, err = catalogfile.Builtin(catalogfile.DefaultName)
	must(t, err)
	r.store, err = pebblestore.Open(filepath.Join(r.dir, "store"), pebblestore.Options{ReserveBytes: 1})
	must(t, err)
	r.people, err = vault.CreatePeople(filepath.Join(r.dir, "people"))
	must(t, err)
	t.Cleanup(func() { _, _ = r.store.Close(), r.people.Close() })
	r.Ledger, err = ledger.New(ledger.Config{Store: r.store, Keys: r.keys, People: r.people, Catalog: r.Catalog, Clock: r.clock, CacheBytes: 8 << 20})
	must(t, err)
	r.By = operator
	return r
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// file is a file with a content.
func file(format Format, content string) File {
	return File{format, int64(len(content)), func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(content)), nil }}
}

func (r *rig) run(format Format, content string, dryRun bool) Report {
	r.t.Helper()
	report, err := r.Run(context.Background(), file(format, content), dryRun)
	must(r.t, err)
	return report
}

// imports imports a file that must be right.
func (r *rig) imports(format Format, content string) Report {
	r.t.Helper()
	report := r.run(format, content, false)
	if report.MistakeCount > 0 {
		r.t.Fatalf("mistakes: %+v", report.Mistakes)
	}
	return report
}

func (r *rig) head() eventstore.Position {
	r.t.Helper()
	head, err := r.store.Head(context.Background())
	must(r.t, err)
	return head
}

func (r *rig) by(what string) ledger.Request {
	r.calls++
	return ledger.Request{By: operator, Call: what, Key: fmt.Sprint("key-", r.calls), Body: []byte(what)}
}

func (r *rig) kept(accessID, contractID string) *ledger.Kept {
	r.t.Helper()
	k, err := r.Ledger.Kept(context.Background(), r.Ledger.ImportID(ledger.Pair{AccessID: accessID, ContractID: contractID}))
	must(r.t, err)
	return k
}

func day(text string) catalog.Date {
	d, err := catalog.ParseDate(text)
	if err != nil {
		panic(err) // a slip of the pen in a test
	}
	return d
}
