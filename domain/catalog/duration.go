package catalog

import (
	"fmt"
	"regexp"
	"strconv"
	"time"
)

// A Duration is an ISO 8601 duration of hours and minutes, as it was written.
type Duration struct {
	Text  string // "PT2H"
	Value time.Duration
}

// MaxDuration is the longest Duration there is: one year.
const MaxDuration = 365 * 24 * time.Hour

var hoursAndMinutes = regexp.MustCompile(`^PT(?:([0-9]{1,6})H)?(?:([0-9]{1,6})M)?$`)

// ParseDuration reads a positive ISO 8601 duration of whole hours and minutes,
// up to MaxDuration: "PT2H", "PT90M", "PT1H30M".
func ParseDuration(text string) (Duration, error) {
	parts := hoursAndMinutes.FindStringSubmatch(text)
	if parts == nil {
		return Duration{}, fmt.Errorf("%q is not a duration of hours and minutes like PT2H or PT1H30M", text)
	}
	value := amount(parts[1], time.Hour) + amount(parts[2], time.Minute)
	if value <= 0 || value > MaxDuration {
		return Duration{}, fmt.Errorf("duration %s is not between PT1M and PT%dH", text, MaxDuration/time.Hour)
	}
	return Duration{Text: text, Value: value}, nil
}

func amount(digits string, unit time.Duration) time.Duration {
	n, _ := strconv.Atoi(digits) // at most six digits, or none
	return time.Duration(n) * unit
}

// MarshalText writes the duration as it was written.
func (d Duration) MarshalText() ([]byte, error) { return []byte(d.Text), nil }

// UnmarshalText reads what ParseDuration reads.
func (d *Duration) UnmarshalText(text []byte) error {
	parsed, err := ParseDuration(string(text))
	if err != nil {
		return err
	}
	*d = parsed
	return nil
}
