package audit_test

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/audit"
	"github.com/supportledger/supportledger/domain/contract"
	"github.com/supportledger/supportledger/eventstore"
	"github.com/supportledger/supportledger/ledger"
)

// lines are a history's types with the incidents available, consumed and lapsed
// after each.
func lines(items []audit.Item) string {
	var out []string
	for _, i := range items {
		b := i.Balances[contract.Incident]
		out = append(out, fmt.Sprintf("%s %d/%d/%d", strings.TrimSuffix(i.Type, ".v1"), b.Available, b.Consumed, b.Lapsed))
	}
	return strings.Join(out, "\n")
}

func all(t *testing.T, r *rig, id uuid.UUID, open audit.Opener) []audit.Item {
	t.Helper()
	page, err := r.auditor.History(t.Context(), id, audit.Place{}, 1000, open)
	must(t, err)
	return page.Items
}

// a contract of three, one spent and given back, one spent for good, and the rest
// lapsed at its end.
func spent(r *rig) uuid.UUID {
	c := r.register("pack")
	r.link(ani, c)
	given := r.submit(ani, c.ID)
	r.closeIncident(given, "product-defect")
	r.closeIncident(r.submit(ani, c.ID), "resolved")
	r.now(start.AddDate(1, 0, 1), c.ID)
	return c.ID
}

func TestHistoryShowsRunningBalances(t *testing.T) {
	r := newRig(t)
	id := spent(r)
	want := strings.Join([]string{
		"contract.registered 0/0/0", "contract.activated 0/0/0", "grant.added 3/0/0", "grant.added 3/0/0", "account.linked 3/0/0",
		"incident.submitted 3/0/0", "incident.deducted 2/1/0", "incident.closed 2/1/0", "incident.credited-back 3/0/0",
		"incident.submitted 3/0/0", "incident.deducted 2/1/0", "incident.closed 2/1/0",
		"contract.expired 2/1/0", "grant.lapsed 0/1/2", "grant.lapsed 0/1/2",
	}, "\n")
	items := all(t, r, id, nil)
	if got := lines(items); got != want {
		t.Errorf("the history is\n%s\nwant\n%s", got, want)
	}
	for i, item := range items {
		if item.Revision != eventstore.Revision(i) || item.RecordedAt.IsZero() || item.Balances == nil || item.By.Role == "" {
			t.Errorf("item %d lacks something: %+v", i, item)
		}
		if strings.HasPrefix(item.Type, "incident.") && !strings.Contains(string(item.Data), `"number":"26`) {
			t.Errorf("%s carries no number: %s", item.Type, item.Data)
		}
	}
	if items[14].By.Role != "system" || items[5].By != ani {
		t.Errorf("done by %+v and %+v, want the system and ani", items[14].By, items[5].By)
	}
}

func TestHistoryGoesOnWhereAPageEnded(t *testing.T) {
	r := newRig(t)
	id := spent(r)
	whole := all(t, r, id, nil)
	for _, fresh := range []bool{false, true} {
		var paged []audit.Item
		for from := (audit.Place{}); ; {
			auditor := r.auditor
			if fresh { // as after a restart, or on another node
				var err error
				auditor, err = audit.New(r.store, r.clock)
				must(t, err)
			}
			page, err := auditor.History(t.Context(), id, from, 4, nil)
			must(t, err)
			paged = append(paged, page.Items...)
			if page.Next == nil {
				break
			}
			from = *page.Next
		}
		if lines(paged) != lines(whole) {
			t.Errorf("fresh %t: paged\n%s\nwhole\n%s", fresh, lines(paged), lines(whole))
		}
	}
	var replayed []audit.Item
	for item, err := range r.auditor.Replay(t.Context(), id, nil) {
		must(t, err)
		replayed = append(replayed, item)
	}
	if lines(replayed) != lines(whole) {
		t.Errorf("replayed\n%s\nwhole\n%s", lines(replayed), lines(whole))
	}
}

func TestR3_R47_HistoryCutsWhatMustNotBeSeen(t *testing.T) {
	r := newRig(t)
	id := spent(r)
	texts := func(open audit.Opener) string {
		b, err := json.Marshal(all(t, r, id, open))
		must(t, err)
		return string(b)
	}
	for _, open := range []audit.Opener{nil, r.Open} {
		for _, secret := range []string{`"contract_id"`, `"box"`} {
			if got := texts(open); strings.Contains(got, secret) {
				t.Errorf("the history carries %s: %s", secret, got)
			}
		}
	}
	personal := []string{"It stopped at noon.", "It was unplugged.", "citra@example.com"}
	for _, text := range personal {
		if strings.Contains(texts(nil), text) {
			t.Errorf("R47: shown without an opener: %q", text)
		}
		if !strings.Contains(texts(r.Open), text) {
			t.Errorf("not shown with an opener: %q", text)
		}
	}
	_, err := r.Erase(t.Context(), r.by(operator, "erase"), ani.Account, "asked")
	must(t, err)
	got := texts(r.Open)
	if strings.Contains(got, personal[0]) || strings.Contains(got, personal[1]) || !strings.Contains(got, `"texts":"erased"`) {
		t.Errorf("after the erasure: %s", got)
	}
}

