package postoffice_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/domain/catalog"
	"github.com/supportledger/supportledger/domain/contract"
	recorded "github.com/supportledger/supportledger/domain/mail"
	"github.com/supportledger/supportledger/eventstore"
	"github.com/supportledger/supportledger/ledger"
	"github.com/supportledger/supportledger/notifications/mail"
)

// of are the letters of a kind that were sent.
func (r *rig) of(kind mail.Kind) (texts []string) {
	r.t.Helper()
	all, _ := r.records()
	for id, text := range r.sent() {
		if letterOf(all[id]).Kind == kind {
			texts = append(texts, text)
		}
	}
	return texts
}

// mustSay holds all letters of a kind to some words.
func (r *rig) mustSay(kind mail.Kind, words string) {
	r.t.Helper()
	texts := r.of(kind)
	if len(texts) == 0 {
		r.t.Errorf("there is no letter of kind %s", kind)
	}
	for _, text := range texts {
		if !strings.Contains(strings.Join(strings.Fields(text), " "), words) {
			r.t.Errorf("a letter of kind %s does not say %q:\n%s", kind, words, text)
		}
	}
}

// R39: of a contract without limit the letters say so, and never that few are
// left.
func TestR39_WithoutLimit(t *testing.T) {
	r := newRig(t, mail.Config{})
	r.on()
	r.open()
	c := r.linkedAt("desk", "endless", 0)
	counted, credited := r.submit(c.ID, "ani@example.com", "en"), r.submit(c.ID, "ani@example.com", "en")
	r.finish(c.ID, counted, "resolved")
	r.finish(c.ID, credited, "product-defect")
	r.untilKinds(map[mail.Kind]int{mail.IDs: 1, mail.Linked: 1, mail.Submitted: 2, mail.Closed: 2})
	must(t, r.clock.Set(r.ends(c.ID).Add(-lead(7))))
	r.untilKinds(map[mail.Kind]int{mail.IDs: 1, mail.Linked: 1, mail.Submitted: 2, mail.Closed: 2, mail.Expiring: 1})
	r.mustSay(mail.Submitted, "Incidents left: unlimited")
	r.mustSay(mail.Closed, "Incidents left: unlimited")
	r.mustSay(mail.Expiring, "tidak terbatas")
	said := []int{0, 0}
	for _, text := range r.of(mail.Closed) {
		for i, words := range []string{"It counts: the incident stays deducted", "It does not count: the incident was credited back"} {
			said[i] += strings.Count(strings.Split(text, "<html")[0], words)
		}
	}
	if !slices.Equal(said, []int{1, 1}) {
		t.Errorf("of the two that were closed, %v counted and were credited back", said)
	}
}

// R19: what was credited back to something that has ended lapses, and the letter
// does not say that it can be used again; nor that the contract has ended where
// that goes on.
func TestR19_ACreditThatLapses(t *testing.T) {
	for what, c := range map[string]struct {
		end  func(r *rig, id uuid.UUID)
		left string
	}{
		"the term is over": {func(r *rig, id uuid.UUID) { must(r.t, r.clock.Set(r.ends(id).Add(time.Hour))) }, "none"},
		"it was cancelled": {func(r *rig, id uuid.UUID) {
			_, err := r.Change(r.t.Context(), r.by(operator), id, &contract.Cancel{Reason: "asked"})
			must(r.t, err)
		}, "none"},
		"the pack alone is over": {func(r *rig, _ uuid.UUID) { must(r.t, r.clock.Set(start.AddDate(0, 1, 0))) }, "10 incidents"},
	} {
		t.Run(what, func(t *testing.T) {
			r := newRig(t, mail.Config{})
			r.on()
			r.open()
			id := r.linked(10).ID
			_, err := r.Change(t.Context(), r.by(operator), id, &contract.AddGrant{
				Unit: contract.Incident, Quantity: 10, Reason: "pack", ExpiresOn: catalog.DateOf(start.AddDate(0, 0, 20), time.UTC),
			})
			must(t, err)
			in := r.submit(id, "ani@example.com", "en")
			c.end(r, id)
			r.finish(id, in, "product-defect")
			r.until("the letter", func() bool { return r.kinds()[mail.Closed] == 1 })
			r.mustSay(mail.Closed, "the incident was credited back, but what it was deducted from has ended: it cannot be used any more.")
			r.mustSay(mail.Closed, "Incidents left: "+c.left)
		})
	}
}

// R12: a contract is shown as the portal shows it, through which the letter's
// event came; where there was none, by its Access ID unless all its portals show
// plan labels.
func TestR12_ContractsAreShownAsAtTheirPortal(t *testing.T) {
	r := newRig(t, mail.Config{})
	r.on()
	r.open()
	for _, c := range []struct {
		portal, programme string
		contact, asker    bool // by plan label
	}{
		{"desk", "blank", false, false}, {"cloud", "cloud", true, true}, {"cloud", "both", false, true}, {"desk", "both", false, false},
	} {
		answer := r.linkedAt(c.portal, c.programme, 2)
		in, err := r.trySubmit(c.portal, answer.ID, "ani@example.com", "en")
		must(t, err)
		r.finish(answer.ID, in, "resolved")
		r.until("the letters", func() bool { n := len(r.lettersAbout(answer.ID)); return n == 5 })
		for kind, text := range r.lettersAbout(answer.ID) {
			plan := c.asker
			switch kind {
			case mail.IDs: // shows both IDs
				continue
			case mail.FewLeft:
				plan = c.contact
			}
			text = strings.Join(strings.Fields(text), " ")
			if want, other := answer.Terms.Label(plan), answer.Terms.Label(!plan); !strings.Contains(text, want) || strings.Contains(text, other) {
				t.Errorf("%s at %s: the letter of kind %s does not show it as %q:\n%s", c.programme, c.portal, kind, want, text)
			}
			if plan && strings.Contains(text, answer.Terms.AccessID) {
				t.Errorf("%s at %s: the letter of kind %s shows the Access ID", c.programme, c.portal, kind)
			}
		}
	}
}

// lettersAbout are the letters about a contract that were sent, by kind.
func (r *rig) lettersAbout(id uuid.UUID) map[mail.Kind]string {
	r.t.Helper()
	found, texts := map[mail.Kind]string{}, r.sent()
	for rec, err := range r.store.ReadStream(context.Background(), ledger.MailsOf(id), 0, eventstore.Forwards) {
		must(r.t, err)
		e, err := recorded.Decode(rec.Type, rec.Data)
		must(r.t, err)
		found[letterOf(e).Kind] = texts[letterOf(e).Mail]
	}
	return found
}
