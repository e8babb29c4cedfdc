package audit_test

import (
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/audit"
	"github.com/supportledger/supportledger/domain/catalog"
	"github.com/supportledger/supportledger/domain/contract"
	"github.com/supportledger/supportledger/domain/partner"
	"github.com/supportledger/supportledger/domain/programcase"
	"github.com/supportledger/supportledger/domain/purchase"
	"github.com/supportledger/supportledger/eventstore"
	"github.com/supportledger/supportledger/ledger"
)

// A season is two years of a partner: its memberships, advice, a toolkit, a
// purchase of somebody, a program case.
type season struct {
	*rig
	core, next, kit, bought uuid.UUID
	advised                 ledger.IncidentRef
}

func tellSeason(t testing.TB) *season {
	t.Helper()
	s := &season{rig: newRig(t)}
	ctx, citra := t.Context(), ledger.Person{Name: "Citra", Email: "citra@example.com", Language: "id"}
	p, err := s.RegisterPartner(ctx, s.by(operator, "partner"), partner.Register{
		Company: "Contoso", Level: "gold", Signature: true, Country: "ID", TimeZone: "Asia/Jakarta",
	}, citra)
	must(t, err)
	added, err := s.AddLocation(ctx, s.by(operator, "location"), p.ID, partner.AddLocation{Title: "Bandung", Country: "ID", TimeZone: "Asia/Jakarta"}, citra)
	must(t, err)
	_, err = s.ChangeContact(ctx, s.by(operator, "contact"), p.ID, partner.ChangeContact{Country: "ID", Primary: true}, ledger.Person{Name: "Budi", Email: "budi@example.com"})
	must(t, err)
	year, err := s.RenewMembership(ctx, s.by(operator, "renewal"), p.ID, catalog.DateOf(start, time.UTC))
	must(t, err)
	kit, err := s.BuyToolkit(ctx, s.by(operator, "toolkit"), p.ID, partner.BuyToolkit{Location: added.Location, Competency: "devices", Reference: "PO-1"})
	must(t, err)
	s.core, s.kit = year.Contracts[0].ID, kit.Contracts[0].ID
	s.now(start.AddDate(0, 1, 0), s.core, year.Contracts[1].ID)
	s.advise(p.ID.String())
	s.buyAndAsk(p.ID.String())
	s.now(start.AddDate(1, 0, 1), s.core, year.Contracts[1].ID)
	year, err = s.RenewMembership(ctx, s.by(operator, "renewal"), p.ID, catalog.DateOf(start.AddDate(1, 0, 1), time.UTC))
	must(t, err)
	s.next = year.Contracts[0].ID
	s.credit(10)
	s.now(start.AddDate(1, 1, 1), s.next)
	return s
}

// advise takes 130 minutes from two grants, and gives 20 back.
func (s *season) advise(partnerID string) {
	s.t.Helper()
	s.change(s.core, &contract.AddGrant{Unit: contract.Minute, Quantity: 30, ExpiresOn: catalog.DateOf(start.AddDate(0, 2, 0), time.UTC), Reason: "more"})
	opened, err := s.OpenAdvisory(s.t.Context(), s.by(ani, "advice"), s.core, contract.OpenAdvisory{Partner: partnerID, Title: "Which one"}, contract.AdvisoryTexts{Name: "Ani", Email: "ani@example.com", Description: "?"})
	must(s.t, err)
	s.advised = ledger.IncidentRef{Number: opened.Number, Stream: s.core, Owner: ani.Account}
	_, err = s.AdvisoryTime(s.t.Context(), s.by(engineer, "time"), s.advised, "e1", 90, "Looked at it.")
	must(s.t, err)
	s.credit(20)
}

func (s *season) credit(minutes int64) {
	s.t.Helper()
	_, err := s.AdvisoryCredit(s.t.Context(), s.by(engineer, "credit"), s.advised, "e1", minutes, "too much")
	must(s.t, err)
	if minutes != 20 {
		_, err = s.CloseAdvisory(s.t.Context(), s.by(engineer, "close"), s.advised, "That is all.")
		must(s.t, err)
	}
}