func TestHistoryOfAnIncidentThatNoContractPaysFor(t *testing.T) {
	r := newRig(t)
	ref := r.submit(ani, uuid.Nil)
	items := all(t, r, ref.Stream, nil)
	if lines(items) != "incident.submitted 0/0/0" {
		t.Errorf("the history is %s", lines(items))
	}
}

// mailed is a contract with mails between its events, and what its history is.
func mailed(r *rig) (id uuid.UUID, history string) {
	c := r.register("pack")
	cause := r.records()[0].ID
	r.link(ani, c)
	r.sent(c.ID, letter(1, cause))
	r.givenUp(c.ID, letter(2, cause))
	ref := r.submit(ani, c.ID)
	r.sent(c.ID, letter(3, cause))
	_, err := r.ResendMail(r.t.Context(), r.by(operator, "resend"), c.ID, letter(2, cause).Mail, "asked")
	must(r.t, err)
	other := r.register("pack")
	r.sent(other.ID, letter(9, cause))
	r.closeIncident(ref, "product-defect")
	r.sent(c.ID, letter(2, cause))
	r.sent(c.ID, letter(4, cause))
	return c.ID, strings.Join([]string{
		"contract.registered 0/0/0", "contract.activated 0/0/0", "grant.added 3/0/0", "grant.added 3/0/0", "account.linked 3/0/0",
		"mail.sent 3/0/0", "mail.given-up 3/0/0",
		"incident.submitted 3/0/0", "incident.deducted 2/1/0", "mail.sent 2/1/0", "mail.requested 2/1/0",
		"incident.closed 2/1/0", "incident.credited-back 3/0/0", "mail.sent 3/0/0", "mail.sent 3/0/0",
	}, "\n")
}

func TestR39_HistoryShowsMailsWhereTheyWereSent(t *testing.T) {
	r := newRig(t)
	id, want := mailed(r)
	items := all(t, r, id, nil)
	if got := lines(items); got != want {
		t.Errorf("the history is\n%s\nwant\n%s", got, want)
	}
	next := map[string]eventstore.Revision{}
	for i, item := range items {
		stream := ""
		if strings.HasPrefix(item.Type, "mail.") {
			stream = ledger.MailsOf(id)
		}
		if item.Stream != stream || item.Revision != next[stream] || i > 0 && item.Position <= items[i-1].Position {
			t.Errorf("item %d is %s@%d at %v, want %s@%d", i, item.Stream, item.Revision, item.Position, stream, next[stream])
		}
		next[stream]++
		if at := balanceAt(t, r, id, item.Position.String()); !strings.HasSuffix(lines(items[i:i+1]), " "+at) {
			t.Errorf("item %d is %s, and at its position the balance is %s", i, lines(items[i:i+1]), at)
		}
	}
}

// A term that is over before anybody has recorded it is still as it was recorded,
// beside a mail as beside an event.
func TestBalanceAtAMailIsAsTheHistoryShowsIt(t *testing.T) {
	r := newRig(t)
	id, _ := mailed(r)
	r.now(start.AddDate(2, 0, 0))
	late := r.sent(id, letter(7, r.records()[0].ID))
	other := r.register("blank")
	items := all(t, r, id, nil)
	if got := lines(items[len(items)-1:]); got != "mail.sent 3/0/0" || balanceAt(t, r, id, late.Position.String()) != "3/0/0" {
		t.Errorf("the mail is shown as %s, and at its position the balance is %s", got, balanceAt(t, r, id, late.Position.String()))
	}
	if got := balanceAt(t, r, id, (late.Position + 1).String()); got != "0/0/3" {
		t.Errorf("after it, at the registration of %s, the balance is %s", other.ID, got)
	}
}

