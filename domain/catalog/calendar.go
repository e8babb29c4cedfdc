package catalog

import "time"

// CalendarFor returns the calendar of a country: its own, else its region's,
// else the default. An empty or unknown country has the default.
func (c *Catalog) CalendarFor(country string) *Calendar {
	if own, ok := c.CountryCalendars[country]; ok {
		return own
	}
	if region, ok := c.RegionOf(country); ok && region.Calendar != nil {
		return region.Calendar
	}
	return c.DefaultCalendar
}

// Respond returns the first response that a severity promises to a contract of
// the country, counted from the given moment (R23). The due time is in UTC.
func (c *Catalog) Respond(severity *Severity, country string, from time.Time) Response {
	promised := Response{Time: severity.Response.Text, Hours: ResponseAlways}
	if !severity.BusinessHours {
		promised.DueAt = from.UTC().Add(severity.Response.Value)
		return promised
	}
	promised.Hours = ResponseBusiness
	promised.DueAt = c.CalendarFor(country).Due(from, severity.Response.Value)
	return promised
}

// Open reports whether t is in business hours: its clock on the wall in the
// calendar's zone reads from opening (inclusive) to closing (exclusive) on a
// day that is worked.
func (c *Calendar) Open(t time.Time) bool {
	wall := clocksAt(t, c.Zone).wall(t)
	opens, closes, worked := c.hoursOn(DateOf(wall, time.UTC))
	return worked && !wall.Before(opens) && wall.Before(closes)
}

// Due returns the instant, in UTC, at which the positive span d of business
// hours has passed since from. What is due at closing time is due then, not at
// the next opening. An hour that clocks show twice counts twice, one that they
// skip not at all. In a calendar that is never open every hour counts.
func (c *Calendar) Due(from time.Time, d time.Duration) time.Time {
	if !c.works() {
		return from.UTC().Add(d)
	}
	for t := from; ; {
		set := clocksAt(t, c.Zone)
		wall, left := c.count(set.wall(t), set.end(), d)
		if left == 0 {
			return set.instant(wall)
		}
		t, d = set.until, left
	}
}

// count passes d of business hours from a time on the wall and returns when
// they have passed, or at the latest until the clocks change, what is left.
func (c *Calendar) count(wall, change time.Time, d time.Duration) (time.Time, time.Duration) {
	for day := DateOf(wall, time.UTC); ; day = day.AddDays(1) {
		if !change.IsZero() && !day.utc().Before(change) {
			return change, d
		}
		opens, closes, worked := c.hoursOn(day)
		opens, closes = later(opens, wall), earlier(closes, change)
		span := closes.Sub(opens)
		if !worked || span <= 0 {
			continue
		}
		if d <= span {
			return opens.Add(d), 0
		}
		d -= span
	}
}

// hoursOn returns opening and closing on a day, on the wall, and whether that
// day is worked at all.
func (c *Calendar) hoursOn(day Date) (opens, closes time.Time, worked bool) {
	midnight := day.utc()
	hours := c.Days[midnight.Weekday()]
	if hours.To <= hours.From {
		return midnight, midnight, false
	}
	_, holiday := c.Holidays[day]
	return midnight.Add(hours.From), midnight.Add(hours.To), !holiday
}

func (c *Calendar) works() bool {
	for _, hours := range c.Days {
		if hours.From < hours.To {
			return true
		}
	}
	return false
}
