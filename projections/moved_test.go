package projections

import (
	"errors"
	"testing"

	"github.com/supportledger/supportledger/domain/contract"
	"github.com/supportledger/supportledger/eventstore"
)

// Two that apply events to the same rows count each once: whoever comes late
// finds the checkpoint moved, undoes what it did, and goes on from there.
func TestRun_anEventCountsOnceWhoeverAppliesIt(t *testing.T) {
	onEach(t, testRun_anEventCountsOnceWhoeverAppliesIt)
}

func testRun_anEventCountsOnceWhoeverAppliesIt(t *testing.T, on engine) {
	store := openStore(t)
	dir := t.TempDir()
	must(t, add(t, store, benchID(0), eventstore.NoStream, start, benchContract(0, start)...))
	quick := openSet(t, on.at(t, Config{Dir: dir, Store: store}))
	must(t, quick.CatchUp(t.Context()))
	slow := openSet(t, on.at(t, Config{Dir: dir, Store: store}))
	if slow.Position() != quick.Position() {
		t.Fatalf("one is at %d, the other at %d", slow.Position(), quick.Position())
	}
	adjust := func(revision eventstore.Revision) eventstore.Position {
		must(t, add(t, store, benchID(0), revision, start, &contract.GrantAdjusted{Grant: 1, Unit: contract.Incident, Quantity: 1}))
		must(t, quick.CatchUp(t.Context()))
		return quick.Position()
	}
	first := adjust(3)
	adjust(4)

	f := startFeed(t.Context(), store, slow.projections, slow.Position(), first)
	defer f.close()
	c, _, err := f.next(t.Context())
	must(t, err)
	if _, _, err := slow.followBatch(t.Context(), f, c); !errors.Is(err, errBeaten) {
		t.Errorf("the late one was told %v", err)
	}
	quick.compareAll(t)
	adjust(5)
	must(t, slow.CatchUp(t.Context()))
	if slow.Position() != quick.Position() {
		t.Errorf("the late one came to %d, want %d", slow.Position(), quick.Position())
	}
	quick.compareAll(t)
	list, err := slow.Benefits.OfAccount(t.Context(), start, benchAccount(0), Page{})
	must(t, err)
	if b := list.Items[0].Balance; b.Adjusted != 3 {
		t.Errorf("the balance is %+v, want 3 adjusted", b)
	}
}
