package audit_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/audit"
	"github.com/supportledger/supportledger/domain"
	"github.com/supportledger/supportledger/domain/catalog"
	"github.com/supportledger/supportledger/domain/contract"
	"github.com/supportledger/supportledger/domain/mail"
	"github.com/supportledger/supportledger/eventstore"
	"github.com/supportledger/supportledger/eventstore/pebblestore"
	"github.com/supportledger/supportledger/ledger"
	"github.com/supportledger/supportledger/vault"
)

// A rig is a ledger with an auditor beside it, and a clock that stands.
type rig struct {
	*ledger.Ledger
	t       testing.TB
	keys    *vault.Keys
	clock   *ledger.TestClock
	store   *pebblestore.Store
	auditor *audit.Auditor
	calls   int
}

var (
	start    = time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
	operator = ledger.Actor{Account: uuid.MustParse("00000000-0000-4000-8000-0000000000aa"), Role: ledger.Operator}
	engineer = ledger.Actor{Account: uuid.MustParse("00000000-0000-4000-8000-0000000000ee"), Role: ledger.Engineer}
	ani      = ledger.Actor{Account: uuid.MustParse("00000000-0000-4000-8000-000000000001"), Role: ledger.Customer, Portal: "desk"}
	budi     = ledger.Actor{Account: uuid.MustParse("00000000-0000-4000-8000-000000000002"), Role: ledger.Customer, Portal: "desk"}
)

var postOffice = ledger.Request{By: ledger.Actor{Role: ledger.System}}

func newRig(t testing.TB) *rig {
	t.Helper()
	dir := t.TempDir()
	r := &rig{t: t, keys: vault.Generate(), clock: ledger.NewTestClock(start)}
	people, err := vault.CreatePeople(filepath.Join(dir, "people"))
	must(t, err)
	r.store, err = pebblestore.Open(filepath.Join(dir, "store"), pebblestore.Options{ReserveBytes: 1, NoSync: true})
	must(t, err)
	t.Cleanup(func() { _, _ = r.store.Close(), people.Close() })
	r.Ledger, err = ledger.New(ledger.Config{Store: r.store, Keys: r.keys, People: people, Catalog: shelf(), Clock: r.clock})
	must(t, err)
	r.auditor, err = audit.New(r.store, r.clock)
	must(t, err)
	return r
}

// by is a request under a key of its own.
func (r *rig) by(who ledger.Actor, call string) ledger.Request {
	r.calls++
	return ledger.Request{By: who, Call: call, Key: fmt.Sprint("key-", r.calls), Body: []byte(call)}
}

func (r *rig) register(programme string) ledger.ContractAnswer {
	r.t.Helper()
	answer, err := r.Register(r.t.Context(), r.by(operator, "register"), ledger.Registration{
		Programme: programme, Country: "ID", TimeZone: "Asia/Jakarta",
		Contact: contract.ContactTexts{Name: "Citra", Email: "citra@example.com"}, Language: "id",
	})
	must(r.t, err)
	return answer
}

func (r *rig) change(id uuid.UUID, wish contract.Command) {
	r.t.Helper()
	_, err := r.Change(r.t.Context(), r.by(operator, "change"), id, wish)
	must(r.t, err)
}

func (r *rig) link(who ledger.Actor, c ledger.ContractAnswer) {
	r.t.Helper()
	_, err := r.Link(r.t.Context(), r.by(who, "link"), ledger.Pair{AccessID: c.Terms.AccessID, ContractID: c.ContractID}, "desk", "")
	must(r.t, err)
}

func (r *rig) submit(who ledger.Actor, id uuid.UUID) ledger.IncidentRef {
	r.t.Helper()
	portal, product := "desk", "engine"
	if id == uuid.Nil {
		portal, product = "free", "card"
	}
	answer, err := r.Submit(r.t.Context(), r.by(who, "submit"), &ledger.Submission{
		Submit: contract.Submit{
			Portal: portal, Product: product, ProblemType: "fault", Category: "crash", Severity: "A",
			Title: "It stopped", Agreement: "1", Language: "en",
		},
		Contract: id,
		Texts:    contract.IncidentTexts{Name: "Ani", Email: "ani@example.com", Description: "It stopped at noon."},
	})
	must(r.t, err)
	ref := ledger.IncidentRef{Number: answer.Number, Stream: id, Owner: who.Account}
	if id == uuid.Nil {
		ref.Stream, ref.Revisions = r.streamOf(answer.Position), []eventstore.Revision{0}
	}
	return ref
}

// streamOf is the stream of a record.
func (r *rig) streamOf(p eventstore.Position) uuid.UUID {
	r.t.Helper()
	for record, err := range r.store.ReadAll(r.t.Context(), p-1) {
		must(r.t, err)
		return uuid.MustParse(record.Stream)
	}
	return uuid.Nil
}

func (r *rig) closeIncident(ref ledger.IncidentRef, closure string) {
	r.t.Helper()
	_, err := r.Close(r.t.Context(), r.by(engineer, "close"), ref, closure, "It was unplugged.")
	must(r.t, err)
}

func letter(n byte, cause uuid.UUID) mail.Letter {
	return mail.Letter{Mail: uuid.UUID{15: n}, Kind: mail.Submitted, Cause: cause, Language: "id"}
}

