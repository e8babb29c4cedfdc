package projections

import (
	"context"
	"time"

	"github.com/google/uuid"
)

// What is due of a contract, or ought to have been done by now.
const (
	DueSuccessor  = "successor"  // one that was decided on is not registered
	DueActivation = "activation" // a blank contract comes to life by itself
	DueStart      = "start"      // the term begins
	DueGrantEnd   = "grant-end"  // what is left of a grant lapses
	DueEnd        = "end"        // the term is over
	DueBlank      = "blank"      // it was promised, and is blank for longer than the catalogue wants
)

// A DueRow is a contract on the agenda, at its next moment.
type DueRow struct {
	At   time.Time
	What string
	ContractRow
}

// A DuePeriod is which part of the agenda is asked for: up to a time, and blank
// contracts from some time after they were promised or registered on; 0 leaves
// those out.
type DuePeriod struct {
	By         time.Time
	BlankAfter time.Duration
}

// dueCursor is the last row of a page.
type dueCursor struct {
	At    int64
	Blank bool // these come after the others of the same moment
	ID    uuid.UUID
}

// List is the agenda of a period, soonest first, as of a time: what time brings
// about, and what it should have brought somebody to do.
func (d *Due) List(ctx context.Context, at time.Time, period DuePeriod, p Page) (List[DueRow], error) {
	var out List[DueRow]
	question := []any{"due", period.By.UnixMicro(), int64(period.BlankAfter)}
	var last *dueCursor
	if more, err := readCursor(question, p.Cursor, &last); err != nil {
		return out, err
	} else if !more {
		last = nil
	}
	err := d.view(ctx, func(v *view) (err error) {
		out.AsOf = v.asOf(at)
		coming, more, err := d.coming(ctx, v, at, period.By, last, p.limit())
		if err != nil {
			return err
		}
		blank, moreBlank, err := d.blank(ctx, v, at, period, last, p.limit())
		if err != nil {
			return err
		}
		out.Items = inOrder(coming, blank)
		if len(out.Items) > p.limit() {
			out.Items, more = out.Items[:p.limit()], true
		}
		if more || moreBlank {
			end := &out.Items[len(out.Items)-1]
			out.Next, err = writeCursor(question, dueCursor{micros(end.At), end.What == DueBlank, end.ID})
		}
		return err
	})
	return out, err
}

// inOrder merges two lists that are in order.
func inOrder(coming, blank []DueRow) []DueRow {
	all := make([]DueRow, 0, len(coming)+len(blank))
	for len(coming) > 0 && len(blank) > 0 {
		if !blank[0].At.Before(coming[0].At) {
			all, coming = append(all, coming[0]), coming[1:]
		} else {
			all, blank = append(all, blank[0]), blank[1:]
		}
	}
	return append(append(all, coming...), blank...)
}

// coming is what time brings about.
func (d *Due) coming(ctx context.Context, v *view, at, by time.Time, last *dueCursor, limit int) ([]DueRow, bool, error) {
	q := selecting("SELECT c.due_at, c.missing, c.activates_at, c.started, "+contractColumns+" FROM {contracts} c").
		and("c.due_at > 0").and("c.due_at <= ?", micros(by))
	switch {
	case last != nil && last.Blank:
		q.and("c.due_at > ?", last.At)
	case last != nil:
		q.and("(c.due_at, c.id) > (?, ?)", last.At, last.ID[:])
	}
	q.then("ORDER BY c.due_at, c.id")
	return page(ctx, v, q, limit, func(scan func(...any) error, row *DueRow) (bool, error) {
		var dueAt, missing, activatesAt int64
		var started bool
		err := scanContract(scan, at, &row.ContractRow, &dueAt, &missing, &activatesAt, &started)
		row.At = instant(dueAt)
		switch {
		case missing != 0:
			row.What = DueSuccessor
		case dueAt == micros(row.EndsAt):
			row.What = DueEnd
		case !started && dueAt == activatesAt:
			row.What = DueActivation
		case !started && dueAt == micros(row.StartsAt):
			row.What = DueStart
		default:
			row.What = DueGrantEnd
		}
		return true, err
	})
}

// nowBlank is since when the contract ought not to be blank any more; 0 where it is
// not, or is replaced.
func (b *book) nowBlank() int64 {
	switch {
	case b.state != stateRegistered || b.replacement != uuid.Nil:
		return 0
	case b.activatesAt > 0:
		return b.activatesAt
	case b.registeredAt > 0:
		return b.registeredAt
	}
	return b.blankSince // as the row says
}

// blank is what somebody should have looked at.
func (d *Due) blank(ctx context.Context, v *view, at time.Time, period DuePeriod, last *dueCursor, limit int) ([]DueRow, bool, error) {
	if period.BlankAfter <= 0 {
		return nil, false, nil
	}
	after, by := period.BlankAfter.Microseconds(), min(micros(at), micros(period.By))
	q := selecting("SELECT c.blank_since, "+contractColumns+" FROM {contracts} c").
		and("c.blank_since > 0").and("c.blank_since <= ?", by-after)
	switch {
	case last != nil && last.Blank:
		q.and("(c.blank_since, c.id) > (?, ?)", last.At-after, last.ID[:])
	case last != nil:
		q.and("c.blank_since >= ?", last.At-after)
	}
	q.then("ORDER BY c.blank_since, c.id")
	return page(ctx, v, q, limit, func(scan func(...any) error, row *DueRow) (bool, error) {
		var since int64
		err := scanContract(scan, at, &row.ContractRow, &since)
		row.At, row.What = instant(since).Add(period.BlankAfter), DueBlank
		return true, err
	})
}
