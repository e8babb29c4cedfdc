package projections

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/domain/contract"
	"github.com/supportledger/supportledger/domain/programcase"
	"github.com/supportledger/supportledger/eventstore"
	"github.com/supportledger/supportledger/ledger"
)

// requestsWork is a batch of events about requests.
type requestsWork struct {
	tx    tx
	rows  map[contract.Number]*requestRow // what was asked for or is new
	fresh []*requestRow                   // in the order of the log
}

// A requestRow is a request as it lies in its row.
type requestRow struct {
	seq    eventstore.Position
	number contract.Number
	stream uuid.UUID
	opened *newRequest // of a row that is not written yet

	revisions                   []byte
	last                        eventstore.Revision
	paid, counted               bool
	severity, closure           string
	responseTime, responseHours string
	dueAt, answeredAt, openedAt int64
	closedAt                    int64
	met                         bool
	changed                     bool
}

// requestsAtOnce are asked for in one statement.
const requestsAtOnce = 32

var loadRequests = `SELECT seq, number, stream, revisions, paid, counted, severity, response_time, response_hours, response_due_at,
	first_response_at, response_met, opened_at, closed_at, closure FROM {requests} WHERE number IN (?` + strings.Repeat(", ?", requestsAtOnce-1) + `)`

func newRequestsWork(t tx) work {
	return &requestsWork{tx: t, rows: map[contract.Number]*requestRow{}}
}

// rowsHeld bounds the new rows that wait in memory for the end of a batch.
const rowsHeld = 8 << 10

func (w *requestsWork) load(ctx context.Context, events []*ledger.Recorded) error {
	if len(w.fresh) >= rowsHeld {
		if err := w.flush(ctx); err != nil {
			return err
		}
	}
	var numbers []any
	for _, e := range events {
		n, opens, ok := numberOf(e.Event)
		if _, asked := w.rows[n]; !ok || asked {
			continue
		}
		w.rows[n] = nil // asked for, or opened by this very event
		if !opens {
			numbers = append(numbers, int64(n))
		}
	}
	for some := range slices.Chunk(numbers, requestsAtOnce) {
		for len(some) < requestsAtOnce {
			some = append(some, nil)
		}
		if err := w.read(ctx, some); err != nil {
			return err
		}
	}
	return nil
}

func (w *requestsWork) read(ctx context.Context, numbers []any) error {
	rows, err := w.tx.query(ctx, loadRequests, numbers...)
	if err != nil {
		return fmt.Errorf("read requests: %w", err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		r := new(requestRow)
		err := rows.Scan(&r.seq, &r.number, &r.stream, &r.revisions, &r.paid, &r.counted, &r.severity, &r.responseTime, &r.responseHours,
			&r.dueAt, &r.answeredAt, &r.met, &r.openedAt, &r.closedAt, &r.closure)
		if err == nil {
			r.last, err = lastRevision(r.revisions)
		}
		if err != nil {
			return fmt.Errorf("read requests: %w", err)
		}
		w.rows[r.number] = r
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("read requests: %w", err)
	}
	return nil
}

func (w *requestsWork) apply(e *ledger.Recorded) error {
	n, opens, ok := numberOf(e.Event)
	if !ok {
		return nil
	}
	if opens {
		return w.open(n, e)
	}
	r := w.rows[n]
	if r == nil {
		return fmt.Errorf("request %s was never opened", n)
	}
	r.changed = true
	r.revisions = addRevision(r.revisions, &r.last, e.Revision)
	switch f := e.Event.(type) {
	case *contract.IncidentDeducted:
		r.paid, r.counted = true, true
	case *contract.IncidentRightUsed: // no list asks for it
	case *contract.IncidentFilesAttached: // which files has rows of its own
	case *contract.IncidentCreditedBack:
		r.counted = false
	case *contract.IncidentCommented:
		if f.FirstResponse != nil {
			r.answeredAt, r.met = micros(f.FirstResponse.At), f.FirstResponse.Met
		}
	case *contract.IncidentSeverityChanged:
		r.severity, r.responseTime, r.responseHours, r.dueAt = f.Severity, f.Response.Time, f.Response.Hours, micros(f.Response.DueAt)
	case *contract.IncidentClosed:
		r.closedAt, r.closure = micros(f.ClosedAt), f.Closure
	case *contract.IncidentReopened:
		r.closedAt, r.closure = 0, ""
	case *contract.IncidentReclassified:
		r.closure = f.Closure
	case *contract.AdvisoryTimeDeducted, *contract.AdvisoryTimeCreditedBack:
		// what it has taken is in the contract's balance
	case *contract.AdvisoryClosed:
		r.closedAt = micros(f.ClosedAt)
	case *programcase.Closed:
		r.closedAt, r.closure = micros(f.ClosedAt), f.Outcome
	default:
		return fmt.Errorf("the requests' rows do not know what %s changes", f.Name())
	}
	return nil
}

func (w *requestsWork) open(n contract.Number, e *ledger.Recorded) error {
	if w.rows[n] != nil {
		return fmt.Errorf("request %s was opened before", n)
	}
	r, err := opened(n, e)
	if err != nil {
		return err
	}
	r.seq = e.Position
	r.revisions = addRevision(make([]byte, 0, 8), &r.last, e.Revision)
	w.rows[n] = r
	w.fresh = append(w.fresh, r)
	return nil
}

func (w *requestsWork) flush(ctx context.Context) error {
	var changed []*requestRow
	for _, r := range w.rows {
		if r != nil && r.opened == nil && r.changed {
			changed = append(changed, r)
		}
	}
	slices.SortFunc(changed, func(a, b *requestRow) int { return cmp.Compare(a.seq, b.seq) })
	for _, r := range changed {
		err := w.tx.exec(ctx, `UPDATE {requests} SET revisions = ?, paid = ?, counted = ?, severity = ?, response_time = ?, response_hours = ?,
			response_due_at = ?, first_response_at = ?, response_met = ?, closed_at = ?, closure = ?, urgency = ? WHERE seq = ?`,
			r.revisions, number(r.paid), number(r.counted), r.severity, r.responseTime, r.responseHours,
			r.dueAt, r.answeredAt, number(r.met), r.closedAt, r.closure, urgency(r.closedAt, r.answeredAt, r.dueAt), int64(r.seq))
		if err != nil {
			return err
		}
	}
	for _, r := range w.fresh {
		if err := w.insert(ctx, r); err != nil {
			return fmt.Errorf("write request %s: %w", r.number, err)
		}
	}
	clear(w.rows)
	clear(w.fresh)
	w.fresh = w.fresh[:0]
	return nil
}

const insertRequest = `INSERT INTO {requests} (seq, number, kind, stream, about, revisions, account_key, account, paid, counted, portal, product, problem_type, category,
	subscription, title, language, severity, response_time, response_hours, response_due_at, first_response_at, response_met,
	opened_at, closed_at, closure, urgency)
	VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`

func (w *requestsWork) insert(ctx context.Context, r *requestRow) error {
	f := r.opened
	return w.tx.exec(ctx, insertRequest, int64(r.seq), int64(r.number), f.kind, r.stream[:], maybe(f.about), r.revisions, accountKey(f.account), f.account[:], number(r.paid), number(r.counted),
		f.portal, f.product, f.problemType, f.category, f.subscription, f.title, f.language,
		r.severity, r.responseTime, r.responseHours, r.dueAt, r.answeredAt, number(r.met), r.openedAt, r.closedAt, r.closure, urgency(r.closedAt, r.answeredAt, r.dueAt))
}
