package projections

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/domain/catalog"
	"github.com/supportledger/supportledger/domain/contract"
	"github.com/supportledger/supportledger/eventstore/pebblestore"
	"github.com/supportledger/supportledger/ledger"
	"github.com/supportledger/supportledger/vault"
)

// A rig is a ledger on a store in a folder of its own, with a clock that stands,
// and projections that follow it.
type rig struct {
	*ledger.Ledger
	*Set
	t      testing.TB
	config Config // of the set
	keys   *vault.Keys
	clock  *ledger.TestClock
	store  *pebblestore.Store
	people *vault.PeopleFile
	calls  int
	learn  func(*rig) // after each step of a story
}

var (
	start    = time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
	operator = ledger.Actor{Account: uuid.MustParse("00000000-0000-4000-8000-0000000000aa"), Role: ledger.Operator}
	engineer = ledger.Actor{Account: uuid.MustParse("00000000-0000-4000-8000-0000000000ee"), Role: ledger.Engineer}
	ani      = ledger.Actor{Account: uuid.MustParse("00000000-0000-4000-8000-000000000001"), Role: ledger.Customer, Portal: "desk"}
	budi     = ledger.Actor{Account: uuid.MustParse("00000000-0000-4000-8000-000000000002"), Role: ledger.Customer, Portal: "desk"}
)

func newRig(t testing.TB, on engine) *rig {
	return newRigAt(t, on.url(t, t.TempDir()))
}

// newRigAt is a rig whose rows lie where a URL says; "" for a file.
func newRigAt(t testing.TB, url string) *rig {
	r := &rig{t: t, keys: vault.Generate(), clock: ledger.NewTestClock(start)}
	dir := t.TempDir()
	var err error
	r.store, err = pebblestore.Open(filepath.Join(dir, "store"), pebblestore.Options{ReserveBytes: 1})
	must(t, err)
	r.people, err = vault.CreatePeople(filepath.Join(dir, "people"))
	must(t, err)
	r.Ledger, err = ledger.New(ledger.Config{Store: r.store, Keys: r.keys, People: r.people, Catalog: shelf(), Clock: r.clock})
	must(t, err)
	r.config = at(t, Config{Dir: filepath.Join(dir, "rows"), Store: r.store}, url)
	r.Set = openSet(t, r.config)
	t.Cleanup(func() {
		_ = r.store.Close()
		_ = r.people.Close()
	})
	return r
}

// openSet opens projections until the end of the test.
func openSet(t testing.TB, c Config) *Set {
	t.Helper()
	s, err := Open(t.Context(), c)
	must(t, err)
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// follow runs the projections until the end of the test.
func (r *rig) follow() {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- r.Run(ctx) }()
	r.t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			r.t.Errorf("Run ended with %v", err)
		}
	})
}

// settle waits until the rows have seen the whole log.
func (r *rig) settle() {
	r.t.Helper()
	must(r.t, r.CatchUpRows())
}

// CatchUpRows brings the rows to the log's head.
func (r *rig) CatchUpRows() error { return r.Set.CatchUp(r.t.Context()) }

func (r *rig) now() time.Time { return r.Ledger.Now() }

// later moves the clock.
func (r *rig) later(d time.Duration) {
	r.t.Helper()
	must(r.t, r.clock.Set(r.clock.Now().Add(d)))
}

// by is a request under a key of its own.
func (r *rig) by(who ledger.Actor, call string) ledger.Request {
	r.calls++
	return ledger.Request{By: who, Call: call, Key: fmt.Sprint("key-", r.calls), Body: []byte(call)}
}

// register registers a contract of a programme.
func (r *rig) register(programme string) ledger.ContractAnswer {
	r.t.Helper()
	answer, err := r.Register(r.t.Context(), r.by(operator, "register"), ledger.Registration{
		Programme: programme, Country: "ID", TimeZone: "Asia/Jakarta",
		Contact: contract.ContactTexts{Name: "Citra", Email: "citra@example.com"}, Language: "id",
	})
	must(r.t, err)
	return answer
}

// link links a contract to an account.
func (r *rig) link(c ledger.ContractAnswer, who ledger.Actor) {
	r.t.Helper()
	_, err := r.Link(r.t.Context(), r.by(who, "link"), ledger.Pair{AccessID: c.Terms.AccessID, ContractID: c.ContractID}, "desk", "")
	must(r.t, err)
}

