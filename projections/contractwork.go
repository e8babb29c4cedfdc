package projections

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/domain/contract"
	"github.com/supportledger/supportledger/ledger"
)

// contractsWork is what batches of events change about contracts.
type contractsWork struct {
	tx    tx
	books map[uuid.UUID]*book // what was asked for; nil where there is no such contract
	dirty []*book             // changed in this batch
	links map[linkKey]*linkChange
}

// booksKept bounds the contracts that stay in memory for the next batch.
const booksKept = 32 << 10

// A book is a contract with its grants.
type book struct {
	contractRow
	grants  []grantRow // by number
	fresh   bool       // not written yet
	changed bool       // other than a grant
	dirty   bool       // in contractsWork.dirty
}

// booksAtOnce are asked for in one statement.
const booksAtOnce = 32

func newContractsWork(t tx) work {
	return &contractsWork{tx: t, books: map[uuid.UUID]*book{}, links: map[linkKey]*linkChange{}}
}

// loadBooks asks for booksAtOnce contracts with their grants.
var loadBooks = `SELECT c.seq, c.id, c.inherits_from, c.inherits_at, c.promise, c.activates_at, c.promised_end, c.state, c.started, c.starts_on, c.expires_on,
		c.starts_at, c.ends_at, c.renewal, c.replacement, c.missing_since, c.missing, c.due_at, c.blank_since, ` + grantColumns + `
		FROM {contracts} c LEFT JOIN {grants} g ON g.contract = c.seq WHERE c.id IN (?` + strings.Repeat(", ?", booksAtOnce-1) + `) ORDER BY c.seq, g.no`

func (w *contractsWork) load(ctx context.Context, events []*ledger.Recorded) error {
	var ids []any
	ask := func(id uuid.UUID) {
		if _, asked := w.books[id]; id != uuid.Nil && !asked {
			w.books[id] = nil
			ids = append(ids, id[:])
		}
	}
	var heirs []uuid.UUID // whose relatives matter as well
	for _, e := range events {
		switch f := e.Event.(type) {
		case *contract.Registered:
			ask(f.Predecessor)
			ask(heirTo(f))
			heirs = append(heirs, heirTo(f))
			continue
		case *contract.Renewed:
			ask(f.Successor)
		case *contract.Reissued:
			ask(f.Successor)
			if id, ok := ledger.ContractOf(e.Stream); ok {
				heirs = append(heirs, id)
			}
		case *contract.IncidentSubmitted, *contract.IncidentRightUsed, *contract.IncidentFilesAttached, *contract.IncidentCommented, *contract.IncidentClosed,
			*contract.IncidentReopened, *contract.IncidentReclassified, *contract.IncidentSeverityChanged,
			*contract.AdvisoryOpened, *contract.AdvisoryClosed:
			continue
		}
		if id, ok := ledger.ContractOf(e.Stream); ok {
			ask(id)
		}
	}
	if err := w.readAll(ctx, ids); err != nil {
		return err
	}
	return w.loadRelatives(ctx, heirs)
}

func (w *contractsWork) readAll(ctx context.Context, ids []any) error {
	for some := range slices.Chunk(ids, booksAtOnce) {
		for len(some) < booksAtOnce {
			some = append(some, nil)
		}
		if err := w.read(ctx, some); err != nil {
			return err
		}
	}
	return nil
}

func (w *contractsWork) read(ctx context.Context, ids []any) error {
	rows, err := w.tx.query(ctx, loadBooks, ids...)
	if err != nil {
		return fmt.Errorf("read contracts: %w", err)
	}
	defer func() { _ = rows.Close() }()
	var b *book
	for rows.Next() {
		var c contractRow
		var g grantRow
		err := rows.Scan(append([]any{
			&c.seq, &c.id, &c.inheritsFrom, &c.inheritsAt, &c.promise, &c.activatesAt, &c.promisedEnd, &c.state, &c.started, &c.startsOn, &c.expiresOn,
			&c.startsAt, &c.endsAt, &c.renewal, &c.replacement, &c.missingSince, &c.missing, &c.dueAt, &c.blankSince,
		}, g.fields()...)...)
		if err != nil {
			return fmt.Errorf("read contracts: %w", err)
		}
		if b == nil || b.seq != c.seq {
			b = &book{contractRow: c}
			w.books[c.id] = b
		}
		if g.no > 0 {
			b.grants = append(b.grants, g)
		}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("read contracts: %w", err)
	}
	return nil
}

