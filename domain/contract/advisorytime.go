package contract

import (
	"fmt"
	"slices"
	"time"

	"github.com/supportledger/supportledger/domain"
)

// MaxEntryMinutes is the longest time entry: a day (R32).
const MaxEntryMinutes = 1440

// AdvisoryTime is an engineer's wish to take minutes for a request: all of them or
// none, from as many grants as it needs, in the order of R18.
type AdvisoryTime struct {
	Number  Number
	Entry   string // its id within the request
	Minutes int64
	Texts   domain.Sealed[AdviceTexts] // under the key of the request's account
}

func (c *AdvisoryTime) decide(s *State, m Moment) ([]Event, error) {
	closed := domain.Refuse("advisory-closed", "open a new advisory request", "the advisory request is closed")
	if c.Entry == "" {
		return nil, domain.RefuseField("entry", "is missing; it is an id of your own for this time entry")
	}
	if c.Minutes < 1 || c.Minutes > MaxEntryMinutes {
		return nil, domain.RefuseField("minutes", "must be a whole number from 1 to 1440")
	}
	a, err := s.advisory(c.Number, m.At, closed)
	if err != nil {
		return nil, err
	}
	if before, ok := a.entries[c.Entry]; ok && before.minutes == c.Minutes {
		return nil, nil
	} else if ok {
		return nil, domain.Refuse("entry-used", "use another id for another time entry",
			"the time entry %q was recorded before, with %d minutes", c.Entry, before.minutes)
	}
	if a.closed {
		return nil, closed
	}
	if s.Status(m.At) != StatusActive {
		return nil, s.refuseState(m.At)
	}
	left, unlimited := s.Remaining(Minute, m.At)
	parts := s.take(Minute, c.Minutes, m.At)
	if parts == nil {
		return nil, refuseMinutes(left, c.Minutes)
	}
	e := &AdvisoryTimeDeducted{
		Number: c.Number, Entry: c.Entry, Unit: Minute, Minutes: c.Minutes, Parts: parts, Unlimited: unlimited, Texts: c.Texts, At: m.At,
	}
	if !unlimited {
		left -= c.Minutes
		e.Remaining = &left
	}
	return []Event{e}, nil
}

// refuseMinutes is the answer to a time entry for which there is not enough, with
// what is left (R32).
func refuseMinutes(left, asked int64) *domain.Refusal {
	r := domain.Refuse(reasonNone, "record at most what is left, or ask the contract operator for a grant",
		"%d minutes are left on the contract, which is less than %d", left, asked)
	r.Of = string(Minute)
	r.Fields = []domain.Field{{Name: "minutes", Reason: fmt.Sprintf("is more than is left, which is %d", left)}}
	return r
}

// GrantUnits is a quantity of one grant.
type GrantUnits struct {
	Grant    GrantID `json:"grant"`
	Quantity int64   `json:"quantity"`
}

// take says which grants a quantity comes from, those that R18 names first; nil
// where there is not enough.
func (s *State) take(u Unit, quantity int64, at time.Time) []GrantUnits {
	var payers []*Grant
	for i := range s.grants {
		if g := &s.grants[i]; g.Unit == u && !g.moved && (g.Unlimited || g.Available > 0) && !s.over(g, at) {
			payers = append(payers, g)
		}
	}
	slices.SortFunc(payers, func(a, b *Grant) int {
		if s.before(a, b) {
			return -1
		}
		return 1
	})
	var parts []GrantUnits
	for _, g := range payers {
		n := quantity
		if !g.Unlimited {
			n = min(n, g.Available)
		}
		parts = append(parts, GrantUnits{g.ID, n})
		if quantity -= n; quantity == 0 {
			return parts
		}
	}
	return nil
}

// AdvisoryTimeDeducted says that minutes were taken for a request.
type AdvisoryTimeDeducted struct {
	Number    Number                     `json:"number"`    // the request's
	Entry     string                     `json:"entry"`     // its id within the request
	Unit      Unit                       `json:"unit"`      // always minute
	Minutes   int64                      `json:"minutes"`   // all parts together
	Parts     []GrantUnits               `json:"parts"`     // the grants they came from, in that order
	Remaining *int64                     `json:"remaining"` // minutes of the contract, afterwards; null where unlimited
	Unlimited bool                       `json:"unlimited,omitempty"`
	Texts     domain.Sealed[AdviceTexts] `json:"texts"`
	At        time.Time                  `json:"at"`
}