// submit submits an incident that a contract pays for, or none.
func (r *rig) submit(who ledger.Actor, id uuid.UUID, change ...func(*ledger.Submission)) ledger.IncidentAnswer {
	r.t.Helper()
	wish := request(id)
	for _, c := range change {
		c(wish)
	}
	answer, err := r.Submit(r.t.Context(), r.by(who, "submit"), wish)
	must(r.t, err)
	return answer
}

func request(id uuid.UUID) *ledger.Submission {
	wish := &ledger.Submission{
		Submit: contract.Submit{
			Portal: "desk", Product: "engine", ProblemType: "fault", Category: "crash", Severity: "A",
			Title: "It stopped", Agreement: "1", Language: "en",
		},
		Contract: id,
		Texts:    contract.IncidentTexts{Name: "Ani", Email: "ani@example.com", Description: "It stopped at noon."},
	}
	if id == uuid.Nil {
		wish.Portal, wish.Product = "free", "card"
	}
	return wish
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// shelf is a small catalogue.
func shelf() *catalog.Catalog {
	everyDay := catalog.Hours{From: 9 * time.Hour, To: 17 * time.Hour}
	calendar := &catalog.Calendar{Zone: time.UTC, Days: [7]catalog.Hours{1: everyDay, 2: everyDay, 3: everyDay, 4: everyDay, 5: everyDay}}
	both := []string{"machines"}
	return &catalog.Catalog{
		Digest: strings.Repeat("ab", 32), Vendor: "test",
		Agreement: catalog.Agreement{Version: "1", URL: "https://example.com/agreement"},
		Portals: []catalog.Portal{
			{ID: "desk", Name: "Desk", Families: both, IDs: catalog.IDsRequired},
			{ID: "free", Name: "Free desk", Families: []string{"gifts"}, IDs: catalog.IDsNotUsed},
		},
		Products: []catalog.Product{
			{ID: "engine", Name: "Engine", Family: "machines", ProblemTypes: problems()},
			{ID: "card", Name: "Card", Family: "gifts", ProblemTypes: problems()},
		},
		Programmes: []catalog.Programme{
			{ID: "blank", ServiceName: "Blank", Short: "BLANK", Covers: both, Portals: []string{"desk"}, Activation: catalog.ActivateOnRequest,
				Included: []catalog.Included{{Unit: "incident", Quantity: 2}, {Unit: "minute", Quantity: 60}}},
			{ID: "pack", ServiceName: "Pack", Short: "PACK", Covers: both, Portals: []string{"desk"}, Activation: catalog.ActivateImmediately,
				Included: []catalog.Included{{Unit: "incident", Quantity: 20}}},
			{ID: "gold", ServiceName: "Gold", Short: "GOLD", Covers: both, Portals: []string{"desk"}, Activation: catalog.ActivateAfterRenewal, AfterRenewalDays: 21,
				Included: []catalog.Included{{Unit: "incident", Quantity: 20}, {Unit: "minute", Quantity: 100}}},
			{ID: "cloud", ServiceName: "Cloud", Short: "CLOUD", Covers: both, Portals: []string{"desk"}, Activation: catalog.ActivateWithCore,
				Included: []catalog.Included{{Unit: "incident", Unlimited: true}}},
			{ID: "single", ServiceName: "Single", Short: "ONE", Covers: both, Portals: []string{"desk"}, Activation: catalog.ActivateImmediately, Bought: true},
			{ID: "endless", ServiceName: "Endless", Short: "END", Covers: both, Portals: []string{"desk"}, Activation: catalog.ActivateImmediately,
				Included: []catalog.Included{{Unit: "incident", Unlimited: true}}},
		},
		Memberships: []catalog.Membership{{ID: "gold", Name: "Gold", Core: "gold", Signature: "cloud"}},
		Families:    []catalog.Family{{ID: "machines"}, {ID: "gifts"}},
		Severities: []catalog.Severity{
			{ID: "A", Name: "A", Response: catalog.Duration{Text: "PT2H", Value: 2 * time.Hour}},
			{ID: "B", Name: "B", Response: catalog.Duration{Text: "PT4H", Value: 4 * time.Hour}, BusinessHours: true},
		},
		ClosureCodes:    []catalog.ClosureCode{{ID: "resolved", Decrement: true}, {ID: "product-defect"}},
		DefaultCalendar: calendar, ReopenDays: 14, ReclassifyDays: 60, FewLeft: []int{1},
	}
}

func problems() []catalog.ProblemType {
	return []catalog.ProblemType{{ID: "fault", Name: "Fault", Categories: []catalog.Category{{ID: "crash", Name: "Crash"}}}}
}
