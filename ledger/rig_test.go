package ledger_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/domain"
	"github.com/supportledger/supportledger/domain/catalog"
	"github.com/supportledger/supportledger/domain/contract"
	"github.com/supportledger/supportledger/eventstore"
	"github.com/supportledger/supportledger/eventstore/pebblestore"
	"github.com/supportledger/supportledger/ledger"
	"github.com/supportledger/supportledger/vault"
)

// A rig is a ledger on a store in a folder of its own, with a clock that stands.
type rig struct {
	*ledger.Ledger
	t      testing.TB
	dir    string
	keys   *vault.Keys
	clock  *ledger.TestClock
	store  *pebblestore.Store
	people *vault.PeopleFile
	calls  int
}

var (
	start    = time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
	operator = ledger.Actor{Account: uuid.MustParse("00000000-0000-4000-8000-0000000000aa"), Role: ledger.Operator}
	engineer = ledger.Actor{Account: uuid.MustParse("00000000-0000-4000-8000-0000000000ee"), Role: ledger.Engineer}
	ani      = ledger.Actor{Account: uuid.MustParse("00000000-0000-4000-8000-000000000001"), Role: ledger.Customer, Portal: "desk"}
	budi     = ledger.Actor{Account: uuid.MustParse("00000000-0000-4000-8000-000000000002"), Role: ledger.Customer, Portal: "desk"}
)

func newRig(t testing.TB) *rig {
	r := &rig{t: t, dir: t.TempDir(), keys: vault.Generate(), clock: ledger.NewTestClock(start)}
	people, err := vault.CreatePeople(filepath.Join(r.dir, "people"))
	must(t, err)
	must(t, people.Close())
	r.open()
	return r
}

// open opens the folder, as at a start of the process.
func (r *rig) open() {
	r.t.Helper()
	var err error
	r.store, err = pebblestore.Open(filepath.Join(r.dir, "store"), pebblestore.Options{ReserveBytes: 1})
	must(r.t, err)
	r.people, err = vault.OpenPeople(filepath.Join(r.dir, "people"))
	must(r.t, err)
	r.Ledger = r.another()
	r.t.Cleanup(r.close)
}

// another is one more ledger on the same store, as on another node.
func (r *rig) another() *ledger.Ledger {
	l, err := ledger.New(ledger.Config{Store: r.store, Keys: r.keys, People: r.people, Catalog: shelf(), Clock: r.clock})
	must(r.t, err)
	return l
}

func (r *rig) close() {
	_ = r.store.Close()
	_ = r.people.Close()
}

func (r *rig) restart() {
	r.t.Helper()
	r.close()
	r.open()
}

// by is a request under a key of its own.
func (r *rig) by(who ledger.Actor, call string) ledger.Request {
	r.calls++
	return ledger.Request{By: who, Call: call, Key: fmt.Sprint("key-", r.calls), Body: []byte(call)}
}

// active registers a contract that is active, with n incidents.
func (r *rig) active(n int64) ledger.ContractAnswer {
	r.t.Helper()
	answer, err := r.Register(r.t.Context(), r.by(operator, "register"), ledger.Registration{
		Programme: "blank", Country: "ID", TimeZone: "Asia/Jakarta",
		Contact: contract.ContactTexts{Name: "Citra", Email: "citra@example.com"}, Language: "id",
	})
	must(r.t, err)
	_, err = r.Change(r.t.Context(), r.by(operator, "activate"), answer.ID, &contract.Activate{Reason: "asked"})
	must(r.t, err)
	if n > 0 {
		_, err = r.Change(r.t.Context(), r.by(operator, "grant"), answer.ID, &contract.AddGrant{Unit: contract.Incident, Quantity: n, Reason: "pack"})
		must(r.t, err)
	}
	return answer
}

func (r *rig) pair(c ledger.ContractAnswer) ledger.Pair {
	return ledger.Pair{AccessID: c.Terms.AccessID, ContractID: c.ContractID}
}

// linked is an active contract with n incidents that ani has linked.
func (r *rig) linked(n int64) ledger.ContractAnswer {
	r.t.Helper()
	answer := r.active(max(n, 1))
	_, err := r.Link(r.t.Context(), r.by(ani, "link"), r.pair(answer), "desk", "")
	must(r.t, err)
	return answer
}

