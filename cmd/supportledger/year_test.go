package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/audit"
	"github.com/supportledger/supportledger/catalogfile"
	"github.com/supportledger/supportledger/domain/catalog"
	"github.com/supportledger/supportledger/domain/contract"
	"github.com/supportledger/supportledger/eventstore"
	"github.com/supportledger/supportledger/eventstore/pebblestore"
	"github.com/supportledger/supportledger/eventstore/storetest"
	"github.com/supportledger/supportledger/ledger"
	"github.com/supportledger/supportledger/projections"
	"github.com/supportledger/supportledger/vault"
)

// errKilled is what a process sees of its own end.
var errKilled = fmt.Errorf("killed: %w", eventstore.ErrClosed)

// mortal is a log as one process sees it that may be killed at any append, right
// before it or right after it.
type mortal struct {
	eventstore.Store
	dead  atomic.Bool
	fates func() int // 0: before, 1: after, else: lives
}

// Append implements eventstore.Store.
func (m *mortal) Append(ctx context.Context, a eventstore.Append) (eventstore.Appended, error) {
	if m.dead.Load() {
		return eventstore.Appended{}, errKilled
	}
	switch m.fates() {
	case 0:
		m.dead.Store(true)
		return eventstore.Appended{}, errKilled
	case 1:
		_, _ = m.Store.Append(ctx, a)
		m.dead.Store(true)
		return eventstore.Appended{}, errKilled
	}
	return m.Store.Append(ctx, a)
}

// A node is one of several ledgers on a log, with read models of its own.
type node struct {
	dir   string
	store *mortal
	*ledger.Ledger
	set *projections.Set
}

// A year is several nodes, a clock that they share, and what a plain calculation
// says must come of what was asked.
type year struct {
	t      *testing.T
	random *rand.Rand
	mu     sync.Mutex // of random
	store  eventstore.Store
	keys   *vault.Keys
	people *vault.PeopleFile
	cat    *catalog.Catalog
	clock  *ledger.TestClock
	end    time.Time
	nodes  []*node
	kills  int
	calls  int
	later  map[int][]func() // what is asked at a step
	step   time.Duration
	start  time.Time

	expected map[uuid.UUID]*fate
}

// A fate is what must become of a contract: for each type of event, the moments at
// which one is due, or was asked for.
type fate struct {
	since   time.Time // it was registered
	moments map[string][]time.Time
}

func newYear(t *testing.T, nodes, steps int) *year {
	t.Helper()
	dir := t.TempDir()
	y := &year{
		t: t, random: rand.New(rand.NewPCG(uint64(nodes), 11)), keys: vault.Generate(), start: time.Date(2027, 1, 4, 9, 0, 0, 0, time.UTC),
		later: map[int][]func(){}, expected: map[uuid.UUID]*fate{},
	}
	y.step = 365 * 24 * time.Hour / time.Duration(steps)
	y.clock, y.end = ledger.NewTestClock(y.start), y.start.Add(time.Duration(steps)*y.step)
	store, err := pebblestore.Open(filepath.Join(dir, "store"), pebblestore.Options{ReserveBytes: 1})
	must(t, err)
	y.store = store
	y.people, err = vault.CreatePeople(filepath.Join(dir, "people"))
	must(t, err)
	y.cat, err = catalogfile.Builtin("microsoft-2015")
	must(t, err)
	for i := range nodes {
		n := &node{dir: filepath.Join(dir, fmt.Sprint("rows-", i))}
		y.nodes = append(y.nodes, n)
		y.begin(n)
	}
	t.Cleanup(func() {
		for _, n := range y.nodes {
			_ = n.set.Close()
		}
		_, _ = store.Close(), y.people.Close()
	})
	return y
}

// begin starts a node, or starts it again.
func (y *year) begin(n *node) {
	y.t.Helper()
	if n.set != nil {
		must(y.t, n.set.Close())
	}
	n.store = &mortal{Store: y.store, fates: func() int { return y.intN(20) }}
	var err error
	n.Ledger, err = ledger.New(ledger.Config{Store: n.store, Keys: y.keys, People: y.people, Catalog: y.cat, Clock: y.clock})
	must(y.t, err)
	n.set, err = projections.Open(context.Background(), projections.Config{Dir: n.dir, Store: n.store})
	must(y.t, err)
}

func (y *year) intN(n int) int {
	y.mu.Lock()
	defer y.mu.Unlock()
	return y.random.IntN(n)
}

