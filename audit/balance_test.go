package audit_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/audit"
	"github.com/supportledger/supportledger/domain/contract"
)

func TestBalanceAtAnyMoment(t *testing.T) {
	r := newRig(t)
	other := r.register("blank") // so that positions are not revisions
	r.now(start.Add(time.Hour))
	c := r.register("pack")
	r.link(ani, c)
	r.now(start.Add(2 * time.Hour))
	ref := r.submit(ani, c.ID)
	r.now(start.Add(3 * time.Hour))
	r.change(other.ID, &contract.Activate{Reason: "asked"})
	r.now(start.Add(4 * time.Hour))
	r.closeIncident(ref, "product-defect")
	ends := time.Date(2027, 2, 28, 17, 0, 0, 0, time.UTC) // midnight in Jakarta
	r.now(ends.Add(time.Hour))

	for at, want := range map[string]string{
		start.Add(time.Hour).Format(time.RFC3339):                          "3/0/0",
		start.Add(2*time.Hour - time.Microsecond).Format(time.RFC3339Nano): "3/0/0",
		start.Add(2 * time.Hour).Format(time.RFC3339):                      "2/1/0", // inclusive
		"2026-03-01T19:30:00+07:00":                                        "2/1/0", // in another zone
		start.Add(5 * time.Hour).Format(time.RFC3339):                      "3/0/0",
		ends.Add(-time.Microsecond).Format(time.RFC3339Nano):               "3/0/0",
		ends.Format(time.RFC3339):                                          "0/0/3", // R5: due, not recorded
		"":                                                                 "0/0/3",
		"5":                                                                "3/0/0", // the pack's last grant
		"7":                                                                "3/0/0", // numbers were reserved
		"8":                                                                "3/0/0", // submitted, not deducted yet
		"9":                                                                "2/1/0",
		"10":                                                               "2/1/0", // of the other contract
		"12":                                                               "3/0/0",
	} {
		b := balanceAt(t, r, c.ID, at)
		if b != want {
			t.Errorf("at %q the balance is %s, want %s", at, b, want)
		}
	}
}

func balanceAt(t *testing.T, r *rig, id uuid.UUID, at string) string {
	t.Helper()
	moment, err := audit.ParseMoment(at)
	must(t, err)
	got, err := r.auditor.BalanceAt(t.Context(), id, moment)
	must(t, err)
	b := got.Balances[contract.Incident]
	if !b.Holds() {
		t.Errorf("R22: at %q: %+v", at, b)
	}
	if got.AsOf.Position == 0 || got.AsOf.Time.IsZero() {
		t.Errorf("at %q the answer is as of %+v", at, got.AsOf)
	}
	return fmt.Sprintf("%d/%d/%d", b.Available, b.Consumed, b.Lapsed)
}

// Every time's answer names the last position recorded by then, which gives the
// same answer.
func TestBalanceNamesThePositionThatATimeStandsFor(t *testing.T) {
	r := newRig(t)
	c := r.register("pack")
	r.link(ani, c)
	for n := range 40 {
		r.now(start.Add(time.Duration(n) * time.Minute))
		if n%4 == 0 {
			r.closeIncident(r.submit(ani, c.ID), "duplicate")
		}
	}
	for _, record := range r.records() {
		b, err := r.auditor.BalanceAt(t.Context(), c.ID, audit.Moment{Time: record.RecordedAt})
		must(t, err)
		if b.AsOf.Position < record.Position {
			t.Errorf("at %s the answer is as of position %v, and %v was recorded", record.RecordedAt, b.AsOf.Position, record.Position)
		}
		again, err := r.auditor.BalanceAt(t.Context(), c.ID, audit.Moment{Position: b.AsOf.Position})
		must(t, err)
		if fmt.Sprint(again.Balances) != fmt.Sprint(b.Balances) || !again.AsOf.Time.Equal(record.RecordedAt) {
			t.Errorf("by time %+v, by its position %+v", b, again)
		}
	}
}

func TestBalanceRefusesMomentsThatAreNone(t *testing.T) {
	r := newRig(t)
	r.now(start.Add(time.Hour))
	c := r.register("pack")
	ask := func(id uuid.UUID, at string) error {
		moment, err := audit.ParseMoment(at)
		if err != nil {
			return err
		}
		_, err = r.auditor.BalanceAt(t.Context(), id, moment)
		return err
	}
	refused(t, ask(uuid.New(), ""), "contract-not-found")
	refused(t, ask(r.submit(ani, uuid.Nil).Stream, ""), "contract-not-found")
	refused(t, ask(c.ID, "2999-01-01T00:00:00Z"), "invalid-field")
	refused(t, ask(c.ID, "999"), audit.UnknownPosition)
	for _, text := range []string{"-1", "2026-03-01T12:00:00 07:00", "yesterday", "2026-03-01", strings.Repeat("9", 30)} {
		refused(t, ask(c.ID, text), audit.MalformedMoment)
	}
}

// A contract that there is had nothing before it was registered, which is what its
// statement opens with; one that there is not is told apart at every moment.
func TestBalanceBeforeAContractExistedIsZero(t *testing.T) {
	r := newRig(t)
	other := r.register("pack")
	r.now(start.Add(time.Hour))
	c := r.register("pack")
	records := r.records()
	before := records[0].RecordedAt.Add(-time.Microsecond)
	for at, want := range map[string]audit.AsOf{
		"0":                             {Position: 0, Time: before},
		before.Format(time.RFC3339Nano): {Position: 0, Time: before},
		"1":                             {Position: 1, Time: records[0].RecordedAt},
		start.Add(time.Minute).Format(time.RFC3339): {Position: 4, Time: start.Add(time.Minute)},
	} {
		moment, err := audit.ParseMoment(at)
		must(t, err)
		got, err := r.auditor.BalanceAt(t.Context(), c.ID, moment)
		must(t, err)
		incidents, there := got.Balances[contract.Incident]
		if !there || incidents != (contract.Balance{}) || len(got.Balances) != 1 || len(got.Grants) != 0 {
			t.Errorf("at %s: %+v", at, got)
		}
		if got.AsOf.Position != want.Position || !got.AsOf.Time.Equal(want.Time) {
			t.Errorf("at %s the answer is as of %+v, want %+v", at, got.AsOf, want)
		}
		_, err = r.auditor.BalanceAt(t.Context(), uuid.New(), moment)
		refused(t, err, "contract-not-found")
	}
	if b := balanceAt(t, r, other.ID, "4"); b != "3/0/0" {
		t.Errorf("the other contract has %s at its last grant", b)
	}
}
