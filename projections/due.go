package projections

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/ledger"
)

// Due answers: what is time about to bring, and when? It is the ledger's Agenda.
type Due struct {
	reader
	promises reader
}

var _ ledger.Agenda = (*Due)(nil)

// Due are contracts for which something is due by a time, soonest first, then by
// the bytes of their ids, after a given one. A contract whose successor has not
// been registered is due since that was decided (R6).
func (d *Due) Due(ctx context.Context, by time.Time, after ledger.DueContract, limit int) ([]ledger.DueContract, error) {
	q := selecting("SELECT c.due_at, c.id FROM {contracts} c").and("c.due_at > 0").and("c.due_at <= ?", micros(by))
	return d.inTurn(ctx, q, "c.due_at", after, limit)
}

// inTurn are some contracts of the directory by a moment that they have, from the
// one after a given one on.
func (d *Due) inTurn(ctx context.Context, q *query, moment string, after ledger.DueContract, limit int) (out []ledger.DueContract, err error) {
	if after != (ledger.DueContract{}) {
		q.and("("+moment+", c.id) > (?, ?)", micros(after.At), after.Contract[:])
	}
	q.then("ORDER BY " + moment + ", c.id")
	err = d.view(ctx, func(v *view) error {
		return v.walk(ctx, q.text.String(), q.args, limit, func(scan func(...any) error) (bool, error) {
			var at int64
			var c ledger.DueContract
			err := scan(&at, &c.Contract)
			c.At = instant(at)
			out = append(out, c)
			return len(out) < limit, err
		})
	})
	return out, err
}

// nextDue is when time brings something to a contract next; 0 where it never
// will. It is contract.State's NextDue, and the successors that are missing.
func (b *book) nextDue() int64 {
	var next int64
	sooner := func(t int64) {
		if t != 0 && (next == 0 || t < next) {
			next = t
		}
	}
	if b.missing != 0 {
		sooner(b.missingSince)
	}
	if b.state == stateCancelled || b.state == stateExpired {
		return next
	}
	if b.state == stateRegistered {
		sooner(b.activatesAt)
	} else {
		sooner(b.endsAt)
		if !b.started {
			sooner(b.startsAt)
		}
	}
	for i := range b.grants {
		if g := &b.grants[i]; g.available > 0 {
			sooner(g.end(b.state != stateRegistered, b.endsAt))
		}
	}
	return next
}

// Which successors are missing, as bits.
const (
	missingRenewal     = 1
	missingReplacement = 2
)

// await notes that a successor was decided on, unless it is there.
func (b *book) await(successor *book, which int64, e *ledger.Recorded) {
	if successor != nil {
		return
	}
	if b.missing == 0 {
		b.missingSince = micros(e.RecordedAt)
	}
	b.missing |= which
}

// found notes that a successor is there.
func (b *book) found(successor uuid.UUID) {
	before := b.missing
	if successor == b.renewal {
		b.missing &^= missingRenewal
	}
	if successor == b.replacement {
		b.missing &^= missingReplacement
	}
	if b.missing == 0 {
		b.missingSince = 0
	}
	b.changed = b.changed || b.missing != before
}
