package programcase

import (
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/domain"
)

var (
	ani      = uuid.MustParse("00000000-0000-4000-8000-00000000000a")
	now      = time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)
	question = domain.Sealed[QuestionTexts]{Person: ani, Box: []byte("question")}
	answer   = domain.Sealed[AnswerTexts]{Person: ani, Box: []byte("answer")}
)

func TestR31_ProgramCases(t *testing.T) {
	open := func(kind Kind, partner string) *Open {
		return &Open{Number: 1, Account: ani, Partner: partner, Kind: kind, Portal: "mpn", Texts: question, At: now}
	}
	opened := func(kind Kind) *Opened {
		return &Opened{Number: 1, Account: ani, Partner: "p", Kind: kind, Portal: "mpn", Texts: question, OpenedAt: now}
	}
	closing := func(outcome string) *Close { return &Close{Outcome: outcome, Texts: answer, At: now} }
	closed := func(outcome string) *Closed {
		return &Closed{Number: 1, Outcome: outcome, Texts: answer, ClosedAt: now}
	}
	for rule, c := range map[string]struct {
		given   []Event
		when    Command
		then    []Event
		refused string
	}{
		"asks for the IDs":              {nil, open(RequestIDs, "p"), []Event{opened(RequestIDs)}, ""},
		"asks for an activation":        {nil, open(RequestActivation, "p"), []Event{opened(RequestActivation)}, ""},
		"asks for something else":       {nil, open(Other, "p"), []Event{opened(Other)}, ""},
		"not for just anything":         {nil, open("refund", "p"), nil, domain.InvalidField},
		"for sign-ins of partners only": {nil, open(Other, ""), nil, NotAPartner},
		"is opened once":                {[]Event{opened(Other)}, open(Other, "p"), nil, "case-exists"},
		"is answered":                   {[]Event{opened(Other)}, closing("sent"), []Event{closed("sent")}, ""},
		"with a word for it":            {[]Event{opened(Other)}, closing(""), nil, domain.InvalidField},
		"the same answer changes nothing": {[]Event{opened(Other), closed("sent")}, closing("sent"), nil,
			""},
		"another one is refused":   {[]Event{opened(Other), closed("sent")}, closing("refused"), nil, "already-closed"},
		"what is not there is not": {nil, closing("sent"), nil, "case-not-found"},
	} {
		var s State
		Evolve(&s, c.given...)
		got, err := Decide(&s, c.when)
		refusal, _ := errors.AsType[*domain.Refusal](err)
		if !reflect.DeepEqual(got, c.then) {
			t.Errorf("%s: recorded is %+v, want %+v", rule, got, c.then)
		}
		if (c.refused == "") != (err == nil) || refusal != nil && (refusal.Code != c.refused || refusal.Hint == "") {
			t.Errorf("%s: refused with %v, want %q and a way out", rule, err, c.refused)
		}
		Evolve(&s, got...)
		if n := int64(len(c.given) + len(got)); s.Version() != n {
			t.Errorf("%s: the version is %d after %d events", rule, s.Version(), n)
		}
	}
}
