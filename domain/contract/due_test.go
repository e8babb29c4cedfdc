package contract

import (
	"testing"
	"time"

	"github.com/google/uuid"
)

// In these tables the outcome begins with what was due, as it is recorded with
// the wish in one append.
func TestR5_WhatIsDueIsRecordedFirst(t *testing.T) {
	const second = "2027-02-28T23:59:59Z"
	open := given(active(2), linked(ani), paid(9, 1))
	spec{
		"a second before the end nothing is due":                 {active(2), when(grant(1)).at(second), then(addedBy("why", 2, 1))},
		"at the end it expires and what is left lapses":          {active(2), when(renew()).at(termEnds), then(expired(termEnds), lapsed(1, 2, termEnds), renewed("2027-03-01"))},
		"years later it ended when it ended":                     {active(2), when(renew()).at("2031-07-01T00:00:00Z"), then(expired(termEnds), lapsed(1, 2, termEnds), renewed("2031-07-01"))},
		"a suspended contract expires too":                       {given(active(2), suspended()), when(renew()).at(termEnds), then(expired(termEnds), lapsed(1, 2, termEnds), renewed("2027-03-01"))},
		"nothing lapses where nothing is left":                   {given(active(1), linked(ani), paid(9, 0)), when(unlink(ani)).at(termEnds), then(expired(termEnds), unlinked(ani, ""))},
		"a recorded end is not recorded again":                   {given(active(2), linked(ani), expired(termEnds), lapsed(1, 2, termEnds)), when(unlink(ani)).at("2028-01-01T00:00:00Z"), then(unlinked(ani, ""))},
		"a cancelled contract does not expire":                   {given(active(2), linked(ani), cancelled(), lapsed(1, 2, now)), when(unlink(ani)).at("2028-01-01T00:00:00Z"), then(unlinked(ani, ""))},
		"the start of the term comes first":                      {given(waiting(), linked(ani)), when(submit()).at("2026-06-01T00:00:00Z"), thenEvents("contract.activated.v1", "incident.submitted.v1", "incident.deducted.v1")},
		"a term that came and went: start, end, lapse":           {given(waiting(), linked(ani)), when(unlink(ani)).at(waitingEnds), then(started(), expired(waitingEnds), lapsed(1, 2, waitingEnds), unlinked(ani, ""))},
		"a grant lapses at its own end":                          {given(active(2), grantedFrom(Added, 2, 5, "2026-03-02T10:00:00Z")), when(suspend()), then(lapsed(2, 5, now), suspended())},
		"and not a second before":                                {given(active(2), grantedFrom(Added, 2, 5, "2026-03-02T10:00:01Z")), when(suspend()), then(suspended())},
		"a grant that lapsed earlier says so at the end":         {given(active(2), grantedFrom(Added, 2, 5, "2026-09-01T00:00:00Z")), when(renew()).at(termEnds), then(expired(termEnds), lapsed(1, 2, termEnds), lapsed(2, 5, "2026-09-01T00:00:00Z"), renewed("2027-03-01"))},
		"a grant's own end beyond the contract's does not count": {given(active(2), grantedFrom(Added, 2, 5, "2030-01-01T00:00:00Z")), when(renew()).at(termEnds), then(expired(termEnds), lapsed(1, 2, termEnds), lapsed(2, 5, termEnds), renewed("2027-03-01"))},
		"a credit finds the contract ended":                      {open, when(closing(9, "duplicate")).at(termEnds), then(expired(termEnds), lapsed(1, 1, termEnds), closed(9, "duplicate", termEnds), credited(9, 1, 0), lapsed(1, 1, termEnds))},
		"a credit a second before finds it active":               {open, when(closing(9, "duplicate")).at(second), then(closed(9, "duplicate", second), credited(9, 1, 2))},
	}.run(t)
}

func addedBy(reason string, id GrantID, quantity int64) facts {
	return facts{&GrantAdded{Grant: id, Unit: Incident, Quantity: quantity, Source: Added, Reason: reason}}
}

