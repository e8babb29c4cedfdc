package ledger_test

import (
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/domain/contract"
	"github.com/supportledger/supportledger/domain/programcase"
	"github.com/supportledger/supportledger/domain/purchase"
	"github.com/supportledger/supportledger/ledger"
)

var portal = ledger.Actor{Account: uuid.MustParse("00000000-0000-4000-8000-0000000000dd"), Role: ledger.Service}

func (r *rig) bought(reference string, quantity int64) ledger.PurchaseAnswer {
	r.t.Helper()
	answer, err := r.RegisterPurchase(r.t.Context(), r.by(portal, "purchase"), purchase.Register{
		Reference: reference, Account: ani.Account, Family: "machines", Quantity: quantity,
	})
	must(r.t, err)
	return answer
}

func spending(reference string) *ledger.Submission {
	s := request(uuid.Nil)
	s.Purchase = reference
	return s
}

func TestR34_APurchaseIsSpentOnceByItsAccount(t *testing.T) {
	r := newRig(t)
	p := r.bought("ORDER-1", 2)
	if again := r.bought("ORDER-1", 2); again.Changed || again.ID != p.ID {
		t.Errorf("registered again: %+v", again.Receipt)
	}
	_, err := r.RegisterPurchase(t.Context(), r.by(portal, "purchase"), purchase.Register{Reference: "ORDER-1", Account: ani.Account, Family: "machines", Quantity: 3})
	refused(t, err, "reference-used")
	_, err = r.Submit(t.Context(), r.by(budi, "submit"), spending("ORDER-1"))
	refused(t, err, "purchase-unknown")
	_, err = r.Submit(t.Context(), r.by(ani, "submit"), spending("ORDER-2"))
	refused(t, err, "purchase-unknown")
	wrong := spending("ORDER-1")
	wrong.Category = "none"
	_, err = r.Submit(t.Context(), r.by(ani, "submit"), wrong)
	refused(t, err, "invalid-field")

	submitting := r.by(ani, "submit")
	first, err := r.Submit(t.Context(), submitting, spending("ORDER-1"))
	must(t, err)
	if first.Remaining == nil || *first.Remaining != 1 || first.Contract != p.State.Terms().Contract {
		t.Errorf("R17: the answer is %+v", first.Case)
	}
	want := "contract.registered contract.activated grant.added account.linked incident.submitted incident.deducted"
	if got := r.types(first.Contract.String()); got != want {
		t.Errorf("recorded %s, want %s", got, want)
	}
	if got, want := r.types("purchase-"+p.ID.String()), "purchase.registered purchase.spent"; got != want {
		t.Errorf("recorded %s, want %s", got, want)
	}
	same, err := r.Submit(t.Context(), submitting, spending("ORDER-1"))
	must(t, err)
	if !same.Replayed || same.Number != first.Number || same.Position != first.Position {
		t.Errorf("a repeat answers %+v, want the first answer", same.Receipt)
	}
	_, err = r.Submit(t.Context(), r.by(ani, "submit"), spending("ORDER-1"))
	refused(t, err, "reference-used")
	_, err = r.Submit(t.Context(), r.by(ani, "submit"), request(first.Contract))
	must(t, err)
}

func TestR34_OfManyAtOnceOneSpendsAReference(t *testing.T) {
	r := newRig(t)
	p := r.bought("ORDER-1", 1)
	nodes := []*ledger.Ledger{r.Ledger, r.another()}
	var wait sync.WaitGroup
	errs := make([]error, 16)
	for i := range errs {
		key := r.by(ani, "submit")
		wait.Go(func() { _, errs[i] = nodes[i%2].Submit(t.Context(), key, spending("ORDER-1")) })
	}
	wait.Wait()
	won := 0
	for _, err := range errs {
		if err == nil {
			won++
			continue
		}
		refused(t, err, "reference-used")
	}
	if got := r.types("purchase-" + p.ID.String()); won != 1 || got != "purchase.registered purchase.spent" {
		t.Errorf("%d have spent it; recorded %s", won, got)
	}
}

func TestR34_ACrashBetweenTheAppendsIsMadeGood(t *testing.T) {
	for _, finish := range []string{"repeat", "worker", "another try"} {
		r := newRig(t)
		p := r.bought("ORDER-1", 1)
		submitting := r.by(ani, "submit")
		crashed := r.crashing(2) // a block of numbers, the contract, and not that it was spent
		submitted, err := crashed.Submit(t.Context(), submitting, spending("ORDER-1"))
		must(t, err) // the incident is durable, whatever becomes of the rest
		if got := r.types("purchase-" + p.ID.String()); got != "purchase.registered" {
			t.Fatalf("recorded %s: the crash came too late", got)
		}
		r.restart()
		switch finish {
		case "repeat":
			again, err := r.Submit(t.Context(), submitting, spending("ORDER-1"))
			must(t, err)
			if again.Number != submitted.Number || !again.Replayed {
				t.Errorf("the repeat answers %v, want %v", again.Number, submitted.Number)
			}
		case "worker":
			must(t, r.TouchPurchase(t.Context(), p.ID))
			must(t, r.TouchPurchase(t.Context(), p.ID))
		default:
			_, err := r.Submit(t.Context(), r.by(ani, "submit"), spending("ORDER-1"))
			refused(t, err, "reference-used")
		}
		if got := r.types("purchase-" + p.ID.String()); got != "purchase.registered purchase.spent" {
			t.Errorf("%s: recorded %s", finish, got)
		}
	}
}

