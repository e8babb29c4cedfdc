package projections

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/domain"
	"github.com/supportledger/supportledger/domain/contract"
)

// A Request is what somebody asked for, in a list. Its texts are not in it: the
// ledger's Incident opens them.
type Request struct {
	Number      contract.Number
	Kind        string    // KindIncident, KindAdvisory or KindCase
	Stream      uuid.UUID // where it is recorded
	Account     uuid.UUID // whose it is
	Contract    uuid.UUID // that pays, or that a case is about; Nil where none does
	Counted     *bool     // deducted and not credited back; nil where nothing is deducted
	Portal      string
	Product     string
	ProblemType string
	Category    string

	Subscription string
	Title        string
	Language     string // of the contact
	Severity     string

	ResponseTime    string
	ResponseHours   string
	ResponseDueAt   time.Time
	FirstResponseAt time.Time // zero until then
	ResponseMet     bool      // once there is a first response

	Open     bool
	OpenedAt time.Time
	ClosedAt time.Time // zero while open
	Closure  string
}

// The kinds of requests: for help with a product, for advice by the minute, and to
// the regional service center.
const (
	KindIncident = "incident"
	KindAdvisory = "advisory"
	KindCase     = "program-case"
)

// The statuses of a request, for filters.
const (
	StatusOpen   = "open"
	StatusClosed = "closed"
)

const requestColumns = `r.number, r.kind, r.stream, r.about, r.account, r.paid, r.counted, r.portal, r.product, r.problem_type, r.category, r.subscription,
	r.title, r.language, r.severity, r.response_time, r.response_hours, r.response_due_at, r.first_response_at, r.response_met, r.opened_at, r.closed_at, r.closure`

// scanRequest reads a request, whatever stands before its columns into more.
func scanRequest(scan func(...any) error, r *Request, more ...any) error {
	var number, dueAt, answeredAt, openedAt, closedAt int64
	var paid, counted bool
	err := scan(append(more, &number, &r.Kind, &r.Stream, &r.Contract, &r.Account, &paid, &counted, &r.Portal, &r.Product, &r.ProblemType, &r.Category,
		&r.Subscription, &r.Title, &r.Language, &r.Severity, &r.ResponseTime, &r.ResponseHours, &dueAt, &answeredAt, &r.ResponseMet,
		&openedAt, &closedAt, &r.Closure)...)
	if err != nil {
		return err
	}
	r.Number, r.Open = contract.Number(number), closedAt == 0
	r.ResponseDueAt, r.FirstResponseAt, r.OpenedAt, r.ClosedAt = instant(dueAt), instant(answeredAt), instant(openedAt), instant(closedAt)
	if paid {
		r.Contract, r.Counted = r.Stream, &counted
	}
	return nil
}

// urgency is where the request stands on the desk.
func (r *Request) urgency() int64 {
	return urgency(micros(r.ClosedAt), micros(r.FirstResponseAt), micros(r.ResponseDueAt))
}

// Activity answers: what has an account asked for?
type Activity struct{ reader }

// An ActivityFilter narrows and orders an account's requests; empty members do
// not.
type ActivityFilter struct {
	Status       string // StatusOpen or StatusClosed
	Kind         string // one of the kinds
	Portal       string
	Subscription string
	Text         string // in the title or the number, in any case
	// Sort is one of Sorts, with "-" before it for the other way round; ""
	// is "-opened_at", the newest first.
	Sort string
}

// An order is a way to sort an account's requests: by a column, and then by the
// order of the log, in which no two are at the same place and nothing arrives
// between two others. Where a row's value changes while somebody pages by it,
// the row moves.
type order struct {
	column string                // "" for the order of the log alone
	text   func(*Request) string // the column's value, if it is a text
	whole  func(*Request) int64  // if it is a number
}

var orders = map[string]order{
	"opened_at":       {},
	"closed_at":       {column: "r.closed_at", whole: func(r *Request) int64 { return micros(r.ClosedAt) }},
	"response_due_at": {column: "r.response_due_at", whole: func(r *Request) int64 { return micros(r.ResponseDueAt) }},
	"number":          {column: "r.number", whole: func(r *Request) int64 { return int64(r.Number) }},
	"status":          {column: "CASE WHEN r.closed_at > 0 THEN 1 ELSE 0 END", whole: func(r *Request) int64 { return number(!r.Open) }},
	"title":           {column: "r.title", text: func(r *Request) string { return r.Title }},
	"severity":        {column: "r.severity", text: func(r *Request) string { return r.Severity }},
	"product":         {column: "r.product", text: func(r *Request) string { return r.Product }},
	"portal":          {column: "r.portal", text: func(r *Request) string { return r.Portal }},
}

