package mail

import (
	"errors"
	"reflect"
	"testing"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/domain"
)

func about(mail uuid.UUID) Letter {
	return Letter{Mail: mail, Kind: Closed, Cause: cause, Language: "en"}
}

func recordSent(mail uuid.UUID, try int) *RecordSent {
	return &RecordSent{Letter: about(mail), Recipient: theAddress, Try: try, MessageID: "<m@example.com>", At: now}
}

func recordGivenUp(mail uuid.UUID) *RecordGivenUp {
	return &RecordGivenUp{Letter: about(mail), Recipient: theEnd, Tries: 9, Reason: "unreachable", At: now}
}

func sent(mail uuid.UUID, try int) Event {
	return &Sent{Letter: about(mail), Recipient: theAddress, Try: try, MessageID: "<m@example.com>", At: now}
}

func givenUp(mail uuid.UUID) Event {
	return &GivenUp{Letter: about(mail), Recipient: theEnd, Tries: 9, Reason: "unreachable", At: now}
}

func requested(mail uuid.UUID) Event {
	return &Requested{Letter: about(mail), Recipient: theEnd, Reason: "asked", At: now}
}

// but changes a command for the worse.
func but[C any](c *C, change func(*C)) *C {
	change(c)
	return c
}

func TestR39_WhatMayBeRecordedOfAMail(t *testing.T) {
	given := func(events ...Event) []Event { return events }
	resend := &Resend{Mail: first, Reason: "asked", At: now}
	for rule, c := range map[string]struct {
		given   []Event
		when    Command
		then    []Event
		refused string
		field   string
	}{
		"sent at the first try":                       {nil, recordSent(first, 1), given(sent(first, 1)), "", ""},
		"sent at a later try":                         {nil, recordSent(first, 3), given(sent(first, 3)), "", ""},
		"one other mail is no matter":                 {given(sent(second, 1)), recordSent(first, 1), given(sent(first, 1)), "", ""},
		"sent once, whoever records it":               {given(sent(first, 1)), recordSent(first, 1), nil, "", ""},
		"sent once, after a crash that sent it again": {given(sent(first, 1)), recordSent(first, 2), nil, "", ""},
		"given up":                                       {nil, recordGivenUp(first), given(givenUp(first)), "", ""},
		"given up once":                                  {given(givenUp(first)), recordGivenUp(first), nil, "", ""},
		"not given up once it was sent":                  {given(sent(first, 1)), recordGivenUp(first), nil, AlreadySent, ""},
		"sent after all, by another node":                {given(givenUp(first)), recordSent(first, 4), given(sent(first, 4)), "", ""},
		"asked for again":                                {given(givenUp(first)), resend, given(requested(first)), "", ""},
		"asked for again once":                           {given(givenUp(first), requested(first)), resend, nil, "", ""},
		"sent when asked for again":                      {given(givenUp(first), requested(first)), recordSent(first, 1), given(sent(first, 1)), "", ""},
		"given up again when asked for again":            {given(givenUp(first), requested(first)), recordGivenUp(first), given(givenUp(first)), "", ""},
		"and asked for once more":                        {given(givenUp(first), requested(first), givenUp(first)), resend, given(requested(first)), "", ""},
		"never asked for once it was sent":               {given(sent(first, 1)), resend, nil, AlreadySent, ""},
		"never asked for again once that was sent":       {given(givenUp(first), requested(first), sent(first, 1)), resend, nil, AlreadySent, ""},
		"asked for where nothing is recorded":            {given(givenUp(second)), resend, nil, NotFound, ""},
		"a mail without an id":                           {nil, recordSent(uuid.Nil, 1), nil, domain.InvalidField, "mail"},
		"a kind that is none":                            {nil, but(recordSent(first, 1), func(c *RecordSent) { c.Kind = "greeting" }), nil, domain.InvalidField, "kind"},
		"no language":                                    {nil, but(recordGivenUp(first), func(c *RecordGivenUp) { c.Language = "" }), nil, domain.InvalidField, "language"},
		"a try before the first":                         {nil, recordSent(first, 0), nil, domain.InvalidField, "try"},
		"no Message-ID":                                  {nil, but(recordSent(first, 1), func(c *RecordSent) { c.MessageID = "" }), nil, domain.InvalidField, "message_id"},
		"sent to nobody":                                 {nil, but(recordSent(first, 1), func(c *RecordSent) { c.Recipient.Box = nil }), nil, domain.InvalidField, "recipient"},
		"given up without a reason":                      {nil, but(recordGivenUp(first), func(c *RecordGivenUp) { c.Reason = "" }), nil, domain.InvalidField, "reason"},
		"given up after less than no try":                {nil, but(recordGivenUp(first), func(c *RecordGivenUp) { c.Tries = -1 }), nil, domain.InvalidField, "tries"},
		"given up without a try, for nobody is left":     {nil, forgotten(), given(&GivenUp{Letter: about(first), Recipient: domain.Sealed[Recipient]{Person: ani}, Reason: "erased", At: now}), "", ""},
		"caused by time":                                 {nil, but(recordSent(first, 1), func(c *RecordSent) { c.Cause, c.Kind = uuid.Nil, Expiring }), given(&Sent{Letter: Letter{Mail: first, Kind: Expiring, Language: "en"}, Recipient: theAddress, Try: 1, MessageID: "<m@example.com>", At: now}), "", ""},
		"a wrong wish about a sent mail is wrong at all": {given(sent(first, 1)), recordSent(first, 0), nil, domain.InvalidField, "try"},
	} {
		t.Run(rule, func(t *testing.T) {
			var s State
			Evolve(&s, c.given...)
			got, err := Decide(&s, c.when)
			if !reflect.DeepEqual(got, c.then) {
				t.Errorf("recorded is %+v, want %+v", got, c.then)
			}
			refusal, _ := errors.AsType[*domain.Refusal](err)
			switch {
			case c.refused == "" && err == nil:
			case refusal == nil || refusal.Code != c.refused || refusal.Hint == "":
				t.Errorf("refused with %v, want %q and a way out", err, c.refused)
			case c.field != "" && refusal.Fields[0].Name != c.field:
				t.Errorf("the refusal names %v, want %s", refusal.Fields, c.field)
			}
		})
	}
}

// forgotten gives a mail up whose recipient was erased before it was tried.
func forgotten() *RecordGivenUp {
	return &RecordGivenUp{Letter: about(first), Recipient: domain.Sealed[Recipient]{Person: ani}, Reason: "erased", At: now}
}

func TestR39_WhatIsKnownOfAMail(t *testing.T) {
	open := func(status Status, tries int) Standing {
		return Standing{Status: status, Letter: about(first), Recipient: theEnd, Tries: tries, At: now}
	}
	var s State
	for i, step := range []struct {
		then Event
		want Standing
	}{
		{sent(second, 1), Standing{}},
		{givenUp(first), open(StatusGivenUp, 9)},
		{requested(first), open(StatusRequested, 9)},
		{givenUp(first), open(StatusGivenUp, 9)},
		{sent(first, 1), Standing{Status: StatusSent}},
	} {
		Evolve(&s, step.then)
		if got := s.Standing(first); !reflect.DeepEqual(got, step.want) {
			t.Errorf("after %d: %+v, want %+v", i, got, step.want)
		}
		if s.Version() != int64(i+1) {
			t.Errorf("after %d the version is %d", i, s.Version())
		}
	}
}