func (s *season) buyAndAsk(partnerID string) {
	s.t.Helper()
	ctx := s.t.Context()
	_, err := s.RegisterPurchase(ctx, s.by(operator, "purchase"), purchase.Register{Reference: "O-1", Account: ani.Account, Family: "machines", Quantity: 2})
	must(s.t, err)
	answer, err := s.Submit(ctx, s.by(ani, "submit"), &ledger.Submission{
		Submit:   contract.Submit{Portal: "desk", Product: "engine", ProblemType: "fault", Category: "crash", Severity: "A", Title: "It stopped", Agreement: "1"},
		Purchase: "O-1", Texts: contract.IncidentTexts{Name: "Ani", Email: "ani@example.com", Description: "It stopped at noon."},
	})
	must(s.t, err)
	s.bought = answer.Contract
	opened, err := s.OpenCase(ctx, s.by(ani, "case"), ledger.CaseWish{Partner: partnerID, Kind: programcase.Other, Text: "Please."})
	must(s.t, err)
	ref := ledger.IncidentRef{Number: opened.State.Opened().Number, Stream: opened.ID, Owner: ani.Account}
	_, err = s.CloseCase(ctx, s.by(operator, "answer"), ref, "done", "It is.")
	must(s.t, err)
}

// partnerForgeries are wrong records in a season that is otherwise right.
var partnerForgeries = map[string]struct {
	law   string
	forge func(s *season, f *forger)
}{
	// Promises.
	"a promise outside its term": {audit.LawTerm, func(s *season, f *forger) {
		f.set(f.find(s.core, "contract.promised", 1), "activates_at", start.AddDate(2, 0, 0))
	}},
	"a promise of another term": {audit.LawTerm, func(s *season, f *forger) {
		f.set(f.find(s.core, "contract.promised", 1), "expires_on", "2027-03-28")
	}},
	"a promise after the registration": {audit.LawState, func(s *season, f *forger) {
		f.copy(f.find(s.core, "contract.promised", 1), f.find(s.core, "advisory.opened", 1), true)
	}},
	"another term than was promised": {audit.LawTerm, func(s *season, f *forger) {
		f.set(f.find(s.core, "contract.activated", 1), "ends_at", time.Date(2027, 2, 28, 18, 0, 0, 0, time.UTC))
	}},
	"a year that begins within the one before": {audit.LawRenewal, func(s *season, f *forger) {
		f.set(f.find(s.core, "contract.renewed", 1), "starts_on", "2027-02-01")
	}},

	// Advice.
	"more minutes than there are": {audit.LawState, func(s *season, f *forger) {
		f.set(f.find(s.core, "advisory.time-deducted", 1), "minutes", 131)
	}},
	"minutes from the wrong grant": {audit.LawPayer, func(s *season, f *forger) {
		f.set(f.find(s.core, "advisory.time-deducted", 1), "parts", []any{part("g2", 90)})
	}},
	"a grant that is left before it is used up": {audit.LawPayer, func(s *season, f *forger) {
		f.set(f.find(s.core, "advisory.time-deducted", 1), "parts", []any{part("g3", 20), part("g2", 70)})
	}},
	"parts that are not the whole": {audit.LawAtomic, func(s *season, f *forger) {
		f.set(f.find(s.core, "advisory.time-deducted", 1), "parts", []any{part("g3", 30)})
	}},
	"minutes that are left, and are not": {audit.LawBalance, func(s *season, f *forger) {
		f.set(f.find(s.core, "advisory.time-deducted", 1), "remaining", 1)
	}},
	"an entry of no length": {audit.LawAdvisory, func(s *season, f *forger) {
		f.set(f.find(s.core, "advisory.time-deducted", 1), "minutes", 0)
	}},
	"an entry twice": {audit.LawAdvisory, func(s *season, f *forger) {
		i := f.find(s.core, "advisory.time-deducted", 1)
		f.copy(i, i+1, true)
	}},
	"time for a request that there is not": {audit.LawAdvisory, func(s *season, f *forger) {
		f.remove(f.find(s.core, "advisory.opened", 1))
		f.find(s.core, "advisory.time-deducted", 1)
	}},
	"more credited than was deducted": {audit.LawAdvisory, func(s *season, f *forger) {
		f.set(f.find(s.core, "advisory.time-credited-back", 1), "minutes", 91)
	}},
	"a credit to a grant that gave nothing": {audit.LawAdvisory, func(s *season, f *forger) {
		f.set(f.find(s.core, "advisory.time-credited-back", 1), "parts", []any{part("g1", 20)})
	}},
	"a credit after the end that does not lapse": {audit.LawLapse, func(s *season, f *forger) {
		f.remove(f.find(s.core, "grant.lapsed", 3))
		f.find(s.core, "advisory.time-credited-back", 2)
	}},
	"closed twice": {audit.LawAdvisory, func(s *season, f *forger) {
		i := f.find(s.core, "advisory.closed", 1)
		f.copy(i, i+1, true)
	}},
	"advice by nobody": {audit.LawLinks, func(s *season, f *forger) {
		f.set(f.find(s.core, "advisory.opened", 1), "account", uuid.Nil)
	}},
	"a case with an incident's number": {audit.LawNumber, func(s *season, f *forger) {
		n := number(f, s.bought)
		f.set(f.find(uuid.Nil, "program-case.opened", 1), "number", n)
	}},

	// Partners.
	"a partner that begins in the middle": {audit.LawPartner, func(s *season, f *forger) {
		f.remove(f.find(uuid.Nil, "partner.registered", 1))
		f.find(uuid.Nil, "partner.location-added", 1)
	}},
	"a location twice": {audit.LawPartner, func(s *season, f *forger) {
		i := f.find(uuid.Nil, "partner.location-added", 1)
		f.copy(i, i+1, true)
	}},
	"somebody else was the primary contact": {audit.LawPartner, func(s *season, f *forger) {
		f.set(f.find(uuid.Nil, "partner.contact-changed", 1), "previous", uuid.New())
	}},
	"a year renewed twice": {audit.LawPartner, func(s *season, f *forger) {
		f.copy(f.find(uuid.Nil, "partner.membership-renewed", 1), f.find(uuid.Nil, "partner.toolkit-bought", 1), true)
	}},
	"a year without its predecessors": {audit.LawPartner, func(s *season, f *forger) {
		f.set(f.find(uuid.Nil, "partner.membership-renewed", 2), "contracts", []any{map[string]any{"kind": "core", "contract": s.next, "programme": "gold"}})
	}},
	"a year without a core contract": {audit.LawPartner, func(s *season, f *forger) {
		f.set(f.find(uuid.Nil, "partner.membership-renewed", 1), "contracts", []any{})
	}},
	"a toolkit twice": {audit.LawPartner, func(s *season, f *forger) {
		i := f.find(uuid.Nil, "partner.toolkit-bought", 1)
		f.copy(i, i+1, true)
	}},
	"a toolkit of nowhere": {audit.LawPartner, func(s *season, f *forger) {
		f.set(f.find(uuid.Nil, "partner.toolkit-bought", 1), "location", uuid.New())
	}},
	"a contract's event among a partner's": {audit.LawStream, func(s *season, f *forger) {
		f.find(uuid.Nil, "partner.toolkit-bought", 1)
		f.records[f.at].Type, f.records[f.at].Data = "contract.suspended.v1", []byte(`{"reason":"why"}`)
	}},

	// Purchases and cases.
	"a purchase spent twice": {audit.LawPurchase, func(s *season, f *forger) {
		i := f.find(uuid.Nil, "purchase.spent", 1)
		f.copy(i, i+1, true)
	}},
	"a purchase spent by somebody else": {audit.LawPurchase, func(s *season, f *forger) {
		f.set(f.find(uuid.Nil, "purchase.spent", 1), "account", budi.Account)
	}},
	"a purchase of nothing": {audit.LawPurchase, func(s *season, f *forger) {
		f.set(f.find(uuid.Nil, "purchase.registered", 1), "quantity", 0)
	}},
	"a case closed twice": {audit.LawCase, func(s *season, f *forger) {
		i := f.find(uuid.Nil, "program-case.closed", 1)
		f.copy(i, i+1, true)
	}},
	"a case of nobody": {audit.LawCase, func(s *season, f *forger) {
		f.set(f.find(uuid.Nil, "program-case.opened", 1), "account", uuid.Nil)
	}},
	"a case with another check digit": {audit.LawNumber, func(s *season, f *forger) {
		f.set(f.find(uuid.Nil, "program-case.opened", 1), "number", "260302123456789")
	}},
}

