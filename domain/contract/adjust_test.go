package contract

import "testing"

func TestR22_Adjusting(t *testing.T) {
	const june = "2026-06-01T00:00:00Z"
	short := given(active(5), grantedFrom(Added, 2, 3, june))
	spec{
		"adds to the grant that is named":              {short, when(adjust(2, 4)), then(adjusted(2, 4, 7))},
		"takes from it":                                {short, when(adjust(1, -2)), then(adjusted(1, -2, 3))},
		"takes all that is available":                  {short, when(adjust(1, -5)), then(adjusted(1, -5, 0))},
		"refuses to take one more":                     {short, when(adjust(1, -6)), refuses("below-zero")},
		"what was deducted is not available":           {given(active(2), linked(ani), paid(1, 1)), when(adjust(1, -2)), refuses("below-zero")},
		"another grant's units do not help":            {short, when(adjust(2, -4)), refuses("below-zero")},
		"refuses to change nothing":                    {short, when(adjust(1, 0)), refuses("invalid-field:quantity")},
		"refuses more than sums can hold":              {short, when(adjust(1, MaxQuantity+1)), refuses("invalid-field:quantity")},
		"refuses less than sums can hold":              {short, when(adjust(1, -MaxQuantity-1)), refuses("invalid-field:quantity")},
		"refuses an unknown grant":                     {short, when(adjust(3, 1)), refuses("invalid-field:grant")},
		"refuses no grant":                             {short, when(adjust(0, 1)), refuses("invalid-field:grant")},
		"refuses an unlimited grant":                   {unlimited(), when(adjust(1, 1)), refuses("unlimited")},
		"refuses to take from an unlimited grant":      {unlimited(), when(adjust(1, -1)), refuses("unlimited")},
		"refuses a grant that lapsed":                  {short, when(adjust(2, 1)).at(june), refuses("grant-lapsed")},
		"refuses even to take nothing left from it":    {given(short, lapsed(2, 3, june)), when(adjust(2, -1)).at(june), refuses("grant-lapsed")},
		"a suspended contract can be corrected (R4)":   {given(short, suspended()), when(adjust(1, 1)), then(adjusted(1, 1, 6))},
		"an ended one cannot, with the state as code":  {short, when(adjust(1, 1)).at(termEnds), refuses("expired")},
		"a second before the end it can":               {short, when(adjust(1, 1)).at("2027-02-28T23:59:59Z"), then(lapsed(2, 3, june), adjusted(1, 1, 6))},
		"minutes are adjusted in their own grant only": {given(active(1), grantedMinutes(2, 60)), when(adjust(2, -60)), then(facts{&GrantAdjusted{Grant: 2, Unit: Minute, Quantity: -60, Reason: "why"}})},
	}.run(t)
}
