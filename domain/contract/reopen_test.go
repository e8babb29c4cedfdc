package contract

import "testing"

// The days of R20 after the usual closing, which was now.
const (
	lastReopen      = "2026-03-16T10:00:00Z" // 14 days of 24 h
	lastReclassify  = "2026-05-01T10:00:00Z" // 60 days of 24 h
	afterReopen     = "2026-03-16T10:00:00.000000001Z"
	afterReclassify = "2026-05-01T10:00:00.000000001Z"
)

// counted is an incident closed with its unit spent; returned, with its unit
// credited back.
func counted(incidents int64) facts {
	return given(active(incidents), linked(ani), paid(9, incidents-1), closed(9, "resolved", now))
}

func returned(incidents int64) facts {
	return given(active(incidents), linked(ani), paid(9, incidents-1), closed(9, "duplicate", now), credited(9, 1, incidents))
}

func TestR20_Reopening(t *testing.T) {
	late := func(w *Reopen) wish { return when(w).at(lastReopen) }
	engineers := &Reopen{Number: 9, Who: asEngineer, Reason: "why"}
	strangers := &Reopen{Number: 9, Who: asBudi, Reason: "why"}
	atOffice := given(submitted(9), closed(9, "duplicate", now))
	elsewhere := given(returned(1), grantedFrom(Bought, 2, 3, "2026-04-01T00:00:00Z"))
	unpaidAgain := given(returned(1), reopened(9), deducted(9, 1, 0), closed(9, "resolved", "2026-03-10T10:00:00Z"))
	spec{
		"needs no unit where it stayed deducted":             {counted(1), when(reopen(9)), then(reopened(9))},
		"within 14 days to the instant":                      {counted(1), late(reopen(9)), then(reopened(9))},
		"not an instant later":                               {counted(1), when(reopen(9)).at(afterReopen), refuses("reopen-too-late")},
		"not after the days of reclassifying either":         {counted(1), when(reopen(9)).at(afterReclassify), refuses("reopen-too-late")},
		"what is open stays so":                              {given(active(2), linked(ani), paid(9, 1)), when(reopen(9)), thenNothing},
		"an engineer may":                                    {counted(1), when(engineers), then(reopened(9))},
		"R36: another account may not, as if unknown":        {counted(1), when(strangers), refuses("incident-not-found")},
		"after a credit-back it deducts again":               {returned(1), when(reopen(9)), then(reopened(9), deducted(9, 1, 0))},
		"after a credit-back, to the instant":                {returned(1), late(reopen(9)), then(reopened(9), deducted(9, 1, 0))},
		"R18: from the grant that pays then":                 {elsewhere, when(reopen(9)), then(reopened(9), deducted(9, 2, 3))},
		"refused where nothing is left":                      {given(returned(1), paid(8, 0)), when(reopen(9)), refuses("none-available")},
		"refused while suspended":                            {given(returned(1), suspended()), when(reopen(9)), refuses("suspended")},
		"refused when cancelled":                             {given(returned(1), cancelled(), lapsed(1, 1, now)), when(reopen(9)), refuses("cancelled")},
		"refused when expired":                               {endingSoon(returned(1)), late(reopen(9)), refuses("expired")},
		"needs no unit, works while suspended":               {given(counted(1), suspended()), when(reopen(9)), then(reopened(9))},
		"needs no unit, works when cancelled":                {given(counted(1), cancelled()), when(reopen(9)), then(reopened(9))},
		"needs no unit, works when expired":                  {endingSoon(counted(1)), late(reopen(9)), then(expired("2026-03-10T00:00:00Z"), reopened(9))},
		"R15: refused to an account that has unlinked":       {given(returned(1), unlinked(ani, "")), when(reopen(9)), refuses("contract-not-found")},
		"R7: unlinked or not, where no unit is needed":       {given(counted(1), unlinked(ani, "")), when(reopen(9)), then(reopened(9))},
		"R15: where nothing was deducted it needs no unit":   {atOffice, when(reopen(9)), then(reopened(9))},
		"the days are counted from the last closing":         {unpaidAgain, when(reopen(9)).at("2026-03-24T10:00:00Z"), then(reopened(9))},
		"and no longer":                                      {unpaidAgain, when(reopen(9)).at("2026-03-24T10:00:01Z"), refuses("reopen-too-late")},
		"R20: what was reclassified as counted needs none":   {given(returned(1), reclassified(9, "duplicate", "resolved"), deducted(9, 1, 0)), when(reopen(9)), then(reopened(9))},
		"R20: what was reclassified as credited needs one":   {given(counted(1), reclassified(9, "resolved", "duplicate"), credited(9, 1, 1), paid(8, 0)), when(reopen(9)), refuses("none-available")},
		"R22: an unlimited unit is deducted again uncounted": {given(unlimited(), linked(ani), submitted(9), facts{limitless(1)}, closed(9, "duplicate", now), facts{&IncidentCreditedBack{Number: 9, Grant: 1, Unit: Incident, Quantity: 1, Unlimited: true}}), when(reopen(9)), then(reopened(9), facts{limitless(1)})},
	}.run(t)
}

func limitless(g GrantID) *IncidentDeducted {
	return &IncidentDeducted{Number: 9, Grant: g, Unit: Incident, Quantity: 1, Unlimited: true}
}

// endingSoon gives the contract a term that ends on 9 March.
func endingSoon(past facts) facts {
	return append(given(past[:1], term(StatusActive, "2025-03-10", "2026-03-09")), past[2:]...)
}

func TestR20_TheDaysAreTheCataloguesOnTheDayOfClosing(t *testing.T) {
	longer := *vendor()
	longer.ReopenDays, longer.ReclassifyDays = 100, 100
	w := when(reopen(9)).at(afterReopen)
	w.moment.Catalog = &longer
	got, err := answer(counted(1), w)
	refuses("reopen-too-late")(t, got, err)
}
