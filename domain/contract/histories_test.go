package contract

import (
	"encoding/binary"
	"maps"
	"slices"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/supportledger/supportledger/domain/catalog"
)

// A world is some contracts that live through the same time.
type world struct {
	t        *rapid.T
	at       time.Time
	number   Number
	subjects []*subject
}

// A subject is one contract, or one incident without, and everything that a
// law looks at.
type subject struct {
	t         *rapid.T
	id        uuid.UUID
	live      *State // decides; made from what was decided
	twin      *State // never decides; replayed from what was recorded
	forgetful *State // forgets whatever it may

	log         []Event
	recorded    [][]byte
	known       map[Number]*knownIncident
	advised     map[Number]*knownAdvisory
	predecessor *subject
}

// knownIncident is an incident as its events alone tell it.
type knownIncident struct {
	Case
	deducted, credited int64
	revisions          []int64
}

func newWorld(t *rapid.T) *world {
	w := &world{t: t, at: instant(now)}
	for range rapid.IntRange(1, 2).Draw(t, "contracts") {
		programme := rapid.SampledFrom(vendor().Programmes).Draw(t, "programme")
		s := w.newSubject(nil)
		promised := rapid.SampledFrom([]catalog.Date{{}, {}, day("2026-03-20")}).Draw(t, "promised")
		starts := rapid.SampledFrom([]catalog.Date{{}, day("2025-06-01"), day("2026-04-01")}).Draw(t, "starts")
		if !promised.IsZero() {
			starts = day("2026-02-27")
		}
		s.wish(&Register{
			AccessID: "0230242323", ContractID: []byte("ciphertext"), Programme: programme.ID, Contact: theContact, Reason: "why",
			TimeZone: rapid.SampledFrom([]string{"", "Asia/Jakarta", "America/Los_Angeles", "Europe/Berlin"}).Draw(t, "zone"),
			Country:  rapid.SampledFrom([]string{"", "ID", "DE"}).Draw(t, "country"),
			StartsOn: starts, PromiseOn: promised,
		}, w.moment())
		if rapid.IntRange(0, 5).Draw(t, "blank") != 4 {
			s.wish(activate(), w.moment())
			s.wish(&Link{Account: ani, Portal: programme.Portals[0]}, w.moment())
		}
	}
	return w
}

func (w *world) newSubject(predecessor *subject) *subject {
	s := &subject{
		t: w.t, live: new(State), twin: new(State), forgetful: new(State),
		known: make(map[Number]*knownIncident), predecessor: predecessor,
	}
	binary.BigEndian.PutUint32(s.id[12:], uint32(len(w.subjects)+1))
	w.subjects = append(w.subjects, s)
	return s
}

func (w *world) moment() Moment {
	w.number++
	return Moment{At: w.at, Catalog: vendor(), Zone: zone, Number: w.number}
}

// step lets time pass and somebody wish something.
func (w *world) step() {
	const day = 24 * time.Hour
	w.at = w.at.Add(rapid.SampledFrom([]time.Duration{
		0, 0, 0, 0, 0, 0, 1, time.Second, time.Second, time.Hour, time.Hour, 7 * time.Hour, 7 * time.Hour, day, day, 13 * day, 14 * day, 14*day + 1,
	}).Draw(w.t, "later"))
	if rapid.IntRange(0, 15).Draw(w.t, "much later") == 7 {
		w.at = w.at.Add(rapid.SampledFrom([]time.Duration{46 * day, 60 * day, 60*day + 1, 150 * day}).Draw(w.t, "much"))
	}
	s := rapid.SampledFrom(w.subjects).Draw(w.t, "contract")
	s.timePasses(w.at)
	c := w.wishFor(s)
	if submission, ok := c.(*Submit); ok && submission.Payment == NoPayment {
		s = w.newSubject(nil)
	}
	terms, term, promise, renewal := s.live.Terms(), s.live.Term(), s.live.Promise(), s.live.renewedBy
	for _, e := range s.wish(c, w.moment()) {
		switch e := e.(type) {
		case *Renewed:
			w.registerRenewal(s, e)
		case *Reissued:
			w.registerReplacement(s, &Replace{
				AccessID: "1111111111", Contact: theContact, Predecessor: s.id, Terms: terms, Term: term, Promise: promise, Reissued: e, Renewal: renewal,
			})
		}
	}
}

