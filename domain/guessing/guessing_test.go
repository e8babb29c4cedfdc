package guessing_test

import (
	"encoding/json"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/supportledger/supportledger/domain"
	"github.com/supportledger/supportledger/domain/guessing"
)

var (
	ani   = uuid.MustParse("00000000-0000-4000-8000-00000000000a")
	budi  = uuid.MustParse("00000000-0000-4000-8000-00000000000b")
	start = time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)
)

// fails adds n failures of an account on an Access ID, a second apart.
func fails(s *guessing.State, n int, account uuid.UUID, id string, from time.Duration) {
	for i := range n {
		s.Evolve(&guessing.Refused{Account: account, AccessID: id, At: start.Add(from + time.Duration(i)*time.Second)})
	}
}

func TestR8_WhenTheNextTryMayBeMade(t *testing.T) {
	const minute, last = time.Minute, time.Nanosecond
	for rule, c := range map[string]struct {
		failures func(*guessing.State)
		at       time.Duration
		account  uuid.UUID
		id       string
		free     time.Duration // 0: at once
	}{
		"at once where nobody failed":                    {func(*guessing.State) {}, 0, ani, "x", 0},
		"at once after four failures of an account":      {func(s *guessing.State) { fails(s, 4, ani, "x", 0) }, minute, ani, "x", 0},
		"not after five, until the first is 15 min old":  {func(s *guessing.State) { fails(s, 5, ani, "x", 0) }, minute, ani, "x", 15 * minute},
		"nor on another Access ID":                       {func(s *guessing.State) { fails(s, 5, ani, "x", 0) }, minute, ani, "y", 15 * minute},
		"whichever Access IDs it failed on":              {func(s *guessing.State) { fails(s, 2, ani, "x", 0); fails(s, 3, ani, "y", minute) }, 2 * minute, ani, "z", 15 * minute},
		"an instant before, still":                       {func(s *guessing.State) { fails(s, 5, ani, "x", 0) }, 15*minute - last, ani, "x", 15 * minute},
		"15 minutes later to the instant, again":         {func(s *guessing.State) { fails(s, 5, ani, "x", 0) }, 15 * minute, ani, "x", 0},
		"then one more failure waits for the second":     {func(s *guessing.State) { fails(s, 5, ani, "x", 0); fails(s, 1, ani, "x", 15*minute) }, 15 * minute, ani, "x", 15*minute + time.Second},
		"another account may":                            {func(s *guessing.State) { fails(s, 5, ani, "x", 0) }, minute, budi, "x", 0},
		"19 failures on an Access ID by others":          {func(s *guessing.State) { crowd(s, 19) }, minute, budi, "x", 0},
		"not after 20, until the first is an hour old":   {func(s *guessing.State) { crowd(s, 20) }, minute, budi, "x", 60 * minute},
		"an instant before the hour, still":              {func(s *guessing.State) { crowd(s, 20) }, 60*minute - last, budi, "x", 60 * minute},
		"an hour later to the instant, again":            {func(s *guessing.State) { crowd(s, 20) }, 60 * minute, budi, "x", 0},
		"but another Access ID":                          {func(s *guessing.State) { crowd(s, 20) }, minute, budi, "y", 0},
		"both limits: the later one":                     {func(s *guessing.State) { crowd(s, 20); fails(s, 5, budi, "y", 0) }, minute, budi, "x", 60 * minute},
		"both limits: the later one is the account's":    {func(s *guessing.State) { crowd(s, 20); fails(s, 5, budi, "y", 50*minute) }, 51 * minute, budi, "x", 65 * minute},
		"failures an hour ago do not count for the pair": {func(s *guessing.State) { crowd(s, 19); fails(s, 1, budi, "x", 61*minute) }, 61 * minute, budi, "x", 0},
	} {
		t.Run(rule, func(t *testing.T) {
			var s guessing.State
			c.failures(&s)
			at := start.Add(c.at)
			want := at
			if c.free > 0 {
				want = start.Add(c.free)
			}
			if got := s.TryAfter(guessing.Try{Account: c.account, AccessID: c.id}, at); !got.Equal(want) {
				t.Errorf("%v after the start the next try may be made %v after it, want %v", c.at, got.Sub(start), want.Sub(start))
			}
		})
	}
}

// crowd lets as many accounts fail once each on the Access ID "x".
func crowd(s *guessing.State, n int) {
	for i := range n {
		fails(s, 1, uuid.UUID{15: byte(100 + i)}, "x", time.Duration(i)*time.Second)
	}
}

// From one address as many accounts fail as there are failures, each on an Access ID of
// its own; where no address is known, none is counted.
func TestR8_FailuresFromOneAddressCount(t *testing.T) {
	from := func(address string, n int) *guessing.State {
		s := new(guessing.State)
		for i := range n {
			at := start.Add(time.Duration(i) * time.Second)
			s.Evolve(&guessing.Refused{Account: uuid.UUID{15: byte(100 + i)}, AccessID: strings.Repeat("x", i+1), At: at})
			if address != "" {
				s.Locate(&guessing.Located{Address: address, At: at})
			}
		}
		return s
	}
	for rule, c := range map[string]struct {
		failures *guessing.State
		from     string
		at, free time.Duration
	}{
		"19 failures leave it free":                    {from("a", 19), "a", time.Minute, 0},
		"not after 20, until the first is an hour old": {from("a", 20), "a", time.Minute, time.Hour},
		"an instant before the hour, still":            {from("a", 20), "a", time.Hour - 1, time.Hour},
		"an hour later to the instant, again":          {from("a", 20), "a", time.Hour, 0},
		"another address may":                          {from("a", 20), "b", time.Minute, 0},
		"and somebody of whom no address is known":     {from("a", 20), "", time.Minute, 0},
		"failures of unknown origin count nowhere":     {from("", 40), "", time.Minute, 0},
	} {
		at := start.Add(c.at)
		want := at
		if c.free > 0 {
			want = start.Add(c.free)
		}
		if got := c.failures.TryAfter(guessing.Try{Account: ani, AccessID: "y", Address: c.from}, at); !got.Equal(want) {
			t.Errorf("%s: free at %v, want %v", rule, got, want)
		}
	}
}

