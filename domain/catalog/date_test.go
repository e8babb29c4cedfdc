package catalog_test

import (
	"encoding/json"
	"testing"
	"time"
	_ "time/tzdata"

	"pgregory.net/rapid"

	"github.com/supportledger/supportledger/domain/catalog"
)

func TestR5_ATermEndsTheDayBeforeTheAnniversary(t *testing.T) {
	for start, want := range map[string]struct {
		last, anniversary string
		grace             int
	}{
		"2026-03-01": {last: "2027-02-28", anniversary: "2027-03-01"},
		"2027-03-01": {last: "2028-02-29", anniversary: "2028-03-01"},
		"2028-02-29": {last: "2029-02-28", anniversary: "2029-03-01"},
		"2028-02-28": {last: "2029-02-27", anniversary: "2029-02-28"},
		"2026-01-01": {last: "2026-12-31", anniversary: "2027-01-01"},
		"2026-12-31": {last: "2027-12-30", anniversary: "2027-12-31"},
		"2026-07-15": {last: "2027-08-13", anniversary: "2027-07-15", grace: 30},
		"2024-02-29": {last: "2025-03-01", anniversary: "2025-03-01", grace: 1},
	} {
		if got := day(t, start).AddYear(); got != day(t, want.anniversary) {
			t.Errorf("anniversary of %s: %s, want %s", start, got, want.anniversary)
		}
		if got := day(t, start).LastOfTerm(want.grace); got != day(t, want.last) {
			t.Errorf("term from %s with %d days of grace: until %s, want %s", start, want.grace, got, want.last)
		}
	}
}

func TestR5_ADayEndsInItsOwnZone(t *testing.T) {
	for title, c := range map[string]struct{ date, zone, end string }{
		"in UTC":                   {"2027-02-28", "UTC", "2027-03-01T00:00:00Z"},
		"east of UTC":              {"2027-02-28", "Asia/Jakarta", "2027-02-28T17:00:00Z"},
		"west of UTC":              {"2027-02-28", "America/Los_Angeles", "2027-03-01T08:00:00Z"},
		"on 29 February":           {"2028-02-29", "Asia/Jakarta", "2028-02-29T17:00:00Z"},
		"farthest east":            {"2026-06-30", "Pacific/Kiritimati", "2026-06-30T10:00:00Z"},
		"farthest west":            {"2026-06-30", "Pacific/Pago_Pago", "2026-07-01T11:00:00Z"},
		"before a short day, west": {"2026-03-07", "America/New_York", "2026-03-08T05:00:00Z"},
		"a short day, west":        {"2026-03-08", "America/New_York", "2026-03-09T04:00:00Z"},
		"a long day, west":         {"2026-11-01", "America/New_York", "2026-11-02T05:00:00Z"},
		"a short day, east":        {"2026-03-29", "Europe/Berlin", "2026-03-29T22:00:00Z"},
		"a long day, east":         {"2026-10-25", "Europe/Berlin", "2026-10-25T23:00:00Z"},
		"a half hour's shift":      {"2026-04-04", "Australia/Lord_Howe", "2026-04-04T13:00:00Z"},
		"before a day without midnight, Sao Paulo":                     {"2018-11-03", "America/Sao_Paulo", "2018-11-04T03:00:00Z"},
		"a day that lasts until it is over the second time, Sao Paulo": {"2018-02-17", "America/Sao_Paulo", "2018-02-18T03:00:00Z"},
		"before a day without midnight, Beirut":                        {"2024-03-30", "Asia/Beirut", "2024-03-30T22:00:00Z"},
		"before a day without midnight, Cairo":                         {"2024-04-25", "Africa/Cairo", "2024-04-25T22:00:00Z"},
		"before a day that never was, Apia":                            {"2011-12-29", "Pacific/Apia", "2011-12-30T10:00:00Z"},
		"a day that never was, Apia":                                   {"2011-12-30", "Pacific/Apia", "2011-12-30T10:00:00Z"},
		"after a day that never was, Apia":                             {"2011-12-31", "Pacific/Apia", "2011-12-31T10:00:00Z"},
		"a day that is returned to after one minute of the next":       {"2010-11-06", "America/St_Johns", "2010-11-07T03:30:00Z"},
	} {
		end := day(t, c.date).EndOf(zone(t, c.zone))
		if got := end.Format(time.RFC3339); got != c.end {
			t.Errorf("%s: %s in %s ends at %s, want %s", title, c.date, c.zone, got, c.end)
		}
	}
}

// Zones with the oddest histories, beside everyday ones.
var zoneNames = []string{
	"UTC", "America/Los_Angeles", "America/New_York", "America/Sao_Paulo", "America/St_Johns", "America/Nuuk",
	"America/Havana", "America/Asuncion", "Europe/Dublin", "Europe/London", "Europe/Berlin", "Atlantic/Azores",
	"Africa/Cairo", "Africa/Casablanca", "Africa/Juba", "Asia/Beirut", "Asia/Gaza", "Asia/Tehran", "Asia/Kathmandu",
	"Asia/Jakarta", "Asia/Pyongyang", "Asia/Manila", "Australia/Lord_Howe", "Pacific/Chatham", "Pacific/Apia",
	"Pacific/Kwajalein", "Pacific/Kiritimati", "Pacific/Fakaofo", "Antarctica/Troll",
}

