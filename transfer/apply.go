package transfer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/supportledger/supportledger/domain"
	"github.com/supportledger/supportledger/domain/catalog"
	"github.com/supportledger/supportledger/domain/contract"
	"github.com/supportledger/supportledger/ledger"
)

// atOnce is how many rows are imported at once: enough for the store to gather
// what waits into one sync.
const atOnce = 256

// apply imports a file that was found right: all contracts first, then balances
// and links.
func (i *Importer) apply(ctx context.Context, f File, report *Report) error {
	for _, record := range records {
		if report.of(record).Rows == 0 {
			continue
		}
		a := &applying{Importer: i, report: report}
		if err := a.run(ctx, f, record); err != nil {
			return fmt.Errorf("import %ss: %w; what was imported stays, and importing the file again goes on", record, err)
		}
	}
	return nil
}

// applying imports the rows of one record.
type applying struct {
	*Importer
	mu     sync.Mutex
	report *Report
}

func (a *applying) run(ctx context.Context, f File, record Record) error {
	all, seen, done, err := f.open(func(Mistake) {}) // there were none
	if err != nil {
		return err
	}
	work, working := errgroup.WithContext(ctx)
	work.SetLimit(atOnce)
	for working.Err() == nil {
		r, err := all.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return errors.Join(err, work.Wait(), done())
		}
		a.progress(string(record)+"s", seen(), f.Size)
		if r.record() == record {
			work.Go(func() error { return a.row(working, r) })
		}
	}
	err = errors.Join(work.Wait(), done(), ctx.Err())
	if err == nil {
		a.progress(string(record)+"s", f.Size, f.Size)
	}
	return err
}

// row imports a row. What a rule refuses now, although it was right when it was
// checked, is a mistake like others.
func (a *applying) row(ctx context.Context, r *row) error {
	e := a.entry(r)
	changed, err := a.carryOut(ctx, &e)
	a.mu.Lock()
	defer a.mu.Unlock()
	tally := a.report.of(e.record)
	var refusal *domain.Refusal
	switch {
	case errors.As(err, &refusal):
		field := "access_id"
		if e.record == Partner {
			field = "partner"
		}
		at := r.at(field)
		a.report.MistakeCount++
		if len(a.report.Mistakes) < mostMistakes {
			a.report.Mistakes = append(a.report.Mistakes, Mistake{at.line, at.column, field, refusal.Detail, refusal.Hint})
		}
		return nil
	case err != nil:
		return fmt.Errorf("line %d: %w", r.line, err)
	case changed:
		tally.New++
	default:
		tally.Unchanged++
	}
	return nil
}

func (a *applying) carryOut(ctx context.Context, e *entry) (changed bool, err error) {
	if e.record == Partner {
		wish, primary := e.partner()
		return a.Ledger.ImportPartner(ctx, a.By, e.text("partner"), wish, primary, content([]any{wish, primary}))
	}
	kept, err := a.Ledger.Kept(ctx, e.contract)
	if err != nil {
		return false, err
	}
	switch e.record {
	case Balance:
		return a.Ledger.Import(ctx, a.By, kept, e.balance())
	case Link:
		return a.Ledger.Import(ctx, a.By, kept, a.link(e))
	}
	if !kept.Exists {
		if changed, err = a.Ledger.Import(ctx, a.By, nil, a.register(e)); err != nil {
			return changed, err
		}
	}
	if e.active() && a.waits(e, kept) {
		activated, err := a.Ledger.Import(ctx, a.By, kept, activate(e.contract))
		return changed || activated, err
	}
	return changed, nil
}

// waits says whether a contract is still to be activated.
func (a *applying) waits(e *entry, kept *ledger.Kept) bool {
	if kept.Exists {
		return kept.Status == contract.StatusRegistered
	}
	programme, ok := a.Catalog.Programme(e.text("programme"))
	return !ok || programme.Activation != catalog.ActivateImmediately
}