func (w *world) registerRenewal(s *subject, e *Renewed) {
	next := w.newSubject(s)
	c := &Register{
		AccessID: "2222222222", Programme: s.live.terms.Programme, TimeZone: s.live.terms.TimeZone,
		Contact: theContact, Predecessor: s.id, ActivateOn: e.StartsOn, Reason: e.Reason,
	}
	if e.Reason == "membership renewal" {
		c.ActivateOn, c.StartsOn, c.PromiseOn = catalog.Date{}, e.StartsOn, e.StartsOn.AddDays(21)
	}
	next.wish(c, w.moment())
}

// registerReplacement checks that nothing is won or lost on the way (R10).
func (w *world) registerReplacement(s *subject, c *Replace) {
	next := w.newSubject(s.predecessor)
	next.wish(c, w.moment())
	for _, u := range units {
		if moved, took := s.live.totals[u.index()].Moved, next.live.totals[u.index()].Granted; moved != took {
			w.t.Fatalf("R10: %d %ss were moved, %d arrived", moved, u, took)
		}
	}
	if was, is := c.Reissued.Status, next.live.Status(w.at); was != is {
		w.t.Fatalf("R10: a contract that was %s is replaced by one that is %s", was, is)
	}
	if next.live.EndsAt() != s.live.EndsAt() {
		w.t.Fatalf("R10: the replacement ends at %v, not at %v", next.live.EndsAt(), s.live.EndsAt())
	}
}

// heirs are the accounts linked to the predecessor when the start is due (R6).
func (s *subject) heirs(at time.Time) []uuid.UUID {
	if _, _, ok := s.live.Inherits(at); !ok {
		return nil
	}
	var accounts []uuid.UUID
	for account := range s.predecessor.live.Links() {
		accounts = append(accounts, account)
	}
	return accounts
}

// tell keeps what an event says about its incident.
func (s *subject) tell(e Event, at time.Time) {
	s.tellAdvisory(e)
	s.partsAddUp(e)
	n, ok := NumberOf(e)
	if !ok {
		return
	}
	known := s.known[n]
	if known == nil {
		known = new(knownIncident)
		s.known[n] = known
	}
	known.revisions = append(known.revisions, s.live.Version()-1)
	known.Apply(e, at)
	switch e := e.(type) {
	case *IncidentDeducted:
		known.deducted += e.Quantity
	case *IncidentCreditedBack:
		known.credited += e.Quantity
	}
}

// turnedAwayBefore says whether the shell would not let a wish come this far: a
// stranger's, about an incident that may be forgotten (R36).
func (s *subject) turnedAwayBefore(c Command) bool {
	var n Number
	var who Who
	switch c := c.(type) {
	case *Comment:
		n, who = c.Number, c.Who
	case *Reopen:
		n, who = c.Number, c.Who
	case *ChangeSeverity:
		n, who = c.Number, c.Who
	default:
		return false
	}
	known := s.known[n]
	return known != nil && !who.Engineer && known.Account != who.Account && s.forgetful.Revisions(n) == nil
}

// wishFor makes up a wish: now and then an impossible one.
func (w *world) wishFor(s *subject) Command {
	wishes := []func(*world, *subject) Command{
		aSubmission, aClosing, aboutAnIncident, aboutAnIncident, aboutAnIncident, aClosing, aSubmission, aboutItsLinks, aboutItsUnits, aboutTheContract,
		anAdvisoryWish, anAdvisoryWish,
	}
	return rapid.SampledFrom(wishes).Draw(w.t, "kind")(w, s)
}

func (w *world) someID() uuid.UUID {
	var id uuid.UUID
	binary.BigEndian.PutUint32(id[12:], uint32(len(w.subjects)+1))
	return id
}

func aboutTheContract(w *world, s *subject) Command {
	return rapid.SampledFrom([]Command{
		activate(), activate(), activate(), suspend(), suspend(), resume(), resume(), resume(), w.rarely(cancel()),
		&Renew{Successor: w.someID(), Reason: "why"}, &RenewByMembership{Successor: w.someID(), StartsOn: catalog.DateOf(w.at, time.UTC).AddDays(60)}, w.rarely(&Reissue{Successor: w.someID(), Keep: w.some(s), Reason: "why"}),
		register(),
	}).Draw(w.t, "wish")
}

