package contract

import "testing"

// TestR19_EveryClosureCodeInEveryState closes Ani's open incident, which g1 paid.
func TestR19_EveryClosureCodeInEveryState(t *testing.T) {
	for _, s := range situations() {
		if s.status == StatusRegistered || s.status == StatusWaiting {
			continue
		}
		for _, code := range decrementing {
			t.Run(code+" when "+string(s.status), func(t *testing.T) {
				got, err := answer(s.past, when(closing(9, code)))
				then(closed(9, code, now))(t, got, err)
			})
		}
		for _, code := range crediting {
			t.Run(code+" when "+string(s.status), func(t *testing.T) {
				got, err := answer(s.past, when(closing(9, code)))
				want := given(closed(9, code, now), credited(9, 1, 2))
				switch s.status {
				case StatusExpired:
					want = given(closed(9, code, now), credited(9, 1, 0), lapsed(1, 1, "2026-03-01T00:00:00Z"))
				case StatusCancelled:
					want = given(closed(9, code, now), credited(9, 1, 0), lapsed(1, 1, now))
				}
				then(want)(t, got, err)
			})
		}
	}
}

func TestR19_Closing(t *testing.T) {
	open := given(active(2), linked(ani), paid(9, 1))
	two := given(active(1), grantedFrom(Bought, 2, 5, "2026-06-01T00:00:00Z"), linked(ani), submitted(9), deducted(9, 2, 5))
	atOffice := submitted(9, func(e *IncidentSubmitted) { e.Portal = "office" })
	limitless := given(unlimited(), submitted(9), facts{&IncidentDeducted{Number: 9, Grant: 1, Unit: Incident, Quantity: 1, Unlimited: true}})
	returned := facts{&IncidentCreditedBack{Number: 9, Grant: 1, Unit: Incident, Quantity: 1, Unlimited: true}}
	spec{
		"the same code again is a no-op":                      {given(open, closed(9, "resolved", now)), when(closing(9, "resolved")), thenNothing},
		"the same crediting code again is a no-op":            {given(open, closed(9, "duplicate", now), credited(9, 1, 2)), when(closing(9, "duplicate")), thenNothing},
		"another code is refused":                             {given(open, closed(9, "resolved", now)), when(closing(9, "workaround")), refuses(AlreadyClosed)},
		"a crediting code after another is refused":           {given(open, closed(9, "resolved", now)), when(closing(9, "duplicate")), refuses(AlreadyClosed)},
		"the code before it was reclassified is another":      {given(open, closed(9, "resolved", now), reclassified(9, "resolved", "workaround")), when(closing(9, "resolved")), refuses(AlreadyClosed)},
		"a code that is not in the catalogue":                 {open, when(closing(9, "bored")), refuses("invalid-field:closure")},
		"after reopening it is closed again":                  {given(open, closed(9, "resolved", now), reopened(9)), when(closing(9, "resolved")), then(closed(9, "resolved", now))},
		"after a credit and reopening it can credit again":    {given(open, closed(9, "duplicate", now), credited(9, 1, 2), reopened(9), deducted(9, 1, 1)), when(closing(9, "duplicate")), then(closed(9, "duplicate", now), credited(9, 1, 2))},
		"the unit returns to the grant it came from":          {two, when(closing(9, "duplicate")), then(closed(9, "duplicate", now), credited(9, 2, 6))},
		"and lapses there, where that grant has ended":        {two, when(closing(9, "duplicate")).at("2026-06-01T00:00:00Z"), then(lapsed(2, 4, "2026-06-01T00:00:00Z"), closed(9, "duplicate", "2026-06-01T00:00:00Z"), credited(9, 2, 1), lapsed(2, 1, "2026-06-01T00:00:00Z"))},
		"and says when that grant ended, however late":        {given(two, lapsed(2, 4, "2026-06-01T00:00:00Z")), when(closing(9, "duplicate")).at("2026-07-01T00:00:00Z"), then(closed(9, "duplicate", "2026-07-01T00:00:00Z"), credited(9, 2, 1), lapsed(2, 1, "2026-06-01T00:00:00Z"))},
		"R15: where nothing was deducted nothing returns":     {atOffice, when(closing(9, "duplicate")), then(closed(9, "duplicate", now))},
		"R22: an unlimited unit returns uncounted":            {limitless, when(closing(9, "duplicate")), then(closed(9, "duplicate", now), returned)},
		"R22: and does not lapse when the contract has ended": {given(limitless, cancelled()), when(closing(9, "duplicate")), then(closed(9, "duplicate", now), returned)},
		"R20: once settled it cannot be closed otherwise":     {given(open, closed(9, "resolved", now)), when(closing(9, "workaround")).at("2026-09-01T00:00:00Z"), refuses(AlreadyClosed)},
		"R36: an account that unlinked has its unit returned": {given(open, unlinked(ani, "")), when(closing(9, "duplicate")), then(closed(9, "duplicate", now), credited(9, 1, 2))},
	}.run(t)
}
