//go:build linux

package faults_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/audit"
	"github.com/supportledger/supportledger/domain/catalog"
	"github.com/supportledger/supportledger/domain/partner"
	"github.com/supportledger/supportledger/eventstore"
	"github.com/supportledger/supportledger/ledger"
)

// A plan is what is asked in a year, step by step of a clock, and what a plain
// calculation of dates says must come of it.
type plan struct {
	t        testing.TB
	hands    hands
	start    time.Time
	now, end time.Time
	step     time.Duration
	later    map[int][]func() // what is asked at a step
	due      map[int]bool     // steps in which something is due
	expected map[uuid.UUID]*fate
}

// hands ask a ledger for what is planned, again and again until they are answered.
type hands interface {
	registerPartner(partner.Register) uuid.UUID
	renewMembership(partner uuid.UUID, day catalog.Date) []madeContract
	register(ledger.Registration) uuid.UUID
	activate(contract uuid.UUID)
	link(contract uuid.UUID)
	grant(contract uuid.UUID, incidents int64, expires catalog.Date)
	renew(contract uuid.UUID) uuid.UUID
}

// A madeContract is one of those that a membership renewal has registered.
type madeContract struct {
	id        uuid.UUID
	programme string
}

// A fate is what must become of a contract: for each type of event, the moments at
// which one is due, or was asked for.
type fate struct {
	since   time.Time // it was registered
	moments map[string][]time.Time
}

func newPlan(t testing.TB, does hands, steps int) *plan {
	p := &plan{
		t: t, hands: does, start: time.Date(2027, 1, 4, 9, 0, 0, 0, time.UTC), step: 365 * 24 * time.Hour / time.Duration(steps),
		later: map[int][]func(){}, due: map[int]bool{}, expected: map[uuid.UUID]*fate{},
	}
	p.now, p.end = p.start, p.start.Add(time.Duration(steps)*p.step)
	for i := range 24 {
		p.aPartner(i)
	}
	for i := range 24 {
		p.aContract(i)
	}
	return p
}

// reach is a step of the clock: it says until when, after what is to be asked then
// was asked.
func (p *plan) reach(step int) {
	p.now = p.start.Add(time.Duration(step) * p.step)
	for _, do := range p.later[step] {
		do()
	}
}

// stepOf is the first one not before a time.
func (p *plan) stepOf(when time.Time) int { return int((when.Sub(p.start) + p.step - 1) / p.step) }

// at has something asked at the first step not before a time.
func (p *plan) at(when time.Time, do func()) {
	p.later[p.stepOf(when)] = append(p.later[p.stepOf(when)], do)
}

// expect notes a moment of a contract.
func (p *plan) expect(id uuid.UUID, what string, at time.Time) {
	f := p.expected[id]
	if f == nil {
		f = &fate{since: p.now, moments: map[string][]time.Time{}}
		p.expected[id] = f
	}
	if !at.After(p.end) {
		f.moments[what] = append(f.moments[what], at)
		p.due[p.stepOf(at)] = true
	}
}

// check holds a log against what was calculated; what is due was recorded at most
// so many steps after its moment.
func (p *plan) check(store eventstore.Store, late int) {
	p.t.Helper()
	got := map[uuid.UUID]map[string][]time.Time{}
	for r, err := range store.ReadAll(context.Background(), eventstore.Start) {
		must(p.t, err)
		id, ok := ledger.ContractOf(r.Stream)
		if !ok {
			continue
		}
		if got[id] == nil {
			got[id] = map[string][]time.Time{}
		}
		what := strings.TrimSuffix(r.Type, ".v1")
		got[id][what] = append(got[id][what], r.RecordedAt)
	}
	if len(got) != len(p.expected) {
		p.t.Errorf("%d contracts are in the log, want %d", len(got), len(p.expected))
	}
	for id, f := range p.expected {
		for _, what := range []string{"contract.activated", "contract.expired", "grant.lapsed", "account.linked"} {
			p.checkMoments(id, what, f, got[id][what], time.Duration(late)*p.step)
		}
	}
	v := &audit.Verifier{Store: store}
	result, err := v.Verify(context.Background())
	if must(p.t, err); result.Finding != nil {
		p.t.Errorf("verify: %v", result.Finding)
	}
}

func (p *plan) checkMoments(id uuid.UUID, what string, f *fate, have []time.Time, late time.Duration) {
	p.t.Helper()
	want := f.moments[what]
	slices.SortFunc(want, time.Time.Compare)
	if len(have) != len(want) {
		p.t.Errorf("contract %s: %d %s, want %d, at %v", id, len(have), what, len(want), want)
		return
	}
	for i, at := range have {
		due := latest(want[i], f.since)
		if at.Before(due) || at.Sub(due) > late {
			p.t.Errorf("contract %s: %s was recorded at %v, and due at %v", id, what, at, due)
		}
	}
}

// towns are where partners and contracts of the year are.
var towns = [...]struct{ country, zone string }{
	{"ID", "Asia/Jakarta"}, {"US", "America/New_York"}, {"IE", "Europe/Dublin"}, {"AU", "Australia/Sydney"}, {"BR", "America/Sao_Paulo"}, {"US", "Pacific/Honolulu"},
}

