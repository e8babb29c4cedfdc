package projections

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/eventstore"
	"github.com/supportledger/supportledger/ledger"
	"github.com/supportledger/supportledger/vault"
)

// A MailAgenda answers: which mails are time and operators about to bring about?
type MailAgenda struct {
	due      *Due
	mails    *Mails
	erasures *Erasures
}

var _ ledger.MailAgenda = (*MailAgenda)(nil)

// MailAgenda is the agenda of whoever sends mails.
func (s *Set) MailAgenda() *MailAgenda { return &MailAgenda{s.Due, s.Mails, s.Erasures} }

// Ending implements ledger.MailAgenda.
func (a *MailAgenda) Ending(ctx context.Context, after, until time.Time, last ledger.DueContract, limit int) ([]ledger.DueContract, error) {
	q := selecting("SELECT c.ending_at, c.id FROM {contracts} c").
		and("c.ending_at > 0").and("c.ending_at > ?", micros(after)).and("c.ending_at <= ?", micros(until))
	return a.due.inTurn(ctx, q, "c.ending_at", last, limit)
}

// endingAt is when a contract ends that nothing follows yet; 0 where it does not.
// It is a column of its own since whoever sends mails asks every moment: on the
// conditions themselves SQLite prefers the index on the state, and reads every
// contract.
func (c *contractRow) endingAt() int64 {
	begun := c.state == stateActivated || c.state == stateSuspended
	if !begun || c.renewal != uuid.Nil || c.replacement != uuid.Nil {
		return 0
	}
	return c.endsAt
}

// Asked implements ledger.MailAgenda.
func (a *MailAgenda) Asked(ctx context.Context, limit int) ([]ledger.AskedMail, error) {
	var out []ledger.AskedMail
	q := selecting("SELECT m.id, m.contract FROM {mails} m").and("m.status <> 'sent'").and("m.status = 'requested'").then("ORDER BY m.seq")
	err := a.mails.view(ctx, func(v *view) error {
		return v.walk(ctx, q.text.String(), q.args, limit, func(scan func(...any) error) (bool, error) {
			var id, contract uuid.UUID
			err := scan(&id, &contract)
			out = append(out, ledger.AskedMail{Mail: id, Contract: contract})
			return len(out) < limit, err
		})
	})
	return out, err
}

// Forgotten implements ledger.MailAgenda.
func (a *MailAgenda) Forgotten(ctx context.Context, after eventstore.Position) (mails []uuid.UUID, last eventstore.Position, err error) {
	keys, last, err := a.erased(ctx, after)
	if err != nil || len(keys) == 0 {
		return nil, last, err
	}
	// Both kinds of rows have seen the log up to the erasures.
	if err := a.mails.set.Await(ctx, last); err != nil {
		return nil, after, err
	}
	err = a.mails.view(ctx, func(v *view) error {
		for person, gone := range keys {
			args := []any{person[:]}
			if err := v.each(ctx, "SELECT m.id, m.box FROM {mails} m WHERE m.person = ?", args, func(scan func(...any) error) (bool, error) {
				var id uuid.UUID
				var box []byte
				err := scan(&id, &box)
				if len(box) >= len(vault.KeyID{}) && slices.Contains(gone, vault.KeyID(box[:len(vault.KeyID{})]).String()) {
					mails = append(mails, id) // one that was sent under a newer key is to somebody who has come back
				}
				return true, err
			}); err != nil {
				return err
			}
		}
		return nil
	})
	return mails, last, err
}

// erased are the keys that erasures after a position have destroyed, by person.
func (a *MailAgenda) erased(ctx context.Context, after eventstore.Position) (keys map[uuid.UUID][]string, last eventstore.Position, err error) {
	last, keys = after, make(map[uuid.UUID][]string)
	err = a.erasures.view(ctx, func(v *view) error {
		return v.each(ctx, "SELECT seq, person, keys FROM {erasures} WHERE seq > ? ORDER BY seq", []any{int64(after)}, func(scan func(...any) error) (bool, error) {
			var at eventstore.Position
			var person uuid.UUID
			var text []byte
			if err := scan(&at, &person, &text); err != nil {
				return false, err
			}
			var gone []string
			if err := json.Unmarshal(text, &gone); err != nil {
				return false, fmt.Errorf("read erasure: %w", err)
			}
			keys[person], last = append(keys[person], gone...), at
			return true, nil
		})
	})
	return keys, last, err
}
