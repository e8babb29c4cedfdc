package contract

import "testing"

func takeOver(portal string) *TakeOverLink { return &TakeOverLink{Account: ani, Portal: portal} }

func opening(u Unit, remaining int64) *OpeningBalance {
	return &OpeningBalance{Unit: u, Remaining: remaining, Reason: "why"}
}

func TestTakingOverALink(t *testing.T) {
	spec{
		"of an active contract":                {active(2), when(takeOver("oas")), then(linked(ani))},
		"R7: though nothing is left":           {active(0), when(takeOver("oas")), then(linked(ani))},
		"that is there":                        {given(active(2), linked(ani)), when(takeOver("oas")), thenNothing},
		"of a contract nobody knows":           {nothing, when(takeOver("oas")), refuses("contract-not-found")},
		"of one that is not activated":         {registered(), when(takeOver("oas")), refuses("not-activated")},
		"R5: of one whose term is over":        {active(2), when(takeOver("oas")).at(termEnds), refuses("expired")},
		"at a portal nobody knows":             {active(2), when(takeOver("nowhere")), refuses("invalid-field:portal")},
		"at a portal that the contract is not": {active(2), when(takeOver("azure")), refuses("portal-not-accepted")},
		"at a portal that uses no IDs":         {active(2), when(takeOver("office")), refuses("ids-not-used:payment")},
	}.run(t)
}

func TestTakingOverABalance(t *testing.T) {
	spec{
		"less than is included":          {active(20), when(opening(Incident, 14)), then(facts{&GrantAdjusted{Grant: 1, Unit: Incident, Quantity: -6, Available: 14, Reason: "why"}})},
		"more than is included":          {active(20), when(opening(Incident, 25)), then(facts{&GrantAdjusted{Grant: 1, Unit: Incident, Quantity: 5, Available: 25, Reason: "why"}})},
		"nothing":                        {active(20), when(opening(Incident, 0)), then(facts{&GrantAdjusted{Grant: 1, Unit: Incident, Quantity: -20, Available: 0, Reason: "why"}})},
		"what is included":               {active(20), when(opening(Incident, 20)), thenNothing},
		"what is included, though used":  {given(active(20), linked(ani), paid(1, 19)), when(opening(Incident, 20)), thenNothing},
		"below what was used since":      {given(active(2), linked(ani), paid(1, 1)), when(opening(Incident, 0)), refuses("below-zero")},
		"of a unit that is not included": {active(20), when(opening(Minute, 30)), then(facts{&GrantAdded{Grant: 2, Unit: Minute, Quantity: 30, Source: Added, Reason: "why"}})},
		"none of one that is not":        {active(20), when(opening(Minute, 0)), thenNothing},
		"without limit":                  {unlimited(), when(opening(Incident, 3)), refuses("unlimited")},
		"of a contract nobody knows":     {nothing, when(opening(Incident, 3)), refuses("contract-not-found")},
		"below zero":                     {active(20), when(opening(Incident, -1)), refuses("invalid-field:remaining")},
		"more than there can be":         {active(20), when(opening(Incident, MaxQuantity+1)), refuses("invalid-field:remaining")},
		"of one that is not activated":   {registered(), when(opening(Incident, 3)), refuses("not-activated")},
		"R5: of a term that is over":     {active(20), when(opening(Incident, 3)).at(termEnds), refuses("expired")},
	}.run(t)
}
