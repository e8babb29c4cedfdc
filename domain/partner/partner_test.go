package partner

import (
	"errors"
	"reflect"
	"testing"
	"time"
	_ "time/tzdata"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/domain"
	"github.com/supportledger/supportledger/domain/catalog"
)

var (
	ani       = uuid.MustParse("00000000-0000-4000-8000-00000000000a")
	budi      = uuid.MustParse("00000000-0000-4000-8000-00000000000b")
	citra     = uuid.MustParse("00000000-0000-4000-8000-00000000000c")
	bandung   = uuid.MustParse("00000000-0000-4000-8000-0000000000e1")
	medan     = uuid.MustParse("00000000-0000-4000-8000-0000000000e2")
	core1     = uuid.MustParse("00000000-0000-4000-8000-0000000000f1")
	signature = uuid.MustParse("00000000-0000-4000-8000-0000000000f2")
	core2     = uuid.MustParse("00000000-0000-4000-8000-0000000000f3")
	kit       = uuid.MustParse("00000000-0000-4000-8000-0000000000f4")
)

func person(id uuid.UUID) domain.Sealed[ContactTexts] {
	return domain.Sealed[ContactTexts]{Person: id, Box: []byte("contact")}
}

// vendor is a small network of partners: two levels, one with everything.
func vendor() *catalog.Catalog {
	return &catalog.Catalog{
		Programmes: []catalog.Programme{
			{ID: "pack", Activation: catalog.ActivateAfterRenewal, AfterRenewalDays: 21},
			{ID: "cloud", Activation: catalog.ActivateWithCore},
			{ID: "small", Activation: catalog.ActivateOnRequest},
			{ID: "kit", Activation: catalog.ActivateThroughRSC, InternalUse: []string{"Five seats"}},
		},
		Memberships: []catalog.Membership{
			{ID: "gold", Name: "Gold", Core: "pack", Signature: "cloud", Toolkit: "kit"},
			{ID: "maps", Name: "Action Pack", Core: "small"},
		},
		Regions: []catalog.Region{
			{ID: "near", Name: "Near", Countries: []string{"ID"}},
			{ID: "far", Name: "Far", Countries: []string{"US", "CA"}, ResendToAssociated: true},
		},
	}
}

func day(s string) catalog.Date {
	d, err := catalog.ParseDate(s)
	if err != nil {
		panic(err) // a test's own table is wrong
	}
	return d
}

func zone(name string) *time.Location {
	location, err := time.LoadLocation(name)
	if name == "" || err != nil {
		return nil
	}
	return location
}

var now = time.Date(2026, 1, 16, 3, 0, 0, 0, time.UTC)

func moment() Moment { return Moment{At: now, Catalog: vendor(), Zone: zone} }

// changed is a value with changes.
func changed[V any](v V, changes ...func(*V)) *V {
	for _, change := range changes {
		change(&v)
	}
	return &v
}

func register(changes ...func(*Register)) *Register {
	return changed(Register{Company: "Contoso", Level: "gold", Country: "ID", TimeZone: "Asia/Jakarta", Contact: person(ani), Language: "id"}, changes...)
}

func registered(changes ...func(*Registered)) *Registered {
	return changed(Registered{Company: "Contoso", Level: "gold", Country: "ID", TimeZone: "Asia/Jakarta", Contact: person(ani), Language: "id"}, changes...)
}

func withSignature(e *Registered) { e.Signature = true }
func ofMaps(e *Registered)        { e.Level = "maps" }

func added(id uuid.UUID) *LocationAdded {
	return &LocationAdded{Location: id, Title: "Branch", Country: "US", TimeZone: "America/New_York", Contact: person(budi), Language: "en"}
}

func associated(place, who uuid.UUID, country string) *ContactChanged {
	return &ContactChanged{Location: place, Country: country, Contact: person(who), Language: "en"}
}

func renew(on string, core uuid.UUID) *RenewMembership {
	return &RenewMembership{RenewedOn: day(on), Core: core, Signature: signature}
}