func TestR5_EndOfIsWhereTheDayIsOverForGood(t *testing.T) {
	zones := loadAll(t)
	rapid.Check(t, func(t *rapid.T) {
		zone := rapid.SampledFrom(zones).Draw(t, "zone")
		noon := rapid.Int64Range(-1_500_000_000, 4_000_000_000).Draw(t, "unix")
		d := catalog.DateOf(time.Unix(noon, 0), zone)
		end := d.EndOf(zone)
		if last := catalog.DateOf(end.Add(-time.Nanosecond), zone); last.Compare(d) > 0 {
			t.Fatalf("%s in %s: ended before %s, when it is %s already", d, zone, end, last)
		}
		for s := time.Duration(0); s < 50*time.Hour; s += 15 * time.Minute {
			if shown := catalog.DateOf(end.Add(s), zone); shown.Compare(d) <= 0 {
				t.Fatalf("%s in %s: ends at %s, yet %s is shown %s later", d, zone, end, shown, s)
			}
		}
		if next := d.AddDays(1).StartOf(zone); !next.Equal(end) {
			t.Fatalf("%s in %s ends at %s, the next day starts at %s", d, zone, end, next)
		}
	})
}

func TestR5_NoChangeOfClocksAtMidnightIsMissed(t *testing.T) {
	for _, zone := range loadAll(t) {
		at := time.Date(1950, 1, 1, 0, 0, 0, 0, time.UTC)
		for range 400 {
			_, change := at.In(zone).ZoneBounds()
			if change.IsZero() || change.Year() > 2040 {
				break
			}
			checkAround(t, zone, change)
			at = change
		}
	}
}

// checkAround compares EndOf with a walk over every minute near a change, where
// that moves clocks past midnight or back over it.
func checkAround(t *testing.T, zone *time.Location, change time.Time) {
	t.Helper()
	before, after := change.Add(-61*time.Minute), change.Add(61*time.Minute)
	if catalog.DateOf(before, zone) == catalog.DateOf(after, zone) {
		return
	}
	for d := catalog.DateOf(change, zone).AddDays(-2); d.Compare(catalog.DateOf(change, zone)) <= 0; d = d.AddDays(1) {
		end, want := d.EndOf(zone), time.Time{}
		for at := end.Add(-3 * time.Hour).Truncate(time.Minute); at.Before(end.Add(3 * time.Hour)); at = at.Add(time.Minute) {
			if catalog.DateOf(at, zone).Compare(d) <= 0 {
				want = at.Add(time.Minute)
			}
		}
		if want.IsZero() {
			want = end // the day before was skipped; it has ended already
		}
		if off := end.Sub(want); off < -time.Minute || off > time.Minute {
			t.Errorf("%s in %s ends at %s; the last minute of it ends at %s", d, zone, end, want.UTC())
		}
	}
}

func TestDatesAreWrittenOneWay(t *testing.T) {
	for _, wrong := range []string{
		"2026-2-1", "2026-02-30", "2025-02-29", "26-02-01", "2026-02-01T00:00:00Z", " 2026-02-01", "0000-01-01", "none", "+2026-01-01",
	} {
		if d, err := catalog.ParseDate(wrong); err == nil {
			t.Errorf("%q was read as %s", wrong, d)
		}
	}
	type held struct {
		On catalog.Date `json:"on,omitzero"`
	}
	for _, want := range []string{`{"on":"2028-02-29"}`, `{}`} {
		var h held
		if err := json.Unmarshal([]byte(want), &h); err != nil {
			t.Fatal(err)
		}
		if got, err := json.Marshal(h); err != nil || string(got) != want {
			t.Errorf("%s came back as %s (%v)", want, got, err)
		}
	}
	for _, never := range []catalog.Date{{2026, 2, 30}, {10000, 1, 1}, {0, 1, 1}} {
		if text, err := never.MarshalText(); err == nil {
			t.Errorf("%v was written as %s", never, text)
		}
	}
}

func TestDatesCompareAsTheyFollow(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := catalog.DateOf(time.Unix(rapid.Int64Range(0, 4e9).Draw(t, "unix"), 0), time.UTC)
		n := rapid.IntRange(-4000, 4000).Draw(t, "days")
		e := d.AddDays(n)
		if sign(e.Compare(d)) != sign(n) || e.AddDays(-n) != d {
			t.Fatalf("%s and %d days: %s", d, n, e)
		}
		if again, err := catalog.ParseDate(e.String()); err != nil || again != e {
			t.Fatalf("%s read back: %s, %v", e, again, err)
		}
	})
}

func sign(n int) int { return min(max(n, -1), 1) }

func day(t testing.TB, s string) catalog.Date {
	t.Helper()
	d, err := catalog.ParseDate(s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func zone(t testing.TB, name string) *time.Location {
	t.Helper()
	z, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

func loadAll(t testing.TB) []*time.Location {
	t.Helper()
	var zones []*time.Location
	for _, name := range zoneNames {
		zones = append(zones, zone(t, name))
	}
	return zones
}
