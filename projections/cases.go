package projections

import (
	"context"
	"time"

	"github.com/google/uuid"
)

// Cases are program support cases: those of an account, or of all accounts where
// it is Nil; the open ones first, the oldest first, then the closed ones, the last
// closed first. A case whose place changes while somebody pages moves. An unknown
// status is a *domain.Refusal.
func (a *Activity) Cases(ctx context.Context, at time.Time, account uuid.UUID, status string, p Page) (List[Request], error) {
	var out List[Request]
	q := selecting("SELECT "+requestColumns+" FROM {requests} r").and("r.kind = ?", KindCase)
	if account != uuid.Nil {
		q.and("r.account_key = ?", accountKey(account)).and("r.account = ?", account[:])
	}
	if err := statusOf(q, status); err != nil {
		return out, err
	}
	question := []any{"cases", account, status}
	var last struct {
		Urgency int64
		sortKey
	}
	more, err := readCursor(question, p.Cursor, &last)
	if err != nil {
		return out, err
	}
	if more {
		q.and("(r.urgency, r.seq) > (?, (SELECT seq FROM {requests} WHERE number = ?))", last.Urgency, int64(last.Number))
	}
	q.then("ORDER BY r.urgency, r.seq")
	err = a.view(ctx, func(v *view) (err error) {
		out.AsOf = v.asOf(at)
		out.Items, more, err = page(ctx, v, q, p.limit(), func(scan func(...any) error, r *Request) (bool, error) {
			return true, scanRequest(scan, r)
		})
		if more && err == nil {
			end := &out.Items[len(out.Items)-1]
			last.Urgency, last.Number = end.urgency(), end.Number
			out.Next, err = writeCursor(question, last)
		}
		return err
	})
	return out, err
}