// rarely is a wish once in a while, and mostly to resume.
func (w *world) rarely(c Command) Command {
	if rapid.IntRange(0, 2).Draw(w.t, "rarely") == 1 {
		return c
	}
	return resume()
}

// some are accounts to keep: mostly linked ones.
func (w *world) some(s *subject) []uuid.UUID {
	var keep []uuid.UUID
	for _, account := range []uuid.UUID{ani, budi, citra} {
		if s.live.Linked(account) && rapid.Bool().Draw(w.t, "keep") {
			keep = append(keep, account)
		}
	}
	return keep
}

func (w *world) account() uuid.UUID {
	return rapid.SampledFrom([]uuid.UUID{ani, ani, budi, citra}).Draw(w.t, "account")
}

func aboutItsLinks(w *world, s *subject) Command {
	if rapid.IntRange(0, 3).Draw(w.t, "unlink") == 3 {
		return unlink(w.account())
	}
	return &Link{Account: w.account(), Portal: w.portal(s)}
}

// portal is mostly one at which the contract can pay.
func (w *world) portal(s *subject) string {
	if terms := s.live.Terms(); terms != nil && rapid.IntRange(0, 9).Draw(w.t, "wrong portal") != 7 {
		return terms.Portals[0]
	}
	return rapid.SampledFrom([]string{"oas", "mpn", "azure", "office"}).Draw(w.t, "portal")
}

func aboutItsUnits(w *world, s *subject) Command {
	unit := rapid.SampledFrom([]Unit{Incident, Incident, Minute}).Draw(w.t, "unit")
	quantity := int64(rapid.IntRange(-4, 5).Draw(w.t, "quantity"))
	if rapid.Bool().Draw(w.t, "adjust") {
		return adjust(GrantID(rapid.IntRange(1, len(s.live.Grants())+1).Draw(w.t, "grant")), quantity)
	}
	c := &AddGrant{Unit: unit, Quantity: quantity, Reason: "why"}
	if rapid.Bool().Draw(w.t, "own end") {
		c.ExpiresOn = catalog.DateOf(w.at, time.UTC).AddDays(rapid.IntRange(0, 100).Draw(w.t, "ends"))
	}
	return c
}

func aSubmission(w *world, s *subject) Command {
	account := func(c *Submit) { c.Account = w.account() }
	severity := func(c *Submit) { c.Severity = rapid.SampledFrom([]string{"A", "B", "C"}).Draw(w.t, "severity") }
	switch w.portal(s) {
	case "azure":
		return submit(account, severity, aboutAzure, w.payment)
	case "office":
		return submit(account, severity, aboutOffice)
	}
	return submit(account, severity, w.payment)
}

func (w *world) payment(c *Submit) {
	c.Payment = rapid.SampledFrom([]Payment{LinkedContract, AnotherPair}).Draw(w.t, "payment")
}

// incidentOf is mostly one of the contract's incidents.
func (w *world) incidentOf(s *subject) Number {
	numbers := slices.Sorted(maps.Keys(s.known))
	numbers = append(numbers, w.number)
	return rapid.SampledFrom(numbers).Draw(w.t, "incident")
}

func (w *world) code() string {
	codes := slices.Concat(decrementing[:2], crediting[:2])
	return rapid.SampledFrom(codes).Draw(w.t, "code")
}

func aClosing(w *world, s *subject) Command {
	return closing(w.incidentOf(s), w.code())
}

func aboutAnIncident(w *world, s *subject) Command {
	n := w.incidentOf(s)
	who := rapid.SampledFrom([]Who{asEngineer, asAni, asAni, asBudi}).Draw(w.t, "who")
	severity := rapid.SampledFrom([]string{"A", "B", "C"}).Draw(w.t, "severity")
	return rapid.SampledFrom([]Command{
		&Reopen{Number: n, Who: who, Reason: "why"}, &Reopen{Number: n, Who: who, Reason: "why"},
		reclassify(n, w.code()), reclassify(n, w.code()), comment(n, who), changeSeverity(n, who, severity),
	}).Draw(w.t, "wish")
}
