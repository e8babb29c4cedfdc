package audit

import (
	"context"
	"errors"
	"fmt"

	"github.com/supportledger/supportledger/eventstore"
)

// A Verifier proves a log right, or names the first record that is wrong. Only
// Store is required.
//
// The log is read from its start to the head as of the call, and once more for
// each share of it whose streams would not fit into Memory: a contract takes some
// 3 KB, so that 10 million records of a million contracts take about ten readings.
// Only the first two or so decode everything. Nothing else grows with the log,
// except with one contract's open incidents. All processors take part; which
// record is named does not depend on their number, nor on Memory.
type Verifier struct {
	Store eventstore.Store
	// Pair, unless nil, checks with the installation's keys that every contract's
	// stream is named by its pair. Several goroutines call it.
	Pair PairCheck
	// File, unless nil, looks at every file that is attached to an incident.
	File FileCheck
	// Index, unless nil, holds the store's own files against each other: it
	// returns a *eventstore.CorruptError where its index and its log differ.
	Index func(ctx context.Context, report func(done, total int64)) error
	// Projections, unless nil, compares each read model with its rebuild. It
	// returns a Finding, or nil where they are equal.
	Projections func(ctx context.Context, report func(done, total int64)) (*Finding, error)
	// Progress, unless nil, is told now and then how far verifying is.
	Progress func(Progress)
	// Memory bounds what is kept while reading, in bytes by estimate; 0 is
	// DefaultVerifyMemory.
	Memory int64
}

// DefaultVerifyMemory is the room for verifying unless configured. In a process of
// 1 GiB more of it means fewer readings, and more work for the collector in each.
const DefaultVerifyMemory = 384 << 20

// Verify checks the log, the store's index, and the read models, in this order;
// what comes after a Finding is not looked at. An error means that it could not
// be found out.
func (v *Verifier) Verify(ctx context.Context) (Result, error) {
	head, err := v.Store.Head(ctx)
	if err != nil {
		return Result{}, fmt.Errorf("find head: %w", err)
	}
	c := newLogCheck(v, head)
	if err := c.run(ctx); err != nil {
		return Result{}, err
	}
	result := c.result()
	if result.Finding == nil {
		if result.Finding, err = v.checkIndex(ctx); err != nil {
			return Result{}, err
		}
	}
	if result.Finding == nil && v.Projections != nil {
		if result.Finding, err = v.Projections(ctx, v.reporter("read models")); err != nil {
			return Result{}, fmt.Errorf("compare read models: %w", err)
		}
	}
	return result, nil
}

func (v *Verifier) checkIndex(ctx context.Context) (*Finding, error) {
	if v.Index == nil {
		return nil, nil
	}
	err := v.Index(ctx, v.reporter("index"))
	corrupt := new(eventstore.CorruptError)
	if errors.As(err, &corrupt) {
		return &Finding{Position: corrupt.Position, Law: LawIndex, Found: corrupt.Error()}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("check index: %w", err)
	}
	return nil, nil
}

func (v *Verifier) reporter(stage string) func(done, total int64) {
	return func(done, total int64) {
		if v.Progress != nil {
			v.Progress(Progress{stage, done, total})
		}
	}
}