func part(grant string, quantity int) map[string]any {
	return map[string]any{"grant": grant, "quantity": quantity}
}

func TestVerifyNamesEveryBrokenLawOfPartners(t *testing.T) {
	s := tellSeason(t)
	if got := play(t, &tape{records: s.records()}, func(v *audit.Verifier) { v.Pair = s.pairs }); got.Finding != nil {
		t.Fatalf("found in a season that is right: %v", got.Finding)
	}
	proven := make(map[string]bool)
	for name, forgery := range partnerForgeries {
		t.Run(name, func(t *testing.T) {
			f := &forger{t: t, tape: &tape{records: append([]eventstore.Record(nil), s.records()...)}}
			forgery.forge(s, f)
			want := f.records[f.at]
			got := play(t, f.tape, nil).Finding
			if got == nil || got.Law != forgery.law || got.Stream != want.Stream || got.Revision != want.Revision || got.Type != want.Type {
				t.Errorf("found %v\nwant %q at %s@%d %s", got, forgery.law, want.Stream, want.Revision, want.Type)
			}
		})
		proven[forgery.law] = true
	}
	for _, law := range []string{audit.LawAdvisory, audit.LawPartner, audit.LawPurchase, audit.LawCase} {
		if !proven[law] {
			t.Errorf("no forgery breaks %q", law)
		}
	}
}
