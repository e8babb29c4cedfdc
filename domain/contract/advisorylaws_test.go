package contract

import (
	"maps"
	"slices"

	"pgregory.net/rapid"
)

// knownAdvisory is an advisory request as its events alone tell it.
type knownAdvisory struct {
	AdvisoryCase
	revisions []int64
}

// anAdvisoryWish is about advice: an opening, time, a credit, a closing; now and
// then an impossible one.
func anAdvisoryWish(w *world, s *subject) Command {
	numbers := append(slices.Sorted(maps.Keys(s.advised)), w.number)
	n := rapid.SampledFrom(numbers).Draw(w.t, "request")
	entry := rapid.SampledFrom([]string{"e1", "e2", "e3"}).Draw(w.t, "entry")
	minutes := rapid.SampledFrom([]int64{1, 2, 3, 60, 1440, 1440, 0}).Draw(w.t, "minutes")
	return rapid.SampledFrom([]Command{
		openAdvisory(func(c *OpenAdvisory) { c.Account = w.account() }),
		&AdvisoryTime{Number: n, Entry: entry, Minutes: minutes, Texts: theAdvice},
		&AdvisoryTime{Number: n, Entry: entry, Minutes: minutes, Texts: theAdvice},
		&AdvisoryCredit{Number: n, Entry: entry, Minutes: minutes, Reason: "why"},
		&AdvisoryCredit{Number: n, Entry: entry, Minutes: minutes, Reason: "why"},
		&CloseAdvisory{Number: n, Texts: theAdvice},
	}).Draw(w.t, "advice")
}

// tellAdvisory keeps what an event says about its advisory request.
func (s *subject) tellAdvisory(e Event) {
	n, ok := AdvisoryOf(e)
	if !ok {
		return
	}
	if s.advised == nil {
		s.advised = make(map[Number]*knownAdvisory)
	}
	known := s.advised[n]
	if known == nil {
		known = new(knownAdvisory)
		s.advised[n] = known
	}
	known.revisions = append(known.revisions, s.live.Version()-1)
	known.Apply(e)
}

// minutesAddUp is R21 and R22 for minutes: what requests have taken and not given
// back is what is consumed, of no entry is more given back than was taken, and
// the parts of every movement are the whole of it.
func (s *subject) minutesAddUp() {
	var taken int64
	for n, known := range s.advised {
		taken += known.Minutes
		for _, entry := range known.Entries {
			if entry.Credited < 0 || entry.Credited > entry.Minutes {
				s.t.Fatalf("R32: of entry %s of %v, %d minutes long, %d were credited back", entry.Entry, n, entry.Minutes, entry.Credited)
			}
		}
		a := s.live.advisories[n]
		if a.closed == known.Open || !slices.Equal(a.revisions, known.revisions) || len(a.entries) != len(known.Entries) {
			s.t.Fatalf("advisory request %v: case %+v, state %+v", n, known.AdvisoryCase, a)
		}
	}
	if consumed := s.live.totals[Minute.index()].Consumed; consumed != taken {
		s.t.Fatalf("R22: %d minutes are consumed, advisory requests have taken %d", consumed, taken)
	}
}

// partsAddUp holds the parts of a movement against the whole.
func (s *subject) partsAddUp(e Event) {
	var parts []GrantUnits
	var whole int64
	switch e := e.(type) {
	case *AdvisoryTimeDeducted:
		parts, whole = e.Parts, e.Minutes
	case *AdvisoryTimeCreditedBack:
		parts, whole = e.Parts, e.Minutes
	default:
		return
	}
	for _, part := range parts {
		if whole -= part.Quantity; part.Quantity < 1 {
			s.t.Fatalf("%s has a part of %d", e.Name(), part.Quantity)
		}
	}
	if whole != 0 {
		s.t.Fatalf("the parts of %s lack %d minutes", e.Name(), whole)
	}
}
