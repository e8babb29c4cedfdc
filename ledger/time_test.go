package ledger_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/domain/contract"
	"github.com/supportledger/supportledger/ledger"
)

// diary is an agenda for tests: contracts in the order they were added.
type diary []ledger.DueContract

func (d diary) Due(_ context.Context, by time.Time, after ledger.DueContract, limit int) ([]ledger.DueContract, error) {
	var out []ledger.DueContract
	seen := after == (ledger.DueContract{})
	for _, c := range d {
		if seen && !c.At.After(by) && len(out) < limit {
			out = append(out, c)
		}
		seen = seen || c == after
	}
	return out, nil
}

func (diary) Unfinished(context.Context, int) ([]ledger.Unfinished, error) { return nil, nil }

func (r *rig) endOf(id uuid.UUID) (ends time.Time) {
	must(r.t, r.View(r.t.Context(), id, func(s *contract.State, _ time.Time) { ends = s.EndsAt() }))
	return ends
}

func TestR5_WhatIsDueIsRecordedBeforeTheCommandThatFindsIt(t *testing.T) {
	r := newRig(t)
	c := r.linked(3)
	ends := r.endOf(c.ID)
	if want := time.Date(2027, 2, 28, 17, 0, 0, 0, time.UTC); !ends.Equal(want) {
		t.Fatalf("the term ends at %v, want midnight in Jakarta, %v", ends, want)
	}
	must(t, r.clock.Set(ends.Add(-time.Second)))
	_, err := r.Submit(t.Context(), r.by(ani, "submit"), request(c.ID))
	must(t, err)
	must(t, r.clock.Set(ends))
	_, err = r.Submit(t.Context(), r.by(ani, "submit"), request(c.ID))
	refused(t, err, "expired")
	want := "contract.registered contract.activated grant.added account.linked incident.submitted incident.deducted contract.expired grant.lapsed"
	if got := r.types(c.ID.String()); got != want {
		t.Errorf("recorded %s, want %s", got, want)
	}
	if b := r.balance(c.ID); b.Lapsed != 2 || b.Available != 0 || !b.Holds() {
		t.Errorf("the balance is %+v", b)
	}
}

func TestR6_ASuccessorStartsWhenItsPredecessorEndsAndInheritsItsLinks(t *testing.T) {
	r := newRig(t)
	c, err := r.Register(t.Context(), r.by(operator, "register"), ledger.Registration{
		Programme: "pack", TimeZone: "America/Los_Angeles", Contact: contract.ContactTexts{Email: "citra@example.com"},
	})
	must(t, err)
	_, err = r.Link(t.Context(), r.by(ani, "link"), r.pair(c), "desk", "")
	must(t, err)
	renewing := r.by(operator, "renew")
	next, err := r.Renew(t.Context(), renewing, c.ID, "another year")
	must(t, err)
	if next.Status != contract.StatusWaiting || next.ContractID == "" || next.Terms.Predecessor != c.ID {
		t.Fatalf("renewing answered %+v", next)
	}
	_, err = r.Renew(t.Context(), r.by(operator, "renew"), c.ID, "again")
	refused(t, err, "already-renewed")
	again, err := r.Renew(t.Context(), renewing, c.ID, "another year")
	must(t, err)
	if again.ContractID != next.ContractID || again.Position != next.Position || !again.Replayed {
		t.Errorf("renewing again answered %+v, want %+v", again, next)
	}
	ends := r.endOf(c.ID)
	if !next.StartsAt.Equal(ends) {
		t.Errorf("the successor starts at %v, its predecessor ends at %v", next.StartsAt, ends)
	}
	must(t, r.clock.Set(ends.Add(-time.Second)))
	_, err = r.Submit(t.Context(), r.by(ani, "submit"), request(next.ID))
	refused(t, err, "contract-not-found") // not linked before it starts
	must(t, r.clock.Set(ends))
	_, err = r.Submit(t.Context(), r.by(ani, "submit"), request(next.ID))
	must(t, err)
	_, err = r.Submit(t.Context(), r.by(ani, "submit"), request(c.ID))
	refused(t, err, "expired")
}

func TestR6_ASuccessorThatACrashLeftOutIsCompleted(t *testing.T) {
	r := newRig(t)
	c := r.linked(1)
	// The first half of a renewal: the decision, by the command that Renew makes
	// of this request.
	req := r.by(operator, "renew")
	command := r.keys.Command(operator.Account, req.Call, c.ID.String(), req.Key)
	successor := r.keys.ContractStream(r.keys.DerivePair(command))
	_, err := r.Change(t.Context(), req, c.ID, &contract.Renew{Successor: successor, Reason: "crash"})
	must(t, err)
	if r.status(successor) != "" {
		t.Fatal("there is a successor already")
	}
	r.restart()
	n, err := r.CatchUp(t.Context(), diary{{At: start, Contract: c.ID}})
	must(t, err)
	if n != 1 || r.status(successor) != contract.StatusWaiting {
		t.Errorf("touched %d contracts; the successor is %q", n, r.status(successor))
	}
	must(t, r.clock.Set(start.Add(40*24*time.Hour))) // the command is no longer remembered
	_, err = r.CatchUp(t.Context(), diary{{At: start, Contract: c.ID}})
	must(t, err)
}

