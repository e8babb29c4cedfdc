package postoffice

import (
	"testing"
	"time"
)

// R39: a letter is given up after a day of pauses, neither for the tries of a
// process that crashes often nor for the age of what waited while none ran.
func TestR39_ADayIsADay(t *testing.T) {
	p := usual()
	var day time.Duration
	tried := 0
	for over := false; !over; {
		var pause time.Duration
		tried++
		if pause, over = p.pause(attempts{made: tried, since: day}); !over {
			day += pause
		}
	}
	if day > p.Total || day < p.Total-p.Most || tried < 30 || tried > 40 {
		t.Errorf("given up after %d tries in %v", tried, day)
	}
	for what, c := range map[string]struct {
		made  int
		since time.Duration
		pause time.Duration
		over  bool
	}{
		"the first try":                    {1, 0, 5 * time.Second, false},
		"the third":                        {3, 15 * time.Second, 20 * time.Second, false},
		"many crashes in a minute":         {1000, time.Minute, 65 * time.Second, false},
		"many crashes in a day":            {1000, p.Total, time.Hour, true},
		"what waited for days":             {1, 3 * p.Total, 5 * time.Second, false},
		"what waited, a little later":      {2, 3 * p.Total, 10 * time.Second, false},
		"a clock of JetStream in advance":  {3, -time.Minute, 5 * time.Second, false},
		"a crash shortly before the end":   {tried, p.Total - 2*p.Most, time.Hour, false},
		"and what that was for the letter": {tried + 1, p.Total - p.Most/2, time.Hour, true},
	} {
		if pause, over := p.pause(attempts{made: c.made, since: c.since}); over != c.over || pause != c.pause {
			t.Errorf("%s: pause %v, over %v", what, pause, over)
		}
	}
}
