package projections

import (
	"context"
	"errors"
	"maps"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/supportledger/supportledger/domain/catalog"
	"github.com/supportledger/supportledger/domain/contract"
	"github.com/supportledger/supportledger/eventstore"
	"github.com/supportledger/supportledger/ledger"
)

func dateOf(t time.Time) catalog.Date { return catalog.DateOf(t, time.UTC) }

// Every random history is answered as its contracts and incidents, replayed from
// the log, would answer it at any time (R5); and rows that were built live, with
// the log delivered again, equal those of a rebuild.
func TestR5_rowsSayWhatTheLogSays_atAnyTime(t *testing.T) {
	onEach(t, testR5_rowsSayWhatTheLogSays_atAnyTime)
}

func testR5_rowsSayWhatTheLogSays_atAnyTime(t *testing.T, on engine) {
	rapid.Check(t, func(rt *rapid.T) {
		h := &history{rig: newRig(t, on)}
		defer h.end()
		for range rapid.IntRange(1, 6).Draw(rt, "rounds") {
			for range rapid.IntRange(1, 12).Draw(rt, "steps") {
				h.step(rt)
			}
			h.settle()
		}
		states := h.replay()
		for _, at := range moments(h.now(), states) {
			h.checkContracts(rt, states, at)
			h.checkLinks(rt, states, at)
		}
		h.checkDue(rt, states)
		h.checkIncidents(rt)
		h.checkRequests(rt)
		h.checkMails(rt)
		h.deliverAgain()
		if _, err := h.Compare(context.Background(), "", nil); err != nil {
			rt.Fatal(err)
		}
	})
}

func (r *rig) end() {
	_ = r.Set.Close()
	_ = r.store.Close()
	_ = r.people.Close()
}

// deliverAgain gives all projections the whole log a second time.
func (r *rig) deliverAgain() {
	r.t.Helper()
	f := startFeed(r.t.Context(), r.store, r.projections, eventstore.Start, r.Position())
	defer f.close()
	for {
		c, more, err := f.next(r.t.Context())
		must(r.t, err)
		if !more {
			return
		}
		if _, _, err = r.followBatch(r.t.Context(), f, c); !errors.Is(err, errBeaten) {
			r.t.Fatalf("what was delivered before is answered with %v", err)
		}
	}
}

// A replayed contract is its state, nothing added, and its records.
type replayed struct {
	contract.State
	records []ledger.Recorded
}

// replay reads every contract from the log.
func (r *rig) replay() map[uuid.UUID]*replayed {
	r.t.Helper()
	out := map[uuid.UUID]*replayed{}
	for rec, err := range r.store.ReadAll(r.t.Context(), eventstore.Start) {
		must(r.t, err)
		id, ok := ledger.ContractOf(rec.Stream)
		if !ok {
			continue
		}
		e, err := ledger.Decode(rec)
		must(r.t, err)
		if out[id] == nil {
			out[id] = new(replayed)
		}
		contract.Evolve(&out[id].State, e.Event.(contract.Event))
		out[id].records = append(out[id].records, e)
	}
	maps.DeleteFunc(out, func(_ uuid.UUID, s *replayed) bool { return !s.Exists() })
	return out
}

// moments are now, and a second before, at and after whatever is to come.
func moments(now time.Time, states map[uuid.UUID]*replayed) []time.Time {
	out := []time.Time{now}
	add := func(t time.Time) {
		for _, d := range []time.Duration{-time.Second, 0, time.Second} {
			if m := t.Add(d); m.After(now) && !slices.ContainsFunc(out, m.Equal) {
				out = append(out, m)
			}
		}
	}
	for _, s := range states {
		sum := s.Summary(now)
		if !sum.EndsAt.IsZero() {
			add(sum.StartsAt)
			add(sum.EndsAt)
		}
		if p := s.Promise(); p != nil {
			add(p.ActivatesAt)
			add(p.EndsAt)
		}
		for _, g := range s.Grants() {
			if !g.EndsAt.IsZero() {
				add(g.EndsAt)
			}
		}
	}
	return out
}