// Sorts are the orders that ActivityFilter knows.
func Sorts() []string { return slices.Sorted(maps.Keys(orders)) }

// A sortKey is where a row stands in an order.
type sortKey struct {
	Text   string          `json:"t,omitempty"`
	Whole  int64           `json:"w,omitempty"`
	Number contract.Number `json:"n"`
}

func (o order) key(r *Request) sortKey {
	key := sortKey{Number: r.Number}
	switch {
	case o.text != nil:
		key.Text = o.text(r)
	case o.whole != nil:
		key.Whole = o.whole(r)
	}
	return key
}

// after keeps the rows that follow one.
func (o order) after(q *query, key sortKey, descending bool) {
	than := " > "
	if descending {
		than = " < "
	}
	const seq = "(SELECT seq FROM {requests} WHERE number = ?)"
	switch {
	case o.text != nil:
		q.and("("+o.column+", r.seq)"+than+"(?, "+seq+")", key.Text, int64(key.Number))
	case o.whole != nil:
		q.and("("+o.column+", r.seq)"+than+"(?, "+seq+")", key.Whole, int64(key.Number))
	default:
		q.and("r.seq"+than+seq, int64(key.Number))
	}
}

func (o order) sort(q *query, descending bool) {
	way := ""
	if descending {
		way = " DESC"
	}
	if o.column != "" {
		q.then("ORDER BY " + o.column + way + ", r.seq" + way)
		return
	}
	q.then("ORDER BY r.seq" + way)
}

// Of are an account's own requests. The time is only told back. An unknown status
// or order is a *domain.Refusal.
func (a *Activity) Of(ctx context.Context, at time.Time, account uuid.UUID, f ActivityFilter, p Page) (List[Request], error) {
	var out List[Request]
	by, descending, err := f.order()
	if err != nil {
		return out, err
	}
	q := selecting("SELECT "+requestColumns+" FROM {requests} r").and("r.account_key = ?", accountKey(account)).and("r.account = ?", account[:])
	q.equal("r.kind", f.Kind).equal("r.portal", f.Portal).equal("r.subscription", f.Subscription)
	if err := statusOf(q, f.Status); err != nil {
		return out, err
	}
	question := []any{"activity", account, f}
	var last sortKey
	more, err := readCursor(question, p.Cursor, &last)
	if err != nil {
		return out, err
	}
	if more {
		by.after(q, last, descending)
	}
	by.sort(q, descending)
	err = a.view(ctx, func(v *view) (err error) {
		out.AsOf = v.asOf(at)
		out.Items, more, err = page(ctx, v, q, p.limit(), func(scan func(...any) error, r *Request) (bool, error) {
			err := scanRequest(scan, r)
			return matches(r, f.Text), err
		})
		if more && err == nil {
			out.Next, err = writeCursor(question, by.key(&out.Items[len(out.Items)-1]))
		}
		return err
	})
	return out, err
}

func (f ActivityFilter) order() (by order, descending bool, err error) {
	if f.Sort == "" {
		return order{}, true, nil
	}
	name, descending := strings.CutPrefix(f.Sort, "-")
	by, ok := orders[name]
	if !ok {
		return by, false, domain.RefuseField("sort", "must be one of "+strings.Join(Sorts(), ", ")+", with - before it for the other way round")
	}
	return by, descending, nil
}

// statusOf keeps the open or the closed requests; all for "".
func statusOf(q *query, status string) error {
	switch status {
	case "":
	case StatusOpen:
		q.and("r.urgency < ?", closedFrom)
	case StatusClosed:
		q.and("r.urgency >= ?", closedFrom)
	default:
		return domain.RefuseField("status", "must be "+StatusOpen+" or "+StatusClosed)
	}
	return nil
}

// matches looks for a text in the title or the number, in any case. It is done
// here and not in SQL, where each database has its own idea of upper and lower
// case.
func matches(r *Request, text string) bool {
	return text == "" || strings.Contains(r.Number.String(), text) ||
		strings.Contains(strings.ToLower(r.Title), strings.ToLower(text))
}