// Name implements Event.
func (*AdvisoryTimeDeducted) Name() string { return "advisory.time-deducted.v1" }

func (e *AdvisoryTimeDeducted) evolve(s *State) {
	a := s.touchAdvisory(e.Number)
	a.entries[e.Entry] = &timeEntry{minutes: e.Minutes, parts: slices.Clone(e.Parts)}
	for _, part := range e.Parts {
		s.consume(part.Grant, part.Quantity)
	}
}

// AdvisoryCredit is an engineer's wish to give minutes of a time entry back: to
// the grants they came from, the one that was taken from last first, which
// lapses last.
type AdvisoryCredit struct {
	Number  Number
	Entry   string
	Minutes int64
	Reason  string
}

func (c *AdvisoryCredit) decide(s *State, m Moment) ([]Event, error) {
	over := domain.Refuse("credit-too-late", "ask an operator for an adjustment",
		"the time in which minutes of the advisory request could be credited back is over")
	if c.Minutes < 1 || c.Minutes > MaxEntryMinutes {
		return nil, domain.RefuseField("minutes", "must be a whole number from 1 to 1440")
	}
	a, err := s.advisory(c.Number, m.At, over)
	if err != nil {
		return nil, err
	}
	entry, ok := a.entries[c.Entry]
	if !ok {
		return nil, domain.RefuseField("entry", "names no time entry of this request")
	}
	if rest := entry.minutes - entry.credited; c.Minutes > rest {
		return nil, domain.Refuse("below-zero", "credit at most what is still deducted",
			"%d minutes of the time entry %q are still deducted, which is less than %d", rest, c.Entry, c.Minutes)
	}
	return s.creditMinutes(c, entry, m.At), nil
}

// creditMinutes are the events by which minutes return, and lapse at once where
// their grant has ended (R19).
func (s *State) creditMinutes(c *AdvisoryCredit, entry *timeEntry, at time.Time) []Event {
	left, unlimited := s.Remaining(Minute, at)
	e := &AdvisoryTimeCreditedBack{Number: c.Number, Entry: c.Entry, Unit: Minute, Minutes: c.Minutes, Reason: c.Reason, At: at}
	events := []Event{e}
	rest := c.Minutes
	for _, part := range slices.Backward(entry.parts) {
		n := min(rest, part.Quantity)
		if n == 0 {
			continue
		}
		rest -= n
		e.Parts = append(e.Parts, GrantUnits{part.Grant, n})
		switch g := s.grant(part.Grant); {
		case g.Unlimited:
			unlimited = true
		case s.over(g, at) || g.moved:
			events = append(events, &GrantLapsed{Grant: g.ID, Unit: Minute, Quantity: n, EndedAt: s.endedAt(g, at)})
		default:
			left += n
		}
	}
	if e.Unlimited = unlimited; !unlimited {
		e.Remaining = &left
	}
	return events
}

// AdvisoryTimeCreditedBack says that minutes of a time entry returned.
type AdvisoryTimeCreditedBack struct {
	Number    Number       `json:"number"`    // the request's
	Entry     string       `json:"entry"`     // whose minutes they were
	Unit      Unit         `json:"unit"`      // always minute
	Minutes   int64        `json:"minutes"`   // all parts together
	Parts     []GrantUnits `json:"parts"`     // the grants to which they returned
	Remaining *int64       `json:"remaining"` // minutes of the contract, afterwards; null where unlimited
	Unlimited bool         `json:"unlimited,omitempty"`
	Reason    string       `json:"reason"`
	At        time.Time    `json:"at"`
}

// Name implements Event.
func (*AdvisoryTimeCreditedBack) Name() string { return "advisory.time-credited-back.v1" }

func (e *AdvisoryTimeCreditedBack) evolve(s *State) {
	if entry := s.touchAdvisory(e.Number).entries[e.Entry]; entry != nil {
		entry.credited += e.Minutes
		for _, returned := range e.Parts {
			for i := range entry.parts {
				if entry.parts[i].Grant == returned.Grant {
					entry.parts[i].Quantity -= returned.Quantity
				}
			}
		}
	}
	for _, part := range e.Parts {
		s.consume(part.Grant, -part.Quantity)
	}
}
