package ledger_test

import (
	"reflect"
	"testing"
	"time"

	"github.com/supportledger/supportledger/domain/contract"
	"github.com/supportledger/supportledger/ledger"
)

func TestStoryFromRegisteringToTheAutomaticCreditBack(t *testing.T) {
	r := newRig(t)
	c := r.linked(20)
	submitted, err := r.Submit(t.Context(), r.by(ani, "submit"), request(c.ID))
	must(t, err)
	if submitted.Remaining == nil || *submitted.Remaining != 19 || !submitted.Counted || submitted.Contract != c.ID {
		t.Fatalf("R16: submitting answered %+v, want 19 left on contract %s", submitted, c.ID)
	}
	if want := start.Add(2 * time.Hour); !submitted.Response.DueAt.Equal(want) {
		t.Errorf("R23: the response is due at %v, want %v", submitted.Response.DueAt, want)
	}
	ref := ledger.IncidentRef{Number: submitted.Number, Stream: c.ID, Owner: ani.Account}
	closed, err := r.Close(t.Context(), r.by(engineer, "close"), ref, "product-defect", "A fix will come.")
	must(t, err)
	if closed.Counted || *closed.Remaining != 20 {
		t.Errorf("R19: closing as non-decrement answered counted %v, remaining %v; want false, 20", closed.Counted, closed.Remaining)
	}
	if closed.Texts.Clear.Description != "It stopped at noon." || closed.Resolution.Texts.Clear.Resolution != "A fix will come." {
		t.Errorf("R47: the texts were not opened: %+v", closed)
	}
	want := "contract.registered contract.activated grant.added account.linked incident.submitted incident.deducted incident.closed incident.credited-back"
	if got := r.types(c.ID.String()); got != want {
		t.Errorf("the history is\n%s, want\n%s", got, want)
	}
	if b := r.balance(c.ID); b.Available != 20 || b.Consumed != 0 || !b.Holds() {
		t.Errorf("R22: the balance is %+v", b)
	}
}

func TestR41_RepeatsAreAnsweredFromTheLogAfterARestart(t *testing.T) {
	r := newRig(t)
	registering := r.by(operator, "register")
	wish := ledger.Registration{Programme: "pack", Contact: contract.ContactTexts{Name: "Citra", Email: "citra@example.com"}}
	first, err := r.Register(t.Context(), registering, wish)
	must(t, err)
	_, err = r.Link(t.Context(), r.by(ani, "link"), r.pair(first), "desk", "")
	must(t, err)
	submitting, closing := r.by(ani, "submit"), r.by(engineer, "close")
	submitted, err := r.Submit(t.Context(), submitting, request(first.ID))
	must(t, err)
	ref := ledger.IncidentRef{Number: submitted.Number, Stream: first.ID, Owner: ani.Account}
	closed, err := r.Close(t.Context(), closing, ref, "resolved", "Done.")
	must(t, err)
	_, err = r.Change(t.Context(), r.by(operator, "suspend"), first.ID, &contract.Suspend{Reason: "why not"})
	must(t, err)

	r.restart()
	again, err := r.Register(t.Context(), registering, wish)
	must(t, err)
	if !again.Replayed || again.ContractID != first.ContractID || again.Status != first.Status || again.Position != first.Position {
		t.Errorf("registering again answered %+v, want the first answer %+v", again, first)
	}
	same, err := r.Submit(t.Context(), submitting, request(first.ID))
	must(t, err)
	if same.Receipt != (ledger.Receipt{Position: submitted.Position, Replayed: true, Changed: true}) || !reflect.DeepEqual(same.Case.Remaining, submitted.Case.Remaining) || same.Number != submitted.Number {
		t.Errorf("submitting again answered %+v, want %+v", same, submitted)
	}
	shut, err := r.Close(t.Context(), closing, ref, "resolved", "Done.")
	must(t, err)
	if !shut.Replayed || shut.Position != closed.Position || shut.Closure != "resolved" {
		t.Errorf("closing again answered %+v, want %+v", shut, closed)
	}
	submitting.Body = []byte("other")
	_, err = r.Submit(t.Context(), submitting, request(first.ID))
	refused(t, err, "idempotency-key-reused")
}

// What remains is the contract's, whichever incident the last movement was for
// (R17), and a repeat says again what was left then.
func TestR17_WhatRemainsIsTheContracts(t *testing.T) {
	r := newRig(t)
	c := r.linked(4)
	submit := func() ledger.IncidentRef {
		in, err := r.Submit(t.Context(), r.by(ani, "submit"), request(c.ID))
		must(t, err)
		return ledger.IncidentRef{Number: in.Number, Stream: c.ID, Owner: ani.Account}
	}
	first := submit()
	submit()
	commenting, closing := r.by(ani, "comment"), r.by(engineer, "close")
	comment := func(want int64) {
		t.Helper()
		said, err := r.Comment(t.Context(), commenting, first, "Still.")
		must(t, err)
		if said.Remaining == nil || *said.Remaining != want {
			t.Errorf("commenting answers that %v remain, want %d", said.Remaining, want)
		}
	}
	comment(2)
	submit()
	comment(2)
	closed, err := r.Close(t.Context(), closing, first, "resolved", "Done.")
	must(t, err)
	if closed.Remaining == nil || *closed.Remaining != 1 {
		t.Errorf("closing answers that %v remain, want 1", closed.Remaining)
	}
	r.restart()
	comment(2)
}