func at(s string) time.Time {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		panic(err) // a test's own table is wrong
	}
	return t.UTC()
}

func renewed(on string, core, before uuid.UUID, activates string, instant string) *MembershipRenewed {
	return &MembershipRenewed{RenewedOn: day(on), Level: "gold", Contracts: []YearContract{{
		Kind: KindCore, Contract: core, Programme: "pack", Predecessor: before, ActivatesOn: day(activates), ActivatesAt: at(instant),
	}}}
}

func year1() *MembershipRenewed {
	return renewed("2026-01-15", core1, uuid.Nil, "2026-02-05", "2026-02-04T17:00:00Z")
}

func buy(reference string) *BuyToolkit {
	return &BuyToolkit{Location: bandung, Competency: "devices", Reference: reference, Contract: kit}
}

func bought(reference string) *ToolkitBought {
	return &ToolkitBought{Location: bandung, Competency: "devices", Reference: reference, Contract: kit, Programme: "kit", InternalUse: []string{"Five seats"}}
}

type spec map[string]struct {
	given   []Event
	when    Command
	then    []Event
	refused string // with a colon: the member at fault
}

func (s spec) run(t *testing.T) {
	t.Helper()
	for rule, c := range s {
		t.Run(rule, func(t *testing.T) {
			t.Helper()
			var state State
			Evolve(&state, c.given...)
			got, err := Decide(&state, moment(), c.when)
			if !reflect.DeepEqual(got, c.then) {
				t.Errorf("recorded is\n%+v, want\n%+v", got, c.then)
			}
			refusal, _ := errors.AsType[*domain.Refusal](err)
			switch {
			case c.refused == "" && err == nil:
			case refusal == nil || refusal.Hint == "" || refusal.Detail == "":
				t.Errorf("refused with %v, want %q and a way out", err, c.refused)
			case refusal.Code != c.refused && (len(refusal.Fields) != 1 || refusal.Code+":"+refusal.Fields[0].Name != c.refused):
				t.Errorf("refused with %+v, want %q", refusal, c.refused)
			}
		})
	}
}

func given(events ...Event) []Event { return events }

func TestR27_Partners(t *testing.T) {
	spec{
		"are registered with a headquarters": {nil, register(), given(registered()), ""},
		"with the signature, where the level may have it": {nil, register(func(c *Register) { c.Signature = true }),
			given(registered(withSignature)), ""},
		"not where it may not (R28)": {nil, register(func(c *Register) { c.Level, c.Signature = "maps", true }), nil, NotEligible},
		"once":                       {given(registered()), register(), nil, "partner-exists"},
		"at a level that there is":   {nil, register(func(c *Register) { c.Level = "tin" }), nil, "invalid-field:level"},
		"in a country":               {nil, register(func(c *Register) { c.Country = "XX" }), nil, "invalid-field:country"},
		"with a zone":                {nil, register(func(c *Register) { c.TimeZone = "Asia/Nowhere" }), nil, "invalid-field:time_zone"},
	}.run(t)
}

