package postoffice_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/domain"
	"github.com/supportledger/supportledger/domain/contract"
	recorded "github.com/supportledger/supportledger/domain/mail"
	"github.com/supportledger/supportledger/eventstore"
	"github.com/supportledger/supportledger/ledger"
	"github.com/supportledger/supportledger/notifications/mail"
)

// sent reads the letters in the folder that are recorded as sent, by id, as one
// text each: lines that were broken for the way are whole again.
func (r *rig) sent() map[uuid.UUID]string {
	r.t.Helper()
	texts := map[uuid.UUID]string{}
	all, _ := r.records()
	for id, e := range all {
		if _, ok := e.(*recorded.Sent); ok {
			body, err := os.ReadFile(filepath.Join(r.dir, "mail", id.String()+".eml"))
			must(r.t, err)
			texts[id] = strings.NewReplacer("=\r\n", "", "\r\n", "\n", "=3D", "=").Replace(string(body))
		}
	}
	return texts
}

// kinds counts the letters that were sent, by kind.
func (r *rig) kinds() map[mail.Kind]int {
	n := map[mail.Kind]int{}
	all, _ := r.records()
	for _, e := range all {
		if _, ok := e.(*recorded.Sent); ok {
			n[letterOf(e).Kind]++
		}
	}
	return n
}

func (r *rig) on() {
	r.t.Helper()
	_, err := r.SwitchMailsOn(r.t.Context())
	must(r.t, err)
}

// untilKinds waits for as many letters of each kind as are wanted, and for no
// others.
func (r *rig) untilKinds(want map[mail.Kind]int) {
	r.t.Helper()
	last := ""
	defer func() {
		if r.t.Failed() {
			r.t.Logf("the last that came were %s", last)
		}
	}()
	r.until(fmt.Sprint("letters ", want), func() bool { last = fmt.Sprint(r.kinds()); return last == fmt.Sprint(want) })
}

// R39: a letter says what was left right after its event, however late it is
// written.
func TestR39_WhatIsLeftIsOfTheMoment(t *testing.T) {
	r := newRig(t, mail.Config{})
	r.on()
	c := r.linked(30)
	random := rand.New(rand.NewPCG(1, 2))
	var open []ledger.IncidentAnswer
	for range 150 {
		switch n := random.IntN(10); {
		case n < 4 || len(open) == 0:
			if answer, err := r.trySubmit("desk", c.ID, "ani@example.com", "en"); !refused(t, err) {
				open = append(open, answer)
			}
		case n < 8:
			at := random.IntN(len(open))
			closure := []string{"resolved", "product-defect"}[random.IntN(2)]
			r.finish(c.ID, open[at], closure)
			open = append(open[:at], open[at+1:]...)
		case n < 9:
			_, err := r.Change(t.Context(), r.by(operator), c.ID, &contract.AddGrant{Unit: contract.Incident, Quantity: 3, Reason: "more"})
			refused(t, err)
		default:
			_, err := r.Change(t.Context(), r.by(operator), c.ID, &contract.Adjust{Grant: 1, Quantity: int64(random.IntN(5) - 2), Reason: "as agreed"})
			refused(t, err)
		}
	}
	_, err := r.Change(t.Context(), r.by(operator), c.ID, &contract.Cancel{Reason: "over"})
	must(t, err)
	for i, in := range open {
		r.finish(c.ID, in, []string{"resolved", "product-defect"}[i%2])
	}
	r.open()
	want := r.moments(c.ID)
	r.until("the letters", func() bool { n := r.kinds(); return n[mail.Submitted]+n[mail.Closed] == len(want) })
	r.close()
	all, _ := r.records()
	texts := r.sent()
	for id, e := range all {
		l := letterOf(e)
		if l.Kind != mail.Submitted && l.Kind != mail.Closed {
			continue
		}
		left := fmt.Sprintf("%d incidents", want[l.Cause])
		switch want[l.Cause] {
		case 0:
			left = "none"
		case 1:
			left = "1 incident\n"
		}
		if !strings.Contains(texts[id], left) {
			t.Errorf("a letter of kind %s does not say that %q are left:\n%s", l.Kind, left, texts[id])
		}
	}
}

// refused says that the contract did not allow it; any other error is a failure.
func refused(t *testing.T, err error) bool {
	t.Helper()
	if err != nil && !errors.As(err, new(*domain.Refusal)) {
		t.Fatal(err)
	}
	return err != nil
}

// moments is what was left right after each submission and closing, by replaying
// the contract.
func (r *rig) moments(id uuid.UUID) map[uuid.UUID]int64 {
	r.t.Helper()
	s, left := new(contract.State), map[uuid.UUID]int64{}
	var last uuid.UUID
	var command uuid.UUID
	for rec, err := range r.store.ReadStream(context.Background(), id.String(), 0, eventstore.Forwards) {
		must(r.t, err)
		meta, err := ledger.ReadMeta(rec.Meta)
		must(r.t, err)
		must(r.t, contract.Replay(s, rec.Type, rec.Data))
		if rec.Type == "incident.submitted.v1" || rec.Type == "incident.closed.v1" {
			last, command = rec.ID, meta.Command
		}
		if meta.Command == command {
			left[last] = s.RecordedBalances()[contract.Incident].Available
		}
	}
	return left
}

