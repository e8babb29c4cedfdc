package site

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/supportledger/supportledger/audit"
	"github.com/supportledger/supportledger/bench/load"
	"github.com/supportledger/supportledger/domain/contract"
	"github.com/supportledger/supportledger/eventstore"
	"github.com/supportledger/supportledger/ledger"
)

func made(t *testing.T, h History) *Site {
	t.Helper()
	s, err := Make(t.Context(), filepath.Join(t.TempDir(), "site"), h)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestAHistoryIsOneThatTheLedgerMightHaveWritten(t *testing.T) {
	h := History{Contracts: 600, Submissions: 9_000} // so that some spend more than is included
	s := made(t, h)
	head, err := s.Head(t.Context())
	if err != nil || int(head) != h.Events() {
		t.Fatalf("the log ends at %d (%v), want %d", head, err, h.Events())
	}
	store, err := s.OpenStore()
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	verifier := audit.Verifier{Store: store}
	if result, err := verifier.Verify(t.Context()); err != nil || result.Finding != nil {
		t.Fatalf("the log is not lawful: %+v (%v)", result.Finding, err)
	}
	states := map[string]*contract.State{}
	for r, err := range store.ReadAll(t.Context(), eventstore.Start) {
		if err != nil {
			t.Fatal(err)
		}
		recorded, err := ledger.Decode(r)
		if err != nil {
			t.Fatal(err)
		}
		if r.Type == submittedName && (recorded.Meta.By.Role != ledger.Customer || recorded.Meta.By.Portal != Portal) {
			t.Fatalf("the metadata says %+v", recorded.Meta)
		}
		if states[r.Stream] == nil {
			states[r.Stream] = new(contract.State)
		}
		contract.Evolve(states[r.Stream], recorded.Event.(contract.Event))
	}
	remaining(t, states, h)
}

// remaining holds the states' balances to what was submitted.
func remaining(t *testing.T, states map[string]*contract.State, h History) {
	t.Helper()
	var deducted int64
	for id, state := range states {
		b := state.Balances(time.Now())[contract.Incident]
		deducted += b.Deducted
		if state.Status(time.Now()) != contract.StatusActive || b.Available != contract.MaxQuantity+included-b.Deducted {
			t.Fatalf("contract %s is %s with %+v", id, state.Status(time.Now()), b)
		}
	}
	if len(states) != h.Contracts || deducted != int64(h.Submissions) {
		t.Errorf("%d contracts with %d deductions, want %+v", len(states), deducted, h)
	}
}

func TestEveryContractOfASiteTakesSubmissions(t *testing.T) {
	s := made(t, History{Contracts: 3, Submissions: 40})
	before, err := s.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	result := worked(t, s, 8)
	found, err := s.Found(t.Context(), before, result.Numbers)
	if err != nil || found != result.Acknowledged || found == 0 || result.Asked != found {
		t.Errorf("asked %d, acknowledged %d, found %d (%v)", result.Asked, result.Acknowledged, found, err)
	}
}

// worked runs a short load on a site in this process.
func worked(t *testing.T, s *Site, callers int) load.Result {
	t.Helper()
	running, err := s.Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	result, err := load.Run(t.Context(), running.Callers(callers, len(s.Contracts)), load.Span{Measure: 200 * time.Millisecond})
	if err != nil {
		t.Error(err)
	}
	if rows, feed, err := running.Lag(t.Context()); rows < 0 || feed < 0 || err != nil {
		t.Errorf("the read models are %d and the feed is %d events behind (%v)", rows, feed, err)
	}
	if appends, submissions, err := running.Batches(); appends < 1 || submissions < 1 || err != nil {
		t.Errorf("%v appends in a sync, %v submissions in an append (%v)", appends, submissions, err)
	}
	if err := running.Close(); err != nil {
		t.Fatal(err)
	}
	return result
}

func TestWhatWasLostIsNotFound(t *testing.T) {
	s := made(t, History{Contracts: 2, Submissions: 10})
	number := func(revision eventstore.Revision) uint64 { return recordedNumber(t, s, revision) }
	one, other := number(5), number(7)
	for name, test := range map[string]struct {
		acknowledged []uint64
		want         int64
	}{
		"all are there":   {[]uint64{one, other}, 10},
		"one is missing":  {[]uint64{one, other, 17}, 2},
		"two share one":   {[]uint64{one, one, other}, 2},
		"nothing is said": {nil, 10},
	} {
		if found, err := s.Found(t.Context(), eventstore.Start, test.acknowledged); found != test.want || err != nil {
			t.Errorf("%s: found %d (%v), want %d", name, found, err, test.want)
		}
	}
	if found, err := s.Found(t.Context(), eventstore.Position(s.History.Events()), nil); found != 0 || err != nil {
		t.Errorf("found %d (%v) after the end", found, err)
	}
}

func recordedNumber(t *testing.T, s *Site, revision eventstore.Revision) uint64 {
	t.Helper()
	store, err := s.OpenStore()
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	for r, err := range store.ReadStream(t.Context(), s.Contracts[0].String(), revision, eventstore.Forwards) {
		if err != nil {
			t.Fatal(err)
		}
		n, err := numberOf(r)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	t.Fatalf("the first contract has no revision %d", revision)
	return 0
}

func TestACloneIsTheSameAndKeepsToItself(t *testing.T) {
	s := made(t, History{Contracts: 5, Submissions: 50})
	if _, err := s.CatchUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	c, err := s.Clone(filepath.Join(t.TempDir(), "clone"))
	if err != nil {
		t.Fatal(err)
	}
	if events, err := c.CatchUp(t.Context()); events != 0 || err != nil {
		t.Errorf("the clone's read models had to go through %d events (%v)", events, err)
	}
	result := worked(t, c, 4)
	head, err := s.Head(t.Context())
	if err != nil || int(head) != s.History.Events() {
		t.Errorf("work on the clone has moved the original to %d (%v)", head, err)
	}
	if found, err := c.Found(t.Context(), head, result.Numbers); found != result.Acknowledged || err != nil {
		t.Errorf("found %d of %d in the clone (%v)", found, result.Acknowledged, err)
	}
}

func TestAFailedSiteLeavesNothing(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "site")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Make(ctx, dir, History{Contracts: 10}); err == nil {
		t.Fatal("a site was made although that was called off")
	}
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("something is left: %v", err)
	}
}