func TestR27_LocationsAndContacts(t *testing.T) {
	add := func(id uuid.UUID) *AddLocation {
		return &AddLocation{Location: id, Title: "Branch", Country: "US", TimeZone: "America/New_York", Contact: person(budi), Language: "en"}
	}
	change := func(place, who uuid.UUID, primary bool) *ChangeContact {
		return &ChangeContact{Location: place, Primary: primary, Country: "US", Contact: person(who), Language: "en"}
	}
	primary := func(place, who, before uuid.UUID) *ContactChanged {
		return changed(*associated(place, who, "US"), func(e *ContactChanged) { e.Primary, e.Previous = true, before })
	}
	spec{
		"a location is added":                         {given(registered()), add(bandung), given(added(bandung)), ""},
		"not of an unknown partner":                   {nil, add(bandung), nil, "partner-not-found"},
		"not twice":                                   {given(registered(), added(bandung)), add(bandung), nil, "location-exists"},
		"in a country that there is":                  {given(registered()), changed(*add(bandung), func(c *AddLocation) { c.Country = "" }), nil, "invalid-field:country"},
		"an associated contact of the headquarters":   {given(registered()), change(uuid.Nil, budi, false), given(associated(uuid.Nil, budi, "US")), ""},
		"of a location":                               {given(registered(), added(bandung)), change(bandung, ani, false), given(associated(bandung, ani, "US")), ""},
		"of a location that there is":                 {given(registered()), change(bandung, ani, false), nil, "invalid-field:location"},
		"of a partner that there is":                  {nil, change(uuid.Nil, ani, false), nil, "partner-not-found"},
		"in a country, since that decides (R30)":      {given(registered()), changed(*change(uuid.Nil, budi, false), func(c *ChangeContact) { c.Country = "us" }), nil, "invalid-field:country"},
		"the primary one is changed":                  {given(registered()), change(uuid.Nil, budi, true), given(primary(uuid.Nil, budi, ani)), ""},
		"of one place only":                           {given(registered(), added(bandung)), change(bandung, citra, true), given(primary(bandung, citra, budi)), ""},
		"the primary one cannot become a lesser one":  {given(registered()), change(uuid.Nil, ani, false), nil, "primary-contact"},
		"the primary one of another place can be one": {given(registered(), added(bandung)), change(uuid.Nil, budi, false), given(associated(uuid.Nil, budi, "US")), ""},
	}.run(t)
}

func TestR27_OnePrimaryContactAtATime(t *testing.T) {
	var s State
	Evolve(&s, registered(), associated(uuid.Nil, budi, "US"), associated(uuid.Nil, citra, "ID"))
	Evolve(&s, &ContactChanged{Primary: true, Previous: ani, Country: "US", Contact: person(budi), Language: "id"})
	Evolve(&s, associated(uuid.Nil, citra, "CA"))
	hq := s.Place(uuid.Nil)
	if hq.Primary.Texts.Person != budi || hq.Primary.Language != "id" {
		t.Errorf("the primary contact is %+v, want budi", hq.Primary)
	}
	if len(hq.Associated) != 1 || hq.Associated[0].Texts.Person != citra || hq.Associated[0].Country != "CA" {
		t.Errorf("associated are %+v, want citra in Canada alone", hq.Associated)
	}
}

func TestR28_RenewingAMembership(t *testing.T) {
	both := changed(*year1(), func(e *MembershipRenewed) {
		e.Contracts = append(e.Contracts, YearContract{
			Kind: KindSignature, Contract: signature, Programme: "cloud", ActivatesOn: day("2026-02-05"), ActivatesAt: at("2026-02-04T17:00:00Z"),
		})
	})
	onRequest := &MembershipRenewed{RenewedOn: day("2026-01-15"), Level: "maps", Contracts: []YearContract{{Kind: KindCore, Contract: core1, Programme: "small"}}}
	spec{
		"registers the core contract, for the fourth week in the headquarters' zone": {given(registered()), renew("2026-01-15", core1), given(year1()), ""},
		"and the signature contract, with the core":                                  {given(registered(withSignature)), renew("2026-01-15", core1), given(both), ""},
		"where the level comes on request nothing happens by time":                   {given(registered(ofMaps)), renew("2026-01-15", core1), given(onRequest), ""},
		"the next year follows the one before": {given(registered(), year1()), renew("2027-01-15", core2),
			given(renewed("2027-01-15", core2, core1, "2027-02-05", "2027-02-04T17:00:00Z")), ""},
		"the same year is renewed once":            {given(registered(), year1()), renew("2026-01-15", core2), nil, "already-renewed"},
		"to its last day":                          {given(registered(), year1()), renew("2027-01-14", core2), nil, "already-renewed"},
		"and not before it began":                  {given(registered(), year1()), renew("2025-12-01", core2), nil, "already-renewed"},
		"on a day":                                 {given(registered()), &RenewMembership{Core: core1}, nil, "invalid-field:renewed_on"},
		"not on one whose year is over":            {given(registered()), renew("2025-01-16", core1), nil, "invalid-field:renewed_on"},
		"but on the last one that is not":          {given(registered()), renew("2025-01-17", core1), given(renewed("2025-01-17", core1, uuid.Nil, "2025-02-07", "2025-02-06T17:00:00Z")), ""},
		"not on one that is more than a year away": {given(registered()), renew("2027-01-17", core1), nil, "invalid-field:renewed_on"},
		"of a partner that there is":               {nil, renew("2026-01-15", core1), nil, "partner-not-found"},
	}.run(t)
}