func TestR39_HistoryWithMailsGoesOnWhereAPageEnded(t *testing.T) {
	r := newRig(t)
	id, want := mailed(r)
	for _, fresh := range []bool{false, true} {
		for limit := 1; limit <= 16; limit++ {
			var paged []audit.Item
			for from := (audit.Place{}); ; {
				auditor := r.auditor
				if fresh { // as after a restart, or on another node
					var err error
					auditor, err = audit.New(r.store, r.clock)
					must(t, err)
				}
				page, err := auditor.History(t.Context(), id, from, limit, nil)
				must(t, err)
				paged = append(paged, page.Items...)
				if len(page.Items) != limit && page.Next != nil {
					t.Errorf("a page of %d is followed by another", len(page.Items))
				}
				if page.Next == nil {
					break
				}
				from = *page.Next
			}
			if lines(paged) != want {
				t.Errorf("fresh %t, %d on a page\n%s\nwant\n%s", fresh, limit, lines(paged), want)
			}
		}
	}
	var replayed []audit.Item
	for item, err := range r.auditor.Replay(t.Context(), id, nil) {
		must(t, err)
		replayed = append(replayed, item)
	}
	if lines(replayed) != want {
		t.Errorf("replayed\n%s\nwant\n%s", lines(replayed), want)
	}
	for range r.auditor.Replay(t.Context(), id, nil) { // and left in the middle
		break
	}
}

// busyStore records something whenever a stream is about to be read.
type busyStore struct {
	eventstore.Store
	busy func()
}

func (s busyStore) ReadStream(ctx context.Context, stream string, from eventstore.Revision, d eventstore.Direction) iter.Seq2[eventstore.Record, error] {
	s.busy()
	return s.Store.ReadStream(ctx, stream, from, d)
}

// What is recorded while a history is read is not part of it: neither a mail
// without the event before it, nor the other way round.
func TestHistoryIsAsOfTheCall(t *testing.T) {
	r := newRig(t)
	id, want := mailed(r)
	cause, n := r.records()[0].ID, byte(100)
	auditor, err := audit.New(busyStore{r.store, func() {
		n++
		r.sent(id, letter(n, cause))
		r.change(id, &contract.AddGrant{Unit: contract.Incident, Quantity: 1, Reason: "more"})
	}}, r.clock)
	must(t, err)
	var replayed []audit.Item
	for item, err := range auditor.Replay(t.Context(), id, nil) {
		must(t, err)
		replayed = append(replayed, item)
	}
	if got := lines(replayed); got != want {
		t.Errorf("replayed\n%s\nwant\n%s", got, want)
	}
	page, err := auditor.History(t.Context(), id, audit.Place{}, 1000, nil)
	must(t, err)
	if last := page.Items[len(page.Items)-1].Position; last != page.AsOf.Position {
		t.Errorf("as of %v the history ends at %v", page.AsOf.Position, last)
	}
}

func TestR39_HistoryShowsTheMailsOfAnIncidentThatNoContractPaysFor(t *testing.T) {
	r := newRig(t)
	ref := r.submit(ani, uuid.Nil)
	r.sent(ref.Stream, letter(1, r.records()[0].ID))
	if got := lines(all(t, r, ref.Stream, nil)); got != "incident.submitted 0/0/0\nmail.sent 0/0/0" {
		t.Errorf("the history is %s", got)
	}
	nothing := uuid.New()
	r.sent(nothing, letter(1, r.records()[0].ID))
	_, err := r.auditor.History(t.Context(), nothing, audit.Place{}, 10, nil)
	refused(t, err, "contract-not-found")
}

func TestR47_HistoryOpensTheAddressesOfMails(t *testing.T) {
	r := newRig(t)
	id, _ := mailed(r)
	texts := func(open audit.Opener) (all string) {
		for item, err := range r.auditor.Replay(t.Context(), id, open) {
			must(t, err)
			if item.Stream != "" {
				all += string(item.Data)
			}
		}
		return all
	}
	if got := texts(nil); strings.Contains(got, "citra") || strings.Contains(got, "recipient") {
		t.Errorf("without an opener: %s", got)
	}
	if got := texts(r.Open); strings.Count(got, `"email":"citra@example.com"`) != 6 || !strings.Contains(got, "550 nobody") {
		t.Errorf("with an opener: %s", got)
	}
	_, err := r.Erase(t.Context(), r.by(operator, "erase"), r.keys.Contact("citra@example.com"), "asked")
	must(t, err)
	if got := texts(r.Open); strings.Contains(got, "citra") || strings.Count(got, `"recipient":"erased"`) != 6 {
		t.Errorf("after the erasure: %s", got)
	}
	if result := play(t, &tape{records: r.records()}, nil); result.Finding != nil {
		t.Errorf("after the erasure verify finds %v", result.Finding)
	}
}

func TestHistoryOfNothingIsRefused(t *testing.T) {
	r := newRig(t)
	_, err := r.auditor.History(t.Context(), uuid.New(), audit.Place{}, 10, nil)
	refused(t, err, "contract-not-found")
	for _, err := range r.auditor.Replay(t.Context(), uuid.New(), nil) {
		refused(t, err, "contract-not-found")
	}
	page, err := r.auditor.History(t.Context(), spent(r), audit.Place{Contract: 99}, 10, nil)
	must(t, err)
	if len(page.Items) != 0 || page.Next != nil {
		t.Errorf("past the end there is %+v", page)
	}
}