func (w *contractsWork) apply(e *ledger.Recorded) error {
	f, ok := e.Event.(contract.Event)
	if !ok {
		return nil
	}
	id, ok := ledger.ContractOf(e.Stream)
	if !ok {
		return fmt.Errorf("stream %s is not named as a contract's", e.Stream)
	}
	switch f := f.(type) {
	case *contract.Registered:
		return w.register(id, f, e)
	case *contract.IncidentSubmitted, *contract.IncidentRightUsed, *contract.IncidentFilesAttached, *contract.IncidentCommented, *contract.IncidentClosed,
		*contract.IncidentReopened, *contract.IncidentReclassified, *contract.IncidentSeverityChanged,
		*contract.AdvisoryOpened, *contract.AdvisoryClosed:
		return nil // not about the contract itself
	}
	b := w.books[id]
	if b == nil {
		return fmt.Errorf("contract %s was never registered", id)
	}
	w.touch(b)
	switch f := f.(type) {
	case *contract.AccountLinked:
		w.link(b, f, e)
	case *contract.AccountUnlinked:
		w.unlink(b, f, e)
	case *contract.GrantAdded:
		b.grant(f)
	case *contract.GrantAdjusted:
		return b.move(f.Grant, func(g *grantRow) { g.adjusted += f.Quantity; g.available += f.Quantity })
	case *contract.GrantLapsed:
		return b.move(f.Grant, func(g *grantRow) { g.lapsed += f.Quantity; g.available -= f.Quantity })
	case *contract.IncidentDeducted:
		return b.move(f.Grant, func(g *grantRow) { g.deducted += f.Quantity; g.consume(f.Quantity) })
	case *contract.IncidentCreditedBack:
		return b.move(f.Grant, func(g *grantRow) { g.credited += f.Quantity; g.consume(-f.Quantity) })
	case *contract.AdvisoryTimeDeducted:
		return b.moveParts(f.Parts, func(g *grantRow, n int64) { g.deducted += n; g.consume(n) })
	case *contract.AdvisoryTimeCreditedBack:
		return b.moveParts(f.Parts, func(g *grantRow, n int64) { g.credited += n; g.consume(-n) })
	default:
		b.changed = true
		return w.change(b, f, e)
	}
	return nil
}

// register brings a contract into the directory.
func (w *contractsWork) register(id uuid.UUID, f *contract.Registered, e *ledger.Recorded) error {
	if w.books[id] != nil {
		return fmt.Errorf("contract %s was registered before", id)
	}
	w.books[id] = &book{fresh: true, contractRow: contractRow{
		seq: e.Position, id: id, inheritsFrom: heirTo(f), state: stateRegistered,
		renewal: f.Renewal, registered: f, registeredAt: micros(e.RecordedAt),
	}}
	w.touch(w.books[id])
	if p := w.books[f.Predecessor]; p != nil {
		w.touch(p)
		p.found(id)
	}
	return nil
}

// touch notes that a contract is changed in this batch.
func (w *contractsWork) touch(b *book) {
	if !b.dirty {
		b.dirty = true
		w.dirty = append(w.dirty, b)
	}
}

