package contract

import (
	"encoding/json"
	"testing"

	"github.com/supportledger/supportledger/domain/catalog"
)

func TestR4_AddingAGrant(t *testing.T) {
	until := func(expires, ends string) facts {
		return facts{&GrantAdded{Grant: 2, Unit: Incident, Quantity: 5, Source: Added, ExpiresOn: day(expires), EndsAt: instant(ends), Reason: "why"}}
	}
	inJakarta := given(registered(func(e *Registered) { e.TimeZone = "Asia/Jakarta" }), inTerm(), granted(1, 2))
	tooMany := grant(MaxQuantity + 1)
	spec{
		"it lapses with the contract":              {active(2), when(grant(5)), then(addedBy("why", 2, 5))},
		"or on a day of its own":                   {active(2), when(grantUntil(5, "2026-08-31")), then(until("2026-08-31", "2026-09-01T00:00:00Z"))},
		"whose end is the contract's zone's":       {inJakarta, when(grantUntil(5, "2026-08-31")), then(until("2026-08-31", "2026-08-31T17:00:00Z"))},
		"today is still a day":                     {active(2), when(grantUntil(5, "2026-03-02")), then(until("2026-03-02", "2026-03-03T00:00:00Z"))},
		"yesterday is not":                         {active(2), when(grantUntil(5, "2026-03-01")), refuses("invalid-field:expires_on")},
		"the contract's last day is":               {active(2), when(grantUntil(5, "2027-02-28")), then(until("2027-02-28", "2027-03-01T00:00:00Z"))},
		"the day after is not":                     {active(2), when(grantUntil(5, "2027-03-01")), refuses("invalid-field:expires_on")},
		"a registered contract can have some":      {registered(), when(grant(5)), then(addedBy("why", 1, 5))},
		"minutes are a unit too":                   {active(2), when(&AddGrant{Unit: Minute, Quantity: 90, Reason: "why"}), then(facts{&GrantAdded{Grant: 2, Unit: Minute, Quantity: 90, Source: Added, Reason: "why"}})},
		"hours are not":                            {active(2), when(&AddGrant{Unit: "hour", Quantity: 90, Reason: "why"}), refuses("invalid-field:unit")},
		"none is no quantity":                      {active(2), when(grant(0)), refuses("invalid-field:quantity")},
		"less than none neither":                   {active(2), when(grant(-1)), refuses("invalid-field:quantity")},
		"so many that sums overflow neither":       {active(2), when(tooMany), refuses("invalid-field:quantity")},
		"R22: unlimited needs no more":             {unlimited(), when(grant(5)), refuses("unlimited")},
		"R22: not even before it is activated":     {unlimited()[:1], when(grant(5)), refuses("unlimited")},
		"R22: another unit of the contract may":    {unlimited(), when(&AddGrant{Unit: Minute, Quantity: 90, Reason: "why"}), thenEvents("grant.added.v1")},
		"asked for twice it is granted twice (R4)": {given(active(2), addedBy("why", 2, 5)), when(grant(5)), then(addedBy("why", 3, 5))},
	}.run(t)
}

// TestR18_WhichGrantPays lists grants and the order in which they are spent,
// one incident each.
func TestR18_WhichGrantPays(t *testing.T) {
	const june, july = "2026-06-01T00:00:00Z", "2026-07-01T00:00:00Z"
	for rule, c := range map[string]struct {
		grants facts
		order  []GrantID
	}{
		"the one that lapses soonest": {
			given(grantedFrom(Included, 1, 1, ""), grantedFrom(Bought, 2, 1, july), grantedFrom(Added, 3, 1, june)),
			[]GrantID{3, 2, 1},
		},
		"whatever it was granted for, and however late": {
			given(grantedFrom(Included, 1, 1, july), grantedFrom(Included, 2, 1, ""), grantedFrom(Bought, 3, 1, june)),
			[]GrantID{3, 1, 2},
		},
		"of those, included before bought": {
			given(grantedFrom(Bought, 1, 1, june), grantedFrom(Included, 2, 1, june), grantedFrom(Bought, 3, 1, june)),
			[]GrantID{2, 1, 3},
		},
		"of those, the oldest": {
			given(grantedFrom(Included, 1, 2, ""), grantedFrom(Included, 2, 1, ""), grantedFrom(Included, 3, 1, "")),
			[]GrantID{1, 1, 2, 3},
		},
		"an end of its own at the contract's end is no sooner": {
			given(grantedFrom(Bought, 1, 1, termEnds), grantedFrom(Included, 2, 1, "")),
			[]GrantID{2, 1},
		},
		"nor is one beyond it": {
			given(grantedFrom(Included, 1, 1, "2030-01-01T00:00:00Z"), grantedFrom(Included, 2, 1, "")),
			[]GrantID{1, 2},
		},
		"not one that has nothing left, nor minutes": {
			given(grantedFrom(Included, 1, 1, june), adjusted(1, -1, 0), grantedMinutes(2, 500), grantedFrom(Bought, 3, 1, "")),
			[]GrantID{3},
		},
		"not one that has lapsed": {
			given(grantedFrom(Included, 1, 1, now), grantedFrom(Bought, 2, 1, "")),
			[]GrantID{2},
		},
	} {
		t.Run(rule, func(t *testing.T) {
			s := stateAfter(registered(), inTerm(), linked(ani), c.grants)
			for i, want := range c.order {
				w := when(submit()).number(Number(i))
				got, err := Decide(s, w.moment, w.Command)
				if err != nil {
					t.Fatalf("incident %d: %v", i+1, err)
				}
				Evolve(s, got...)
				if paid := got[len(got)-1].(*IncidentDeducted).Grant; paid != want {
					t.Errorf("incident %d was paid by %v, want %v", i+1, paid, want)
				}
			}
			w := when(submit()).number(99)
			got, err := Decide(s, w.moment, w.Command)
			refuses("none-available")(t, got, err)
		})
	}
}

func TestGrantIDsAreWrittenAsNames(t *testing.T) {
	if b, err := json.Marshal(GrantID(12)); err != nil || string(b) != `"g12"` {
		t.Errorf("g12 is written as %s (%v)", b, err)
	}
	var id GrantID
	if err := json.Unmarshal([]byte(`"g12"`), &id); err != nil || id != 12 {
		t.Errorf("g12 is read as %v (%v)", id, err)
	}
	for _, bad := range []string{`"12"`, `"g"`, `"g0"`, `"g-1"`, `"g+1"`, `"g01"`, `"g1x"`, `"G1"`, `""`, `12`, `"g99999999999"`} {
		if err := json.Unmarshal([]byte(bad), &id); err == nil {
			t.Errorf("%s is read as %v", bad, id)
		}
	}
}

func TestASituationListsItsGrants(t *testing.T) {
	s := stateAfter(active(2), grantedFrom(Bought, 2, 5, ""), linked(ani), paid(1, 6))
	if len(s.Grants()) != 2 || s.Grants()[0].Available != 1 || s.Grants()[0].Consumed != 1 || s.Grants()[1].Source != Bought {
		t.Errorf("grants: %+v", s.Grants())
	}
	if s.Grants()[0].ID.String() != "g1" || s.Terms().Included[0] != (IncludedUnits{Unit(catalog.UnitIncident), 2, false}) {
		t.Errorf("grants: %+v of %+v", s.Grants(), s.Terms())
	}
}