func TestR28_Toolkits(t *testing.T) {
	site := given(registered(), added(bandung))
	spec{
		"are bought for a location":            {site, buy("PO-1"), given(bought("PO-1")), ""},
		"not for the headquarters":             {site, changed(*buy("PO-1"), func(c *BuyToolkit) { c.Location = uuid.Nil }), nil, "invalid-field:location"},
		"nor for a location that there is not": {site, changed(*buy("PO-1"), func(c *BuyToolkit) { c.Location = medan }), nil, "invalid-field:location"},
		"which has earned a competency":        {site, changed(*buy("PO-1"), func(c *BuyToolkit) { c.Competency = "" }), nil, "invalid-field:competency"},
		"under a reference":                    {site, buy(""), nil, "invalid-field:reference"},
		"that is good for one":                 {append(site, bought("PO-1")), buy("PO-1"), nil, "reference-used"},
		"another reference for another":        {append(site, bought("PO-1")), buy("PO-2"), given(bought("PO-2")), ""},
		"where the level may":                  {given(registered(ofMaps), added(bandung)), buy("PO-1"), nil, NotEligible},
		"of a partner that there is":           {nil, buy("PO-1"), nil, "partner-not-found"},
	}.run(t)
	var s State
	Evolve(&s, append(site, bought("PO-1"), bought("PO-2"))...)
	if got := s.Place(bandung).Competencies; len(got) != 1 || got[0] != "devices" {
		t.Errorf("the location has earned %v", got)
	}
}

func TestR29_R30_WhoMayBeSentTheIDs(t *testing.T) {
	var s State
	Evolve(&s, registered(), added(bandung), associated(uuid.Nil, citra, "US"), associated(bandung, budi, "ID"), bought("PO-1"), year1())
	for rule, c := range map[string]struct {
		contract uuid.UUID
		country  string
		to       uuid.UUID
		want     uuid.UUID // Nil: refused by policy
	}{
		"the headquarters' primary contact":                     {core1, "ID", uuid.Nil, ani},
		"the location's for a toolkit":                          {kit, "US", uuid.Nil, budi},
		"the primary contact by name, whatever the policy":      {core1, "ID", ani, ani},
		"an associated contact in the benefit's country":        {core1, "US", citra, citra},
		"not where the region does not allow it":                {core1, "ID", budi, uuid.Nil},
		"not one in another country of the region":              {core1, "CA", citra, uuid.Nil},
		"not where there is no region":                          {core1, "", citra, uuid.Nil},
		"not a stranger":                                        {core1, "US", medan, uuid.Nil},
		"not another place's primary contact":                   {core1, "US", budi, uuid.Nil},
		"nor the headquarters' for a toolkit, unless it is one": {kit, "US", ani, uuid.Nil},
	} {
		got, err := s.Recipient(c.contract, c.country, c.to, vendor())
		refusal, _ := errors.AsType[*domain.Refusal](err)
		if c.want == uuid.Nil && (refusal == nil || refusal.Code != RegionPolicy || refusal.Hint == "") || c.want != uuid.Nil && err != nil || got.Texts.Person != c.want {
			t.Errorf("%s: %v (%v), want %v", rule, got.Texts.Person, err, c.want)
		}
	}
	if _, err := new(State).Recipient(core1, "US", uuid.Nil, vendor()); err == nil {
		t.Error("an unknown partner has a contact")
	}
}
