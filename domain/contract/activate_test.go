package contract

import (
	"testing"
	"time"
)

func TestR5_Activating(t *testing.T) {
	starting := func(on string) facts { return registered(func(e *Registered) { e.StartsOn = day(on) }) }
	because := func(f facts) facts {
		f[0].(*Activated).Reason = "why"
		return f
	}
	spec{
		"the term starts on the day of activation":        {registered(), when(activate()), then(because(term(StatusActive, "2026-03-02", "2027-03-01")), granted(1, 2))},
		"the term starts on the day agreed":               {starting("2026-01-15"), when(activate()), then(because(term(StatusActive, "2026-01-15", "2027-01-14")), granted(1, 2))},
		"a term in the future is waited for":              {starting("2026-06-01"), when(activate()), then(because(term(StatusWaiting, "2026-06-01", "2027-05-31")), granted(1, 2))},
		"a term that is over cannot begin":                {starting("2025-03-02"), when(activate()), refuses("expired")},
		"not even in the instant in which it ends":        {starting("2025-03-02"), when(activate()).at("2026-03-02T00:00:00Z"), refuses("expired")},
		"but a second before it can":                      {starting("2025-03-02"), when(activate()).at("2026-03-01T23:59:59Z"), then(because(term(StatusActive, "2025-03-02", "2026-03-01")), granted(1, 2))},
		"what is included comes after what was added":     {given(registered(), grantedFrom(Added, 1, 7, "")), when(activate()), then(because(term(StatusActive, "2026-03-02", "2027-03-01")), granted(2, 2))},
		"what lapsed while it was registered stays so":    {given(registered(), grantedFrom(Added, 1, 7, "2026-03-01T00:00:00Z")), when(activate()), then(lapsed(1, 7, "2026-03-01T00:00:00Z"), because(term(StatusActive, "2026-03-02", "2027-03-01")), granted(2, 2))},
		"nothing but activation starts the clock":         {registered(), when(grant(1)).at("2036-03-02T00:00:00Z"), then(facts{&GrantAdded{Grant: 1, Unit: Incident, Quantity: 1, Source: Added, Reason: "why"}})},
		"activating again changes nothing":                {active(2), when(activate()), thenNothing},
		"activating what is waited for changes nothing":   {waiting(), when(activate()), thenNothing},
		"the start that came unrecorded is recorded only": {waiting(), when(activate()).at(waitingStarts), then(started())},
	}.run(t)
}

// started is the usual waiting contract's start.
func started() facts { return term(StatusActive, "2026-06-01", "2027-05-31") }

// TestR5_TheTermInItsZone registers and activates in a zone and looks at every
// instant that counts, one second before and at it.
func TestR5_TheTermInItsZone(t *testing.T) {
	for name, c := range map[string]struct {
		zone, on     string
		grace        int
		starts, last string
		from, until  string
	}{
		"UTC":                                  {"UTC", "2026-03-01", 0, "2026-03-01", "2027-02-28", "2026-03-01T00:00:00Z", "2027-03-01T00:00:00Z"},
		"east of UTC":                          {"Asia/Jakarta", "2026-03-01", 0, "2026-03-01", "2027-02-28", "2026-02-28T17:00:00Z", "2027-02-28T17:00:00Z"},
		"farthest east":                        {"Pacific/Kiritimati", "2026-03-01", 0, "2026-03-01", "2027-02-28", "2026-02-28T10:00:00Z", "2027-02-28T10:00:00Z"},
		"west of UTC":                          {"America/Los_Angeles", "2026-03-01", 0, "2026-03-01", "2027-02-28", "2026-03-01T08:00:00Z", "2027-03-01T08:00:00Z"},
		"farthest west":                        {"Pacific/Pago_Pago", "2026-03-01", 0, "2026-03-01", "2027-02-28", "2026-03-01T11:00:00Z", "2027-03-01T11:00:00Z"},
		"a leap day's anniversary is 1 March":  {"UTC", "2028-02-29", 0, "2028-02-29", "2029-02-28", "2028-02-29T00:00:00Z", "2029-03-01T00:00:00Z"},
		"a term that ends on a leap day":       {"America/New_York", "2027-03-01", 0, "2027-03-01", "2028-02-29", "2027-03-01T05:00:00Z", "2028-03-01T05:00:00Z"},
		"it ends on the day clocks go forward": {"America/New_York", "2025-03-09", 0, "2025-03-09", "2026-03-08", "2025-03-09T05:00:00Z", "2026-03-09T04:00:00Z"},
		"it ends on the day clocks go back":    {"Europe/Berlin", "2025-10-26", 0, "2025-10-26", "2026-10-25", "2025-10-25T22:00:00Z", "2026-10-25T23:00:00Z"},
		"it starts after a short day":          {"Europe/Berlin", "2026-03-30", 0, "2026-03-30", "2027-03-29", "2026-03-29T22:00:00Z", "2027-03-29T22:00:00Z"},
		"it starts where midnight is skipped":  {"Africa/Cairo", "2024-04-26", 0, "2024-04-26", "2025-04-25", "2024-04-25T22:00:00Z", "2025-04-25T21:00:00Z"},
		"grace days belong to it":              {"Asia/Jakarta", "2026-03-01", 30, "2026-03-01", "2027-03-30", "2026-02-28T17:00:00Z", "2027-03-30T17:00:00Z"},
		"one grace day after a leap day's":     {"UTC", "2028-02-29", 1, "2028-02-29", "2029-03-01", "2028-02-29T00:00:00Z", "2029-03-02T00:00:00Z"},
	} {
		t.Run(name, func(t *testing.T) {
			s := stateAfter(registered(func(e *Registered) {
				e.TimeZone, e.StartsOn, e.GraceDays = c.zone, day(c.on), c.grace
			}))
			early := instant(c.from).Add(-24 * time.Hour)
			got, err := Decide(s, Moment{At: early, Catalog: vendor(), Zone: zone}, activate())
			if err != nil {
				t.Fatal(err)
			}
			Evolve(s, got...)
			sum := s.Summary(early)
			if sum.StartsOn != day(c.starts) || sum.ExpiresOn != day(c.last) {
				t.Errorf("term from %v to %v, want %s to %s", sum.StartsOn, sum.ExpiresOn, c.starts, c.last)
			}
			turnsAt(t, s, c.from, StatusWaiting, StatusActive)
			turnsAt(t, s, c.until, StatusActive, StatusExpired)
		})
	}
}

// turnsAt checks a state's status in the last second and nanosecond before an
// instant, and from it on.
func turnsAt(t *testing.T, s *State, at string, before, after Status) {
	t.Helper()
	turn := instant(at)
	for shift, want := range map[time.Duration]Status{
		-time.Second: before, -time.Nanosecond: before, 0: after, time.Second: after,
	} {
		if got := s.Status(turn.Add(shift)); got != want {
			t.Errorf("%v from %s: %q, want %q", shift, at, got, want)
		}
	}
}

func TestR5_TheDayOfActivationIsTheZones(t *testing.T) {
	for zone, want := range map[string]string{
		"Asia/Jakarta": "2026-03-03", "UTC": "2026-03-02", "America/Los_Angeles": "2026-03-02", "Pacific/Kiritimati": "2026-03-03",
	} {
		past := registered(func(e *Registered) { e.TimeZone = zone })
		got, err := answer(past, when(activate()).at("2026-03-02T20:00:00Z"))
		if err != nil {
			t.Fatal(err)
		}
		if starts := got[0].(*Activated).StartsOn; starts != day(want) {
			t.Errorf("activated in %s the term starts on %v, want %s", zone, starts, want)
		}
	}
}