func request(id uuid.UUID) *ledger.Submission {
	return &ledger.Submission{
		Submit: contract.Submit{
			Portal: "desk", Product: "engine", ProblemType: "fault", Category: "crash", Severity: "A",
			Title: "It stopped", Agreement: "1", Language: "en",
		},
		Contract: id,
		Texts:    contract.IncidentTexts{Name: "Ani", Email: "ani@example.com", Description: "It stopped at noon."},
	}
}

func (r *rig) balance(id uuid.UUID) (b contract.Balance) {
	r.t.Helper()
	must(r.t, r.View(context.Background(), id, func(s *contract.State, at time.Time) { b = s.Balances(at)[contract.Incident] }))
	return b
}

func (r *rig) status(id uuid.UUID) (status contract.Status) {
	r.t.Helper()
	must(r.t, r.View(context.Background(), id, func(s *contract.State, at time.Time) { status = s.Status(at) }))
	return status
}

// types are the types of a stream's records, oldest first.
func (r *rig) types(stream string) string {
	r.t.Helper()
	var names []string
	for rec, err := range r.store.ReadStream(context.Background(), stream, 0, eventstore.Forwards) {
		must(r.t, err)
		names = append(names, strings.TrimSuffix(rec.Type, ".v1"))
	}
	return strings.Join(names, " ")
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// refused fails unless an error is a refusal with a code.
func refused(t testing.TB, err error, code string) {
	t.Helper()
	var refusal *domain.Refusal
	if !errors.As(err, &refusal) || refusal.Code != code {
		t.Fatalf("got %v, want a refusal with the code %s", err, code)
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
			{ID: "blank", ServiceName: "Blank", Short: "BLANK", Covers: both, Portals: []string{"desk"}, Activation: catalog.ActivateOnRequest},
			{ID: "gold", ServiceName: "Gold", Short: "GOLD", Covers: both, Portals: []string{"desk"}, Activation: catalog.ActivateAfterRenewal, AfterRenewalDays: 21,
				Included: []catalog.Included{{Unit: "incident", Quantity: 20}, {Unit: "minute", Quantity: 100}}},
			{ID: "cloud", ServiceName: "Cloud", Short: "CLOUD", Covers: both, Portals: []string{"desk"}, Activation: catalog.ActivateWithCore,
				Included: []catalog.Included{{Unit: "incident", Unlimited: true}}},
			{ID: "kit", ServiceName: "Kit", Short: "KIT", Covers: both, Portals: []string{"desk"}, Activation: catalog.ActivateThroughRSC,
				Included: []catalog.Included{{Unit: "incident", Quantity: 5}}},
			{ID: "single", ServiceName: "Single", Short: "ONE", Covers: both, Portals: []string{"desk"}, Activation: catalog.ActivateImmediately, Bought: true},
			{ID: "pack", ServiceName: "Pack", Short: "PACK", Covers: both, Portals: []string{"desk"}, Activation: catalog.ActivateImmediately,
				Included: []catalog.Included{{Unit: "incident", Quantity: 3}}},
		},
		Memberships: []catalog.Membership{
			{ID: "gold", Name: "Gold", Core: "gold", Signature: "cloud", Toolkit: "kit"},
			{ID: "asked", Name: "Asked", Core: "blank"},
		},
		Families:        []catalog.Family{{ID: "machines"}, {ID: "gifts"}},
		Severities:      []catalog.Severity{{ID: "A", Name: "A", Response: catalog.Duration{Text: "PT2H", Value: 2 * time.Hour}}, {ID: "B", Name: "B", Response: catalog.Duration{Text: "PT4H", Value: 4 * time.Hour}, BusinessHours: true}},
		ClosureCodes:    []catalog.ClosureCode{{ID: "resolved", Decrement: true}, {ID: "product-defect"}},
		DefaultCalendar: calendar, ReopenDays: 14, ReclassifyDays: 60, FewLeft: []int{1},
	}
}

func problems() []catalog.ProblemType {
	return []catalog.ProblemType{{ID: "fault", Name: "Fault", Categories: []catalog.Category{{ID: "crash", Name: "Crash"}}}}
}