func TestR6_ASuccessorInheritsLinksAtItsStart(t *testing.T) {
	follows := func(changes ...func(*Registered)) facts {
		changes = append([]func(*Registered){func(e *Registered) { e.Predecessor = predecessor }}, changes...)
		return given(registered(changes...), term(StatusWaiting, "2026-06-01", "2027-05-31"), granted(1, 2))
	}
	spec{
		"whoever is linked to the predecessor then": {follows(), when(unlink(budi)).at(waitingStarts).inheriting(budi, ani), then(started(), inherited(ani, waitingStarts), inherited(budi, waitingStarts), unlinked(budi, ""))},
		"nobody twice":                                {given(follows(), linked(ani)), when(unlink(ani)).at(waitingStarts).inheriting(ani), then(started(), unlinked(ani, ""))},
		"not before the start":                        {given(follows(), linked(ani)), when(unlink(ani)).at("2026-05-31T23:59:59Z").inheriting(ani, budi), then(unlinked(ani, ""))},
		"not again once it has started":               {given(follows(), started(), linked(ani)), when(unlink(ani)).at(waitingStarts).inheriting(budi), then(unlinked(ani, ""))},
		"even where the whole term came and went":     {given(follows(), linked(ani)), when(unlink(ani)).at(waitingEnds).inheriting(budi), then(started(), inherited(budi, waitingStarts), expired(waitingEnds), lapsed(1, 2, waitingEnds), unlinked(ani, ""))},
		"a contract cancelled before inherits nobody": {given(follows(), linked(ani), cancelled(), lapsed(1, 2, now)), when(unlink(ani)).at(waitingStarts).inheriting(budi), then(unlinked(ani, ""))},
	}.run(t)

	replaced := follows(func(e *Registered) { e.Predecessor, e.Replaces, e.Follows = successor, true, predecessor })
	fromReplaced := follows(func(e *Registered) { e.Replaces = true })
	for name, c := range map[string]struct {
		past facts
		at   string
		from uuid.UUID
	}{
		"a renewal inherits at its start":                       {follows(), waitingStarts, predecessor},
		"and later, while the start is not recorded":            {follows(), "2026-08-01T00:00:00Z", predecessor},
		"not before its start":                                  {follows(), "2026-05-31T23:59:59Z", uuid.Nil},
		"not once the start is recorded":                        {given(follows(), started()), waitingStarts, uuid.Nil},
		"a contract without a predecessor inherits nothing":     {waiting(), waitingStarts, uuid.Nil},
		"a replacement has the links that were named, no more":  {fromReplaced, waitingStarts, uuid.Nil},
		"R10: a renewal's replacement inherits in its place":    {replaced, waitingStarts, predecessor},
		"an unknown contract inherits nothing":                  {nothing, waitingStarts, uuid.Nil},
		"a contract that was cancelled before inherits nothing": {given(follows(), cancelled()), waitingStarts, uuid.Nil},
	} {
		from, start, ok := stateAfter(c.past).Inherits(instant(c.at))
		if from != c.from || ok != (c.from != uuid.Nil) || ok && !start.Equal(instant(waitingStarts)) {
			t.Errorf("%s: inherits %v at %v (%v), want %v", name, from, start, ok, c.from)
		}
	}
}

func TestR5_NextDue(t *testing.T) {
	for name, c := range map[string]struct {
		past facts
		want string
	}{
		"an unknown contract":                 {nothing, ""},
		"a registered contract waits for man": {registered(), ""},
		"a registered contract's grant":       {given(registered(), grantedFrom(Added, 1, 1, "2026-04-01T00:00:00Z")), "2026-04-01T00:00:00Z"},
		"a waited for start":                  {waiting(), waitingStarts},
		"the end of the term":                 {active(2), termEnds},
		"of a suspended one too":              {given(active(2), suspended()), termEnds},
		"a grant that ends before":            {given(active(2), grantedFrom(Added, 2, 1, "2026-04-01T00:00:00Z")), "2026-04-01T00:00:00Z"},
		"a grant with nothing left does not":  {given(active(2), grantedFrom(Added, 2, 1, "2026-04-01T00:00:00Z"), adjusted(2, -1, 0)), termEnds},
		"an expired contract":                 {given(active(2), expired(termEnds), lapsed(1, 2, termEnds)), ""},
		"a cancelled contract":                {given(active(2), cancelled(), lapsed(1, 2, now)), ""},
	} {
		if got := stateAfter(c.past).NextDue(); !got.Equal(instant(c.want)) {
			t.Errorf("%s: %v, want %q", name, got, c.want)
		}
	}
}

// TestR5_ReadsAnswerAsIfTheEndWereRecorded reads status and balances of states
// that nobody has brought up to date.
func TestR5_ReadsAnswerAsIfTheEndWereRecorded(t *testing.T) {
	past := given(active(3), grantedFrom(Added, 2, 5, "2026-09-01T00:00:00Z"), linked(ani), paid(9, 7))
	for at, want := range map[string]struct {
		status          Status
		available, gone int64
	}{
		"2026-08-31T23:59:59Z": {StatusActive, 7, 0},
		"2026-09-01T00:00:00Z": {StatusActive, 2, 5},
		"2027-02-28T23:59:59Z": {StatusActive, 2, 5},
		"2027-03-01T00:00:00Z": {StatusExpired, 0, 7},
	} {
		s := stateAfter(past)
		b := s.Balances(instant(at))[Incident]
		left, _ := s.Remaining(Incident, instant(at))
		if s.Status(instant(at)) != want.status || b.Available != want.available || b.Lapsed != want.gone || left != want.available {
			t.Errorf("at %s: %s, %d available, %d lapsed, %d remaining; want %+v", at, s.Status(instant(at)), b.Available, b.Lapsed, left, want)
		}
		if b.Granted != 8 || b.Consumed != 1 || !b.Holds() {
			t.Errorf("at %s the balance breaks R22: %+v", at, b)
		}
	}
	if ends := stateAfter(past).EndsAt(); !ends.Equal(instant(termEnds)) {
		t.Errorf("it ends at %v, want %s", ends, termEnds)
	}
	if !stateAfter(waiting()).Summary(instant(waitingStarts).Add(-time.Second)).StartsAt.Equal(instant(waitingStarts)) {
		t.Error("a waiting contract's summary does not tell its start")
	}
}
