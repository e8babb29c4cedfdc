// Package copying moves a log from one store to another, record by record.
//
//   - The target holds the source's records in the source's order: stream,
//     revision, event id, type, data, metadata and recorded time of each. Positions
//     are the target's own.
//   - It goes on where it was stopped, however it was stopped: what the target
//     holds is compared with the source from the first record on. A target that
//     holds anything else is refused, and left as it is.
//   - Every record is read back from the target and compared before a copy is
//     said to be whole.
//   - All appends but the last say that more follows (eventstore.Append.Unfinished),
//     and the last is made when what lies before it was compared. So whoever opens
//     the target in between, or after a copy that was killed, can be told.
//
// Nobody else may append to the target. What is appended to the source meanwhile
// is copied too, or is an error.
package copying

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"

	"golang.org/x/sync/semaphore"

	"github.com/supportledger/supportledger/eventstore"
)

// A Copy is one log on its way. From and To are required.
type Copy struct {
	From eventstore.Store
	To   eventstore.Ordered
	// Look, unless nil, sees each of the source's records once, in order; its error
	// ends the copy.
	Look func(eventstore.Record) error
	// Progress, unless nil, is told now and then which position of the source has
	// been reached, and where the source ends.
	Progress func(stage string, at, head eventstore.Position)
}

// A Result is what a copy came to.
type Result struct {
	Found, Copied int64 // records that were there before, and that were not
	Head          eventstore.Position
}

// A DifferentError names the first record in which the target is not the source.
type DifferentError struct {
	Found, Want string
}

func (e *DifferentError) Error() string {
	return fmt.Sprintf("the target holds something else than the source: %s, where the source has %s", e.Found, e.Want)
}

// errGrown says that somebody appends to the source.
var errGrown = errors.New("the source has grown while it was copied: stop every ledger that works on it, and copy again; what is there stays")

// Run copies what the target does not hold yet.
func (c *Copy) Run(ctx context.Context) (Result, error) {
	head, err := c.From.Head(ctx)
	if err != nil {
		return Result{}, fmt.Errorf("find the source's head: %w", err)
	}
	var at ends
	found, err := c.compare(ctx, "look at the target", &at, head, c.Look)
	if err != nil {
		return Result{}, err
	}
	var last []batch
	most, err := c.move(ctx, unfinished(batches(c.From.ReadAll(ctx, at.from)), &last), &at, head)
	if err != nil {
		return Result{}, err
	}
	for _, b := range last {
		if err := c.stands(ctx, b.last); err != nil {
			return Result{}, err
		}
	}
	rest, err := c.move(ctx, these(last), &at, head)
	if err != nil {
		return Result{}, err
	}
	return Result{Found: found, Copied: most + rest, Head: at.to}, c.stands(ctx, at.from)
}

// stands says whether the source ends at a position.
func (c *Copy) stands(ctx context.Context, at eventstore.Position) error {
	if now, err := c.From.Head(ctx); err != nil || now != at {
		return errors.Join(errGrown, err)
	}
	return nil
}

// move appends batches behind the places where both logs are the same, and compares
// what is there then.
func (c *Copy) move(ctx context.Context, batches iter.Seq2[batch, error], at *ends, head eventstore.Position) (copied int64, err error) {
	if copied, err = c.append(ctx, batches, head); err != nil {
		return copied, err
	}
	compared, err := c.compare(ctx, "compare", at, head, nil)
	if err == nil && compared != copied {
		err = fmt.Errorf("the target ends after %d of %d records that were copied", compared, copied)
	}
	return copied, err
}

// ends are places in both logs up to which they are the same.
type ends struct{ from, to eventstore.Position }

// compare reads both logs from places where they are the same to the target's end,
// and says how many records it has seen there.
func (c *Copy) compare(ctx context.Context, stage string, at *ends, head eventstore.Position, look func(eventstore.Record) error) (n int64, err error) {
	next, stop := iter.Pull2(c.From.ReadAll(ctx, at.from))
	defer stop()
	for there, err := range c.To.ReadAll(ctx, at.to) {
		if err != nil {
			return n, fmt.Errorf("read the target: %w", err)
		}
		here, err, more := next()
		if err != nil {
			return n, fmt.Errorf("read the source: %w", err)
		}
		if !more {
			return n, &DifferentError{describe(&there), "no more records"}
		}
		if !same(&here, &there) {
			return n, &DifferentError{describe(&there), describe(&here)}
		}
		if look != nil {
			if err := look(here); err != nil {
				return n, err
			}
		}
		at.from, at.to = here.Position, there.Position
		n++
		c.tell(stage, n-1, n, at.from, head)
	}
	return n, nil
}

