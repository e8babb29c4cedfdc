package contract

import (
	"testing"

	"github.com/google/uuid"
)

func TestR10_Reissuing(t *testing.T) {
	const june = "2026-06-01T00:00:00Z"
	moved := func(of Status, keep []uuid.UUID, units ...MovedUnits) facts {
		return facts{&Reissued{Successor: replacement, Moved: append([]MovedUnits{}, units...), Keep: keep, Status: of, Reason: "why"}}
	}
	g1 := func(quantity int64) MovedUnits {
		return MovedUnits{Grant: 1, Unit: Incident, Quantity: quantity, Source: Included}
	}
	bought := MovedUnits{Grant: 2, Unit: Incident, Quantity: 5, Source: Bought, EndsAt: instant(june)}
	shared := given(active(2), linked(ani, budi, citra))
	spec{
		"what is available moves, and the contract is cancelled": {active(2), when(reissue()), then(moved(StatusActive, nil, g1(2)), cancelled())},
		"each grant with its own end":                            {given(active(2), grantedFrom(Bought, 2, 5, june)), when(reissue()), then(moved(StatusActive, nil, g1(2), bought), cancelled())},
		"what was spent stays":                                   {given(active(2), linked(ani), paid(1, 1)), when(reissue(ani)), then(moved(StatusActive, []uuid.UUID{ani}, g1(1)), cancelled())},
		"a grant of which nothing is left stays":                 {given(active(1), linked(ani), paid(1, 0)), when(reissue(ani)), then(moved(StatusActive, []uuid.UUID{ani}), cancelled())},
		"what lapsed stays":                                      {given(active(2), grantedFrom(Bought, 2, 5, now)), when(reissue()), then(lapsed(2, 5, now), moved(StatusActive, nil, g1(2)), cancelled())},
		"an unlimited grant moves":                               {unlimited(), when(reissue()), then(moved(StatusActive, nil, MovedUnits{Grant: 1, Unit: Incident, Unlimited: true, Source: Included}), cancelled())},
		"links that are not named end":                           {shared, when(reissue(citra)), then(moved(StatusActive, []uuid.UUID{citra}, g1(2)), cancelled(), unlinked(ani, "reissued"), unlinked(budi, "reissued"))},
		"a link named twice is kept once":                        {shared, when(reissue(citra, ani, citra, budi)), then(moved(StatusActive, []uuid.UUID{ani, budi, citra}, g1(2)), cancelled())},
		"an account that is not linked cannot be kept":           {active(2), when(reissue(budi)), refuses("invalid-field:keep_links")},
		"a registered contract's pair can leak too":              {registered(), when(reissue()), then(moved(StatusRegistered, nil), cancelled())},
		"so can a waiting one's":                                 {waiting(), when(reissue()), then(moved(StatusWaiting, nil, g1(2)), cancelled())},
		"so can a suspended one's":                               {given(active(2), suspended()), when(reissue()), then(moved(StatusSuspended, nil, g1(2)), cancelled())},
		"an ended one is replaced by renewing":                   {active(2), when(reissue()).at(termEnds), refuses("expired")},
		"once reissued it is over":                               {given(active(2), moved(StatusActive, nil, g1(2)), cancelled()), when(reissue()), refuses("cancelled")},
		"R19: a credit on the replaced contract lapses":          {given(active(2), linked(ani), paid(1, 1), moved(StatusActive, nil, g1(1)), cancelled()), when(closing(1, "duplicate")), then(closed(1, "duplicate", now), credited(1, 1, 0), lapsed(1, 1, now))},
	}.run(t)
}

// replace brings the replacement of a contract to life, as the shell does: the
// contract's state before and the fact that it was reissued say everything.
func replace(t *testing.T, old *State, events []Event) *State {
	t.Helper()
	w := when(&Replace{
		AccessID: "1111111111", ContractID: []byte("other"), Predecessor: predecessor, Contact: theContact,
		Terms: old.Terms(), Term: old.Term(), Reissued: events[0].(*Reissued), Renewal: old.Summary(instant(now)).Renewal,
	})
	s := new(State)
	got, err := Decide(s, w.moment, w.Command)
	if err != nil {
		t.Fatal(err)
	}
	Evolve(s, got...)
	return s
}

func TestR10_TheReplacementIsTheContractUnderNewIDs(t *testing.T) {
	for name, c := range map[string]struct {
		past   facts
		status Status
	}{
		"registered": {given(registered(func(e *Registered) { e.StartsOn = day("2026-07-01") }), linked(ani, budi), addedBy("", 1, 3)), StatusRegistered},
		"waiting":    {given(waiting(), linked(ani, budi)), StatusWaiting},
		"active":     {given(active(5), grantedFrom(Bought, 2, 4, "2026-06-01T00:00:00Z"), grantedMinutes(3, 60), linked(ani, budi), paid(1, 8)), StatusActive},
		"suspended":  {given(active(5), linked(ani, budi), suspended()), StatusSuspended},
		"renewed":    {given(active(5), linked(ani, budi), renewed("2027-03-01")), StatusActive},
		"unlimited":  {given(unlimited(), linked(ani, budi)), StatusActive},
	} {
		t.Run(name, func(t *testing.T) {
			old := stateAfter(c.past)
			before := stateAfter(c.past)
			w := when(reissue(ani))
			got, err := Decide(old, w.moment, w.Command)
			if err != nil {
				t.Fatal(err)
			}
			next := replace(t, old, got)
			Evolve(old, got...)
			sameUnderNewIDs(t, before, next, c.status)
			if due := Due(next, instant(now), nil); len(due) > 0 {
				t.Errorf("the replacement has %s due at once", due[0].Name())
			}
			conserved(t, before, old, next)
		})
	}
}

