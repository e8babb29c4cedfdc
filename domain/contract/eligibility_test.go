package contract

import (
	"errors"
	"testing"

	"github.com/supportledger/supportledger/domain"
)

func asRefusal(t *testing.T, err error) *domain.Refusal {
	t.Helper()
	refusal, ok := errors.AsType[*domain.Refusal](err)
	if !ok {
		t.Fatalf("error %v is no refusal", err)
	}
	return refusal
}

// TestR11_TheFirstReasonThatHolds piles reason upon reason, from the last of
// R11's list to the first: each takes the place of those after it.
func TestR11_TheFirstReasonThatHolds(t *testing.T) {
	terms := registered(func(e *Registered) { e.Covers, e.Portals = []string{"azure"}, []string{"azure"} })
	covered := registered(func(e *Registered) { e.Portals = []string{"azure"} })
	empty := granted(1, 0)
	suspendedOne := given(terms, inTerm(), empty, suspended())
	for reason, past := range map[string]facts{
		"none-available":      given(registered(), inTerm(), empty),
		"portal-not-accepted": given(covered, inTerm(), empty),
		"product-not-covered": given(terms, inTerm(), empty),
		"suspended":           suspendedOne,
		"waiting":             given(terms, term(StatusWaiting, "2026-06-01", "2027-05-31"), empty, suspended()),
		"not-activated":       given(terms, empty),
		"expired":             given(terms, term(StatusActive, "2025-03-01", "2026-02-28"), empty, suspended()),
		"cancelled":           given(terms, term(StatusActive, "2025-03-01", "2026-02-28"), empty, suspended(), cancelled()),
	} {
		t.Run(reason, func(t *testing.T) {
			got, err := answer(given(past, linked(ani)), when(submit()))
			refuses(reason)(t, got, err)
			e := eligibility(stateAfter(past), "oas", "windows", now)
			if e.Usable || e.Refusal == nil || e.Refusal.Code != reason {
				t.Errorf("eligibility says %+v, want %s", e, reason)
			}
		})
	}
}

func eligibility(s *State, portal, product, at string) Eligibility {
	p, _ := vendor().Portal(portal)
	about, ok := vendor().Product(product)
	if !ok {
		about = nil
	}
	return s.Eligibility(instant(at), p, about)
}

func TestR11_WhatAContractCanPayFor(t *testing.T) {
	for name, c := range map[string]struct {
		past                facts
		portal, product, at string
		want                Eligibility
	}{
		"a product at its portal":            {active(2), "oas", "windows", now, Eligibility{Usable: true, Remaining: 2}},
		"at the other portal":                {active(2), "mpn", "sql", now, Eligibility{Usable: true, Remaining: 2}},
		"any product at the portal":          {active(2), "oas", "", now, Eligibility{Usable: true, Remaining: 2}},
		"what is left":                       {given(active(2), linked(ani), paid(1, 1)), "oas", "windows", now, Eligibility{Usable: true, Remaining: 1}},
		"of all grants":                      {given(active(2), grantedFrom(Added, 2, 5, "2026-06-01T00:00:00Z"), grantedMinutes(3, 500)), "oas", "windows", now, Eligibility{Usable: true, Remaining: 7}},
		"that have not lapsed":               {given(active(2), grantedFrom(Added, 2, 5, "2026-06-01T00:00:00Z")), "oas", "windows", "2026-06-01T00:00:00Z", Eligibility{Usable: true, Remaining: 2}},
		"in the first second":                {active(2), "oas", "windows", termStarts, Eligibility{Usable: true, Remaining: 2}},
		"in the last second":                 {active(2), "oas", "windows", "2027-02-28T23:59:59Z", Eligibility{Usable: true, Remaining: 2}},
		"without limit":                      {unlimited(), "azure", "azure", now, Eligibility{Usable: true, Unlimited: true}},
		"at the start that nobody recorded":  {waiting(), "oas", "windows", waitingStarts, Eligibility{Usable: true, Remaining: 2}},
		"R20: with what was credited back":   {given(active(1), linked(ani), paid(1, 0), closed(1, "duplicate", now), credited(1, 1, 1)), "oas", "windows", now, Eligibility{Usable: true, Remaining: 1}},
		"R5: a lapsed grant leaves nothing":  {given(registered(), inTerm(), grantedFrom(Added, 1, 5, now)), "oas", "windows", now, Eligibility{Refusal: refusal(reasonNone)}},
		"R5: an end that nobody recorded":    {active(2), "oas", "windows", termEnds, Eligibility{Refusal: refusal("expired")}},
		"R5: a second before its start":      {waiting(), "oas", "windows", "2026-05-31T23:59:59Z", Eligibility{Refusal: refusal("waiting")}},
		"none of a portal's products":        {active(2), "azure", "", now, Eligibility{Refusal: refusal(reasonProduct)}},
		"minutes do not pay for an incident": {given(registered(), inTerm(), grantedMinutes(1, 500)), "oas", "windows", now, Eligibility{Refusal: refusal(reasonNone)}},
	} {
		got := eligibility(stateAfter(c.past), c.portal, c.product, c.at)
		if got.Usable != c.want.Usable || c.want.Usable && got.Remaining != c.want.Remaining || got.Unlimited != c.want.Unlimited {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
		if c.want.Refusal != nil && (got.Refusal == nil || got.Refusal.Code != c.want.Refusal.Code || got.Refusal.Hint == "") {
			t.Errorf("%s: refused with %v, want %v", name, got.Refusal, c.want.Refusal)
		}
	}
}