func (r *rig) checkContracts(t *rapid.T, states map[uuid.UUID]*replayed, at time.Time) {
	byStatus := map[contract.Status]map[uuid.UUID]bool{}
	all, err := r.Contracts.List(context.Background(), at, ContractFilter{}, Page{Limit: MaxLimit})
	must(r.t, err)
	if len(all.Items) != len(states) {
		t.Fatalf("the directory has %d contracts, the log %d", len(all.Items), len(states))
	}
	for _, row := range all.Items {
		want := states[row.ID].Summary(at)
		got := row.Summary
		if got.Terms.AccessID != want.Terms.AccessID || got.Terms.ContractID != nil || got.Terms.Label(true) != want.Terms.Label(true) {
			t.Fatalf("the terms of %s are %+v, want %+v", row.ID, got.Terms, want.Terms)
		}
		got.Terms, want.Terms = nil, nil
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("at %v contract %s is\n%+v, want\n%+v", at, row.ID, got, want)
		}
		if byStatus[row.Status] == nil {
			byStatus[row.Status] = map[uuid.UUID]bool{}
		}
		byStatus[row.Status][row.ID] = true
		r.checkUnits(t, states[row.ID], row, at)
	}
	for _, status := range []contract.Status{contract.StatusRegistered, contract.StatusWaiting, contract.StatusActive, contract.StatusSuspended, contract.StatusExpired, contract.StatusCancelled} {
		some, err := r.Contracts.List(context.Background(), at, ContractFilter{Status: status}, Page{Limit: MaxLimit})
		must(r.t, err)
		if len(some.Items) != len(byStatus[status]) {
			t.Fatalf("at %v %d contracts are listed as %s, want %d", at, len(some.Items), status, len(byStatus[status]))
		}
		for _, row := range some.Items {
			if !byStatus[status][row.ID] {
				t.Fatalf("at %v contract %s is listed as %s and is %s", at, row.ID, status, states[row.ID].Status(at))
			}
		}
	}
}

func (r *rig) checkUnits(t *rapid.T, s *replayed, row ContractRow, at time.Time) {
	var units []Benefit
	must(r.t, r.Benefits.view(context.Background(), func(v *view) (err error) {
		q := selecting("SELECT c.seq, c.state, 1, "+contractColumns+" FROM {contracts} c").and("c.id = ?", row.ID[:])
		units, err = r.Benefits.rows(context.Background(), v, q, at, 1)
		return err
	}))
	balances := s.Balances(at)
	for _, u := range units {
		want := balances[u.Unit]
		if u.Balance != want {
			t.Fatalf("at %v the %s balance of %s is\n%+v, want\n%+v", at, u.Unit, row.ID, u.Balance, want)
		}
		if n, unlimited := s.Remaining(u.Unit, at); u.Remaining != n || u.Unlimited != unlimited {
			t.Fatalf("at %v %d %s remain (unlimited %v) of %s, want %d (%v)", at, u.Remaining, u.Unit, u.Unlimited, row.ID, n, unlimited)
		}
		delete(balances, u.Unit)
	}
	if len(balances) > 0 {
		t.Fatalf("no row for %v of %s", balances, row.ID)
	}
}

// checkLinks asks who is linked. A successor that started since links whoever
// was linked to its predecessor just before.
func (r *rig) checkLinks(t *rapid.T, states map[uuid.UUID]*replayed, at time.Time) {
	for id, s := range states {
		want := map[uuid.UUID]bool{}
		for account := range s.Links() {
			want[account] = true
		}
		if predecessor, start, ok := s.Inherits(at); ok {
			for account := range linkedBefore(states, predecessor, start) {
				want[account] = true
			}
		}
		list, err := r.Links.OfContract(context.Background(), at, id, Page{})
		must(r.t, err)
		if len(list.Items) != len(want) {
			t.Fatalf("at %v contract %s has %d links, want %d", at, id, len(list.Items), len(want))
		}
		for _, l := range list.Items {
			own, err := r.Links.OfAccount(context.Background(), at, l.Account, Page{})
			must(r.t, err)
			if !want[l.Account] || !slices.ContainsFunc(own.Items, func(o Link) bool { return o.ID == id && o.Since.Equal(l.Since) }) {
				t.Fatalf("at %v account %s is listed with contract %s: want %v; its own list has %d", at, l.Account, id, want[l.Account], len(own.Items))
			}
		}
	}
}

