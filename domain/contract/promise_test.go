package contract

import (
	"testing"

	"github.com/google/uuid"
)

const (
	promisedFor  = "2026-02-05T00:00:00Z" // 21 days after the renewal
	promisedEnds = "2027-01-15T00:00:00Z"
)

// promised is the contract of a membership that was renewed on 15 January 2026.
func promised(changes ...func(*Registered)) facts {
	year := func(e *Registered) { e.StartsOn = day("2026-01-15") }
	return given(registered(append(changes, year)...), facts{&Promised{
		ActivatesOn: day("2026-02-05"), ActivatesAt: instant(promisedFor), StartsOn: day("2026-01-15"), ExpiresOn: day("2027-01-14"),
		StartsAt: instant("2026-01-15T00:00:00Z"), EndsAt: instant(promisedEnds),
	}})
}

// kept is what follows when its moment comes.
func kept() facts { return given(term(StatusActive, "2026-01-15", "2027-01-14"), granted(1, 2)) }

func inheritedAt(at string, accounts ...uuid.UUID) facts {
	var all facts
	for _, account := range accounts {
		all = append(all, &AccountLinked{Account: account, Inherited: predecessor, At: instant(at)})
	}
	return all
}

func succeeding(e *Registered) { e.Predecessor = predecessor }

func TestR28_AContractComesToLifeAsWasPromised(t *testing.T) {
	const before = "2026-02-04T23:59:59.999999Z"
	heir := promised(succeeding)
	spec{
		"nobody has to ask":                         {promised(), when(suspend()).at(promisedFor), then(kept(), suspended())},
		"not a moment too soon":                     {promised(), when(suspend()).at(before), refuses("not-activated")},
		"asked for in time it comes earlier":        {promised(), when(activate()).at(before), then(facts{withReason(term(StatusActive, "2026-01-15", "2027-01-14"))}, granted(1, 2))},
		"and does not come again":                   {given(promised(), kept()), when(activate()).at(promisedFor), thenNothing},
		"asked for afterwards it is there already":  {promised(), when(activate()).at(promisedFor), then(kept())},
		"what was granted before stays":             {given(promised(), grantedFrom(Added, 1, 5, "")), when(adjust(1, -5)).at(promisedFor), then(term(StatusActive, "2026-01-15", "2027-01-14"), granted(2, 2), adjusted(1, -5, 0))},
		"nothing comes of one that was cancelled":   {given(promised(), cancelled()), when(cancel()).at(promisedFor), thenNothing},
		"whoever is linked to the predecessor, is":  {heir, when(suspend()).at(promisedFor).inheriting(budi, ani), then(kept(), inheritedAt(promisedFor, ani, budi), suspended())},
		"also when asked for earlier":               {heir, when(&Activate{Reason: "why", Inherited: []uuid.UUID{budi}}).at(before), then(facts{withReason(term(StatusActive, "2026-01-15", "2027-01-14"))}, granted(1, 2), inheritedAt(before, budi))},
		"long after its end it has been, and ended": {promised(), when(cancel()).at("2028-01-01T00:00:00Z"), refuses("expired")},
		"R10: a replacement keeps the promise": {nothing, when(&Replace{
			AccessID: "0230242323", Contact: theContact, Predecessor: predecessor, Terms: promised()[0].(*Registered), Promise: promised()[1].(*Promised),
			Reissued: &Reissued{Status: StatusRegistered, Reason: "why"},
		}), thenEvents("contract.registered.v1", "contract.promised.v1")},
	}.run(t)
}

func withReason(activated facts) Event {
	e := activated[0].(*Activated)
	e.Reason = "why"
	return e
}

func TestR28_WhatIsDueCarriesItsMoment(t *testing.T) {
	got := Due(stateAfter(promised()), instant("2027-06-01T00:00:00Z"), nil)
	want := given(kept(), expired(promisedEnds), lapsed(1, 2, promisedEnds))
	if diff := compare(t, got, want); diff != "" {
		t.Errorf("due after a year without anybody looking:\n%s", diff)
	}
}

// TestR5_ReadsKnowThatAPromiseWasKept looks without recording anything.
func TestR5_ReadsKnowThatAPromiseWasKept(t *testing.T) {
	s := stateAfter(promised())
	for at, want := range map[string]struct {
		status Status
		left   int64
	}{
		"2026-02-04T23:59:59Z": {StatusRegistered, 0}, promisedFor: {StatusActive, 2}, promisedEnds: {StatusExpired, 0},
	} {
		left, _ := s.Remaining(Incident, instant(at))
		sum, balance := s.Summary(instant(at)), s.Balance(Incident, instant(at))
		if s.Status(instant(at)) != want.status || sum.Status != want.status || left != want.left || balance.Available != want.left || !balance.Holds() {
			t.Errorf("at %s it is %s (%s) with %d left, balance %+v", at, s.Status(instant(at)), sum.Status, left, balance)
		}
		since, blank := s.Blank(instant(at))
		if blank != (want.status == StatusRegistered) || blank && !since.Equal(instant(promisedFor)) {
			t.Errorf("at %s it is blank: %v, since %v", at, blank, since)
		}
		if known := !sum.ExpiresOn.IsZero(); known != (want.status != StatusRegistered) {
			t.Errorf("at %s it expires on %v", at, sum.ExpiresOn)
		}
	}
	if next := s.NextDue(); !next.Equal(instant(promisedFor)) {
		t.Errorf("next due is %v", next)
	}
}

