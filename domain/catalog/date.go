package catalog

import (
	"cmp"
	"fmt"
	"time"
)

// A Date is a calendar day without a zone. The zero value means none. Dates of
// the years 1 to 9999 are written as "2006-01-02".
type Date struct {
	Year  int
	Month time.Month
	Day   int
}

// ParseDate reads a date written exactly as "2006-01-02".
func ParseDate(s string) (Date, error) {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil || t.Year() < 1 {
		return Date{}, fmt.Errorf("%q is not a date written as 2006-01-02", s)
	}
	return DateOf(t, time.UTC), nil
}

// DateOf returns the day that calendars in the zone show at t.
func DateOf(t time.Time, zone *time.Location) Date {
	year, month, day := t.In(zone).Date()
	return Date{year, month, day}
}

// IsZero reports whether d is no date at all.
func (d Date) IsZero() bool { return d == Date{} }

// String writes d as "2006-01-02", and no date as "".
func (d Date) String() string {
	if d.IsZero() {
		return ""
	}
	return fmt.Sprintf("%04d-%02d-%02d", d.Year, int(d.Month), d.Day)
}

// Compare is negative where d is before other, zero where they are the same day.
func (d Date) Compare(other Date) int {
	return cmp.Or(cmp.Compare(d.Year, other.Year), cmp.Compare(d.Month, other.Month), cmp.Compare(d.Day, other.Day))
}

// Weekday returns the day of the week.
func (d Date) Weekday() time.Weekday { return d.utc().Weekday() }

// AddDays returns the date n days later, or earlier where n is negative.
func (d Date) AddDays(n int) Date { return DateOf(d.utc().AddDate(0, 0, n), time.UTC) }

// AddYear returns the anniversary: the same day of the next year, and 1 March
// for 29 February (R5).
func (d Date) AddYear() Date { return DateOf(d.utc().AddDate(1, 0, 0), time.UTC) }

// LastOfTerm returns the last day of a term that starts on d: one calendar year
// and the grace days (R5). 2026-03-01 without grace: 2027-02-28.
func (d Date) LastOfTerm(graceDays int) Date { return d.AddYear().AddDays(graceDays - 1) }

// StartOf returns the instant, in UTC, at which d begins in the zone: where the
// day before has ended. That is not always at midnight; see EndOf.
func (d Date) StartOf(zone *time.Location) time.Time { return d.AddDays(-1).EndOf(zone) }

// widestOffset is beyond what any zone was ever away from UTC.
const widestOffset = 26 * time.Hour

// EndOf returns the instant, in UTC, at which d is over in the zone: from then
// on its calendars show a later day, for good. A day that ends where clocks
// jump over midnight ends at the jump; one that clocks return to ends when it
// is over the second time; one that was skipped ends as the day before it did.
func (d Date) EndOf(zone *time.Location) time.Time {
	midnight := d.utc().AddDate(0, 0, 1)
	var end time.Time
	for t := midnight.Add(-widestOffset); t.Before(midnight.Add(widestOffset)); {
		set := clocksAt(t, zone)
		if over := set.instant(midnight); over.After(set.since) {
			end = later(end, earlier(over, set.until))
		}
		if set.until.IsZero() {
			break
		}
		t = set.until
	}
	return end.UTC()
}

// earlier returns the earlier of two instants; a zero b means never.
func earlier(a, b time.Time) time.Time {
	if !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// MarshalText writes d as "2006-01-02", and no date as "".
func (d Date) MarshalText() ([]byte, error) {
	if !d.IsZero() && (d.Year < 1 || d.Year > 9999 || DateOf(d.utc(), time.UTC) != d) {
		return nil, fmt.Errorf("write date: no day %d-%d-%d in the years 1 to 9999", d.Year, int(d.Month), d.Day)
	}
	return []byte(d.String()), nil
}

// UnmarshalText reads what MarshalText writes.
func (d *Date) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*d = Date{}
		return nil
	}
	parsed, err := ParseDate(string(text))
	if err != nil {
		return err
	}
	*d = parsed
	return nil
}

func (d Date) utc() time.Time { return time.Date(d.Year, d.Month, d.Day, 0, 0, 0, 0, time.UTC) }
