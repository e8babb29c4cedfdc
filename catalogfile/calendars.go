package catalogfile

import (
	"regexp"
	"strconv"
	"time"

	"github.com/rickar/cal/v2"
	"github.com/rickar/cal/v2/us"

	"github.com/supportledger/supportledger/domain/catalog"
)

// calendars checks the calendars and which countries have their own.
func (r *reading) calendars(list []calendar, c *catalog.Catalog) []*catalog.Calendar {
	k := key("calendars")
	ids(r, k, list, func(c *calendar) (string, string) { return c.ID, c.ID })
	c.CountryCalendars = map[string]*catalog.Calendar{}
	calendars := make([]*catalog.Calendar, len(list))
	seen := map[string]key{}
	for i := range list {
		calendars[i] = r.calendar(k.at(i), &list[i])
		r.countries(k.at(i).of("countries"), list[i].Countries, seen)
		for _, country := range list[i].Countries {
			c.CountryCalendars[country] = calendars[i]
		}
	}
	return calendars
}

func (r *reading) calendar(k key, c *calendar) *catalog.Calendar {
	built := &catalog.Calendar{ID: c.ID, Zone: r.zone(k.of("zone"), c.Zone), Holidays: r.holidays(k.of("holidays"), &c.Holidays)}
	worked := false
	for day, hours := range c.Hours.byWeekday() {
		here := k.of("hours").of(weekdayKey(time.Weekday(day)))
		if r.placeless(here) {
			continue
		}
		built.Days[day] = r.hours(here, hours)
		worked = true
	}
	if !worked {
		r.wrong(k.of("hours"), `names no day; write at least one, like monday: "09:00-17:00"`)
	}
	return built
}

// byWeekday orders the days as time.Weekday counts them.
func (w *week) byWeekday() [7]string {
	return [7]string{w.Sunday, w.Monday, w.Tuesday, w.Wednesday, w.Thursday, w.Friday, w.Saturday}
}

var openAndClose = regexp.MustCompile(`^([0-9]{2}):([0-9]{2})-([0-9]{2}):([0-9]{2})$`)

func (r *reading) hours(k key, text string) catalog.Hours {
	parts := openAndClose.FindStringSubmatch(text)
	if parts == nil {
		r.wrong(k, "%s is not opening and closing like 09:00-17:00", quote(text))
		return catalog.Hours{}
	}
	hours := catalog.Hours{From: clock(parts[1], parts[2]), To: clock(parts[3], parts[4])}
	if parts[2] > "59" || parts[4] > "59" || hours.To > 24*time.Hour || hours.From >= hours.To {
		r.wrong(k, "%s does not open before it closes on the same day; times are 00:00 to 24:00", quote(text))
	}
	return hours
}

func clock(hours, minutes string) time.Duration {
	h, _ := strconv.Atoi(hours) // two digits each
	m, _ := strconv.Atoi(minutes)
	return time.Duration(h)*time.Hour + time.Duration(m)*time.Minute
}

func (r *reading) zone(k key, name string) *time.Location {
	zone, err := time.LoadLocation(name)
	if err != nil || name == "" || name == "Local" {
		r.wrong(k, "no time zone %s; zones are written like Asia/Jakarta", quote(name))
		return time.UTC
	}
	return zone
}

// Holidays by rule are written out for these years; before and after them no
// day is a holiday.
const firstHolidayYear, lastHolidayYear = 2010, 2045

// holidaySets are the holidays that a calendar may use by name.
func holidaySets() map[string][]*cal.Holiday { return map[string][]*cal.Holiday{"us": us.Holidays} }

func (r *reading) holidays(k key, h *holidays) map[catalog.Date]string {
	days := map[catalog.Date]string{}
	for i, name := range h.Use {
		set, known := holidaySets()[name]
		if !known {
			r.oneOf(k.of("use").at(i), name, "set of holidays", "sets", []string{"us"})
		}
		writeOut(days, set)
	}
	r.distinct(k.of("use"), h.Use)
	written := map[catalog.Date]bool{}
	for i, day := range h.Dates {
		here := k.of("dates").at(i)
		r.filled(here.of("name"), day.Name)
		date, err := catalog.ParseDate(day.Date)
		if err != nil {
			r.wrong(here.of("date"), "%v", err)
		} else if written[date] {
			r.wrong(here.of("date"), "%s stands in the list already", date)
		}
		written[date] = true
		days[date] = day.Name
	}
	return days
}

// writeOut adds each holiday's own date, and the day off that stands for it
// where that is another.
func writeOut(days map[catalog.Date]string, set []*cal.Holiday) {
	for year := firstHolidayYear; year <= lastHolidayYear+1; year++ {
		for _, holiday := range set {
			actual, observed := holiday.Calc(year)
			for _, t := range []time.Time{actual, observed} {
				if !t.IsZero() && t.Year() >= firstHolidayYear && t.Year() <= lastHolidayYear {
					days[catalog.DateOf(t, t.Location())] = holiday.Name
				}
			}
		}
	}
}

// weekdayKey is the key of a day in a calendar's hours.
func weekdayKey(day time.Weekday) string {
	return [7]string{"sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"}[day]
}
