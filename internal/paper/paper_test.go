package paper

import (
	"testing"
	"time"
)

// A history that no order explains is told from one that some order does.
func TestAHistoryIsJudged(t *testing.T) {
	at := func(s int) time.Time { return time.Now().Add(time.Duration(s-100) * time.Second) }
	for name, row := range map[string]struct {
		steps []Step // each begins when the one before has ended
		ok    bool
	}{
		"the last incident goes to one":    {[]Step{{Kind: "submit", Left: 0}, {Kind: "submit", Code: "none-available"}}, true},
		"the last incident goes to two":    {[]Step{{Kind: "submit", Left: 0}, {Kind: "submit", Left: 0}}, false},
		"one that is there is refused":     {[]Step{{Kind: "submit", Code: "none-available"}}, false},
		"a credit comes back":              {[]Step{{Kind: "submit", Left: 0}, {Kind: "credit", Left: Untold}, {Kind: "submit", Left: 0}}, true},
		"a reader sees what is over":       {[]Step{{Kind: "submit", Left: 0}, {Kind: "read", Left: 1}}, false},
		"a suspended one pays":             {[]Step{{Kind: "suspend"}, {Kind: "submit", Left: 0}}, false},
		"a suspended one is resumed":       {[]Step{{Kind: "suspend"}, {Kind: "submit", Code: "suspended"}, {Kind: "resume"}, {Kind: "read", Left: 1}}, true},
		"a refusal that nothing calls for": {[]Step{{Kind: "credit", Code: "already-closed"}}, false},
	} {
		var h History
		for i, s := range row.steps {
			h.Note(i, at(i), s)
			h.ops[i].Return = at(i).Add(time.Millisecond).UnixNano()
		}
		if err := h.Judge(1); (err == nil) != row.ok {
			t.Errorf("%s: %v", name, err)
		}
	}
}
