package mail

import (
	"testing"
	"time"
	_ "time/tzdata" // zones do not depend on the machine

	"github.com/supportledger/supportledger/domain/catalog"
)

func zone(t *testing.T, name string) *time.Location {
	t.Helper()
	z, err := time.LoadLocation(name)
	must(t, err)
	return z
}

func TestR39_TheContactsLanguageElseEnglish(t *testing.T) {
	for tag, want := range map[string]string{
		"en": "en", "en-GB": "en", "id": "id", "id-ID": "id", "ID_id": "id", "in": "id",
		"": "en", "fr": "en", "ind": "en", "x-id": "en",
	} {
		if got := languageOf(tag).tag; got != want {
			t.Errorf("%q is written in %s, want %s", tag, got, want)
		}
	}
}

func TestR39_DatesAndTimesAreOfTheLanguage(t *testing.T) {
	en, id := languageOf("en"), languageOf("id")
	due := time.Date(2026, time.August, 9, 20, 5, 59, 0, time.UTC)
	for want, got := range map[string]string{
		"28 February 2027": en.date(catalog.Date{Year: 2027, Month: time.February, Day: 28}),
		"1 Agustus 2027":   id.date(catalog.Date{Year: 2027, Month: time.August, Day: 1}),
		"":                 id.date(catalog.Date{}),

		"Monday, 10 August 2026, 03:05 Asia/Jakarta (9 August 2026, 20:05 UTC)":            en.moment(due, zone(t, "Asia/Jakarta")),
		"Senin, 10 Agustus 2026 pukul 03.05 Asia/Jakarta (9 Agustus 2026 pukul 20.05 UTC)": id.moment(due, zone(t, "Asia/Jakarta")),
		"Sunday, 9 August 2026, 21:05 Europe/Dublin (20:05 UTC)":                           en.moment(due, zone(t, "Europe/Dublin")),
		"Minggu, 9 Agustus 2026 pukul 13.05 America/Los_Angeles (20.05 UTC)":               id.moment(due, zone(t, "America/Los_Angeles")),
		"Sunday, 9 August 2026, 20:05 UTC":                                                 en.moment(due.In(zone(t, "Asia/Tokyo")), time.UTC),
	} {
		if got != want {
			t.Errorf("got  %q\nwant %q", got, want)
		}
	}
}

func TestR39_DurationsAndQuantitiesReadWell(t *testing.T) {
	en, id := languageOf("en"), languageOf("id")
	business, always := catalog.ResponseBusiness, catalog.ResponseAlways
	five, one, none := int64(5), int64(1), int64(0)
	many := int64(1234567)
	for _, c := range []struct{ got, want string }{
		{en.duration("PT4H", business), "4 business hours"},
		{id.duration("PT4H", business), "4 jam kerja"},
		{en.duration("PT1H", business), "1 business hour"},
		{en.duration("PT90M", business), "1 hour 30 minutes in business hours"},
		{id.duration("PT90M", business), "1 jam 30 menit pada jam kerja"},
		{en.duration("PT2H", always), "2 hours, around the clock"},
		{id.duration("PT2H", always), "2 jam, 24 jam sehari"},
		{en.duration("PT1M", always), "1 minute, around the clock"},
		{en.duration("PT1H1M", always), "1 hour 1 minute, around the clock"},
		{id.duration("as agreed", always), "as agreed"},

		{en.left(LeftOf(&five, false)), "5 incidents"},
		{en.left(LeftOf(&one, false)), "1 incident"},
		{en.left(LeftOf(&none, false)), "none"},
		{en.left(LeftOf(nil, true)), "unlimited"},
		{en.left(LeftOf(nil, false)), "no contract is charged"},
		{en.left(LeftOf(&many, false)), "1,234,567 incidents"},
		{id.left(LeftOf(&five, false)), "5 insiden"},
		{id.left(LeftOf(&none, false)), "tidak ada"},
		{id.left(LeftOf(nil, true)), "tidak terbatas"},
		{id.left(LeftOf(nil, false)), "tidak dibebankan ke kontrak mana pun"},
		{id.left(LeftOf(&many, false)), "1.234.567 insiden"},
		{en.number(999), "999"},
		{en.number(1000), "1,000"},
	} {
		if c.got != c.want {
			t.Errorf("got %q, want %q", c.got, c.want)
		}
	}
}
