package transfer

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"sync"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/sync/errgroup"

	"github.com/supportledger/supportledger/domain"
	"github.com/supportledger/supportledger/domain/catalog"
	"github.com/supportledger/supportledger/domain/contract"
	"github.com/supportledger/supportledger/ledger"
)

// atOnce is how many rows are imported at once: enough for the store to gather
// what waits into one sync.
const atOnce = 256

// apply imports a file that was found right: record by record, and with the
// contracts the years that they belong to.
func (i *Importer) apply(ctx context.Context, f File, report *Report, years []*year, contracts called) error {
	for _, record := range records {
		if report.of(record).Rows == 0 {
			continue
		}
		kept, err := lru.New[string, *ledger.KeptPartner](mostKept)
		if err != nil {
			return err
		}
		a := &applying{Importer: i, seed: maphash.MakeSeed(), kept: kept, called: contracts, report: report}
		err = a.run(ctx, f, record)
		if err == nil && record == Contract {
			err = a.runYears(ctx, years)
		}
		if err != nil {
			return fmt.Errorf("import %ss: %w; what was imported stays, and importing the file again goes on", record, err)
		}
	}
	return nil
}

// applying imports the rows of one record.
type applying struct {
	*Importer
	seed     maphash.Seed
	partners [64]sync.Mutex // by reference: what goes into one stream goes one after another
	kept     *lru.Cache[string, *ledger.KeptPartner]
	called   called

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
	e, err := a.entry(ctx, r, a.called)
	if err != nil {
		return fmt.Errorf("line %d: %w", r.line, err)
	}
	changed, err := a.carryOut(ctx, &e)
	field := "access_id"
	if e.ofPartner() {
		field = string(e.record)
	}
	return a.count(a.report.of(e.record), r.at(field), field, changed, err)
}

// count counts what became of something that stands in the file.
func (a *applying) count(tally *Tally, at cell, field string, changed bool, err error) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	var refusal *domain.Refusal
	switch {
	case errors.As(err, &refusal):
		a.report.MistakeCount++
		if len(a.report.Mistakes) < mostMistakes {
			a.report.Mistakes = append(a.report.Mistakes, Mistake{at.line, at.column, field, refusal.Detail, refusal.Hint})
		}
		return nil
	case err != nil:
		return fmt.Errorf("line %d: %w", at.line, err)
	case changed:
		tally.New++
	default:
		tally.Unchanged++
	}
	return nil
}

func (a *applying) carryOut(ctx context.Context, e *entry) (changed bool, err error) {
	if e.ofPartner() {
		return a.ofPartner(ctx, e)
	}
	if e.endless() {
		return false, nil
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
	return a.contract(ctx, e, kept)
}

// contract registers a contract and brings it to life, as far as it is not, and
// tells its partner of a toolkit.
func (a *applying) contract(ctx context.Context, e *entry, kept *ledger.Kept) (changed bool, err error) {
	if !kept.Exists {
		promised, err := a.promiseOf(ctx, e)
		if err != nil {
			return false, err
		}
		if changed, err = a.Ledger.Import(ctx, a.By, nil, a.register(e, promised)); err != nil {
			return changed, err
		}
	}
	if e.active() && a.waits(e, kept) {
		activated, err := a.Ledger.Import(ctx, a.By, kept, activate(e.contract))
		if changed = changed || activated; err != nil {
			return changed, err
		}
	}
	if e.text("location") == "" {
		return changed, nil
	}
	bought, err := a.ofPartner(ctx, e)
	return changed || bought, err
}

// waits says whether a contract is still to be activated.
func (a *applying) waits(e *entry, kept *ledger.Kept) bool {
	if kept.Exists {
		return kept.Status == contract.StatusRegistered
	}
	programme, ok := a.Catalog.Programme(e.text("programme"))
	return !ok || programme.Activation != catalog.ActivateImmediately
}
