package catalog_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/supportledger/supportledger/domain/catalog"
)

// weekdays works Monday to Friday; holidays are days off.
func weekdays(t testing.TB, zoneName string, from, to time.Duration, holidays ...string) *catalog.Calendar {
	t.Helper()
	c := &catalog.Calendar{Zone: zone(t, zoneName), Holidays: map[catalog.Date]string{}}
	for d := time.Monday; d <= time.Friday; d++ {
		c.Days[d] = catalog.Hours{From: from, To: to}
	}
	for _, h := range holidays {
		c.Holidays[day(t, h)] = "holiday"
	}
	return c
}

func TestR23_ResponsesCountBusinessHours(t *testing.T) {
	pacific := weekdays(t, "America/Los_Angeles", 6*time.Hour, 18*time.Hour, "2026-07-03", "2026-11-26")
	jakarta := weekdays(t, "Asia/Jakarta", 9*time.Hour, 18*time.Hour, "2026-08-17")
	nights := weekdays(t, "Europe/Dublin", 0, 24*time.Hour)

	for title, c := range map[string]struct {
		calendar  *catalog.Calendar
		from, due string
		need      time.Duration
	}{
		"within one day":                     {jakarta, "2026-08-12T10:00:00+07:00", "2026-08-12T14:00:00+07:00", 4 * time.Hour},
		"from before opening":                {jakarta, "2026-08-12T03:00:00+07:00", "2026-08-12T13:00:00+07:00", 4 * time.Hour},
		"from after closing":                 {jakarta, "2026-08-12T18:00:00+07:00", "2026-08-13T13:00:00+07:00", 4 * time.Hour},
		"due at closing, not at opening":     {jakarta, "2026-08-12T14:00:00+07:00", "2026-08-12T18:00:00+07:00", 4 * time.Hour},
		"over a night":                       {jakarta, "2026-08-12T17:30:00+07:00", "2026-08-13T12:30:00+07:00", 4 * time.Hour},
		"over a weekend and a holiday":       {jakarta, "2026-08-14T17:00:00+07:00", "2026-08-18T12:00:00+07:00", 4 * time.Hour},
		"from a Saturday":                    {jakarta, "2026-08-08T12:00:00+07:00", "2026-08-10T17:00:00+07:00", 8 * time.Hour},
		"from a holiday":                     {pacific, "2026-11-26T10:00:00-08:00", "2026-11-27T10:00:00-08:00", 4 * time.Hour},
		"over a holiday before a weekend":    {pacific, "2026-07-02T15:00:00-07:00", "2026-07-06T11:00:00-07:00", 8 * time.Hour},
		"many days":                          {jakarta, "2026-08-03T09:00:00+07:00", "2026-08-14T18:00:00+07:00", 90 * time.Hour},
		"over the weekend of a change":       {pacific, "2026-03-06T17:00:00-08:00", "2026-03-09T09:00:00-07:00", 4 * time.Hour},
		"over the weekend of a return":       {pacific, "2026-10-30T17:00:00-07:00", "2026-11-02T09:00:00-08:00", 4 * time.Hour},
		"with seconds and their parts":       {jakarta, "2026-08-12T17:59:59.5+07:00", "2026-08-13T09:00:00.5+07:00", time.Second},
		"over 29 February":                   {nights, "2028-02-28T23:00:00Z", "2028-02-29T03:00:00Z", 4 * time.Hour},
		"over midnights of days of 24 hours": {nights, "2026-06-03T22:00:00+01:00", "2026-06-05T22:00:00+01:00", 48 * time.Hour},
	} {
		due := c.calendar.Due(at(t, c.from), c.need)
		if want := at(t, c.due); !due.Equal(want) || due.Location() != time.UTC {
			t.Errorf("%s: %s and %s is due %s, want %s", title, c.from, c.need, due, want.UTC())
		}
	}
}

