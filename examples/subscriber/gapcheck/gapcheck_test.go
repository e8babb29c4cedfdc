package gapcheck_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/supportledger/supportledger/examples/subscriber/gapcheck"
)

func event(stream string, revision int64, ordinal uint64) gapcheck.Event {
	return gapcheck.Event{ID: fmt.Sprint(stream, revision), Stream: stream, Revision: revision, Ordinal: ordinal}
}

func TestTake(t *testing.T) {
	other := event("a", 1, 3)
	other.ID = "another"
	for what, c := range map[string]struct {
		scope  gapcheck.Scope
		taken  []gapcheck.Event
		next   gapcheck.Event
		isNew  bool
		missed string
	}{
		"the first":                              {gapcheck.Everything, nil, event("a", 0, 1), true, ""},
		"the next":                               {gapcheck.Everything, events("a0 b0 a1"), event("b", 1, 4), true, ""},
		"the last again":                         {gapcheck.Everything, events("a0 b0 a1"), event("a", 1, 3), false, ""},
		"an old one again":                       {gapcheck.Everything, events("a0 b0 a1"), event("a", 0, 1), false, ""},
		"a revision is missing":                  {gapcheck.Everything, events("a0 b0"), event("a", 2, 4), false, "missed revisions of stream a: 1 to 1"},
		"the first revisions are missing":        {gapcheck.WholeStreams, nil, event("a", 3, 9), false, "missed revisions of stream a: 0 to 2"},
		"a whole stream is missing":              {gapcheck.Everything, events("a0"), event("c", 0, 3), false, "missed messages of the feed, by their ordinals: 2 to 2"},
		"the first messages are missing":         {gapcheck.Everything, nil, event("c", 0, 3), false, "missed messages of the feed, by their ordinals: 1 to 2"},
		"another stream is not asked for":        {gapcheck.WholeStreams, events("a0"), event("a", 1, 30), true, ""},
		"other types are not asked for":          {gapcheck.SomeEvents, events("a0"), event("a", 7, 30), true, ""},
		"again, though types are left out":       {gapcheck.SomeEvents, []gapcheck.Event{event("a", 7, 9)}, event("a", 5, 7), false, ""},
		"the ledger was restored to another way": {gapcheck.Everything, events("a0 b0 a1"), other, false, "revision 1 of stream a is event another, and was event a1 before"},
		"another stream, though all was read":    {gapcheck.Everything, events("a0 b0 a1"), event("c", 0, 3), false, "message 3 of the feed is event c0, and was another one before"},
		"restored, and revisions are missing":    {gapcheck.Everything, events("a0 b0 a1"), event("b", 2, 2), false, "message 2 of the feed is event b2"},
	} {
		t.Run(what, func(t *testing.T) {
			check := gapcheck.Checker{Scope: c.scope}
			for _, e := range c.taken {
				if isNew, err := check.Take(e); err != nil || !isNew {
					t.Fatalf("%+v: %v %v", e, isNew, err)
				}
			}
			isNew, err := check.Take(c.next)
			if isNew != c.isNew || (err != nil) != (c.missed != "") || err != nil && err.Error()[:len(c.missed)] != c.missed {
				t.Errorf("got %v, %v", isNew, err)
			}
			if again, second := check.Take(c.next); c.missed != "" && (again || second == nil) || c.missed == "" && (again || second != nil) {
				t.Errorf("again: %v, %v", again, second)
			}
		})
	}
}

// events are some with the ordinals 1, 2, 3 and so on: "a0 b0 a1".
func events(text string) (all []gapcheck.Event) {
	var stream rune
	for _, r := range text {
		switch {
		case r >= 'a':
			stream = r
		case r >= '0':
			all = append(all, event(string(stream), int64(r-'0'), uint64(len(all)+1)))
		}
	}
	return all
}

func TestReadNamesTheHeaderThatIsWrong(t *testing.T) {
	good := map[string]string{"ce-id": "1", "ce-subject": "a", "ce-revision": "3", "ce-ordinal": "4"}
	get := func(name string) string { return good[name] }
	if e, err := gapcheck.Read(get); err != nil || e != (gapcheck.Event{ID: "1", Stream: "a", Revision: 3, Ordinal: 4}) {
		t.Errorf("got %+v, %v", e, err)
	}
	for name := range good {
		_, err := gapcheck.Read(func(n string) string {
			if n == name {
				return ""
			}
			return good[n]
		})
		if err == nil {
			t.Errorf("without %s it is read", name)
		}
	}
}

func TestScopeOf(t *testing.T) {
	for subjects, want := range map[[2]string]gapcheck.Scope{
		{"ledger.events.>"}:                              gapcheck.Everything,
		{"ledger.events.*.*.*"}:                          gapcheck.Everything,
		{"ledger.events.*.*.1"}:                          gapcheck.WholeStreams,
		{"ledger.events.*.*.1", "ledger.events.*.*.2"}:   gapcheck.WholeStreams,
		{"ledger.events.incident.>"}:                     gapcheck.SomeEvents,
		{"ledger.events.*.*.1", "ledger.events.grant.>"}: gapcheck.SomeEvents,
		{"ledger.events.incident.>", "ledger.events.>"}:  gapcheck.Everything,
	} {
		list := subjects[:]
		if subjects[1] == "" {
			list = subjects[:1]
		}
		if got := gapcheck.ScopeOf(list); got != want {
			t.Errorf("%v: %v, want %v", list, got, want)
		}
	}
}

func TestErrorsCanBeTold(t *testing.T) {
	var check gapcheck.Checker
	check.Scope = gapcheck.Everything
	_, err := check.Take(event("a", 1, 2))
	if missed := new(gapcheck.MissedError); !errors.As(err, &missed) || missed.From != 0 || missed.To != 0 {
		t.Errorf("got %v", err)
	}
}
