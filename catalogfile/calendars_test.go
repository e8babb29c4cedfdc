package catalogfile_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/supportledger/supportledger/catalogfile"
	"github.com/supportledger/supportledger/domain/catalog"
)

// The file is stamped on decisions by its digest, so what the same file means
// may not change with a newer version of the library that knows the holidays.
func TestR23_HolidaysOfTheUnitedStatesStayTheSame(t *testing.T) {
	var days []string
	for date, name := range microsoft(t).DefaultCalendar.Holidays {
		days = append(days, fmt.Sprintf("%s %s %s", date, date.Weekday(), name))
	}
	slices.Sort(days)
	golden := filepath.Join("testdata", "us-holidays.txt")
	if *writeGolden {
		if err := os.WriteFile(golden, []byte(strings.Join(days, "\n")+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if want := lines(t, golden); !slices.Equal(days, want) {
		t.Errorf("%d holidays, want %d as in %s", len(days), len(want), golden)
	}
	for _, want := range []string{
		"2011-01-17 Monday Martin Luther King Jr. Day", "2015-07-03 Friday Independence Day", "2015-07-04 Saturday Independence Day",
		"2015-11-26 Thursday Thanksgiving Day", "2021-06-18 Friday Juneteenth", "2021-12-31 Friday New Year's Day", "2045-12-25 Monday Christmas Day",
	} {
		if !slices.Contains(days, want) {
			t.Errorf("%s is no holiday", want)
		}
	}
	if first, last := days[0][:4], days[len(days)-1][:4]; first != "2010" || last != "2045" {
		t.Errorf("holidays from %s to %s", first, last)
	}
}

func TestR23_IndonesianHolidaysOfEachYear(t *testing.T) {
	calendar := microsoft(t).CalendarFor("ID")
	count := map[int]int{}
	for date := range calendar.Holidays {
		count[date.Year]++
	}
	for year := 2014; year <= 2027; year++ {
		if count[year] < 14 || count[year] > 17 {
			t.Errorf("%d has %d holidays", year, count[year])
		}
		for _, fixed := range []catalog.Date{{Year: year, Month: time.January, Day: 1}, {Year: year, Month: time.August, Day: 17}, {Year: year, Month: time.December, Day: 25}} {
			if calendar.Holidays[fixed] == "" {
				t.Errorf("%s is no holiday", fixed)
			}
		}
	}
}

func TestR23_ResponsesOfTheMicrosoftCatalogue(t *testing.T) {
	c := microsoft(t)
	for title, r := range map[string]struct{ severity, country, from, due, hours string }{
		"A in the night before a holiday":        {"A", "ID", "2015-08-16T23:00:00+07:00", "2015-08-17T01:00:00+07:00", "always"},
		"B over Independence Day, Indonesia":     {"B", "ID", "2015-08-14T16:00:00+07:00", "2015-08-18T11:00:00+07:00", "business"},
		"B over Independence Day, United States": {"B", "US", "2015-07-02T16:00:00-07:00", "2015-07-06T08:00:00-07:00", "business"},
		"C over Thanksgiving, Canada":            {"C", "CA", "2015-11-25T12:00:00-08:00", "2015-11-27T08:00:00-08:00", "business"},
		"C over the weekend, Kenya":              {"C", "KE", "2015-06-05T17:00:00+01:00", "2015-06-08T15:00:00+01:00", "business"},
		"C over the change of clocks, Brazil":    {"C", "BR", "2015-10-16T17:00:00-03:00", "2015-10-19T15:00:00-02:00", "business"},
		"B without a country":                    {"B", "", "2015-06-01T06:00:00-07:00", "2015-06-01T10:00:00-07:00", "business"},
	} {
		severity, _ := c.Severity(r.severity)
		got := c.Respond(severity, r.country, instant(t, r.from))
		if want := instant(t, r.due); !got.DueAt.Equal(want) || got.Hours != r.hours {
			t.Errorf("%s: due %s %s, want %s %s", title, got.DueAt, got.Hours, want.UTC(), r.hours)
		}
	}
}

func TestASecondVendorNeedsNoWordOfTheFirst(t *testing.T) {
	text, err := catalogfile.BuiltinFile("nusantara-2026")
	if err != nil {
		t.Fatal(err)
	}
	for _, word := range []string{"microsoft", "azure", "office", "windows", "partner network", "gold", "silver", "aka.ms"} {
		if strings.Contains(strings.ToLower(string(text)), word) {
			t.Errorf("it says %q", word)
		}
	}
	c, err := catalogfile.Builtin("nusantara-2026")
	if err != nil {
		t.Fatal(err)
	}
	first := microsoft(t)
	for _, p := range c.Programmes {
		if _, shared := first.Programme(p.ID); shared {
			t.Errorf("both have a programme %q", p.ID)
		}
	}
	if own := c.CalendarFor("SG"); own == c.CalendarFor("ID") || own.Zone.String() != "Asia/Singapore" {
		t.Errorf("Singapore works in %s", own.Zone)
	}
	if c.Digest == first.Digest || len(c.Digest) != 64 {
		t.Errorf("digest %q", c.Digest)
	}
}

func instant(t *testing.T, s string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339, s)
	if err != nil {
		t.Fatal(err)
	}
	return at
}
