package contract

import (
	"time"

	"github.com/supportledger/supportledger/domain/catalog"
)

// A Case is one incident as people see it: what its events, and no others, add
// up to. Every answer about an incident is rendered from one, so that the answer
// to a repeat is the first answer again.
type Case struct {
	*IncidentSubmitted

	Severity      string
	Response      catalog.Response
	FirstResponse *FirstResponse
	Comments      []*IncidentCommented
	CommentedAt   []time.Time
	Attached      *IncidentFilesAttached // nil: nothing is
	Behalf        *IncidentRightUsed     // nil: the account asked for itself
	Open          bool
	ClosedAt      time.Time
	Closure       string
	ReopenUntil   time.Time
	Resolution    *IncidentClosed
	Paid          bool // a contract pays for it
	Counted       bool // deducted and not credited back
	Grant         GrantID
	Remaining     *int64 // of the contract after this incident's last movement; nil where unlimited or unpaid
	Unlimited     bool
}

// Apply adds an event of the incident, in the order of the log; events about
// anything else change nothing.
func (c *Case) Apply(e Event, recordedAt time.Time) {
	switch e := e.(type) {
	case *IncidentSubmitted:
		*c = Case{IncidentSubmitted: e, Severity: e.Severity, Response: e.Response, Open: true}
	case *IncidentDeducted:
		c.Paid, c.Counted, c.Grant, c.Remaining, c.Unlimited = true, true, e.Grant, e.Remaining, e.Unlimited
	case *IncidentFilesAttached:
		c.Attached = e
	case *IncidentRightUsed:
		c.Behalf = e
	case *IncidentCreditedBack:
		c.Counted, c.Remaining, c.Unlimited = false, e.Remaining, e.Unlimited
	case *IncidentCommented:
		c.Comments = append(c.Comments, e)
		c.CommentedAt = append(c.CommentedAt, recordedAt)
		if e.FirstResponse != nil {
			c.FirstResponse = e.FirstResponse
		}
	case *IncidentSeverityChanged:
		c.Severity, c.Response = e.Severity, e.Response
	case *IncidentClosed:
		c.Open, c.ClosedAt, c.Closure, c.ReopenUntil, c.Resolution = false, e.ClosedAt, e.Closure, e.ReopenUntil, e
	case *IncidentReopened:
		c.Open, c.ClosedAt, c.Closure, c.ReopenUntil, c.Resolution = true, time.Time{}, "", time.Time{}, nil
	case *IncidentReclassified:
		c.Closure = e.Closure
	}
}

// NumberOf is the incident an event is about; ok is false for events about
// something else.
func NumberOf(e Event) (n Number, ok bool) {
	switch e := e.(type) {
	case *IncidentSubmitted:
		return e.Number, true
	case *IncidentDeducted:
		return e.Number, true
	case *IncidentRightUsed:
		return e.Number, true
	case *IncidentFilesAttached:
		return e.Number, true
	case *IncidentCommented:
		return e.Number, true
	case *IncidentSeverityChanged:
		return e.Number, true
	case *IncidentClosed:
		return e.Number, true
	case *IncidentCreditedBack:
		return e.Number, true
	case *IncidentReopened:
		return e.Number, true
	case *IncidentReclassified:
		return e.Number, true
	}
	return 0, false
}
