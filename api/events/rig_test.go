package events

import (
	"bytes"
	"context"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/catalogfile"
	"github.com/supportledger/supportledger/domain/contract"
	"github.com/supportledger/supportledger/eventstore"
	"github.com/supportledger/supportledger/eventstore/pebblestore"
	"github.com/supportledger/supportledger/ledger"
	"github.com/supportledger/supportledger/vault"
)

// patience bounds what must happen soon.
const patience = 20 * time.Second

// A rig is a log to which anything can be appended, and a hub over it.
type rig struct {
	t      testing.TB
	ledger *ledger.Ledger
	store  *pebblestore.Store
	hub    *Hub
	meta   []byte // of the first record
	last   map[string]eventstore.Revision
}

var operator = ledger.Actor{Account: uuid.MustParse("00000000-0000-4000-8000-0000000000aa"), Role: ledger.Operator}

func newRig(t testing.TB) *rig {
	t.Helper()
	dir := t.TempDir()
	r := &rig{t: t, last: map[string]eventstore.Revision{}}
	catalog, err := catalogfile.Builtin(catalogfile.DefaultName)
	must(t, err)
	r.store, err = pebblestore.Open(filepath.Join(dir, "store"), pebblestore.Options{ReserveBytes: 1, NoSync: true})
	must(t, err)
	people, err := vault.CreatePeople(filepath.Join(dir, "people"))
	must(t, err)
	t.Cleanup(func() { _, _ = r.store.Close(), people.Close() })
	clock := ledger.NewTestClock(time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC))
	r.ledger, err = ledger.New(ledger.Config{Store: r.store, Keys: vault.Generate(), People: people, Catalog: catalog, Clock: clock})
	must(t, err)
	r.hub = NewHub(Config{Store: r.store, Open: r.ledger.Open})
	_, err = r.ledger.Register(t.Context(), ledger.Request{By: operator, Call: "register", Key: "first", Body: []byte("x")}, ledger.Registration{
		Programme: "gold", Contact: contract.ContactTexts{Name: "Citra", Email: "citra@example.com"}, Language: "id",
	})
	must(t, err)
	for first, err := range r.store.ReadAll(t.Context(), eventstore.Start) {
		must(t, err)
		r.meta = first.Meta
		break
	}
	return r
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// write appends events of these types, in whatever order; the data of each is an
// empty object. A stream's first must be written first.
func (r *rig) write(stream string, types ...string) {
	r.t.Helper()
	last, known := r.last[stream]
	if !known {
		last = eventstore.NoStream
	}
	a := eventstore.Append{Stream: stream, Expected: last, At: time.Now()}
	for _, name := range types {
		a.Events = append(a.Events, eventstore.Event{ID: uuid.New(), Type: name, Data: []byte("{}"), Meta: r.meta})
	}
	done, err := r.store.Append(context.Background(), a)
	must(r.t, err)
	r.last[stream] = done.Revision
}

func (r *rig) head() eventstore.Position {
	r.t.Helper()
	head, err := r.store.Head(context.Background())
	must(r.t, err)
	return head
}

// wanted are the positions after a position that a filter wants.
func (r *rig) wanted(after eventstore.Position, f Filter) (all []eventstore.Position) {
	r.t.Helper()
	for record, err := range r.store.ReadAll(context.Background(), after) {
		must(r.t, err)
		wanted, err := f.wantsRecord(&record)
		must(r.t, err)
		if wanted {
			all = append(all, record.Position)
		}
	}
	return all
}

func (r *rig) filter(types, stream string) Filter {
	r.t.Helper()
	id := uuid.Nil
	if stream != "" {
		id = uuid.MustParse(stream)
	}
	f, err := NewFilter(types, id)
	must(r.t, err)
	return f
}

func (r *rig) subscribe(after eventstore.Position, f Filter, personal bool) *Subscription {
	r.t.Helper()
	s, err := r.hub.Subscribe(context.Background(), after, f, personal)
	must(r.t, err)
	return s
}

// next waits for the next batch in which something is, or which reaches a
// position.
func (r *rig) next(s *Subscription, upto eventstore.Position) Batch {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for {
		batch, err := s.Next(ctx)
		must(r.t, err)
		if batch.Events > 0 || batch.Upto >= upto {
			return batch
		}
		if batch.More == nil {
			continue
		}
		select {
		case <-batch.More:
		case <-ctx.Done():
			r.t.Fatalf("nothing comes after %d", batch.Upto)
		}
	}
}

// positions are those of a batch's events.
func (r *rig) positions(b Batch) (all []eventstore.Position) {
	r.t.Helper()
	for line := range bytes.Lines(bytes.Join(b.Pieces, nil)) {
		if text, ok := strings.CutPrefix(string(line), "id: "); ok {
			p, err := strconv.ParseUint(strings.TrimSpace(text), 10, 64)
			must(r.t, err)
			all = append(all, eventstore.Position(p))
		}
	}
	if len(all) != b.Events || b.Events > 0 && all[len(all)-1] != b.Last {
		r.t.Errorf("a batch of %d events up to %d holds %v", b.Events, b.Last, all)
	}
	return all
}
