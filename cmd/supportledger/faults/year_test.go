//go:build linux

package faults_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/catalogfile"
	"github.com/supportledger/supportledger/domain/catalog"
	domaincontract "github.com/supportledger/supportledger/domain/contract"
	"github.com/supportledger/supportledger/domain/partner"
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

// A year is several nodes, and a clock that they share.
type year struct {
	*plan
	random *rand.Rand
	mu     sync.Mutex // of random
	store  eventstore.Store
	keys   *vault.Keys
	people *vault.PeopleFile
	cat    *catalog.Catalog
	clock  *ledger.TestClock
	nodes  []*node
	kills  int
	calls  int
}

func newYear(t *testing.T, nodes, steps int) *year {
	t.Helper()
	dir := t.TempDir()
	y := &year{random: rand.New(rand.NewPCG(uint64(nodes), 11)), keys: vault.Generate()}
	y.plan = newPlan(t, y, steps)
	y.clock = ledger.NewTestClock(y.start)
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
			for i := range steps + 1 {
				must(t, y.clock.Set(y.start.Add(time.Duration(i)*y.step)))
				y.reach(i)
				y.work(false)
			}
			for range 5 { // what the last kills have left
				y.work(true)
			}
			y.check(y.store, 20)
			if y.kills < 20 {
				t.Errorf("%d kills are too few to mean anything", y.kills)
			}
			t.Logf("%d contracts, %d kills", len(y.expected), y.kills)
		})
	}
}

func (y *year) registerPartner(p partner.Register) (id uuid.UUID) {
	y.asked("partner", func(n *node, r ledger.Request) error {
		answer, err := n.RegisterPartner(context.Background(), r, p, ledger.Person{Name: "Citra", Email: "citra@example.com", Language: "en"})
		id = answer.ID
		return err
	})
	return id
}

func (y *year) renewMembership(id uuid.UUID, day catalog.Date) (made []madeContract) {
	y.asked("renewal", func(n *node, r ledger.Request) error {
		answer, err := n.RenewMembership(context.Background(), r, id, day)
		for _, c := range answer.Contracts {
			made = append(made, madeContract{c.ID, c.Terms.Programme})
		}
		return err
	})
	return made
}

func (y *year) register(what ledger.Registration) (id uuid.UUID) {
	what.Contact, what.Language = domaincontract.ContactTexts{Name: "Citra", Email: "citra@example.com"}, "en"
	y.asked("register", func(n *node, r ledger.Request) error {
		answer, err := n.Register(context.Background(), r, what)
		id = answer.ID
		return err
	})
	return id
}

func (y *year) activate(id uuid.UUID) {
	y.asked("activate", func(n *node, r ledger.Request) error {
		_, err := n.Change(context.Background(), r, id, &domaincontract.Activate{Reason: "asked"})
		return err
	})
}

func (y *year) link(id uuid.UUID) {
	y.asked("link", func(n *node, r ledger.Request) error {
		r.By = ledger.Actor{Account: uuid.MustParse("00000000-0000-4000-8000-000000000001"), Role: ledger.Customer, Portal: "oas"}
		_, err := n.Link(context.Background(), r, y.whole(n, id), "oas", "")
		return err
	})
}

func (y *year) grant(id uuid.UUID, incidents int64, expires catalog.Date) {
	y.asked("grant", func(n *node, r ledger.Request) error {
		_, err := n.Change(context.Background(), r, id, &domaincontract.AddGrant{Unit: domaincontract.Incident, Quantity: incidents, ExpiresOn: expires, Reason: "goodwill"})
		return err
	})
}

func (y *year) renew(id uuid.UUID) (next uuid.UUID) {
	y.asked("renew", func(n *node, r ledger.Request) error {
		answer, err := n.Renew(context.Background(), r, id, "another year")
		next = answer.ID
		return err
	})
	return next
}

// whole is the Contract ID of a contract, as the letter tells it.
func (y *year) whole(n *node, id uuid.UUID) (pair ledger.Pair) {
	must(y.t, n.View(context.Background(), id, func(s *domaincontract.State, _ time.Time) {
		secret, err := y.keys.OpenContractID(id, s.Terms().ContractID)
		must(y.t, err)
		pair = ledger.Pair{AccessID: s.Terms().AccessID, ContractID: secret}
	}))
	return pair
}
