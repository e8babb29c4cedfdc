package projections

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/supportledger/supportledger/domain/contract"
	"github.com/supportledger/supportledger/domain/partner"
	"github.com/supportledger/supportledger/domain/programcase"
	"github.com/supportledger/supportledger/domain/purchase"
	"github.com/supportledger/supportledger/eventstore"
	"github.com/supportledger/supportledger/ledger"
)

var question = contract.AdvisoryTexts{Name: "Ani", Email: "ani@example.com", Description: "Which one fits?"}

// partners is what happens on the partner's side.
func (h *history) partners(t *rapid.T) error {
	if h.partner == uuid.Nil {
		answer, err := h.RegisterPartner(h.t.Context(), h.by(operator, "partner"), partner.Register{
			Company: "Contoso", Level: "gold", Signature: true, Country: "ID", TimeZone: "Asia/Jakarta",
		}, ledger.Person{Name: "Citra", Email: "citra@example.com", Language: "id"})
		h.partner = answer.ID
		return err
	}
	ctx := h.t.Context()
	switch rapid.IntRange(0, 6).Draw(t, "partner") {
	case 0, 1:
		days := rapid.SampledFrom([]int{-30, -21, 0, 10}).Draw(t, "renewed")
		year, err := h.RenewMembership(ctx, h.by(operator, "renewal"), h.partner, dateOf(h.now().AddDate(0, 0, days)))
		for _, c := range year.Contracts {
			h.contracts = append(h.contracts, h.whole(c))
		}
		return err
	case 2:
		answer, err := h.OpenAdvisory(ctx, h.by(ani, "advice"), h.some(t).ID, contract.OpenAdvisory{Partner: h.partner.String(), Title: "Which one"}, question)
		if err == nil {
			h.advised = append(h.advised, ledger.IncidentRef{Number: answer.Number, Stream: answer.Contract, Owner: ani.Account})
		}
		return err
	case 3:
		answer, err := h.OpenCase(ctx, h.by(ani, "case"), ledger.CaseWish{Partner: h.partner.String(), Kind: programcase.Other, Text: "Please."})
		if err == nil {
			h.cases = append(h.cases, ledger.IncidentRef{Number: answer.State.Opened().Number, Stream: answer.ID, Owner: ani.Account})
		}
		return err
	case 4:
		h.purchases++
		_, err := h.RegisterPurchase(ctx, h.by(operator, "purchase"), purchase.Register{
			Reference: "O-" + string(rune('0'+h.purchases%8)), Account: ani.Account, Family: "machines", Quantity: 2,
		})
		return err
	case 5:
		wish := request(uuid.Nil)
		wish.Portal, wish.Product, wish.Purchase = "desk", "engine", "O-"+string(rune('0'+rapid.IntRange(0, 7).Draw(t, "purchase")))
		return h.buy(wish)
	}
	if len(h.cases) == 0 {
		return nil
	}
	_, err := h.CloseCase(ctx, h.by(operator, "answer"), rapid.SampledFrom(h.cases).Draw(t, "case"), "done", "It is done.")
	return err
}

// buy submits with a purchase.
func (h *history) buy(wish *ledger.Submission) error {
	answer, err := h.Submit(h.t.Context(), h.by(ani, "submit"), wish)
	if err == nil {
		h.incidents = append(h.incidents, ledger.IncidentRef{Number: answer.Number, Stream: answer.Contract, Owner: ani.Account})
		h.contracts = append(h.contracts, h.whole(ledger.ContractAnswer{ID: answer.Contract}))
	}
	return err
}

// whole is a contract with its IDs, as the mail tells them.
func (h *history) whole(c ledger.ContractAnswer) ledger.ContractAnswer {
	must(h.t, h.View(h.t.Context(), c.ID, func(s *contract.State, at time.Time) {
		c.Summary = s.Summary(at)
		var err error
		c.ContractID, err = h.keys.OpenContractID(c.ID, s.Terms().ContractID)
		must(h.t, err)
	}))
	return c
}

// advise is what engineers do with advisory requests.
func (h *history) advise(t *rapid.T) error {
	if len(h.advised) == 0 {
		return h.partners(t)
	}
	ref := rapid.SampledFrom(h.advised).Draw(t, "request")
	ctx, by := h.t.Context(), h.by(engineer, "advise")
	entry, minutes := rapid.SampledFrom([]string{"e1", "e2"}).Draw(t, "entry"), rapid.Int64Range(1, 50).Draw(t, "minutes")
	var err error
	switch rapid.IntRange(0, 5).Draw(t, "advice") {
	case 0, 1, 2:
		_, err = h.AdvisoryTime(ctx, by, ref, entry, minutes, "Looked at it.")
	case 3, 4:
		_, err = h.AdvisoryCredit(ctx, by, ref, entry, minutes, "too much")
	case 5:
		_, err = h.CloseAdvisory(ctx, by, ref, "That is all.")
	}
	return err
}

