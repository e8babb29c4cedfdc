package contract

import (
	"bytes"
	"errors"
	"flag"
	"os"
	"reflect"
	"slices"
	"strconv"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/supportledger/supportledger/domain"
)

// histories is how many random histories the laws are checked over: ten times
// as many with SUPPORTLEDGER_LONG=1, and as many as -rapid.checks says.
const histories = 10_000

// TestLaws lets rapid make up histories of several contracts and checks, at
// every event: R21, R22, that Decide leaves its input alone, that replaying is
// living, that JSON loses nothing, that asking twice changes nothing, that
// forgetting alters no decision, that reads know what is due.
func TestLaws(t *testing.T) {
	manyHistories(t)
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t)
		t.Repeat(map[string]func(*rapid.T){"step": func(*rapid.T) { w.step() }})
		for _, s := range w.subjects {
			s.untouched()
		}
	})
}

// manyHistories raises rapid's number of checks, which only its flag can say.
func manyHistories(t *testing.T) {
	checks := flag.Lookup("rapid.checks").Value
	before, wanted := checks.String(), strconv.Itoa(histories)
	if os.Getenv("SUPPORTLEDGER_LONG") != "" {
		wanted = strconv.Itoa(10 * histories)
	}
	flag.Visit(func(f *flag.Flag) {
		if f.Name == "rapid.checks" {
			wanted = before
		}
	})
	if err := checks.Set(wanted); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { checks.Set(before) })
}

// timePasses records what is due. Reads must have known it before (R5).
func (s *subject) timePasses(at time.Time) {
	inheriting := s.heirs(at)
	next := s.live.NextDue()
	summary, balances := s.live.Summary(at), s.live.Balances(at)
	due := Due(s.live, at, inheriting)
	if isDue := !next.IsZero() && !at.Before(next); isDue != (len(due) > 0) {
		s.t.Fatalf("at %v %d events are due, but NextDue is %v", at, len(due), next)
	}
	s.record(due, at)
	if after := s.live.Summary(at); !reflect.DeepEqual(summary, after) {
		s.t.Fatalf("recording what is due changed the summary from %+v to %+v", summary, after)
	}
	if after := s.live.Balances(at); !reflect.DeepEqual(balances, after) {
		s.t.Fatalf("recording what is due changed the balances from %+v to %+v", balances, after)
	}
	if again := Due(s.live, at, inheriting); len(again) > 0 {
		s.t.Fatalf("%s is due again", again[0].Name())
	}
	for _, account := range inheriting {
		if !s.live.Linked(account) {
			s.t.Fatalf("R6: %v was not inherited", account)
		}
	}
	if s.live.closed(at) != (s.live.cancelled || s.live.expired) {
		s.t.Fatalf("the end of the term was not recorded")
	}
}

// wish decides and records, and asks again.
func (s *subject) wish(c Command, m Moment) []Event {
	got, err := Decide(s.live, m, c)
	s.onlyRefusals(c, got, err)
	s.forgetful.Forget(m.At)
	if !s.turnedAwayBefore(c) {
		same, sameErr := Decide(s.forgetful, m, c)
		s.alike(c, got, err, same, sameErr)
	}
	if err != nil {
		return nil
	}
	s.record(got, m.At)
	s.saidRight(got, m.At)
	if reaches(c) {
		if again, err := Decide(s.live, m, c); err == nil && len(again) > 0 {
			s.t.Fatalf("asked twice, %T happened twice: %s", c, again[0].Name())
		}
	}
	return got
}

func (s *subject) onlyRefusals(c Command, got []Event, err error) {
	if err == nil {
		return
	}
	refusal, ok := errors.AsType[*domain.Refusal](err)
	if !ok || refusal.Code == "" || refusal.Detail == "" || refusal.Hint == "" || len(got) > 0 {
		s.t.Fatalf("%T is answered with %d events and %#v", c, len(got), err)
	}
}

// alike compares what was decided with and without forgetting.
func (s *subject) alike(c Command, got []Event, err error, same []Event, sameErr error) {
	if !reflect.DeepEqual(err, sameErr) {
		s.t.Fatalf("forgetting alters the refusal of %T from %v to %v", c, err, sameErr)
	}
	if !reflect.DeepEqual(got, same) {
		s.t.Fatalf("forgetting alters what %T leads to from %v to %v", c, got, same)
	}
}

// reaches says whether a wish is about reaching a state, so that asking twice is
// asking once.
func reaches(c Command) bool {
	switch c.(type) {
	case *AddGrant, *Adjust, *Submit, *Comment, *OpenAdvisory, *AdvisoryCredit:
		return false
	}
	return true
}