func sameUnderNewIDs(t *testing.T, before, next *State, status Status) {
	t.Helper()
	was, is := before.Summary(instant(now)), next.Summary(instant(now))
	if is.Status != status || was.Status != status {
		t.Errorf("it was %q and is %q, want %q", was.Status, is.Status, status)
	}
	if is.StartsOn != was.StartsOn || is.ExpiresOn != was.ExpiresOn || !is.StartsAt.Equal(was.StartsAt) || !is.EndsAt.Equal(was.EndsAt) {
		t.Errorf("its term is %+v, want that of %+v", is, was)
	}
	if is.Terms.AccessID != "1111111111" || string(is.Terms.ContractID) != "other" {
		t.Errorf("it has the pair %s %s", is.Terms.AccessID, is.Terms.ContractID)
	}
	if !is.Terms.Replaces || is.Terms.Predecessor != predecessor || is.Terms.Programme != was.Terms.Programme {
		t.Errorf("its terms are %+v", is.Terms)
	}
	if is.Renewal != was.Renewal {
		t.Errorf("its renewal is %v, want %v", is.Renewal, was.Renewal)
	}
	if !next.Linked(ani) || next.Linked(budi) {
		t.Errorf("it is linked to %v, want Ani only", next.Links())
	}
	if !next.Links()[ani].At.Equal(instant(now)) {
		t.Errorf("Ani is linked since %v", next.Links()[ani])
	}
}

// conserved checks that nothing was won or lost over both contracts (R10, R22).
func conserved(t *testing.T, before, old, next *State) {
	t.Helper()
	at := instant(now)
	for _, u := range units {
		was, left, took := before.Balances(at)[u], old.Balances(at)[u], next.Balances(at)[u]
		if took.Available != was.Available || left.Available != 0 || left.Moved != took.Granted || left.Consumed != was.Consumed {
			t.Errorf("%s: of %+v, %+v stayed and %+v moved", u, was, left, took)
		}
		if took.Unlimited != was.Unlimited || !left.Holds() || !took.Holds() {
			t.Errorf("%s: balances %+v and %+v break R22", u, left, took)
		}
		wasLeft, wasUnlimited := before.Remaining(u, at)
		isLeft, isUnlimited := next.Remaining(u, at)
		if isLeft != wasLeft || isUnlimited != wasUnlimited {
			t.Errorf("%s: %d remain (unlimited %v), want %d (%v)", u, isLeft, isUnlimited, wasLeft, wasUnlimited)
		}
	}
	for i, g := range next.Grants() {
		if from := before.Grants()[i]; !g.EndsAt.Equal(from.EndsAt) || g.ExpiresOn != from.ExpiresOn || g.Source != from.Source {
			t.Errorf("grant %+v became %+v", from, g)
		}
	}
}

func TestR10_WhatFollowsFromTheReplacedContract(t *testing.T) {
	old := stateAfter(active(2), linked(ani))
	w := when(reissue(ani))
	got, err := Decide(old, w.moment, w.Command)
	if err != nil {
		t.Fatal(err)
	}
	Evolve(old, got...)
	if sum := old.Summary(instant(now)); sum.Successor() != replacement || sum.Status != StatusCancelled {
		t.Errorf("the replaced contract is %q and names %v", sum.Status, sum.Successor())
	}
	_, err = Decide(replace(t, stateAfter(active(2), linked(ani)), got), when(nil).moment, &Replace{})
	refuses("pair-exists")(t, nil, err)
}

// TestR10_WhatMovedIsGone looks between the two facts of a reissue.
func TestR10_WhatMovedIsGone(t *testing.T) {
	for name, past := range map[string]facts{"two": active(2), "without limit": unlimited()} {
		got, err := answer(past, when(reissue()))
		if err != nil {
			t.Fatal(err)
		}
		s := stateAfter(past, got[:1])
		if left, limitless := s.Remaining(Incident, instant(now)); left != 0 || limitless || s.payer(Incident, instant(now)) != nil {
			t.Errorf("%s: %d remain (unlimited %v), and %v pays", name, left, limitless, s.payer(Incident, instant(now)))
		}
	}
}

func TestR10_AReplacedRenewalStillInheritsAtItsStart(t *testing.T) {
	old := stateAfter(registered(func(e *Registered) { e.Predecessor = successor }), waiting()[1:])
	w := when(reissue())
	got, err := Decide(old, w.moment, w.Command)
	if err != nil {
		t.Fatal(err)
	}
	next := replace(t, old, got)
	if from, _, ok := next.Inherits(instant(waitingStarts)); !ok || from != successor {
		t.Errorf("at its start it inherits from %v (%v), want the contract it renews", from, ok)
	}
}