func TestR28_RegisteringWithAPromise(t *testing.T) {
	inYear := func(starts, activates, zone string) wish {
		return when(register(func(c *Register) { c.StartsOn, c.PromiseOn, c.TimeZone = day(starts), day(activates), zone })).at("2026-01-20T10:00:00Z")
	}
	spec{
		"for a day of the term":   {nothing, inYear("2026-01-15", "2026-02-05", "Asia/Jakarta"), thenPromise("2026-02-04T17:00:00Z", "2027-01-14T17:00:00Z")},
		"where clocks are behind": {nothing, inYear("2026-01-15", "2026-02-05", "America/Los_Angeles"), thenPromise("2026-02-05T08:00:00Z", "2027-01-15T08:00:00Z")},
		"also for its last one":   {nothing, inYear("2026-01-15", "2027-01-14", ""), thenPromise("2027-01-14T00:00:00Z", promisedEnds)},
		"not for one after it":    {nothing, inYear("2026-01-15", "2027-01-15", ""), refuses("invalid-field:activates_on")},
		"nor for one before it":   {nothing, inYear("2026-01-15", "2026-01-14", ""), refuses("invalid-field:activates_on")},
	}.run(t)
}

func thenPromise(activates, ends string) outcome {
	return func(t *testing.T, got []Event, err error) {
		t.Helper()
		thenEvents("contract.registered.v1", "contract.promised.v1")(t, got, err)
		if p := got[1].(*Promised); !p.ActivatesAt.Equal(instant(activates)) || !p.EndsAt.Equal(instant(ends)) {
			t.Errorf("promised for %v, until %v", p.ActivatesAt, p.EndsAt)
		}
	}
}

func TestR28_TheNextYearsContractFollows(t *testing.T) {
	follow := func(on string) *RenewByMembership {
		return &RenewByMembership{Successor: successor, StartsOn: day(on)}
	}
	year := given(promised(), kept())
	blank := registered(func(e *Registered) { e.StartsOn = day("2026-01-15") })
	next := func(on string) facts {
		return facts{&Renewed{Successor: successor, StartsOn: day(on), Reason: "membership renewal"}}
	}
	spec{
		"on the day of the renewal":             {year, when(follow("2027-01-15")), then(next("2027-01-15"))},
		"or later":                              {year, when(follow("2027-03-01")).at("2027-03-01T12:00:00Z"), then(expired(promisedEnds), lapsed(1, 2, promisedEnds), next("2027-03-01"))},
		"once":                                  {given(year, next("2027-01-15")), when(follow("2027-01-15")), thenNothing},
		"not within the year":                   {year, when(follow("2027-01-14")), refuses("invalid-field:renewed_on")},
		"not one that was renewed by hand":      {given(year, facts{&Renewed{Successor: replacement, StartsOn: day("2027-01-15")}}), when(follow("2027-01-15")), refuses("already-renewed")},
		"not one that was cancelled":            {given(year, cancelled(), lapsed(1, 2, now)), when(follow("2027-01-15")), refuses("cancelled")},
		"one that is still blank, too":          {blank, when(follow("2027-01-15")), then(next("2027-01-15"))},
		"after its year as well":                {blank, when(follow("2027-03-01")).at("2027-03-01T12:00:00Z"), then(next("2027-03-01"))},
		"not within a blank one's year":         {blank, when(follow("2027-01-14")), refuses("invalid-field:renewed_on")},
		"not a blank one that was cancelled":    {given(blank, cancelled()), when(follow("2027-01-15")), refuses("cancelled")},
		"one before its promise is kept":        {promised(), when(follow("2027-01-15")).at("2026-01-20T12:00:00Z"), then(next("2027-01-15"))},
		"not one that belongs to no year":       {registered(), when(follow("2027-01-15")), refuses("not-activated")},
		"one whose promise is kept just now is": {promised(), when(follow("2027-01-15")), then(kept(), next("2027-01-15"))},
		"not one that there is not":             {nothing, when(follow("2027-01-15")), refuses("contract-not-found")},
	}.run(t)
}