// record writes events as JSON, reads them, and lets them happen: what was
// decided to the live state, what was read to the others.
func (s *subject) record(events []Event, at time.Time) {
	for _, e := range events {
		data, err := Encode(e)
		if err != nil {
			s.t.Fatal(err)
		}
		read, err := Decode(e.Name(), data)
		if err != nil {
			s.t.Fatal(err)
		}
		if !reflect.DeepEqual(read, e) {
			s.t.Fatalf("JSON turns %+v into %+v", e, read)
		}
		s.log, s.recorded = append(s.log, e), append(s.recorded, data)
		Evolve(s.live, e)
		if err := Replay(s.twin, e.Name(), data); err != nil {
			s.t.Fatal(err)
		}
		Evolve(s.forgetful, read)
		s.tell(e, at)
		s.balanced(at)
		s.countedOnce()
		s.minutesAddUp()
	}
}

// untouched checks that deciding changed neither the state nor, later on, what
// had been decided: a state that never decided, and what was recorded, know.
func (s *subject) untouched() {
	if !reflect.DeepEqual(s.live, s.twin) {
		s.t.Fatalf("deciding changed the state, or replaying it gives another:\nlive   %+v\nreplay %+v", s.live, s.twin)
	}
	for i, e := range s.log {
		data, err := Encode(e)
		if err != nil || !bytes.Equal(data, s.recorded[i]) {
			s.t.Fatalf("event %d changed from %s to %s (%v)", i, s.recorded[i], data, err)
		}
	}
}

// balanced is R22, for every unit and every grant.
func (s *subject) balanced(at time.Time) {
	var sums [len(units)]Balance
	for _, g := range s.live.Grants() {
		if !g.Unlimited && (g.Available < 0 || g.Granted+g.Adjusted != g.Available+g.Consumed+g.Lapsed+g.Moved) {
			s.t.Fatalf("R22: grant %+v does not add up", g)
		}
		sum := &sums[g.Unit.index()]
		sum.Granted, sum.Adjusted, sum.Available = sum.Granted+g.Granted, sum.Adjusted+g.Adjusted, sum.Available+g.Available
		sum.Consumed, sum.Lapsed, sum.Moved = sum.Consumed+g.Consumed, sum.Lapsed+g.Lapsed, sum.Moved+g.Moved
		sum.Unlimited = sum.Unlimited || g.Unlimited
	}
	for _, u := range units {
		total := s.live.totals[u.index()]
		sum := sums[u.index()]
		sum.Deducted, sum.Credited = total.Deducted, total.Credited
		if sum != total || !total.Holds() {
			s.t.Fatalf("R22: %s: the grants add up to %+v, the total is %+v", u, sum, total)
		}
		if b, ok := s.live.Balances(at)[u]; ok && !b.Holds() {
			s.t.Fatalf("R22: %s: the balance is %+v", u, b)
		}
	}
	if consumed := s.live.totals[Incident.index()].Consumed; consumed != s.consumed() {
		s.t.Fatalf("R22: %d incidents are consumed, %d are counted", consumed, s.consumed())
	}
}

func (s *subject) consumed() int64 {
	var n int64
	for _, known := range s.known {
		n += known.deducted - known.credited
	}
	return n
}

// countedOnce is R21, and that state and case agree with it.
func (s *subject) countedOnce() {
	for n, known := range s.known {
		net := known.deducted - known.credited
		if net != 0 && net != 1 {
			s.t.Fatalf("R21: incident %v was deducted %d times and credited %d times", n, known.deducted, known.credited)
		}
		in := s.live.incidents[n]
		if in.counted != (net == 1) || known.Counted != in.counted {
			s.t.Fatalf("R21: incident %v: net %d, state %v, case %v", n, net, in.counted, known.Counted)
		}
		closure := ""
		if in.closing != nil {
			closure = in.closing.closure
		}
		if known.Open == (in.closing != nil) || known.Severity != in.severity || known.Closure != closure || known.Paid != (in.grant != 0) {
			s.t.Fatalf("incident %v: case %+v, state %+v", n, known.Case, in)
		}
		if !slices.Equal(in.revisions, known.revisions) {
			s.t.Fatalf("incident %v lies at %v, the state says %v", n, known.revisions, in.revisions)
		}
	}
}

// saidRight compares the numbers that events carry with what came to be.
func (s *subject) saidRight(events []Event, at time.Time) {
	incidents, _ := s.live.Remaining(Incident, at)
	minutes, _ := s.live.Remaining(Minute, at)
	for _, e := range events {
		var said *int64
		left := incidents
		switch e := e.(type) {
		case *IncidentDeducted:
			said = e.Remaining
		case *IncidentCreditedBack:
			said = e.Remaining
		case *AdvisoryTimeDeducted:
			said, left = e.Remaining, minutes
		case *AdvisoryTimeCreditedBack:
			said, left = e.Remaining, minutes
		case *GrantAdjusted:
			if available := s.live.grant(e.Grant).Available; available != e.Available {
				s.t.Fatalf("adjusted to %d, it has %d available", e.Available, available)
			}
		}
		if said != nil && *said != left {
			s.t.Fatalf("%s says that %d remain, %d do", e.Name(), *said, left)
		}
	}
}
