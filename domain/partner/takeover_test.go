package partner

import (
	"testing"

	"github.com/google/uuid"
)

func TestR27_ContactsAreTakenOver(t *testing.T) {
	take := func(place, who uuid.UUID) *TakeOverContact {
		return &TakeOverContact{Location: place, Country: "US", Contact: person(who), Language: "en"}
	}
	spec{
		"of the headquarters":                {given(registered()), take(uuid.Nil, budi), given(associated(uuid.Nil, budi, "US")), ""},
		"of a location":                      {given(registered(), added(bandung)), take(bandung, ani), given(associated(bandung, ani, "US")), ""},
		"once":                               {given(registered(), associated(uuid.Nil, budi, "US")), take(uuid.Nil, budi), nil, ""},
		"and stay as they are since":         {given(registered(), associated(uuid.Nil, budi, "CA")), take(uuid.Nil, budi), nil, ""},
		"also of another place":              {given(registered(), added(bandung), associated(uuid.Nil, citra, "US")), take(bandung, citra), given(associated(bandung, citra, "US")), ""},
		"not who is the primary one":         {given(registered()), take(uuid.Nil, ani), nil, "primary-contact"},
		"nor where there is no location":     {given(registered()), take(bandung, ani), nil, "invalid-field:location"},
		"nor of a partner that there is not": {nil, take(uuid.Nil, ani), nil, "partner-not-found"},
		"nor in a country that there is not": {given(registered()), changed(*take(uuid.Nil, budi), func(c *TakeOverContact) { c.Country = "XX" }), nil, "invalid-field:country"},
	}.run(t)
}

func TestR28_TheYearThatRunsIsTakenOver(t *testing.T) {
	take := func(on string, contracts ...YearContract) *TakeOverYear {
		return &TakeOverYear{RenewedOn: day(on), Contracts: contracts}
	}
	core, cloud := YearContract{Kind: KindCore, Contract: core1, Programme: "pack"}, YearContract{Kind: KindSignature, Contract: signature, Programme: "cloud"}
	recorded := func(contracts ...YearContract) *MembershipRenewed {
		return &MembershipRenewed{RenewedOn: day("2026-01-15"), Level: "gold", Contracts: contracts}
	}
	other := changed(core, func(y *YearContract) { y.Contract = core2 })
	spec{
		"with its core contract":                   {given(registered()), take("2026-01-15", core), given(recorded(core)), ""},
		"with the signature contract":              {given(registered(withSignature)), take("2026-01-15", core, cloud), given(recorded(core, cloud)), ""},
		"as a contract that is still blank":        {given(registered()), take("2026-01-15", year1().Contracts...), given(recorded(year1().Contracts...)), ""},
		"once":                                     {given(registered(), recorded(core, cloud)), take("2026-01-15", core, cloud), nil, ""},
		"in parts that were known together":        {given(registered(), recorded(core, cloud)), take("2026-01-15", cloud), nil, ""},
		"also when the next one was renewed":       {given(registered(), recorded(core), renewed("2027-01-15", core2, core1, "2027-02-05", "2027-02-04T17:00:00Z")), take("2026-01-15", core), nil, ""},
		"not with another contract":                {given(registered(), recorded(core)), take("2026-01-15", *other), nil, "already-renewed"},
		"not on another day":                       {given(registered(), recorded(core)), take("2026-01-16", core), nil, "already-renewed"},
		"nor a second one, which is renewed here":  {given(registered(), recorded(core)), take("2027-01-15", *other), nil, "already-renewed"},
		"not without the core contract":            {given(registered(withSignature)), take("2026-01-15", cloud), nil, "invalid-field:renewed_on"},
		"not with one of another programme":        {given(registered()), take("2026-01-15", *changed(core, func(y *YearContract) { y.Programme = "kit" })), nil, "invalid-field:renewed_on"},
		"not with the signature where none may":    {given(registered(ofMaps)), take("2026-01-15", *changed(core, func(y *YearContract) { y.Programme = "small" }), cloud), nil, "invalid-field:renewed_on"},
		"not with a toolkit's":                     {given(registered(), added(bandung), bought("PO-1")), take("2026-01-15", *changed(core, func(y *YearContract) { y.Contract = kit })), nil, "contract-promised"},
		"not on a day that is more than a year on": {given(registered()), take("2027-01-17", core), nil, "invalid-field:renewed_on"},
		"of a partner that there is":               {nil, take("2026-01-15", core), nil, "partner-not-found"},
	}.run(t)
	var s State
	Evolve(&s, registered(), recorded(core))
	events, err := Decide(&s, moment(), renew("2027-01-15", core2))
	if err != nil || events[0].(*MembershipRenewed).Contracts[0].Predecessor != core1 {
		t.Errorf("the next year is %+v (%v), and does not follow", events, err)
	}
}

func TestR28_ToolkitsAreTakenOver(t *testing.T) {
	take := func(reference, programme string) *TakeOverToolkit {
		return &TakeOverToolkit{BuyToolkit: *buy(reference), Programme: programme}
	}
	site := given(registered(), added(bandung))
	spec{
		"with their contracts":         {site, take("PO-1", "kit"), given(bought("PO-1")), ""},
		"once":                         {append(site, bought("PO-1")), take("PO-1", "kit"), nil, ""},
		"a contract for one reference": {append(site, bought("PO-1")), take("PO-2", "kit"), nil, "contract-promised"},
		"a reference for one contract": {append(site, bought("PO-1")), changed(*take("PO-1", "kit"), func(c *TakeOverToolkit) { c.Contract = core2 }), nil, "reference-used"},
		"not with a year's":            {append(site, year1()), changed(*take("PO-1", "kit"), func(c *TakeOverToolkit) { c.Contract = core1 }), nil, "contract-promised"},
		"not with one of another kind": {site, take("PO-1", "pack"), nil, "invalid-field:location"},
		"for a location that there is": {given(registered()), take("PO-1", "kit"), nil, "invalid-field:location"},
		"where the level may":          {given(registered(ofMaps), added(bandung)), take("PO-1", "kit"), nil, NotEligible},
		"of a partner that there is":   {nil, take("PO-1", "kit"), nil, "partner-not-found"},
	}.run(t)
}
