package contract

import (
	"testing"

	"github.com/google/uuid"
)

func TestR6_Renewing(t *testing.T) {
	inZone := func(name, ends string) facts {
		e := inTerm()[0].(*Activated)
		e.EndsAt = instant(ends)
		return given(registered(func(r *Registered) { r.TimeZone = name }), facts{e}, granted(1, 0))
	}
	jakarta, angeles := inZone("Asia/Jakarta", "2027-02-28T17:00:00Z"), inZone("America/Los_Angeles", "2027-03-01T08:00:00Z")
	over := given(expired(termEnds))
	unknown := registered(func(e *Registered) { e.Programme = "withdrawn" })
	spec{
		"the successor starts the day after":         {active(2), when(renew()), then(renewed("2027-03-01"))},
		"on the last day too":                        {active(0), when(renew()).at("2027-02-28T23:59:59Z"), then(renewed("2027-03-01"))},
		"or today, the day after the end":            {active(0), when(renew()).at(termEnds), then(over, renewed("2027-03-01"))},
		"or today, once expired":                     {active(0), when(renew()).at("2027-05-05T23:59:59Z"), then(over, renewed("2027-05-05"))},
		"today is the zone's, east":                  {jakarta, when(renew()).at("2027-05-05T20:00:00Z"), then(expired("2027-02-28T17:00:00Z"), renewed("2027-05-06"))},
		"today is the zone's, west":                  {angeles, when(renew()).at("2027-05-05T03:00:00Z"), then(expired("2027-03-01T08:00:00Z"), renewed("2027-05-04"))},
		"a suspended contract can be renewed":        {given(active(2), suspended()), when(renew()), then(renewed("2027-03-01"))},
		"one that waits for its start too":           {waiting(), when(renew()), then(renewed("2027-06-01"))},
		"one never activated cannot":                 {registered(), when(renew()), refuses("not-activated")},
		"a cancelled one cannot":                     {given(active(2), cancelled(), lapsed(1, 2, now)), when(renew()), refuses("cancelled")},
		"renewing twice is refused":                  {given(active(2), renewed("2027-03-01")), when(renew()), refuses("already-renewed")},
		"even once it has expired":                   {given(active(0), renewed("2027-03-01")), when(renew()).at("2028-01-01T00:00:00Z"), refuses("already-renewed")},
		"a programme that was withdrawn cannot":      {given(unknown, inTerm()), when(renew()), refuses("programme-withdrawn")},
		"R10: a replacement knows it was renewed":    {given(registered(func(e *Registered) { e.Renewal = successor }), inTerm()), when(renew()), refuses("already-renewed")},
		"until its start only the predecessor pays":  {given(waiting(), linked(ani)), when(submit()), refuses("waiting")},
		"the predecessor pays on, until it ends":     {given(active(2), renewed("2027-03-01"), linked(ani)), when(submit()).at("2027-02-28T23:59:59Z"), thenEvents("incident.submitted.v1", "incident.deducted.v1")},
		"units never move: the predecessor's lapse":  {given(active(2), renewed("2027-03-01"), linked(ani)), when(unlink(ani)).at(termEnds), then(over, lapsed(1, 2, termEnds), unlinked(ani, ""))},
		"the registration names the predecessor":     {nothing, when(register(func(c *Register) { c.Predecessor = predecessor })), thenPredecessor(predecessor)},
		"a renewal's term starts on the day renewed": {nothing, when(register(func(c *Register) { c.ActivateOn = day("2027-03-01") })), thenTerm("2027-03-01", "2028-02-29")},
	}.run(t)
}

func TestR6_PredecessorAndSuccessorNameEachOther(t *testing.T) {
	sum := stateAfter(active(2), renewed("2027-03-01")).Summary(instant(now))
	if sum.Renewal != successor || sum.Successor() != successor || sum.Replacement != uuid.Nil {
		t.Errorf("the renewed contract names %v, %v and %v", sum.Renewal, sum.Replacement, sum.Successor())
	}
	next := stateAfter(registered(func(e *Registered) { e.Predecessor = predecessor }))
	if next.Summary(instant(now)).Terms.Predecessor != predecessor {
		t.Error("the successor does not name its predecessor")
	}
}

func thenPredecessor(want uuid.UUID) outcome {
	return func(t *testing.T, got []Event, err error) {
		t.Helper()
		if err != nil {
			t.Fatalf("refused: %v", err)
		}
		if e := got[0].(*Registered); e.Predecessor != want || e.Replaces {
			t.Errorf("predecessor %v (replaces %v), want %v", e.Predecessor, e.Replaces, want)
		}
	}
}

func thenTerm(starts, last string) outcome {
	return func(t *testing.T, got []Event, err error) {
		t.Helper()
		if err != nil {
			t.Fatalf("refused: %v", err)
		}
		if e := got[1].(*Activated); e.StartsOn != day(starts) || e.ExpiresOn != day(last) {
			t.Errorf("term from %v to %v, want %s to %s", e.StartsOn, e.ExpiresOn, starts, last)
		}
	}
}