func TestR10_AReissueMovesWhatIsLeftAndKeepsTheLinksThatAreNamed(t *testing.T) {
	r := newRig(t)
	c := r.linked(5)
	_, err := r.Link(t.Context(), r.by(budi, "link"), r.pair(c), "desk", "")
	must(t, err)
	_, err = r.Submit(t.Context(), r.by(ani, "submit"), request(c.ID))
	must(t, err)
	next, err := r.Reissue(t.Context(), r.by(operator, "reissue"), c.ID, []uuid.UUID{ani.Account}, "leaked")
	must(t, err)
	old, now := r.balance(c.ID), r.balance(next.ID)
	if old.Moved != 4 || now.Granted != 4 || now.Available != 4 || !old.Holds() || !now.Holds() {
		t.Errorf("R10: not conserved: %+v and %+v", old, now)
	}
	if r.status(c.ID) != contract.StatusCancelled || next.Status != contract.StatusActive || !next.EndsAt.Equal(r.endOf(c.ID)) || next.ContractID != "" {
		t.Errorf("old is %s; the replacement is %+v", r.status(c.ID), next)
	}
	_, err = r.Submit(t.Context(), r.by(ani, "submit"), request(next.ID))
	must(t, err)
	_, err = r.Submit(t.Context(), r.by(budi, "submit"), request(next.ID))
	refused(t, err, "contract-not-found")
}

func TestR47_AnErasedPersonIsForgottenAndTheBalanceIsNot(t *testing.T) {
	r := newRig(t)
	c := r.linked(2)
	submitted, err := r.Submit(t.Context(), r.by(ani, "submit"), request(c.ID))
	must(t, err)
	erasing := r.by(ledger.Actor{Role: ledger.Admin}, "erase")
	receipt, err := r.Erase(t.Context(), erasing, ani.Account, "asked to")
	must(t, err)
	again, err := r.Erase(t.Context(), erasing, ani.Account, "asked to")
	must(t, err)
	if again.Position != receipt.Position || !again.Replayed {
		t.Errorf("erasing again answered %+v, want %+v", again, receipt)
	}
	incident, err := r.Incident(t.Context(), ledger.IncidentRef{Number: submitted.Number, Stream: c.ID, Owner: ani.Account})
	must(t, err)
	if !incident.Texts.Erased || incident.Texts.Clear != nil || incident.Title != "It stopped" {
		t.Errorf("after the erasure: %+v", incident.IncidentSubmitted)
	}
	if b := r.balance(c.ID); b.Available != 1 {
		t.Errorf("the balance is %+v", b)
	}
}

func TestR6_ARenewalInheritsFromTheReplacementOfItsPredecessor(t *testing.T) {
	r := newRig(t)
	c, err := r.Register(t.Context(), r.by(operator, "register"), ledger.Registration{
		Programme: "pack", Contact: contract.ContactTexts{Email: "citra@example.com"},
	})
	must(t, err)
	_, err = r.Link(t.Context(), r.by(ani, "link"), r.pair(c), "desk", "")
	must(t, err)
	next, err := r.Renew(t.Context(), r.by(operator, "renew"), c.ID, "another year")
	must(t, err)
	replacement, err := r.Reissue(t.Context(), r.by(operator, "reissue"), c.ID, []uuid.UUID{ani.Account}, "leaked")
	must(t, err)
	_, err = r.Unlink(t.Context(), r.by(ani, "unlink"), replacement.ID, ani.Account, "")
	must(t, err)
	must(t, r.clock.Set(next.StartsAt))
	_, err = r.Submit(t.Context(), r.by(ani, "submit"), request(next.ID))
	refused(t, err, "contract-not-found")
}

func TestR6_ASuccessorWhoseTermIsOverIsCompletedAllTheSame(t *testing.T) {
	r := newRig(t)
	c := r.linked(1)
	req := r.by(operator, "renew")
	command := r.keys.Command(operator.Account, req.Call, c.ID.String(), req.Key)
	successor := r.keys.ContractStream(r.keys.DerivePair(command))
	_, err := r.Change(t.Context(), req, c.ID, &contract.Renew{Successor: successor, Reason: "crash"})
	must(t, err)
	must(t, r.clock.Set(start.AddDate(3, 0, 0)))
	must(t, r.Touch(t.Context(), c.ID))
	if got := r.status(successor); got != contract.StatusExpired {
		t.Errorf("the successor is %q, want it expired", got)
	}
}

func TestR6_RenewingAnExpiredContractKeepsItsLinks(t *testing.T) {
	r := newRig(t)
	c, err := r.Register(t.Context(), r.by(operator, "register"), ledger.Registration{
		Programme: "pack", Contact: contract.ContactTexts{Email: "citra@example.com"},
	})
	must(t, err)
	_, err = r.Link(t.Context(), r.by(ani, "link"), r.pair(c), "desk", "")
	must(t, err)
	must(t, r.clock.Set(r.endOf(c.ID).AddDate(0, 2, 0)))
	next, err := r.Renew(t.Context(), r.by(operator, "renew"), c.ID, "late")
	must(t, err)
	if next.Status != contract.StatusActive {
		t.Errorf("the successor is %q, want it active today", next.Status)
	}
	_, err = r.Submit(t.Context(), r.by(ani, "submit"), request(next.ID))
	must(t, err)
}