// sealed is citra's address, sealed.
func (r *rig) sealed(said string) domain.Sealed[mail.Recipient] {
	r.t.Helper()
	to, err := r.SealRecipient(context.Background(), r.keys.Contact("citra@example.com"), mail.Recipient{Name: "Citra", Email: "citra@example.com", Said: said})
	must(r.t, err)
	return to
}

// sent records a mail as sent.
func (r *rig) sent(id uuid.UUID, about mail.Letter) ledger.Receipt {
	r.t.Helper()
	receipt, err := r.RecordSent(context.Background(), postOffice, id,
		mail.RecordSent{Letter: about, Recipient: r.sealed(""), Try: 1, MessageID: "<m@example.com>"})
	must(r.t, err)
	return receipt
}

// givenUp records a mail as given up.
func (r *rig) givenUp(id uuid.UUID, about mail.Letter) ledger.Receipt {
	r.t.Helper()
	receipt, err := r.RecordGivenUp(context.Background(), postOffice, id,
		mail.RecordGivenUp{Letter: about, Recipient: r.sealed("550 nobody"), Tries: 9, Reason: "unreachable"})
	must(r.t, err)
	return receipt
}

// now moves the clock, and records what has become due on contracts.
func (r *rig) now(t time.Time, touch ...uuid.UUID) {
	r.t.Helper()
	must(r.t, r.clock.Set(t))
	for _, id := range touch {
		must(r.t, r.Touch(r.t.Context(), id))
	}
}

// records are everything that was recorded.
func (r *rig) records() []eventstore.Record {
	r.t.Helper()
	var out []eventstore.Record
	for record, err := range r.store.ReadAll(context.Background(), eventstore.Start) {
		must(r.t, err)
		out = append(out, record)
	}
	return out
}

// pairs checks with the rig's keys that a contract is named by its pair.
func (r *rig) pairs(id uuid.UUID, e *contract.Registered) error {
	contractID, err := r.keys.OpenContractID(id, e.ContractID)
	if err == nil && r.keys.ContractStream(e.AccessID, contractID) != id {
		err = errors.New("the pair gives another name")
	}
	return err
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
	paid := []string{"machines"}
	problems := []catalog.ProblemType{{ID: "fault", Name: "Fault", Categories: []catalog.Category{{ID: "crash", Name: "Crash"}}}}
	incidents := func(n int64) []catalog.Included { return []catalog.Included{{Unit: "incident", Quantity: n}} }
	return &catalog.Catalog{
		Digest: strings.Repeat("ab", 32), Vendor: "test",
		Agreement: catalog.Agreement{Version: "1", URL: "https://example.com/agreement"},
		Portals: []catalog.Portal{
			{ID: "desk", Name: "Desk", Families: paid, IDs: catalog.IDsRequired},
			{ID: "free", Name: "Free desk", Families: []string{"gifts"}, IDs: catalog.IDsNotUsed},
		},
		Products: []catalog.Product{
			{ID: "engine", Name: "Engine", Family: "machines", ProblemTypes: problems},
			{ID: "card", Name: "Card", Family: "gifts", ProblemTypes: problems},
		},
		Programmes: []catalog.Programme{
			{ID: "blank", ServiceName: "Blank", Short: "BLANK", Covers: paid, Portals: []string{"desk"}, Activation: catalog.ActivateOnRequest},
			{ID: "pack", ServiceName: "Pack", Short: "PACK", Covers: paid, Portals: []string{"desk"}, Activation: catalog.ActivateImmediately,
				Included: append(incidents(3), catalog.Included{Unit: "minute", Quantity: 600})},
			{ID: "gold", ServiceName: "Gold", Short: "GOLD", Covers: paid, Portals: []string{"desk"}, Activation: catalog.ActivateAfterRenewal, AfterRenewalDays: 21,
				Included: append(incidents(20), catalog.Included{Unit: "minute", Quantity: 100})},
			{ID: "cloud", ServiceName: "Cloud", Short: "CLOUD", Covers: paid, Portals: []string{"desk"}, Activation: catalog.ActivateWithCore,
				Included: []catalog.Included{{Unit: "incident", Unlimited: true}}},
			{ID: "kit", ServiceName: "Kit", Short: "KIT", Covers: paid, Portals: []string{"desk"}, Activation: catalog.ActivateThroughRSC, Included: incidents(5)},
			{ID: "single", ServiceName: "Single", Short: "ONE", Covers: paid, Portals: []string{"desk"}, Activation: catalog.ActivateImmediately, Bought: true},
			{ID: "endless", ServiceName: "Endless", Short: "END", Covers: paid, Portals: []string{"desk"}, Activation: catalog.ActivateOnRequest,
				Included: []catalog.Included{{Unit: "incident", Unlimited: true}}},
		},
		Memberships: []catalog.Membership{{ID: "gold", Name: "Gold", Core: "gold", Signature: "cloud", Toolkit: "kit"}},
		Families:    []catalog.Family{{ID: "machines"}, {ID: "gifts"}},
		Severities: []catalog.Severity{
			{ID: "A", Name: "A", Response: catalog.Duration{Text: "PT2H", Value: 2 * time.Hour}},
			{ID: "B", Name: "B", Response: catalog.Duration{Text: "PT4H", Value: 4 * time.Hour}},
		},
		ClosureCodes: []catalog.ClosureCode{{ID: "resolved", Decrement: true}, {ID: "product-defect"}, {ID: "duplicate"}},
		ReopenDays:   14, ReclassifyDays: 60,
	}
}
