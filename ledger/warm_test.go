package ledger_test

import (
	"context"
	"iter"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/supportledger/supportledger/domain/contract"
	"github.com/supportledger/supportledger/eventstore"
	"github.com/supportledger/supportledger/eventstore/storetest"
	"github.com/supportledger/supportledger/ledger"
)

// A readFrom remembers from which revisions a stream was read.
type readFrom struct {
	eventstore.Store
	stream string

	mu   sync.Mutex
	from []eventstore.Revision
}

func (s *readFrom) ReadStream(ctx context.Context, stream string, from eventstore.Revision, dir eventstore.Direction) iter.Seq2[eventstore.Record, error] {
	if stream == s.stream {
		s.mu.Lock()
		s.from = append(s.from, from)
		s.mu.Unlock()
	}
	return s.Store.ReadStream(ctx, stream, from, dir)
}

// A state in memory takes up what another node has recorded in one append, without
// being read anew: it is then the state that a node has which reads everything, and
// repeats of each of the commands are answered as they were there.
func TestAStateInMemoryTakesUpAnAppendOfSeveralEvents(t *testing.T) {
	r := newRig(t)
	far := storetest.Apart(r.store) // where commands of one append are told one position
	node := func(s eventstore.Store) *ledger.Ledger {
		l, err := ledger.New(ledger.Config{Store: s, Keys: r.keys, People: r.people, Catalog: shelf(), Clock: r.clock})
		must(t, err)
		return l
	}
	const many = 5
	c := r.linked(2 * many)
	store := &readFrom{Store: far, stream: c.ID.String()}
	here, there := node(store), node(far)
	balance := func(l *ledger.Ledger) (b contract.Balance) {
		t.Helper()
		must(t, l.View(t.Context(), c.ID, func(s *contract.State, at time.Time) { b = s.Balances(at)[contract.Incident] }))
		return b
	}
	balance(here) // in memory from now on
	cold := len(store.from)

	var wishes [many]ledger.Request
	var answers [many]ledger.IncidentAnswer
	for i := range wishes {
		wishes[i] = r.by(ani, "submit")
	}
	r.together(there, c.ID, many, func(i int) {
		var err error
		if answers[i], err = there.Submit(t.Context(), wishes[i], request(c.ID)); err != nil {
			t.Error(err)
		}
	})
	for _, a := range answers {
		if a.Position != answers[0].Position || !r.lastOfAppend(far, c.ID.String(), a.Position) {
			t.Fatalf("not one append: %+v", answers)
		}
	}
	if got, want := balance(here), balance(node(far)); got != want || got.Consumed != many {
		t.Errorf("the state in memory has the balance %+v, one that is read anew %+v", got, want)
	}
	for i, first := range answers {
		again, err := here.Submit(t.Context(), wishes[i], request(c.ID))
		must(t, err)
		if again.Position != first.Position || again.Number != first.Number || !again.Replayed {
			t.Errorf("repeated, %+v was answered with %+v", first, again)
		}
	}
	_, err := here.Submit(t.Context(), r.by(ani, "submit"), request(c.ID))
	must(t, err)
	if b := balance(there); b.Consumed != many+1 {
		t.Errorf("after one more the other node has %+v", b)
	}
	if slices.Contains(store.from[cold:], 0) {
		t.Errorf("the state was read anew: from %v, then %v", store.from[:cold], store.from[cold:])
	}
}
