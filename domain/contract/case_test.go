package contract

import (
	"reflect"
	"slices"
	"testing"
	"time"
)

// caseOf folds what happened to an incident, a minute apart from now on.
func caseOf(events facts) Case {
	var c Case
	for i, e := range events {
		c.Apply(e, instant(now).Add(time.Duration(i)*time.Minute))
	}
	return c
}

func TestACaseIsWhatItsEventsAddUpTo(t *testing.T) {
	one, two := int64(1), int64(2)
	first := &FirstResponse{At: instant(now), Met: true}
	promise := always("PT2H", "2026-03-02T12:00:00Z")
	whole := given(paid(9, 1), commented(9, "engineer", first), severityChanged(9, "C", "A", promise), closed(9, "duplicate", now), credited(9, 1, 2))
	for name, c := range map[string]struct {
		events facts
		check  func(Case) bool
	}{
		"open and counted after submitting": {paid(9, 1), func(c Case) bool {
			return c.Open && c.Paid && c.Counted && c.Grant == 1 && *c.Remaining == one && c.Severity == "C" && c.Number == 9
		}},
		"R15: unpaid where nothing was deducted": {submitted(9), func(c Case) bool {
			return c.Open && !c.Paid && !c.Counted && c.Remaining == nil && c.Grant == 0
		}},
		"R22: without limit": {given(submitted(9), facts{limitless(1)}), func(c Case) bool {
			return c.Paid && c.Counted && c.Unlimited && c.Remaining == nil
		}},
		"R23: severity and response as they are now": {whole, func(c Case) bool {
			return c.Severity == "A" && c.Response == promise && c.FirstResponse == first
		}},
		"R19: closed, and credited back": {whole, func(c Case) bool {
			return !c.Open && c.Closure == "duplicate" && !c.Counted && c.Paid && *c.Remaining == two && c.ClosedAt.Equal(instant(now)) && !c.ReopenUntil.IsZero()
		}},
		"R20: reclassified": {given(whole, reclassified(9, "duplicate", "resolved"), deducted(9, 1, 1)), func(c Case) bool {
			return !c.Open && c.Closure == "resolved" && c.Counted && *c.Remaining == one
		}},
		"R20: reopened": {given(whole, reopened(9), deducted(9, 2, 1)), func(c Case) bool {
			return c.Open && c.Closure == "" && c.Counted && c.Grant == 2 && c.ClosedAt.IsZero() && c.Resolution == nil && c.ReopenUntil.IsZero()
		}},
		"comments in their order, with their times": {given(paid(9, 1), commented(9, "customer", nil), commented(9, "engineer", first)), func(c Case) bool {
			return len(c.Comments) == 2 && c.Comments[1].Author == "engineer" && c.CommentedAt[1].Equal(instant("2026-03-02T10:03:00Z"))
		}},
		"R23: the first response stays the first": {given(paid(9, 1), commented(9, "engineer", first), commented(9, "engineer", nil)), func(c Case) bool {
			return c.FirstResponse == first
		}},
		"other facts change nothing": {given(active(2), linked(ani), paid(9, 1), suspended(), renewed("2027-03-01"), unlinked(ani, ""), cancelled(), lapsed(1, 1, now)), func(c Case) bool {
			return reflect.DeepEqual(c, caseOf(paid(9, 1)))
		}},
	} {
		if got := caseOf(c.events); !c.check(got) {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

func TestEveryIncidentEventNamesItsIncident(t *testing.T) {
	about := given(
		paid(9, 1), credited(9, 1, 2), commented(9, "customer", nil), severityChanged(9, "C", "A", always("PT2H", now)),
		closed(9, "resolved", now), reopened(9), reclassified(9, "resolved", "workaround"),
	)
	for _, e := range about {
		if n, ok := NumberOf(e); !ok || n != 9 {
			t.Errorf("%s is about %v (%v), want 9", e.Name(), n, ok)
		}
	}
	for _, e := range given(active(2), linked(ani), unlinked(ani, ""), suspended(), resumed(), cancelled(), expired(now), renewed("2027-03-01"), adjusted(1, 1, 1), lapsed(1, 1, now)) {
		if n, ok := NumberOf(e); ok {
			t.Errorf("%s is about incident %v, want none", e.Name(), n)
		}
	}
}

func TestAnIncidentIsFoundAtItsRevisions(t *testing.T) {
	s := stateAfter(active(2), linked(ani), paid(9, 1), suspended(), commented(9, "customer", nil))
	if got := s.Revisions(9); !reflect.DeepEqual(got, []int64{4, 5, 7}) {
		t.Errorf("its events lie at %v, want 4, 5 and 7", got)
	}
	if s.Version() != 8 || s.Revisions(1) != nil {
		t.Errorf("version %d, and an unknown incident at %v", s.Version(), s.Revisions(1))
	}
	s.Revisions(9)[0] = 77
	if s.Revisions(9)[0] != 4 {
		t.Error("whoever reads the revisions can write them")
	}
}

// TestForgettingSettledIncidents forgets at, and right after, the last instant
// of reclassifying.
func TestForgettingSettledIncidents(t *testing.T) {
	past := given(active(5), linked(ani), paid(1, 4), paid(2, 3), paid(3, 2), closed(1, "resolved", now), closed(2, "resolved", now), reopened(2), closed(3, "resolved", "2026-03-05T10:00:00Z"))
	for at, kept := range map[string][]Number{
		lastReclassify:         {1, 2, 3},
		afterReclassify:        {2, 3},
		"2026-05-04T10:00:00Z": {2, 3},
		"2026-05-04T10:00:01Z": {2},
		"2036-01-01T00:00:00Z": {2},
	} {
		s := stateAfter(past)
		s.Forget(instant(at))
		for n := Number(1); n <= 3; n++ {
			if got := s.Revisions(n) != nil; got != slices.Contains(kept, n) {
				t.Errorf("at %s incident %v is kept: %v, want %v", at, n, got, kept)
			}
		}
	}
}

func TestForgettingAnIncidentThatWasClosedAgain(t *testing.T) {
	s := stateAfter(active(1), linked(ani), paid(1, 0), closed(1, "resolved", now), reopened(1), closed(1, "resolved", "2026-03-20T10:00:00Z"))
	s.Forget(instant(afterReclassify))
	if s.Revisions(1) == nil {
		t.Error("it was forgotten by its first closing")
	}
	s.Forget(instant("2026-05-19T10:00:01Z"))
	if s.Revisions(1) != nil || len(s.settling) != 0 {
		t.Errorf("it is not forgotten: %v, %v", s.Revisions(1), s.settling)
	}
}