// change notes what became of a contract.
func (w *contractsWork) change(b *book, f contract.Event, e *ledger.Recorded) error {
	switch f := f.(type) {
	case *contract.Promised:
		text, err := json.Marshal(f)
		if err != nil {
			return fmt.Errorf("write promise: %w", err)
		}
		b.promise, b.activatesAt, b.promisedEnd, b.inheritsAt = string(text), micros(f.ActivatesAt), micros(f.EndsAt), micros(f.ActivatesAt)
		w.settleHeir(b)
	case *contract.Activated:
		if b.state == stateRegistered {
			b.state = stateActivated
		}
		b.started = f.Status == contract.StatusActive
		b.startsOn, b.expiresOn = f.StartsOn.String(), f.ExpiresOn.String()
		b.startsAt, b.endsAt, b.inheritsAt = micros(f.StartsAt), micros(f.EndsAt), micros(f.StartsAt)
		w.settleHeir(b)
	case *contract.Suspended:
		b.state = stateSuspended
	case *contract.Resumed:
		b.state = stateActivated
	case *contract.Expired:
		b.state = stateExpired
	case *contract.Cancelled:
		b.state, b.inheritsFrom = stateCancelled, uuid.Nil
	case *contract.Renewed:
		b.renewal = f.Successor
		b.await(w.books[f.Successor], missingRenewal, e)
	case *contract.Reissued:
		b.replacement = f.Successor
		w.moveHeirs(b)
		b.await(w.books[f.Successor], missingReplacement, e)
		return b.moveAway(f)
	default:
		return fmt.Errorf("the contracts' rows do not know what %s changes", f.Name())
	}
	return nil
}

func (w *contractsWork) flush(ctx context.Context) error {
	slices.SortFunc(w.dirty, func(a, b *book) int { return cmp.Compare(a.seq, b.seq) })
	for _, b := range w.dirty {
		if due := b.nextDue(); due != b.dueAt {
			b.dueAt, b.changed = due, true
		}
		if since := b.nowBlank(); since != b.blankSince {
			b.blankSince, b.changed = since, true
		}
		if err := w.write(ctx, b); err != nil {
			return fmt.Errorf("write contract %s: %w", b.id, err)
		}
		b.fresh, b.changed, b.dirty = false, false, false
	}
	if err := w.writeLinks(ctx); err != nil {
		return err
	}
	w.dirty = w.dirty[:0]
	clear(w.links)
	if len(w.books) > booksKept {
		clear(w.books)
	}
	return nil
}

func (w *contractsWork) write(ctx context.Context, b *book) error {
	var err error
	switch {
	case b.fresh:
		err = w.insert(ctx, &b.contractRow)
	case b.changed:
		err = w.tx.exec(ctx, `UPDATE {contracts} SET inherits_from = ?, inherits_at = ?, promise = ?, activates_at = ?, promised_end = ?, state = ?, started = ?, starts_on = ?, expires_on = ?, starts_at = ?, ends_at = ?,
			renewal = ?, replacement = ?, missing_since = ?, missing = ?, due_at = ?, blank_since = ?, ending_at = ? WHERE seq = ?`,
			maybe(b.inheritsFrom), b.inheritsAt, b.promise, b.activatesAt, b.promisedEnd, b.state, number(b.started), b.startsOn, b.expiresOn, b.startsAt, b.endsAt,
			maybe(b.renewal), maybe(b.replacement), b.missingSince, b.missing, b.dueAt, b.blankSince, b.endingAt(), int64(b.seq))
	}
	if err != nil {
		return err
	}
	b.registered = nil
	return w.writeGrants(ctx, b)
}

func (w *contractsWork) insert(ctx context.Context, c *contractRow) error {
	terms := *c.registered
	terms.ContractID = nil // R3
	text, err := json.Marshal(terms)
	if err != nil {
		return fmt.Errorf("write terms: %w", err)
	}
	err = w.tx.exec(ctx, `INSERT INTO {contracts} (seq, id, access_id, partner_id, terms, registered_at, inherits_from, inherits_at, promise, activates_at, promised_end, state, started,
		starts_on, expires_on, starts_at, ends_at, renewal, replacement, missing_since, missing, due_at, blank_since, ending_at)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		int64(c.seq), c.id[:], terms.AccessID, terms.PartnerID, string(text), c.registeredAt, maybe(c.inheritsFrom), c.inheritsAt, c.promise, c.activatesAt, c.promisedEnd, c.state, number(c.started),
		c.startsOn, c.expiresOn, c.startsAt, c.endsAt, maybe(c.renewal), maybe(c.replacement), c.missingSince, c.missing, c.dueAt, c.blankSince, c.endingAt())
	return err
}

// maybe is an id in a row, or nothing.
func maybe(id uuid.UUID) any {
	if id == uuid.Nil {
		return nil
	}
	return id[:]
}

// number is how yes and no lie in a row.
func number(yes bool) int64 {
	if yes {
		return 1
	}
	return 0
}
