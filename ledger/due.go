package ledger

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/domain/contract"
)

// dueBatch is how many contracts the worker takes from the agenda at once.
const dueBatch = 256

// Touch records what is due on a contract and completes what a crash has left
// half done. It changes nothing that a command would have decided otherwise (R5).
func (l *Ledger) Touch(ctx context.Context, id uuid.UUID) error {
	successor := uuid.Nil
	look := func(s *contract.State, at time.Time) { successor = s.Summary(at).Successor() }
	if err := l.execute(ctx, id, &command{look: look}); err != nil || successor == uuid.Nil {
		return err
	}
	return l.complete(ctx, id)
}

// CatchUp goes through the agenda once and records everything that is due by
// now, after completing what is unfinished. It says how many contracts that were; what this brings about may itself
// be due, and is on the agenda once that has caught up.
func (l *Ledger) CatchUp(ctx context.Context, agenda Agenda) (int, error) {
	by, touched, last := l.Now(), 0, DueContract{}
	failed := l.finish(ctx, agenda) // one in trouble does not stop the clock for the others
	for {
		due, err := agenda.Due(ctx, by, last, dueBatch)
		if err != nil {
			return touched, fmt.Errorf("ask what is due: %w", err)
		}
		for _, d := range due {
			last = d
			if err := l.Touch(ctx, d.Contract); err != nil {
				failed = append(failed, fmt.Errorf("record what is due on contract %s: %w", d.Contract, err))
				continue
			}
			touched++
		}
		if len(due) < dueBatch || ctx.Err() != nil {
			return touched, errors.Join(failed...)
		}
	}
}

// finish completes what a crash has left half done beside the contracts.
func (l *Ledger) finish(ctx context.Context, agenda Agenda) (failed []error) {
	left, err := agenda.Unfinished(ctx, dueBatch)
	if err != nil {
		return []error{fmt.Errorf("ask what is unfinished: %w", err)}
	}
	for _, u := range left {
		if u.Partner != uuid.Nil {
			err = l.TouchPartner(ctx, u.Partner)
		} else {
			err = l.TouchPurchase(ctx, u.Purchase)
		}
		if err != nil {
			failed = append(failed, fmt.Errorf("complete %s%s: %w", u.Partner, u.Purchase, err))
		}
	}
	return failed
}

// attendEvery is how often the worker looks at the agenda. Nothing waits for it:
// what is due is part of every decision and every answer.
const attendEvery = time.Second

// Attend looks for what is due until the context ends. An error is logged and
// counted, and tried again; an agenda that is made anew is waited for.
func (l *Ledger) Attend(ctx context.Context, agenda Agenda) error {
	tick := time.NewTicker(attendEvery)
	defer tick.Stop()
	for later := false; ; {
		n, err := l.CatchUp(ctx, agenda)
		l.metrics.due.Add(float64(n))
		switch {
		case errors.Is(err, ErrLater):
			if !later {
				l.log.InfoContext(ctx, "what is due is recorded once the agenda is there", "reason", err)
			}
		case err != nil && !errors.Is(err, context.Canceled):
			l.metrics.dueErrors.Inc()
			l.log.ErrorContext(ctx, "look for what is due", "error", err)
		}
		later = errors.Is(err, ErrLater)
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}