// limited is how many grants of a programme lapse at its end.
var limited = map[string]int{"gold": 2, "silver": 2, "maps": 1, "scs": 0}

// midnight is when a day begins somewhere, by the calendar alone.
func midnight(day time.Time, zone *time.Location) time.Time {
	return time.Date(day.Year(), day.Month(), day.Day(), 0, 0, 0, 0, zone)
}

func dateOf(day time.Time) catalog.Date {
	return catalog.Date{Year: day.Year(), Month: day.Month(), Day: day.Day()}
}

// aPartner has renewed before the year, and renews again in it; some for the first
// time.
func (p *plan) aPartner(i int) {
	place, level := towns[i%len(towns)], []string{"gold", "silver", "maps"}[i%3]
	zone, err := time.LoadLocation(place.zone)
	must(p.t, err)
	signature := level != "maps" && i%2 == 0
	first := p.start.AddDate(0, 0, -300+25*i) // the later ones in the year itself
	registered := p.start
	if first.After(p.start) {
		registered = first
	}
	p.at(registered, func() {
		id := p.hands.registerPartner(partner.Register{
			Company: "Contoso", Level: level, Signature: signature, Country: place.country, TimeZone: place.zone,
		})
		p.renewal(id, first, zone, level, nil)
	})
}

// renewal records a membership renewal, what it brings about, and the next one.
func (p *plan) renewal(id uuid.UUID, day time.Time, zone *time.Location, level string, before map[string]linkedContract) {
	now := map[string]linkedContract{}
	for _, c := range p.hands.renewMembership(id, dateOf(day)) {
		programme := c.programme
		active, ends := midnight(day.AddDate(0, 0, 21), zone), midnight(day.AddDate(1, 0, 0), zone)
		if level == "maps" { // on request
			active = p.now.Add(40 * 24 * time.Hour)
			p.at(active, func() { p.hands.activate(c.id) })
		}
		p.expect(c.id, "contract.activated", active)
		p.expect(c.id, "contract.expired", ends)
		for range limited[programme] {
			p.expect(c.id, "grant.lapsed", ends)
		}
		now[programme] = linkedContract{id: c.id}
		if before[programme].linked {
			p.expect(c.id, "account.linked", active)
		} else if programme != "scs" {
			if at := latest(active, p.now).Add(48 * time.Hour); at.Before(ends) && at.Before(p.end) {
				now[programme] = linkedContract{c.id, true}
				p.at(at, func() { p.hands.link(c.id) })
				p.expect(c.id, "account.linked", at)
			}
		}
	}
	if next := day.AddDate(1, 0, 0); next.Before(p.end.Add(-72 * time.Hour)) {
		p.at(midnight(next, zone).Add(30*time.Hour), func() { p.renewal(id, next, zone, level, now) })
	}
}

type linkedContract struct {
	id     uuid.UUID
	linked bool
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// aContract belongs to no partner: it waits for its term, or is in it; grants of
// it lapse; it is renewed, and followed.
func (p *plan) aContract(i int) {
	place := towns[i%len(towns)]
	zone, err := time.LoadLocation(place.zone)
	must(p.t, err)
	day := p.start.AddDate(0, 0, -340+22*i)
	starts, ends := midnight(day, zone), midnight(day.AddDate(1, 0, 0), zone)
	p.at(p.start, func() {
		id := p.hands.register(ledger.Registration{Programme: "maps", Country: place.country, TimeZone: place.zone, StartsOn: dateOf(day)})
		p.hands.activate(id)
		p.expect(id, "contract.activated", p.start)
		if starts.After(p.start) {
			p.expect(id, "contract.activated", starts)
		}
		p.expect(id, "contract.expired", ends)
		p.expect(id, "grant.lapsed", ends)
		if at := latest(starts, p.start).Add(24 * time.Hour); i%2 == 0 && at.Before(p.end) && at.Before(ends) {
			p.at(at, func() { p.hands.link(id) })
			p.expect(id, "account.linked", at)
		}
		if over := latest(starts, p.start).AddDate(0, 0, 9); i%3 == 0 && over.Before(ends.AddDate(0, 0, -2)) {
			p.hands.grant(id, 5, dateOf(over.In(zone)))
			p.expect(id, "grant.lapsed", midnight(over.In(zone).AddDate(0, 0, 1), zone))
		}
		if at := ends.AddDate(0, 0, -5); i%4 != 0 && at.After(p.start) && at.Before(p.end) {
			p.at(at, func() { p.isRenewed(id, ends, zone, i%2 == 0) })
		}
	})
}

// isRenewed is followed by a contract that waits, and starts when this one ends.
func (p *plan) isRenewed(id uuid.UUID, ends time.Time, zone *time.Location, linked bool) {
	next := p.hands.renew(id)
	p.expect(next, "contract.activated", p.now)
	p.expect(next, "contract.activated", ends)
	if linked {
		p.expect(next, "account.linked", ends)
	}
	over := midnight(ends.In(zone).AddDate(1, 0, 0), zone)
	p.expect(next, "contract.expired", over)
	p.expect(next, "grant.lapsed", over)
}