// linkedBefore is who was linked to a contract just before a time, or to its
// replacement, where it had been replaced by then.
func linkedBefore(states map[uuid.UUID]*replayed, id uuid.UUID, at time.Time) map[uuid.UUID]contract.Linked {
	var before contract.State
	for _, e := range states[id].records {
		if e.RecordedAt.Before(at) {
			contract.Evolve(&before, e.Event.(contract.Event))
		}
	}
	if replacement := before.Summary(at).Replacement; replacement != uuid.Nil {
		return linkedBefore(states, replacement, at)
	}
	return before.Links()
}

func (r *rig) checkDue(t *rapid.T, states map[uuid.UUID]*replayed) {
	far := r.now().AddDate(100, 0, 0)
	due, err := r.Due.Due(context.Background(), far, ledger.DueContract{}, MaxLimit)
	must(r.t, err)
	if !slices.IsSortedFunc(due, func(a, b ledger.DueContract) int { return a.At.Compare(b.At) }) {
		t.Fatalf("the agenda is not in order: %v", due)
	}
	got := map[uuid.UUID]time.Time{}
	for _, d := range due {
		got[d.Contract] = d.At
	}
	for id, s := range states {
		if want := s.NextDue(); !got[id].Equal(want) {
			t.Fatalf("contract %s is due at %v, want %v", id, got[id], want)
		}
	}
}

func (h *history) checkIncidents(t *rapid.T) {
	ctx := context.Background()
	desk, err := h.Desk.List(ctx, h.now(), DeskFilter{}, Page{Limit: MaxLimit})
	must(h.t, err)
	rows := map[contract.Number]Request{}
	for _, r := range desk.Items {
		rows[r.Number] = r
	}
	if len(rows) != len(h.incidents) {
		t.Fatalf("the desk has %d incidents, want %d", len(rows), len(h.incidents))
	}
	for _, want := range h.incidents {
		ref, ok, err := h.Incidents.Find(ctx, want.Number)
		must(h.t, err)
		if !ok || ref.Stream != want.Stream || ref.Owner != want.Owner {
			t.Fatalf("incident %s is found as %+v, want %+v", want.Number, ref, want)
		}
		h.checkIncident(t, rows[want.Number], ref)
	}
}

func (h *history) checkIncident(t *rapid.T, got Request, ref ledger.IncidentRef) {
	var want contract.Case
	var revisions []eventstore.Revision
	for rec, err := range h.store.ReadStream(context.Background(), ref.Stream.String(), 0, eventstore.Forwards) {
		must(h.t, err)
		e, err := ledger.Decode(rec)
		must(h.t, err)
		if n, ok := contract.NumberOf(e.Event.(contract.Event)); ok && n == ref.Number {
			want.Apply(e.Event.(contract.Event), e.RecordedAt)
			revisions = append(revisions, e.Revision)
		}
	}
	if !slices.Equal(revisions, ref.Revisions) {
		t.Fatalf("incident %s is recorded at %v, want %v", ref.Number, ref.Revisions, revisions)
	}
	row := Request{
		Number: want.Number, Kind: KindIncident, Stream: ref.Stream, Account: want.Account, Portal: want.Portal, Product: want.Product,
		ProblemType: want.ProblemType, Category: want.Category, Title: want.Title, Language: want.Language, Severity: want.Severity,
		ResponseTime: want.Response.Time, ResponseHours: want.Response.Hours, ResponseDueAt: want.Response.DueAt,
		Open: want.Open, OpenedAt: want.OpenedAt, ClosedAt: want.ClosedAt, Closure: want.Closure,
	}
	if want.FirstResponse != nil {
		row.FirstResponseAt, row.ResponseMet = want.FirstResponse.At, want.FirstResponse.Met
	}
	if want.Paid {
		row.Contract, row.Counted = ref.Stream, &want.Counted
	}
	if !reflect.DeepEqual(got, row) {
		t.Fatalf("incident %s is\n%+v, want\n%+v", ref.Number, got, row)
	}
}