func TestR23_ClocksThatChangeInBusinessHours(t *testing.T) {
	sundays := func(zoneName string) *catalog.Calendar {
		c := weekdays(t, zoneName, 0, 0)
		c.Days[time.Sunday] = catalog.Hours{From: time.Hour, To: 5 * time.Hour}
		return c
	}
	for title, c := range map[string]struct {
		zone, from, due string
		need            time.Duration
	}{
		"an hour that is skipped does not count, west": {"America/New_York", "2026-03-08T01:00:00-05:00", "2026-03-08T04:00:00-04:00", 2 * time.Hour},
		"an hour that comes twice counts twice, west":  {"America/New_York", "2026-11-01T01:00:00-04:00", "2026-11-01T02:00:00-05:00", 2 * time.Hour},
		"an hour that is skipped does not count, east": {"Europe/Berlin", "2026-03-29T01:00:00+01:00", "2026-03-29T04:00:00+02:00", 2 * time.Hour},
		"an hour that comes twice counts twice, east":  {"Europe/Berlin", "2026-10-25T01:00:00+02:00", "2026-10-25T02:00:00+01:00", 2 * time.Hour},
		"a short day ends at its closing":              {"Europe/Berlin", "2026-03-29T01:00:00+01:00", "2026-03-29T05:00:00+02:00", 3 * time.Hour},
		"half an hour comes twice":                     {"Australia/Lord_Howe", "2026-04-05T01:00:00+11:00", "2026-04-05T01:30:00+10:30", time.Hour},
	} {
		due := sundays(c.zone).Due(at(t, c.from), c.need)
		if want := at(t, c.due); !due.Equal(want) {
			t.Errorf("%s: %s and %s is due %s, want %s", title, c.from, c.need, due, want.UTC())
		}
	}
}

func TestR23_LawsOfBusinessHours(t *testing.T) {
	zones := loadAll(t)
	rapid.Check(t, func(t *rapid.T) {
		c := anyCalendar(t, zones)
		from := anyMoment(t)
		a, b := anyNeed(t, "a"), anyNeed(t, "b")
		due := c.Due(from, a)
		if !due.After(from) {
			t.Fatalf("%s of %s is due %s, not later", a, from, due)
		}
		if !c.Open(due.Add(-time.Nanosecond)) {
			t.Fatalf("due %s, and just before it nobody works", due)
		}
		if once, twice := c.Due(from, a+b), c.Due(due, b); !once.Equal(twice) {
			t.Fatalf("from %s: %s at once is due %s, %s and then %s is due %s", from, a+b, once, a, b, twice)
		}
		if later := from.Add(anyNeed(t, "wait")); c.Due(later, a).Before(due) {
			t.Fatalf("%s of %s is due later than of %s", a, from, later)
		}
	})
}

func TestR23_DueIsWhatCountingMinutesFinds(t *testing.T) {
	zones := loadAll(t)
	rapid.Check(t, func(t *rapid.T) {
		c := anyCalendar(t, zones)
		from := anyMoment(t).Truncate(time.Minute)
		need := time.Duration(rapid.IntRange(1, 900).Draw(t, "minutes")) * time.Minute
		if got, want := c.Due(from, need), countMinutes(c, from, need); !got.Equal(want) {
			t.Fatalf("%s from %s in %s: due %s; minute by minute %s", need, from, c.Zone, got, want.UTC())
		}
	})
}

// countMinutes looks at the clock on the wall every minute.
func countMinutes(c *catalog.Calendar, from time.Time, need time.Duration) time.Time {
	for t := from; ; t = t.Add(time.Minute) {
		if need == 0 {
			return t
		}
		wall := t.In(c.Zone)
		hours := c.Days[wall.Weekday()]
		read := time.Duration(wall.Hour())*time.Hour + time.Duration(wall.Minute())*time.Minute
		if _, off := c.Holidays[catalog.DateOf(t, c.Zone)]; !off && read >= hours.From && read < hours.To {
			need -= time.Minute
		}
	}
}

// anyCalendar draws opening hours, one day at least, and a few holidays.
func anyCalendar(t *rapid.T, zones []*time.Location) *catalog.Calendar {
	c := &catalog.Calendar{Zone: rapid.SampledFrom(zones).Draw(t, "zone"), Holidays: map[catalog.Date]string{}}
	for _, d := range rapid.SliceOfNDistinct(rapid.IntRange(0, 6), 1, 7, rapid.ID).Draw(t, "days") {
		opens := rapid.IntRange(0, 47).Draw(t, "opens")
		closes := rapid.IntRange(opens+1, 48).Draw(t, "closes")
		c.Days[d] = catalog.Hours{From: time.Duration(opens) * 30 * time.Minute, To: time.Duration(closes) * 30 * time.Minute}
	}
	for range rapid.IntRange(0, 5).Draw(t, "holidays") {
		c.Holidays[catalog.DateOf(anyMoment(t), time.UTC)] = "holiday"
	}
	return c
}

