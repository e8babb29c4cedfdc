package contract

import (
	"testing"

	"github.com/supportledger/supportledger/domain/catalog"
)

func TestR4_Registering(t *testing.T) {
	blank := registered(func(e *Registered) {
		e.RegisteredOn = day("2026-03-02")
		e.Included = []IncludedUnits{{Unit: Incident, Quantity: 20}, {Unit: Minute, Quantity: 3000}}
	})
	in := func(zone string, on string) facts {
		return given(blank, registered(func(e *Registered) {
			*e = *blank[0].(*Registered)
			e.TimeZone, e.RegisteredOn = zone, day(on)
		}))[1:]
	}
	spec{
		"the terms are the programme's, and nothing is granted yet":   {nothing, when(register()), then(blank)},
		"the day of registration is the zone's, east":                 {nothing, when(register(zoned("Asia/Jakarta"))).at("2026-03-02T17:00:00Z"), then(in("Asia/Jakarta", "2026-03-03"))},
		"the day of registration is the zone's, west":                 {nothing, when(register(zoned("America/New_York"))).at("2026-03-02T04:59:59Z"), then(in("America/New_York", "2026-03-01"))},
		"R2: the pair of another contract is refused":                 {active(2), when(register()), refuses("pair-exists")},
		"an unknown programme is refused":                             {nothing, when(register(func(c *Register) { c.Programme = "bronze" })), refuses("invalid-field:programme")},
		"an unknown zone is refused":                                  {nothing, when(register(zoned("Europe/Atlantis"))), refuses("invalid-field:time_zone")},
		"a country in small letters is refused":                       {nothing, when(register(func(c *Register) { c.Country = "us" })), refuses("invalid-field:country")},
		"a country of three letters is refused":                       {nothing, when(register(func(c *Register) { c.Country = "USA" })), refuses("invalid-field:country")},
		"a term that would be over is refused":                        {nothing, when(register(starting("2025-03-02"))), refuses("invalid-field:starts_on")},
		"a term of which one day is left is taken":                    {nothing, when(register(starting("2025-03-03"))), then(startingOn(blank, "2025-03-03"))},
		"grace days count for a term that would be over without them": {nothing, when(register(starting("2025-02-10"), graceful)), thenEvents("contract.registered.v1")},
	}.run(t)
}

func TestR4_ImmediateProgrammesAreActiveAtOnce(t *testing.T) {
	msdn := func(c *Register) { c.Programme = "msdn" }
	spec{
		"registered, activated and granted in one append": {nothing, when(register(msdn)), thenEvents("contract.registered.v1", "contract.activated.v1", "grant.added.v1")},
		"waiting where the term lies ahead":               {nothing, when(register(msdn, starting("2026-06-01"))), thenStatus(StatusWaiting)},
		"active where the term has begun":                 {nothing, when(register(msdn, starting("2026-02-01"))), thenStatus(StatusActive)},
		"R6: a renewal is activated from its day":         {nothing, when(register(func(c *Register) { c.ActivateOn = day("2026-06-01") })), thenStatus(StatusWaiting)},
		"others are not":                                  {nothing, when(register()), thenStatus(StatusRegistered)},
	}.run(t)
}

func TestR12_Labels(t *testing.T) {
	terms := func(change func(*Registered)) *Registered { return registered(change)[0].(*Registered) }
	scs := func(e *Registered) {
		e.Short, e.PlanText, e.PartnerID, e.RegisteredOn = "SCS", "SCS", "4648141", day("2015-05-01")
	}
	for name, c := range map[string]struct {
		terms *Registered
		plan  bool
		want  string
	}{
		"Access ID and service name":         {terms(func(*Registered) {}), false, "0230242323 - Partner Support Gold 20Pack"},
		"the plan's label at azure":          {terms(scs), true, "15 SCS-4648141-unk (02302xxxxx)"},
		"with its country":                   {terms(func(e *Registered) { scs(e); e.Country = "ID" }), true, "15 SCS-4648141-ID (02302xxxxx)"},
		"without partner and country":        {terms(func(e *Registered) { scs(e); e.PartnerID = "" }), true, "15 SCS-unk-unk (02302xxxxx)"},
		"the year has two digits":            {terms(func(e *Registered) { scs(e); e.RegisteredOn = day("2009-12-31") }), true, "09 SCS-4648141-unk (02302xxxxx)"},
		"without a plan text the short name": {terms(func(e *Registered) { e.RegisteredOn = day("2026-01-01") }), true, "26 GOLD-unk-unk (02302xxxxx)"},
		"the shortest Access ID":             {terms(func(e *Registered) { scs(e); e.AccessID = "012345" }), true, "15 SCS-4648141-unk (0xxxxx)"},
	} {
		if got := c.terms.Label(c.plan); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

func TestR12_MaskingAnAccessIDHidesItsLastFive(t *testing.T) {
	for id, want := range map[string]string{
		"0230242323": "02302xxxxx", "012345": "0xxxxx", "12345678901234567890": "123456789012345xxxxx", "1234": "xxxxx", "": "xxxxx",
	} {
		if got := MaskAccessID(id); got != want {
			t.Errorf("%q is masked as %q, want %q", id, got, want)
		}
	}
}

func TestTheTermsStayAsTheyWereRegistered(t *testing.T) {
	withdrawn := *vendor()
	withdrawn.Programmes = nil
	w := when(activate())
	w.moment.Catalog = &withdrawn
	got, err := answer(registered(), w)
	thenEvents("contract.activated.v1", "grant.added.v1")(t, got, err)
}

func zoned(zone string) func(*Register) { return func(c *Register) { c.TimeZone = zone } }

func starting(on string) func(*Register) { return func(c *Register) { c.StartsOn = day(on) } }

func graceful(c *Register) { c.Programme = "graceful" }

func startingOn(f facts, on string) facts {
	e := *f[0].(*Registered)
	e.StartsOn = day(on)
	return facts{&e}
}

// thenEvents wants facts of these names.
func thenEvents(names ...string) outcome {
	return func(t *testing.T, got []Event, err error) {
		t.Helper()
		if err != nil {
			t.Fatalf("refused: %v", err)
		}
		same := len(got) == len(names)
		for i := 0; same && i < len(got); i++ {
			same = got[i].Name() == names[i]
		}
		if !same {
			t.Errorf("facts %v, want %v", recorded(t, got), names)
		}
	}
}

// thenStatus wants a contract that the facts alone bring to a status, now.
func thenStatus(want Status) outcome {
	return func(t *testing.T, got []Event, err error) {
		t.Helper()
		if err != nil {
			t.Fatalf("refused: %v", err)
		}
		if status := stateAfter(got).Status(instant(now)); status != want {
			t.Errorf("status %q, want %q", status, want)
		}
	}
}

func TestASummaryTellsTheStartThatWasAgreed(t *testing.T) {
	s := stateAfter(registered(func(e *Registered) { e.StartsOn = day("2026-06-01") }))
	if sum := s.Summary(instant(now)); sum.StartsOn != day("2026-06-01") || sum.ExpiresOn != (catalog.Date{}) {
		t.Errorf("starts on %v, expires on %v; want 2026-06-01 and nothing", sum.StartsOn, sum.ExpiresOn)
	}
	if sum := new(State).Summary(instant(now)); sum.Status != "" || sum.Terms != nil {
		t.Errorf("an unknown contract has the summary %+v", sum)
	}
}
