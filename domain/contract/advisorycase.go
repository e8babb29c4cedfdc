package contract

import "time"

// An AdvisoryCase is one advisory request as people see it: what its events, and
// no others, add up to.
type AdvisoryCase struct {
	*AdvisoryOpened

	Entries   []AdvisoryEntry // oldest first
	Minutes   int64           // deducted and not credited back
	Open      bool
	ClosedAt  time.Time
	Closed    *AdvisoryClosed
	Remaining *int64 // minutes of the contract after the last movement; nil where unlimited, or where none was
	Unlimited bool
}

// An AdvisoryEntry is time that was taken for a request.
type AdvisoryEntry struct {
	*AdvisoryTimeDeducted
	Credited int64 // minutes that were given back
}

// Apply adds an event of the request, in the order of the log; events about
// anything else change nothing.
func (c *AdvisoryCase) Apply(e Event) {
	switch e := e.(type) {
	case *AdvisoryOpened:
		*c = AdvisoryCase{AdvisoryOpened: e, Open: true}
	case *AdvisoryTimeDeducted:
		c.Entries = append(c.Entries, AdvisoryEntry{AdvisoryTimeDeducted: e})
		c.Minutes += e.Minutes
		c.Remaining, c.Unlimited = e.Remaining, e.Unlimited
	case *AdvisoryTimeCreditedBack:
		for i := range c.Entries {
			if c.Entries[i].Entry == e.Entry {
				c.Entries[i].Credited += e.Minutes
			}
		}
		c.Minutes -= e.Minutes
		c.Remaining, c.Unlimited = e.Remaining, e.Unlimited
	case *AdvisoryClosed:
		c.Open, c.ClosedAt, c.Closed = false, e.ClosedAt, e
	}
}

// AdvisoryOf is the advisory request that an event is about; ok is false for
// events about something else.
func AdvisoryOf(e Event) (n Number, ok bool) {
	switch e := e.(type) {
	case *AdvisoryOpened:
		return e.Number, true
	case *AdvisoryTimeDeducted:
		return e.Number, true
	case *AdvisoryTimeCreditedBack:
		return e.Number, true
	case *AdvisoryClosed:
		return e.Number, true
	}
	return 0, false
}