// R7, R29, R39: one letter of each kind to whom it concerns, in their language.
func TestR39_EveryKindOnce(t *testing.T) {
	r := newRig(t, mail.Config{})
	r.on()
	r.open()
	c := r.linked(7)
	var in ledger.IncidentAnswer
	for range 6 {
		in = r.submit(c.ID, "ani@example.com", "en")
	}
	r.finish(c.ID, in, "product-defect")
	r.submit(c.ID, "ani@example.com", "en") // comes down to 1 once more
	r.untilKinds(map[mail.Kind]int{mail.IDs: 1, mail.Linked: 1, mail.Submitted: 7, mail.Closed: 1, mail.FewLeft: 2})
	all, _ := r.records()
	for id, text := range r.sent() {
		kind := letterOf(all[id]).Kind
		to, word := "citra@example.com", "kontrak"
		if kind == mail.Submitted || kind == mail.Closed {
			to, word = "ani@example.com", "incident"
		}
		if !strings.Contains(text, to) || !strings.Contains(strings.ToLower(text), word) {
			t.Errorf("the letter of kind %s is not to %s, or not in their language:\n%s", kind, to, text)
		}
		if holds := strings.Contains(text, c.ContractID); holds != (kind == mail.IDs) {
			t.Errorf("a letter of kind %s has the Contract ID in it: %v", kind, holds)
		}
	}
}

// R29, R7: a reissue's new pair is sent, and links that it keeps are not news.
func TestR29_AReissuedPairIsSent(t *testing.T) {
	r := newRig(t, mail.Config{})
	r.on()
	r.open()
	c := r.linked(7)
	_, err := r.Reissue(t.Context(), r.by(operator), c.ID, []uuid.UUID{ani.Account}, "leaked")
	must(t, err)
	r.untilKinds(map[mail.Kind]int{mail.IDs: 2, mail.Linked: 1})
}

// R39: of a contract's end its contact hears 30 days before, 7 days before, and
// then; each once, over jumps of the clock and restarts.
func TestR39_TheEndIsToldInTime(t *testing.T) {
	r := newRig(t, mail.Config{})
	r.on()
	r.open()
	c, renewed, late := r.linked(7), r.linked(7), r.linked(7)
	_ = late
	for range 3 {
		r.submit(c.ID, "ani@example.com", "en")
	}
	r.until("the first letters", func() bool { return r.kinds()[mail.IDs] == 3 && r.kinds()[mail.Submitted] == 3 })
	end := r.ends(c.ID)
	go30, go7 := end.Add(-lead(30)), end.Add(-lead(7))
	must(t, r.clock.Set(go30.Add(-time.Second)))
	_, err := r.Renew(t.Context(), r.by(operator), renewed.ID, "asked")
	must(t, err)
	must(t, r.clock.Set(go30))
	r.until("two letters", func() bool { return r.kinds()[mail.Expiring] == 2 })
	r.close()
	must(t, r.clock.Set(go30.Add(48*time.Hour)))
	r.open()
	must(t, r.clock.Set(go7))
	r.until("two more", func() bool { return r.kinds()[mail.Expiring] == 4 })
	must(t, r.clock.Set(end))
	for _, id := range []uuid.UUID{c.ID, renewed.ID, late.ID} {
		must(t, r.Touch(t.Context(), id))
	}
	r.until("the last", func() bool { return r.kinds()[mail.Expired] == 3 })
	if n := r.kinds()[mail.Expiring]; n != 4 {
		t.Errorf("%d letters told of an end that comes", n)
	}
	for id, text := range r.sent() {
		all, _ := r.records()
		if letterOf(all[id]).Kind == mail.Expiring && !strings.Contains(text, "30 hari") && !strings.Contains(text, "7 hari") {
			t.Errorf("it does not say how many days: %s", text)
		}
	}
}

// Where the clock jumps over both, only the nearer is told, and of what came near
// before mails were on nothing.
func TestR39_AJumpTellsTheNearestAlone(t *testing.T) {
	r := newRig(t, mail.Config{})
	r.on()
	c := r.linked(7)
	must(t, r.clock.Set(r.ends(c.ID).Add(-3*24*time.Hour)))
	r.open()
	r.untilKinds(map[mail.Kind]int{mail.IDs: 1, mail.Linked: 1, mail.Expiring: 1})
	for id, text := range r.sent() {
		all, _ := r.records()
		if letterOf(all[id]).Kind == mail.Expiring && !strings.Contains(text, "2 hari") {
			t.Errorf("it does not say how many days: %s", text)
		}
	}

	old := newRig(t, mail.Config{})
	c = old.linked(7)
	must(t, old.clock.Set(old.ends(c.ID).Add(-10*24*time.Hour)))
	old.on()
	old.open()
	old.submit(c.ID, "ani@example.com", "en")
	old.untilKinds(map[mail.Kind]int{mail.Submitted: 1})
	must(t, old.clock.Set(old.ends(c.ID).Add(-7*24*time.Hour)))
	old.untilKinds(map[mail.Kind]int{mail.Submitted: 1, mail.Expiring: 1})
}

// ends is when a contract's term ends.
func (r *rig) ends(id uuid.UUID) (end time.Time) {
	r.t.Helper()
	must(r.t, r.View(context.Background(), id, func(s *contract.State, _ time.Time) { end = s.EndsAt() }))
	return end
}
