package projections

import (
	"context"
	"time"

	"github.com/supportledger/supportledger/domain/contract"
)

// Where a request stands on the desk, as one number: first those that nobody has
// answered, the soonest due first; then those that somebody works on, the same;
// then the closed ones, the last closed first. Times in microseconds stay below
// any of these until long after the year 9999.
const (
	answeredFrom = int64(1) << 60
	closedFrom   = int64(1) << 61
)

// urgency is where a request stands, by the times of its row.
func urgency(closedAt, answeredAt, dueAt int64) int64 {
	switch {
	case closedAt != 0:
		return closedFrom + answeredFrom - closedAt
	case answeredAt != 0:
		return answeredFrom + dueAt
	}
	return dueAt
}

// Desk answers: what do engineers have to do, the most urgent first?
type Desk struct{ reader }

// A DeskFilter narrows the desk; empty members do not.
type DeskFilter struct {
	Status   string // StatusOpen or StatusClosed
	Severity string
	Portal   string
	Product  string
	// Unanswered keeps the open ones that await their first response.
	Unanswered bool
	Text       string // in the title or the number, in any case
}

// List are the incidents of all accounts. First come the open ones without a
// first response, the soonest due first; then the other open ones by the same;
// then the closed ones, the last closed first. An incident whose place changes
// while somebody pages moves. An unknown status is a *domain.Refusal.
func (d *Desk) List(ctx context.Context, at time.Time, f DeskFilter, p Page) (List[Request], error) {
	var out List[Request]
	q := selecting("SELECT "+requestColumns+" FROM {requests} r").and("r.kind = ?", KindIncident)
	q.equal("r.severity", f.Severity).equal("r.portal", f.Portal).equal("r.product", f.Product)
	if err := statusOf(q, f.Status); err != nil {
		return out, err
	}
	if f.Unanswered {
		q.and("r.urgency < ?", answeredFrom)
	}
	question := []any{"desk", f}
	var last struct {
		Urgency int64
		Number  contract.Number
	}
	more, err := readCursor(question, p.Cursor, &last)
	if err != nil {
		return out, err
	}
	if more {
		q.and("(r.urgency, r.seq) > (?, (SELECT seq FROM {requests} WHERE number = ?))", last.Urgency, int64(last.Number))
	}
	q.then("ORDER BY r.urgency, r.seq")
	err = d.view(ctx, func(v *view) (err error) {
		out.AsOf = v.asOf(at)
		out.Items, more, err = page(ctx, v, q, p.limit(), func(scan func(...any) error, r *Request) (bool, error) {
			err := scanRequest(scan, r)
			return matches(r, f.Text), err
		})
		if more && err == nil {
			end := &out.Items[len(out.Items)-1]
			last.Urgency = end.urgency()
			last.Number = end.Number
			out.Next, err = writeCursor(question, last)
		}
		return err
	})
	return out, err
}
