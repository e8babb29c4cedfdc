package contract

import (
	"encoding/json"
	"maps"
	"slices"
	"testing"
)

func TestR22_WhatABalanceMustHold(t *testing.T) {
	for name, c := range map[string]struct {
		balance Balance
		holds   bool
	}{
		"nothing":                                 {Balance{}, true},
		"granted and available":                   {Balance{Granted: 5, Available: 5}, true},
		"all members":                             {Balance{Granted: 9, Adjusted: 1, Available: 4, Consumed: 2, Lapsed: 3, Moved: 1, Deducted: 5, Credited: 3}, true},
		"a unit too many available":               {Balance{Granted: 5, Available: 6}, false},
		"a unit vanished":                         {Balance{Granted: 5, Available: 4}, false},
		"available below zero":                    {Balance{Granted: 1, Available: -1, Consumed: 2, Deducted: 2}, false},
		"consumed is not deducted minus credited": {Balance{Granted: 5, Available: 4, Consumed: 1, Deducted: 2}, false},
		"more credited than deducted":             {Balance{Granted: 5, Available: 6, Consumed: -1, Credited: 1}, false},
		"unlimited":                               {Balance{Unlimited: true, Consumed: 2, Deducted: 3, Credited: 1}, true},
		"unlimited, consumed otherwise":           {Balance{Unlimited: true, Consumed: 3, Deducted: 3, Credited: 1}, false},
	} {
		if got := c.balance.Holds(); got != c.holds {
			t.Errorf("%s: holds %v, want %v", name, got, c.holds)
		}
	}
}

func TestR22_TheBalanceAnAuditorReads(t *testing.T) {
	for want, b := range map[string]Balance{
		`{"granted":9,"adjusted":1,"available":4,"consumed":2,"lapsed":3,"moved":1,"unlimited":false}`:      {Granted: 9, Adjusted: 1, Available: 4, Consumed: 2, Lapsed: 3, Moved: 1, Deducted: 5, Credited: 3},
		`{"granted":0,"adjusted":0,"available":0,"consumed":0,"lapsed":0,"moved":0,"unlimited":false}`:      {},
		`{"granted":null,"adjusted":0,"available":null,"consumed":1,"lapsed":0,"moved":0,"unlimited":true}`: {Consumed: 1, Deducted: 1, Unlimited: true},
	} {
		if got, err := json.Marshal(b); err != nil || string(got) != want {
			t.Errorf("%s (%v), want %s", got, err, want)
		}
	}
}

func TestR22_TheUnitsOfAContract(t *testing.T) {
	for name, c := range map[string]struct {
		past facts
		want []Unit
	}{
		"none of an unknown contract":           {nothing, nil},
		"always incidents":                      {registered(), []Unit{Incident}},
		"minutes once granted":                  {given(active(2), grantedMinutes(2, 60)), []Unit{Incident, Minute}},
		"minutes though they lapsed":            {given(active(2), grantedMinutes(2, 60), facts{&GrantLapsed{Grant: 2, Unit: Minute, Quantity: 60}}), []Unit{Incident, Minute}},
		"none of an incident without contract":  {submitted(9), nil},
		"incidents of an unlimited contract":    {unlimited(), []Unit{Incident}},
		"minutes beside an unlimited incident":  {given(unlimited(), grantedMinutes(2, 60)), []Unit{Incident, Minute}},
		"only incidents where nothing was ever": {given(registered(), inTerm()), []Unit{Incident}},
	} {
		got := slices.Sorted(maps.Keys(stateAfter(c.past).Balances(instant(now))))
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

func TestR22_AnUnlimitedUnitIsAKindOfItsOwn(t *testing.T) {
	s := stateAfter(unlimited(), submitted(9), facts{limitless(1)})
	b := s.Balances(instant(now))[Incident]
	if !b.Unlimited || b.Consumed != 1 || b.Available != 0 || b.Granted != 0 || !b.Holds() {
		t.Errorf("balance %+v", b)
	}
	if left, limitless := s.Remaining(Incident, instant(now)); left != 0 || !limitless {
		t.Errorf("%d remain, unlimited %v", left, limitless)
	}
	if left, limitless := s.Remaining(Incident, instant(termEnds)); left != 0 || limitless {
		t.Errorf("after the term %d remain, unlimited %v; want nothing", left, limitless)
	}
}

func TestUnitsHaveNames(t *testing.T) {
	for name, want := range map[string]Unit{"incident": Incident, "minute": Minute, "hour": "", "": "", "Incident": ""} {
		if got, ok := ParseUnit(name); got != want || ok != (want != "") {
			t.Errorf("%q is the unit %q (%v), want %q", name, got, ok, want)
		}
	}
}