func TestR34_APurchaseThatIsNotSpentStaysSo(t *testing.T) {
	r := newRig(t)
	p := r.bought("ORDER-1", 1)
	must(t, r.TouchPurchase(t.Context(), p.ID))
	must(t, r.TouchPurchase(t.Context(), uuid.New()))
	if got := r.types("purchase-" + p.ID.String()); got != "purchase.registered" {
		t.Errorf("recorded %s", got)
	}
}

func TestR32_AdviceIsTakenByTheMinute(t *testing.T) {
	r := newRig(t)
	year := r.renewed(r.partnered("gold", false).ID, "2026-02-28")
	id := year.Contracts[0].ID
	must(t, r.clock.Set(start.AddDate(0, 1, 0)))
	partnerID := year.ID.String()
	_, err := r.OpenAdvisory(t.Context(), r.by(ani, "advice"), id, advice(""), question)
	refused(t, err, "contract-not-found")
	opening := r.by(ani, "advice")
	opened, err := r.OpenAdvisory(t.Context(), opening, id, advice(partnerID), question)
	must(t, err)
	ref := ledger.IncidentRef{Number: opened.Number, Stream: id, Owner: ani.Account}
	taking := r.by(engineer, "time")
	taken, err := r.AdvisoryTime(t.Context(), taking, ref, "e1", 70, "Looked at it.")
	must(t, err)
	if *taken.Remaining != 30 || taken.Minutes != 70 || taken.Entries[0].Texts.Clear.Text != "Looked at it." {
		t.Errorf("the answer is %+v", taken.AdvisoryCase)
	}
	_, err = r.AdvisoryTime(t.Context(), r.by(engineer, "time"), ref, "e2", 31, "More.")
	refused(t, err, "none-available")
	credited, err := r.AdvisoryCredit(t.Context(), r.by(engineer, "credit"), ref, "e1", 10, "too much")
	must(t, err)
	if *credited.Remaining != 40 || credited.Minutes != 60 || credited.Entries[0].Credited != 10 {
		t.Errorf("the answer is %+v", credited.AdvisoryCase)
	}
	closed, err := r.CloseAdvisory(t.Context(), r.by(engineer, "close"), ref, "That is all.")
	must(t, err)
	if closed.Open || closed.Closed.Texts.Clear.Text != "That is all." || closed.AdvisoryOpened.Texts.Clear.Description != question.Description {
		t.Errorf("the answer is %+v", closed.AdvisoryCase)
	}
	r.restart()
	same, err := r.AdvisoryTime(t.Context(), taking, ref, "e1", 70, "Looked at it.")
	must(t, err)
	if !same.Replayed || *same.Remaining != 30 || !same.Open || same.Position != taken.Position {
		t.Errorf("a repeat answers %+v, want the first answer", same.AdvisoryCase)
	}
	now, err := r.Advisory(t.Context(), ref)
	must(t, err)
	if now.Open || now.Minutes != 60 {
		t.Errorf("it is %+v", now.AdvisoryCase)
	}
}

func TestR31_CasesAreForPartners(t *testing.T) {
	r := newRig(t)
	p := r.partnered("asked", false)
	own := r.renewed(p.ID, "2026-02-28").Contracts[0].ID
	ask := func(partnerID string, about uuid.UUID) ledger.CaseWish {
		return ledger.CaseWish{Partner: partnerID, Kind: programcase.RequestActivation, Contract: about, Portal: "desk", Text: "Please."}
	}
	for _, stranger := range []string{"", "4648141", uuid.New().String()} {
		_, err := r.OpenCase(t.Context(), r.by(ani, "case"), ask(stranger, uuid.Nil))
		refused(t, err, "not-a-partner")
	}
	_, err := r.OpenCase(t.Context(), r.by(ani, "case"), ask(p.ID.String(), r.active(1).ID))
	refused(t, err, "contract-not-found")
	opening := r.by(ani, "case")
	opened, err := r.OpenCase(t.Context(), opening, ask(p.ID.String(), own))
	must(t, err)
	again, err := r.OpenCase(t.Context(), opening, ask(p.ID.String(), own))
	must(t, err)
	if !again.Replayed || again.ID != opened.ID || again.State.Opened().Number != opened.State.Opened().Number {
		t.Errorf("a repeat answers %+v", again.Receipt)
	}
	ref := ledger.IncidentRef{Number: opened.State.Opened().Number, Stream: opened.ID, Owner: ani.Account}
	closed, err := r.CloseCase(t.Context(), r.by(operator, "answer"), ref, "activated", "It is done.")
	must(t, err)
	if closed.State.Closed().Texts.Clear.Text != "It is done." || closed.State.Opened().Texts.Clear.Text != "Please." {
		t.Errorf("the answer is %+v", closed.State.Closed())
	}
	_, err = r.CloseCase(t.Context(), r.by(operator, "answer"), ref, "refused", "It is not.")
	refused(t, err, "already-closed")
	if !strings.Contains(r.types("program-case-"+opened.ID.String()), "program-case.opened program-case.closed") {
		t.Error("the case is not recorded in its stream")
	}
	now, err := r.Case(t.Context(), ref)
	must(t, err)
	if now.State.Closed().Outcome != "activated" {
		t.Errorf("it is %+v", now.State.Closed())
	}
}

var question = contract.AdvisoryTexts{Name: "Ani", Email: "ani@example.com", Description: "Which one fits?"}

func advice(partnerID string) contract.OpenAdvisory {
	return contract.OpenAdvisory{Partner: partnerID, Portal: "desk", Title: "Which one", Language: "en"}
}