// A failure is a try that did not succeed.
type failure struct {
	guessing.Try
	at time.Time
}

// TestR8_TheLimitsAreAsCounted compares with counting all failures ever made, for
// a state that forgets and one that does not.
func TestR8_TheLimitsAreAsCounted(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var kept, forgetful guessing.State
		var all []failure
		at := start
		for range rapid.IntRange(1, 120).Draw(t, "tries") {
			at = at.Add(time.Duration(rapid.IntRange(0, 400).Draw(t, "seconds")) * time.Second)
			try := guessing.Try{
				Account:  rapid.SampledFrom([]uuid.UUID{ani, budi, {15: 1}, {15: 2}, {15: 3}, {15: 4}}).Draw(t, "account"),
				AccessID: rapid.SampledFrom([]string{"x", "x", "y", "z"}).Draw(t, "id"),
				Address:  rapid.SampledFrom([]string{"", "a", "a", "b"}).Draw(t, "address"),
			}
			forgetful.Forget(at)
			tooMany := count(all, at, guessing.PerAccountWindow, func(f failure) bool { return f.Account == try.Account }) >= guessing.PerAccount ||
				count(all, at, guessing.PerAccessWindow, func(f failure) bool { return f.AccessID == try.AccessID }) >= guessing.PerAccessID ||
				try.Address != "" && count(all, at, guessing.PerAddressWindow, func(f failure) bool { return f.Address == try.Address }) >= guessing.PerAddress
			free := kept.TryAfter(try, at)
			if free.After(at) != tooMany {
				t.Fatalf("too many: %v, but free at %v, %v from now", tooMany, free, free.Sub(at))
			}
			if other := forgetful.TryAfter(try, at); !other.Equal(free) {
				t.Fatalf("forgetting alters when it is free from %v to %v", free, other)
			}
			if !tooMany {
				all = append(all, failure{try, at})
				note(&kept, try, at)
				note(&forgetful, try, at)
			}
		}
		forgetful.Forget(at.Add(guessing.PerAccessWindow))
		for _, member := range []string{"accounts", "ids", "addresses", "order", "located"} {
			if n := reflect.ValueOf(forgetful).FieldByName(member).Len(); n > 0 {
				t.Fatalf("an hour later %d %s are remembered", n, member)
			}
		}
	})
}

// note records a failure in a state.
func note(s *guessing.State, try guessing.Try, at time.Time) {
	s.Evolve(&guessing.Refused{Account: try.Account, AccessID: try.AccessID, At: at})
	if try.Address != "" {
		s.Locate(&guessing.Located{Address: try.Address, At: at})
	}
}

func count(all []failure, at time.Time, window time.Duration, counts func(failure) bool) int {
	n := 0
	for _, f := range all {
		if counts(f) && at.Before(f.at.Add(window)) {
			n++
		}
	}
	return n
}

func TestR8_TheRefusalSaysHowLong(t *testing.T) {
	for wait, seconds := range map[time.Duration]string{
		time.Nanosecond: " 1 seconds", time.Second: " 1 seconds", time.Second + 1: " 2 seconds", 15 * time.Minute: " 900 seconds",
	} {
		refusal := guessing.Refuse(wait)
		if refusal.Code != guessing.TooMany || !strings.HasSuffix(refusal.Detail, seconds) || refusal.Hint == "" {
			t.Errorf("%v: %+v, want%s", wait, refusal, seconds)
		}
	}
}

// TestARecordedRefusalReadsForEver holds the shape of link.refused.v1, which was
// released and does not change.
func TestARecordedRefusalReadsForEver(t *testing.T) {
	const golden = `{"account":"00000000-0000-4000-8000-00000000000a","access_id":"a keyed digest","portal":"oas","at":"2026-03-02T10:00:00Z"}`
	want := guessing.Refused{Account: ani, AccessID: "a keyed digest", Portal: "oas", At: start}
	var got guessing.Refused
	if err := json.Unmarshal([]byte(golden), &got); err != nil || got != want {
		t.Errorf("read as %+v (%v), want %+v", got, err, want)
	}
	if data, err := json.Marshal(want); err != nil || string(data) != golden {
		t.Errorf("written as %s (%v), want %s", data, err, golden)
	}
	if want.Name() != "link.refused.v1" {
		t.Errorf("it is called %s", want.Name())
	}
}

// The golden files are what earlier versions wrote; they never change.
func TestGolden_AFailureIsReadAsItWasWritten(t *testing.T) {
	at := start.Add(123456789)
	for _, want := range []domain.Event{
		&guessing.Refused{Account: ani, AccessID: "9f86d081884c7d659a2feaa0c55ad015", Portal: "oas", At: at},
		&guessing.Located{Address: "60303ae22b998861bce3b28f33eec1be", At: at},
	} {
		text, err := os.ReadFile("testdata/golden/" + want.Name() + ".json")
		if err != nil {
			t.Fatal(err)
		}
		got := reflect.New(reflect.TypeOf(want).Elem()).Interface()
		if err := json.Unmarshal(text, got); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("it means %+v, want %+v (%v)", got, want, err)
		}
		again, err := json.MarshalIndent(want, "", "\t")
		if err != nil || string(again)+"\n" != string(text) {
			t.Errorf("it is written otherwise than it was (%v):\n%s", err, again)
		}
	}
}