// asked has one of the nodes do something, and another one again where it was
// killed meanwhile: under the same key, as somebody would who had no answer.
func (y *year) asked(call string, do func(n *node, r ledger.Request) error) {
	y.t.Helper()
	y.calls++
	who := ledger.Actor{Account: uuid.MustParse("00000000-0000-4000-8000-0000000000aa"), Role: ledger.Operator}
	r := ledger.Request{By: who, Call: call, Key: fmt.Sprint("key-", y.calls), Body: []byte(call)}
	for {
		n := y.nodes[y.intN(len(y.nodes))]
		err := do(n, r)
		if n.store.dead.Load() {
			y.kills++
			y.begin(n)
			continue
		}
		if err != nil {
			y.t.Fatalf("%s: %v", call, err)
		}
		return
	}
}

// at has something asked at the first step not before a time.
func (y *year) at(when time.Time, do func()) {
	y.later[int((when.Sub(y.start)+y.step-1)/y.step)] = append(y.later[int((when.Sub(y.start)+y.step-1)/y.step)], do)
}

// expect notes a moment of a contract.
func (y *year) expect(id uuid.UUID, what string, at time.Time) {
	f := y.expected[id]
	if f == nil {
		f = &fate{since: y.clock.Now(), moments: map[string][]time.Time{}}
		y.expected[id] = f
	}
	if !at.After(y.end) {
		f.moments[what] = append(f.moments[what], at)
	}
}

// work lets every node look for what is due, side by side.
func (y *year) work(patient bool) {
	y.t.Helper()
	var all sync.WaitGroup
	for _, n := range y.nodes {
		all.Go(func() {
			err := n.set.CatchUp(context.Background())
			if err == nil {
				_, err = n.CatchUp(context.Background(), n.set.Due)
			}
			if err != nil && !n.store.dead.Load() && !errors.Is(err, ledger.ErrBusy) {
				y.t.Errorf("look for what is due: %v", err)
			}
		})
	}
	all.Wait()
	for _, n := range y.nodes {
		if n.store.dead.Load() || !patient && y.intN(3000) == 0 {
			y.kills++
			y.begin(n)
		}
	}
}

// R4, R5, R6, R28: what is due happens once, not before its moment and soon after
// it, whatever is killed when: as a plain calculation of dates says.
func TestR5_AYearInTenThousandSteps(t *testing.T) {
	for nodes, steps := range map[int]int{1: storetest.Rounds(2_000, 10_000), 3: 10_000} {
		t.Run(fmt.Sprint(nodes, " nodes"), func(t *testing.T) {
			y := newYear(t, nodes, steps)
			y.plan()
			for i := range steps + 1 {
				must(t, y.clock.Set(y.start.Add(time.Duration(i)*y.step)))
				for _, do := range y.later[i] {
					do()
				}
				y.work(false)
			}
			for range 5 { // what the last kills have left
				y.work(true)
			}
			y.check()
			if y.kills < 20 {
				t.Errorf("%d kills are too few to mean anything", y.kills)
			}
			t.Logf("%d contracts, %d kills", len(y.expected), y.kills)
		})
	}
}

// check holds the log against what was calculated.
func (y *year) check() {
	y.t.Helper()
	got := map[uuid.UUID]map[string][]time.Time{}
	for r, err := range y.store.ReadAll(context.Background(), eventstore.Start) {
		must(y.t, err)
		id, ok := ledger.ContractOf(r.Stream)
		if !ok {
			continue
		}
		if got[id] == nil {
			got[id] = map[string][]time.Time{}
		}
		what := strings.TrimSuffix(r.Type, ".v1")
		got[id][what] = append(got[id][what], r.RecordedAt)
	}
	if len(got) != len(y.expected) {
		y.t.Errorf("%d contracts are in the log, want %d", len(got), len(y.expected))
	}
	for id, f := range y.expected {
		for _, what := range []string{"contract.activated", "contract.expired", "grant.lapsed", "account.linked"} {
			want, have := f.moments[what], got[id][what]
			slices.SortFunc(want, time.Time.Compare)
			if len(have) != len(want) {
				y.t.Errorf("contract %s: %d %s, want %d, at %v", id, len(have), what, len(want), want)
				continue
			}
			for i, at := range have {
				due := want[i]
				if due.Before(f.since) {
					due = f.since
				}
				if at.Before(due) || at.Sub(due) > 20*y.step {
					y.t.Errorf("contract %s: %s was recorded at %v, and due at %v", id, what, at, due)
				}
			}
		}
	}
	v := &audit.Verifier{Store: y.store}
	result, err := v.Verify(context.Background())
	if must(y.t, err); result.Finding != nil {
		y.t.Errorf("verify: %v", result.Finding)
	}
}

// whole is the Contract ID of a contract, as the letter tells it.
func (y *year) whole(n *node, id uuid.UUID) (pair ledger.Pair) {
	must(y.t, n.View(context.Background(), id, func(s *contract.State, _ time.Time) {
		secret, err := y.keys.OpenContractID(id, s.Terms().ContractID)
		must(y.t, err)
		pair = ledger.Pair{AccessID: s.Terms().AccessID, ContractID: secret}
	}))
	return pair
}