// anyMoment draws one of recent or coming years, often one close to a change of
// clocks somewhere.
func anyMoment(t *rapid.T) time.Time {
	near := rapid.SampledFrom([]string{
		"2026-03-08T07:00:00Z", "2026-11-01T06:00:00Z", "2026-03-29T01:00:00Z", "2026-10-25T01:00:00Z", "2026-04-04T15:00:00Z",
		"2018-02-18T02:00:00Z", "2018-11-04T03:00:00Z", "2011-12-30T10:00:00Z", "2028-02-29T00:00:00Z", "2040-12-31T00:00:00Z",
	}).Draw(t, "near")
	moment, err := time.Parse(time.RFC3339, near)
	if err != nil {
		t.Fatal(err)
	}
	return moment.Add(time.Duration(rapid.Int64Range(-200*3600, 200*3600).Draw(t, "seconds")) * time.Second)
}

func anyNeed(t *rapid.T, label string) time.Duration {
	return time.Duration(rapid.Int64Range(1, 60*3600).Draw(t, label)) * time.Second
}

func TestR23_CountryThenRegionThenDefault(t *testing.T) {
	own, regional, fallback := weekdays(t, "UTC", 1, 2), weekdays(t, "UTC", 1, 2), weekdays(t, "UTC", 1, 2)
	c := catalog.Catalog{
		DefaultCalendar:  fallback,
		CountryCalendars: map[string]*catalog.Calendar{"SG": own},
		Regions:          []catalog.Region{{ID: "asia", Countries: []string{"ID", "SG"}, Calendar: regional}, {ID: "bare", Countries: []string{"FR"}}},
	}
	for country, want := range map[string]*catalog.Calendar{"SG": own, "ID": regional, "FR": fallback, "US": fallback, "": fallback} {
		if got := c.CalendarFor(country); got != want {
			t.Errorf("country %q has another calendar", country)
		}
	}
}

func TestR23_ASeverityPromisesAroundTheClockOrInBusinessHours(t *testing.T) {
	c := catalog.Catalog{DefaultCalendar: weekdays(t, "Asia/Jakarta", 9*time.Hour, 18*time.Hour)}
	saturday := at(t, "2026-08-15T20:00:00+07:00")
	for _, s := range []struct {
		severity catalog.Severity
		want     catalog.Response
	}{
		{catalog.Severity{Response: duration(t, "PT2H")},
			catalog.Response{Time: "PT2H", Hours: "always", DueAt: at(t, "2026-08-15T15:00:00Z").UTC()}},
		{catalog.Severity{Response: duration(t, "PT4H"), BusinessHours: true},
			catalog.Response{Time: "PT4H", Hours: "business", DueAt: at(t, "2026-08-17T06:00:00Z").UTC()}},
	} {
		if got := c.Respond(&s.severity, "ID", saturday); got != s.want {
			t.Errorf("got %+v, want %+v", got, s.want)
		}
	}
}

func TestR23_BusinessHoursFromOpeningUntilClosing(t *testing.T) {
	c := weekdays(t, "Asia/Jakarta", 9*time.Hour, 18*time.Hour, "2026-08-17")
	for moment, open := range map[string]bool{
		"2026-08-14T08:59:59+07:00": false, "2026-08-14T09:00:00+07:00": true, "2026-08-14T17:59:59+07:00": true,
		"2026-08-14T18:00:00+07:00": false, "2026-08-15T12:00:00+07:00": false, "2026-08-17T12:00:00+07:00": false,
	} {
		if c.Open(at(t, moment)) != open {
			t.Errorf("at %s it is open: %v", moment, !open)
		}
	}
}

func TestR23_ACalendarThatIsNeverOpenCountsEveryHour(t *testing.T) {
	never := &catalog.Calendar{Zone: time.UTC}
	from := at(t, "2026-08-15T20:00:00Z")
	if got := never.Due(from, time.Hour); !got.Equal(from.Add(time.Hour)) {
		t.Errorf("due %s", got)
	}
	if never.Open(from) {
		t.Error("it is open")
	}
}

func at(t testing.TB, s string) time.Time {
	t.Helper()
	moment, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		t.Fatal(err)
	}
	return moment
}

func duration(t testing.TB, text string) catalog.Duration {
	t.Helper()
	d, err := catalog.ParseDuration(text)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func BenchmarkR23_RespondInBusinessHours(b *testing.B) {
	c := catalog.Catalog{DefaultCalendar: weekdays(b, "America/Los_Angeles", 6*time.Hour, 18*time.Hour)}
	severity := catalog.Severity{Response: duration(b, "PT8H"), BusinessHours: true}
	from := at(b, "2026-08-14T20:00:00Z")
	for b.Loop() {
		c.Respond(&severity, "US", from)
	}
}