// same says whether two records are the same, wherever they stand.
func same(a, b *eventstore.Record) bool {
	return a.Stream == b.Stream && a.Revision == b.Revision && a.ID == b.ID && a.Type == b.Type &&
		a.RecordedAt.Equal(b.RecordedAt) && bytes.Equal(a.Data, b.Data) && bytes.Equal(a.Meta, b.Meta)
}

// describe names a record. Its data are nobody's business.
func describe(r *eventstore.Record) string {
	return fmt.Sprintf("%s %s of stream %s@%d, recorded at %s, at position %v",
		r.Type, r.ID, r.Stream, r.Revision, r.RecordedAt.Format("2006-01-02T15:04:05.000000Z"), r.Position)
}

const tellEvery = 1024 // records

func (c *Copy) tell(stage string, before, n int64, at, head eventstore.Position) {
	if c.Progress != nil && (before/tellEvery != n/tellEvery || at == head) {
		c.Progress(stage, at, max(at, head))
	}
}

// Bounds of what is under way.
const (
	mostEvents   = 1024      // in an append
	mostBytes    = 256 << 10 // of an append that has more than one event
	underWay     = 32 << 20  // bytes of appends whose outcome is open
	appendWeighs = 16 << 10  // beside its bytes
)

// append makes appends of batches. While the target records some, others are read;
// their order is that in which they are begun. After an append that failed no other
// is begun.
func (c *Copy) append(ctx context.Context, batches iter.Seq2[batch, error], head eventstore.Position) (copied int64, err error) {
	working, stop := context.WithCancel(ctx)
	defer stop()
	room := semaphore.NewWeighted(underWay)
	pending := make(chan begun, underWay/appendWeighs)
	settled := make(chan error, 1)
	go func() { settled <- settle(pending, room, stop) }()
	copied, err = c.beginAll(working, batches, head, room, pending)
	close(pending)
	if failed := <-settled; failed != nil {
		err = failed // what came after it was stopped for its sake
	}
	if ctx.Err() != nil {
		err = ctx.Err()
	}
	return copied, err
}

// beginAll begins to append batches.
func (c *Copy) beginAll(ctx context.Context, batches iter.Seq2[batch, error], head eventstore.Position, room *semaphore.Weighted, pending chan<- begun) (copied int64, err error) {
	for b, err := range batches {
		if err != nil {
			return copied, fmt.Errorf("read the source: %w", err)
		}
		weight := min(b.bytes+appendWeighs, underWay)
		if err := room.Acquire(ctx, weight); err != nil {
			return copied, err
		}
		if err := c.begin(ctx, &b, weight, pending); err != nil {
			return copied, err
		}
		before := copied
		copied += int64(len(b.Events))
		c.tell("copy", before, copied, b.last, head)
	}
	return copied, nil
}

// begun is an append whose outcome is open.
type begun struct {
	stream  string
	outcome func() (eventstore.Appended, error)
	weight  int64
}

// begin hands a batch to the target.
func (c *Copy) begin(ctx context.Context, b *batch, weight int64, pending chan<- begun) error {
	if c.Look != nil {
		for _, r := range b.records {
			if err := c.Look(r); err != nil {
				return err
			}
		}
	}
	outcome, err := c.To.Begin(ctx, b.Append)
	if err != nil {
		return fmt.Errorf("append to stream %s: %w", b.Stream, err)
	}
	pending <- begun{b.Stream, outcome, weight} // has room for all that fit into underWay
	return nil
}

// settle waits for every outcome, also after a failure, which it has stopped the
// rest for: nothing is left open.
func settle(pending <-chan begun, room *semaphore.Weighted, stop func()) (failed error) {
	last := eventstore.Start
	for p := range pending {
		done, err := p.outcome()
		room.Release(p.weight)
		switch {
		case failed != nil:
		case err != nil:
			failed = fmt.Errorf("append to stream %s: %w", p.stream, err)
		case done.Position <= last:
			failed = fmt.Errorf("the target has put stream %s at position %v, behind what was appended before, at %v: it does not keep the order", p.stream, done.Position, last)
		}
		if last = done.Position; failed != nil {
			stop()
		}
	}
	return failed
}