// checkRequests holds the rows of advisory requests and cases against the log.
func (h *history) checkRequests(t *rapid.T) {
	all, err := h.Activity.Of(context.Background(), h.now(), ani.Account, ActivityFilter{Sort: "opened_at"}, Page{Limit: MaxLimit})
	must(h.t, err)
	for kind, refs := range map[string][]ledger.IncidentRef{KindAdvisory: h.advised, KindCase: h.cases} {
		for _, ref := range refs {
			got, ok, err := h.Incidents.FindKind(context.Background(), kind, ref.Number)
			must(h.t, err)
			if _, incident, _ := h.Incidents.Find(context.Background(), ref.Number); !ok || incident || got.Stream != ref.Stream || got.Owner != ref.Owner {
				t.Fatalf("%s %v is found as %+v, and as an incident: %v", kind, ref.Number, got, incident)
			}
			i := slices.IndexFunc(all.Items, func(r Request) bool { return r.Number == ref.Number })
			if i < 0 || all.Items[i].Kind != kind || all.Items[i].Open != h.isOpen(kind, got) || all.Items[i].Counted != nil {
				t.Fatalf("%s %v is listed as %+v", kind, ref.Number, all.Items[max(i, 0)])
			}
		}
	}
}

// isOpen replays a request from the revisions that its row names.
func (h *history) isOpen(kind string, ref ledger.IncidentRef) bool {
	if kind == KindCase {
		c, err := h.Case(context.Background(), ref)
		must(h.t, err)
		return c.State.Closed() == nil
	}
	var request contract.AdvisoryCase
	for _, revision := range ref.Revisions {
		for rec, err := range h.store.ReadStream(context.Background(), ref.Stream.String(), revision, eventstore.Forwards) {
			must(h.t, err)
			e, err := ledger.Decode(rec)
			must(h.t, err)
			if n, ok := contract.AdvisoryOf(e.Event.(contract.Event)); !ok || n != ref.Number {
				h.t.Fatalf("%s@%d is no event of %v", rec.Stream, revision, ref.Number)
			}
			request.Apply(e.Event.(contract.Event))
			break
		}
	}
	return request.Open
}

// TestR41_WhatIsHalfDoneIsOnTheAgenda crashes between two streams.
func TestR41_WhatIsHalfDoneIsOnTheAgenda(t *testing.T) {
	onEach(t, testR41_WhatIsHalfDoneIsOnTheAgenda)
}

func testR41_WhatIsHalfDoneIsOnTheAgenda(t *testing.T, on engine) {
	r := newRig(t, on)
	half := func() []ledger.Unfinished {
		r.settle()
		left, err := r.Due.Unfinished(t.Context(), 10)
		must(t, err)
		return left
	}
	h := &history{rig: r}
	p, err := r.RegisterPartner(t.Context(), r.by(operator, "partner"), partner.Register{
		Company: "Contoso", Level: "gold", Signature: true, Country: "ID", TimeZone: "Asia/Jakarta",
	}, ledger.Person{Name: "Citra", Email: "citra@example.com", Language: "id"})
	must(t, err)
	_, err = r.RegisterPurchase(t.Context(), r.by(operator, "purchase"), purchase.Register{Reference: "O-1", Account: ani.Account, Family: "machines", Quantity: 2})
	must(t, err)
	lost := &mortal{r.store, 1}
	crashed, err := ledger.New(ledger.Config{Store: lost, Keys: r.keys, People: r.people, Catalog: shelf(), Clock: r.clock})
	must(t, err)
	if _, err = crashed.RenewMembership(t.Context(), r.by(operator, "renewal"), p.ID, dateOf(r.now())); err == nil {
		t.Fatal("one append was enough for a year with two contracts")
	}
	if left := half(); !slices.Equal(left, []ledger.Unfinished{{Partner: p.ID}}) {
		t.Fatalf("half done are %v, want the partner's year", left)
	}
	lost.left = 2
	wish := request(uuid.Nil)
	wish.Portal, wish.Product, wish.Purchase = "desk", "engine", "O-1"
	_, err = crashed.Submit(t.Context(), r.by(ani, "submit"), wish)
	must(t, err)
	if left := half(); len(left) != 2 || left[0].Purchase == uuid.Nil {
		t.Fatalf("half done are %v, want the purchase and the partner's year", left)
	}
	_, err = r.Ledger.CatchUp(t.Context(), h.Due)
	must(t, err)
	if left := half(); len(left) != 0 {
		t.Errorf("half done are %v", left)
	}
	row, err := r.Contracts.List(t.Context(), r.now().AddDate(0, 0, 30), ContractFilter{PartnerID: p.ID.String(), Status: contract.StatusActive}, Page{})
	must(t, err)
	if len(row.Items) != 2 {
		t.Errorf("in the fourth week %d contracts of the partner are active, want two", len(row.Items))
	}
}

