package mail

import (
	"strconv"
	"strings"
	"time"

	"github.com/supportledger/supportledger/domain/catalog"
)

// A language is how dates, times, durations and quantities are written.
type language struct {
	tag        string // BCP 47; the folder of its templates
	weekdays   [7]string
	months     [12]string
	at         string // between a date and a time
	clock      string // a layout for time.Format
	thousands  string // between groups of three digits
	hours      plural
	minutes    plural
	incidents  plural
	working    plural // hours in which somebody works
	inBusiness string // after a time that is not in whole hours
	always     string // after hours that count around the clock
	none       string
	unlimited  string
	unpaid     string // no contract pays
}

// A plural has the forms of a word: for one, and for any other number.
type plural struct{ one, many string }

// languages are those that letters are written in. The first is for everybody
// whose language is not among them.
var languages = [...]language{
	{
		tag:      "en",
		weekdays: [7]string{"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"},
		months: [12]string{"January", "February", "March", "April", "May", "June",
			"July", "August", "September", "October", "November", "December"},
		at: ", ", clock: "15:04", thousands: ",",
		hours: plural{"hour", "hours"}, minutes: plural{"minute", "minutes"}, incidents: plural{"incident", "incidents"},
		working: plural{"business hour", "business hours"}, inBusiness: " in business hours", always: ", around the clock",
		none: "none", unlimited: "unlimited", unpaid: "no contract is charged",
	},
	{
		tag:      "id",
		weekdays: [7]string{"Minggu", "Senin", "Selasa", "Rabu", "Kamis", "Jumat", "Sabtu"},
		months: [12]string{"Januari", "Februari", "Maret", "April", "Mei", "Juni",
			"Juli", "Agustus", "September", "Oktober", "November", "Desember"},
		at: " pukul ", clock: "15.04", thousands: ".",
		hours: plural{"jam", "jam"}, minutes: plural{"menit", "menit"}, incidents: plural{"insiden", "insiden"},
		working: plural{"jam kerja", "jam kerja"}, inBusiness: " pada jam kerja", always: ", 24 jam sehari",
		none: "tidak ada", unlimited: "tidak terbatas", unpaid: "tidak dibebankan ke kontrak mana pun",
	},
}

// languageOf finds the language of a BCP 47 tag, by its first part.
func languageOf(tag string) *language {
	base, _, _ := strings.Cut(strings.ReplaceAll(strings.ToLower(tag), "_", "-"), "-")
	if base == "in" {
		base = "id" // as Indonesian was called before 1989, and by Java for long after
	}
	for i := range languages {
		if languages[i].tag == base {
			return &languages[i]
		}
	}
	return &languages[0]
}

// LanguageOf is the language that letters to somebody who reads a language (BCP
// 47) are written in.
func LanguageOf(tag string) string { return languageOf(tag).tag }

// functions are what templates call, by name.
func (l *language) functions() map[string]any {
	return map[string]any{"date": l.date, "moment": l.moment, "duration": l.duration, "left": l.left, "number": l.number}
}

// date writes a day: "3 March 2026".
func (l *language) date(d catalog.Date) string {
	if d.IsZero() {
		return ""
	}
	return strconv.Itoa(d.Day) + " " + l.months[d.Month-1] + " " + strconv.Itoa(d.Year)
}

// moment writes an instant by the clocks of a zone, and in UTC:
// "Tuesday, 3 March 2026, 14:30 Asia/Jakarta (07:30 UTC)".
func (l *language) moment(t time.Time, zone *time.Location) string {
	local, day := t.In(zone), catalog.DateOf(t, zone)
	text := l.weekdays[local.Weekday()] + ", " + l.date(day) + l.at + local.Format(l.clock) + " " + zone.String()
	utc := t.UTC()
	if zone.String() == utc.Location().String() {
		return text
	}
	universal := utc.Format(l.clock) + " UTC"
	if other := catalog.DateOf(utc, time.UTC); other != day {
		universal = l.date(other) + l.at + universal
	}
	return text + " (" + universal + ")"
}

// duration writes an ISO 8601 duration of hours and minutes that counts around
// the clock or in business hours: "4 business hours". What is no such duration
// is written as it is.
func (l *language) duration(iso, hours string) string {
	d, err := catalog.ParseDuration(iso)
	if err != nil {
		return iso
	}
	h, m := int64(d.Value/time.Hour), int64(d.Value%time.Hour/time.Minute)
	switch {
	case hours == catalog.ResponseBusiness && m == 0:
		return l.count(h, l.working)
	case hours == catalog.ResponseBusiness:
		return l.span(h, m) + l.inBusiness
	}
	return l.span(h, m) + l.always
}

func (l *language) span(hours, minutes int64) string {
	switch {
	case minutes == 0:
		return l.count(hours, l.hours)
	case hours == 0:
		return l.count(minutes, l.minutes)
	}
	return l.count(hours, l.hours) + " " + l.count(minutes, l.minutes)
}

// left writes what is left: "3 incidents", "none", "unlimited".
func (l *language) left(of Left) string {
	switch {
	case !of.Pays:
		return l.unpaid
	case of.Unlimited:
		return l.unlimited
	case of.Count == 0:
		return l.none
	}
	return l.count(of.Count, l.incidents)
}

func (l *language) count(n int64, of plural) string {
	if n == 1 {
		return "1 " + of.one
	}
	return l.number(n) + " " + of.many
}

// number writes a number that is not negative, with its digits in groups.
func (l *language) number(n int64) string {
	digits := strconv.FormatInt(n, 10)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + l.thousands + digits[i:]
	}
	return digits
}
