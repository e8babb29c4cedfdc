package audit_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/audit"
	"github.com/supportledger/supportledger/domain/contract"
	"github.com/supportledger/supportledger/eventstore"
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
	page, err := r.auditor.History(t.Context(), id, 0, 1000, open)
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
		for from := eventstore.Revision(0); ; {
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

func TestHistoryOfNothingIsRefused(t *testing.T) {
	r := newRig(t)
	_, err := r.auditor.History(t.Context(), uuid.New(), 0, 10, nil)
	refused(t, err, "contract-not-found")
	for _, err := range r.auditor.Replay(t.Context(), uuid.New(), nil) {
		refused(t, err, "contract-not-found")
	}
	page, err := r.auditor.History(t.Context(), spent(r), 99, 10, nil)
	must(t, err)
	if len(page.Items) != 0 || page.Next != nil {
		t.Errorf("past the end there is %+v", page)
	}
}