// TestR28_AnImportedYearIsNotHalfDone: its contracts were there before, so nobody
// has to finish anything.
func TestR28_AnImportedYearIsNotHalfDone(t *testing.T) {
	onEach(t, func(t *testing.T, on engine) {
		r := newRig(t, on)
		k, err := r.KeptPartner(t.Context(), "4711")
		must(t, err)
		membership, _ := shelf().Membership("gold")
		for _, act := range []*ledger.PartnerAct{
			{Name: "partner", Wish: &partner.Register{Company: "Contoso", Level: "gold", Country: "ID", TimeZone: "Asia/Jakarta"}, Contact: ledger.Person{Name: "Citra", Email: "citra@example.com"}},
			{Name: "year", Wish: &partner.TakeOverYear{RenewedOn: dateOf(r.now()), Contracts: []partner.YearContract{{Kind: partner.KindCore, Contract: uuid.New(), Programme: membership.Core}}}},
		} {
			act.Partner = k.ID
			changed, err := r.ImportPartner(t.Context(), operator, k, act)
			must(t, err)
			if !changed {
				t.Fatalf("%s recorded nothing", act.Name)
			}
		}
		r.settle()
		if left, err := r.Due.Unfinished(t.Context(), 10); err != nil || len(left) != 0 {
			t.Errorf("half done are %v (%v)", left, err)
		}
	})
}

// mortal is a store that is lost after so many appends.
type mortal struct {
	eventstore.Store
	left int
}

func (s *mortal) Append(ctx context.Context, a eventstore.Append) (eventstore.Appended, error) {
	if s.left--; s.left < 0 {
		return eventstore.Appended{}, eventstore.ErrClosed
	}
	return s.Store.Append(ctx, a)
}

func TestR32_benefitsCountAdviceByTheMinute(t *testing.T) {
	onEach(t, testR32_benefitsCountAdviceByTheMinute)
}

func testR32_benefitsCountAdviceByTheMinute(t *testing.T, on engine) {
	r := newRig(t, on)
	c := r.register("blank")
	_, err := r.Change(t.Context(), r.by(operator, "activate"), c.ID, &contract.Activate{})
	must(t, err)
	r.link(c, ani)
	opened, err := r.OpenAdvisory(t.Context(), r.by(ani, "advice"), c.ID, contract.OpenAdvisory{Title: "Which one"}, question)
	must(t, err)
	ref := ledger.IncidentRef{Number: opened.Number, Stream: c.ID, Owner: ani.Account}
	_, err = r.AdvisoryTime(t.Context(), r.by(engineer, "time"), ref, "e1", 50, "Looked at it.")
	must(t, err)
	_, err = r.AdvisoryCredit(t.Context(), r.by(engineer, "credit"), ref, "e1", 20, "too much")
	must(t, err)
	r.settle()
	rows, err := r.Benefits.OfAccount(t.Context(), r.now(), ani.Account, Page{})
	must(t, err)
	minutes := rows.Items[1]
	if b := minutes.Balance; minutes.Unit != contract.Minute || b.Consumed != 30 || b.Deducted != 50 || b.Credited != 20 || minutes.Remaining != 30 || !b.Holds() {
		t.Errorf("the row of minutes is %+v", minutes.Balance)
	}
}

func TestR35_benefitsOfAPartnersSignIn(t *testing.T) { onEach(t, testR35_benefitsOfAPartnersSignIn) }

func testR35_benefitsOfAPartnersSignIn(t *testing.T, on engine) {
	r := newRig(t, on)
	h := &history{rig: r}
	p, err := r.RegisterPartner(t.Context(), r.by(operator, "partner"), partner.Register{
		Company: "Contoso", Level: "gold", Signature: true, Country: "ID", TimeZone: "Asia/Jakarta",
	}, ledger.Person{Name: "Citra", Email: "citra@example.com", Language: "id"})
	must(t, err)
	year, err := r.RenewMembership(t.Context(), r.by(operator, "renewal"), p.ID, dateOf(r.now()))
	must(t, err)
	rows := func(partner string) (list []Benefit) {
		r.settle()
		for p := (Page{Limit: 1}); ; {
			some, err := r.Benefits.OfSignIn(t.Context(), r.now(), ani.Account, partner, p)
			must(t, err)
			list = append(list, some.Items...)
			if p.Cursor = some.Next; p.Cursor == "" {
				return list
			}
		}
	}
	if list := rows(p.ID.String()); len(list) != 3 || !list[0].Blank || list[0].Linked {
		t.Fatalf("of its contracts the partner sees %+v, want three blank rows", list)
	}
	if len(rows("")) != 0 || len(rows(uuid.New().String())) != 0 {
		t.Error("somebody else sees a partner's contracts")
	}
	r.later(30 * 24 * time.Hour)
	r.link(h.whole(year.Contracts[0]), ani)
	linked := map[bool]int{}
	for _, b := range rows(p.ID.String()) {
		linked[b.Linked]++
	}
	if linked[true] != 2 || linked[false] != 1 {
		t.Errorf("once the core contract is linked, rows are linked: %v", linked)
	}
	if list := rows(""); len(list) != 2 || !list[0].Linked {
		t.Errorf("the account's own rows are %+v", list)
	}
}
