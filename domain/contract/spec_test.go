package contract

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/domain"
)

// A spec is a table of rules: after these facts, this wish has that outcome.
type spec map[string]struct {
	given facts
	when  wish
	want  outcome
}

// facts are events of one contract, oldest first.
type facts []Event

func given(parts ...facts) facts {
	var all facts
	for _, part := range parts {
		all = append(all, part...)
	}
	return all
}

var nothing = facts{}

// A wish is a command at a time.
type wish struct {
	Command
	moment    Moment
	inherited []uuid.UUID // who is linked to the predecessor
}

// when is a wish at the usual time, now.
func when(c Command) wish {
	return wish{Command: c, moment: Moment{At: instant(now), Catalog: vendor(), Zone: zone, Number: 1}}
}

func (w wish) at(t string) wish {
	w.moment.At = instant(t)
	return w
}

func (w wish) number(n Number) wish {
	w.moment.Number = n
	return w
}

func (w wish) inheriting(accounts ...uuid.UUID) wish {
	w.inherited = accounts
	return w
}

// An outcome judges what followed from a wish: what was due first, then what was
// decided.
type outcome func(t *testing.T, got []Event, err error)

// then wants exactly these facts.
func then(parts ...facts) outcome {
	want := given(parts...)
	return func(t *testing.T, got []Event, err error) {
		t.Helper()
		if err != nil {
			t.Fatalf("refused: %v", err)
		}
		if diff := compare(t, got, want); diff != "" {
			t.Errorf("other facts than wanted (- missing, + too many):\n%s", diff)
		}
	}
}

// thenNothing wants no facts and no refusal: it is so already.
func thenNothing(t *testing.T, got []Event, err error) {
	t.Helper()
	then()(t, got, err)
}

// refuses wants a refusal with a code that says what to do next (R44). For bad
// content the code is "invalid-field" and a colon names the member.
func refuses(code string) outcome {
	code, field, _ := strings.Cut(code, ":")
	return func(t *testing.T, got []Event, err error) {
		t.Helper()
		refusal, ok := errors.AsType[*domain.Refusal](err)
		if !ok {
			t.Fatalf("not refused; got %d facts and error %v", len(got), err)
		}
		if refusal.Code != code {
			t.Errorf("refused with %q, want %q: %s", refusal.Code, code, refusal.Detail)
		}
		if refusal.Detail == "" || refusal.Hint == "" {
			t.Errorf("the refusal does not say what is wrong and what to do: %+v", refusal)
		}
		if field != "" && (len(refusal.Fields) != 1 || refusal.Fields[0].Name != field) {
			t.Errorf("the refusal names %v, want %s", refusal.Fields, field)
		}
	}
}

func (s spec) run(t *testing.T) {
	t.Helper()
	for rule, c := range s {
		t.Run(rule, func(t *testing.T) {
			t.Helper()
			got, err := answer(c.given, c.when)
			c.want(t, got, err)
		})
	}
}

// answer does what the command loop does: what is due comes first.
func answer(past facts, w wish) ([]Event, error) {
	state := stateAfter(past)
	due := Due(state, w.moment.At, w.inherited)
	Evolve(state, due...)
	got, err := Decide(state, w.moment, w.Command)
	if err != nil {
		return nil, err
	}
	return append(due, got...), nil
}

func stateAfter(parts ...facts) *State {
	s := new(State)
	Evolve(s, given(parts...)...)
	return s
}

// compare lists the facts that only one side has, as they would be recorded.
func compare(t *testing.T, got, want []Event) string {
	t.Helper()
	g, w := recorded(t, got), recorded(t, want)
	if strings.Join(g, "\n") == strings.Join(w, "\n") {
		return ""
	}
	var diff strings.Builder
	for i := range max(len(g), len(w)) {
		switch {
		case i >= len(g):
			diff.WriteString("- " + w[i] + "\n")
		case i >= len(w):
			diff.WriteString("+ " + g[i] + "\n")
		case g[i] != w[i]:
			diff.WriteString("- " + w[i] + "\n+ " + g[i] + "\n")
		}
	}
	return diff.String()
}

func recorded(t *testing.T, events []Event) []string {
	t.Helper()
	lines := make([]string, len(events))
	for i, e := range events {
		data, err := Encode(e)
		if err != nil {
			t.Fatal(err)
		}
		lines[i] = e.Name() + " " + string(data)
	}
	return lines
}

// instant reads a time of a test's table: a whole RFC 3339 time, or none.
func instant(s string) time.Time {
	if s == "" {
		return time.Time{}
	}
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		panic(err) // a test's own table is wrong
	}
	return t.UTC()
}
