package projections

import (
	"context"

	"github.com/supportledger/supportledger/eventstore"
	"github.com/supportledger/supportledger/ledger"
)

// Sizes of what is read ahead of the writer.
const (
	chunkRecords = 512
	chunksAhead  = 16
)

// stopped is what the projections say of a record that they do not know or cannot
// read: they never skip one (R42).
const stopped = "projections stop"

// A chunk is some consecutive records, of which those that somebody wants are
// decoded.
type chunk struct {
	events []*ledger.Recorded
	after  eventstore.Position // of the record before the first
	place                      // of the last record, wanted or not
	read   int                 // records, wanted or not
	rest   error               // why there is no next chunk, if there is none
}

// A feed reads the log once for all projections, and decodes ahead of the writer
// in a goroutine of its own.
type feed struct {
	store  eventstore.Store
	wanted map[string]bool
	known  map[string]bool // types that nobody wants, and that are known
	until  eventstore.Position
	out    chan chunk
	made   *made // where what was handed on was made; nil where nobody makes spans
	stop   context.CancelFunc
}

// forever is where a feed ends that follows the log.
const forever = eventstore.LastPosition

// startFeed reads what lies after a position, up to another one, and then waits
// for more until the context ends or the feed is stopped.
func startFeed(ctx context.Context, store eventstore.Store, projections []*projection, after, until eventstore.Position) *feed {
	f := &feed{store: store, wanted: map[string]bool{}, known: map[string]bool{}, until: until, out: make(chan chunk, chunksAhead)}
	for _, p := range projections {
		for _, name := range p.events {
			f.wanted[name] = true
		}
	}
	ctx, f.stop = context.WithCancel(ctx)
	go func() {
		defer close(f.out)
		f.send(ctx, chunk{rest: f.run(ctx, after)})
	}()
	return f
}

// close stops the feed and waits for it.
func (f *feed) close() {
	f.stop()
	for range f.out {
	}
}

func (f *feed) run(ctx context.Context, after eventstore.Position) error {
	for after < f.until {
		c := chunk{after: after}
		for r, err := range f.store.ReadAll(ctx, after) {
			if err == nil && r.Position > f.until {
				after = f.until
				break
			}
			if err == nil {
				err = f.take(&c, r)
			}
			if err != nil {
				f.send(ctx, c)
				return err
			}
			after = r.Position
			if c.read == chunkRecords {
				f.send(ctx, c)
				c = chunk{after: after}
			}
			if after == f.until {
				break
			}
		}
		f.send(ctx, c)
		if after < f.until {
			if err := f.store.Wait(ctx, after); err != nil {
				return err
			}
		}
	}
	return nil
}

// take adds a record to a chunk.
func (f *feed) take(c *chunk, r eventstore.Record) error {
	if f.wanted[r.Type] || !f.known[r.Type] {
		recorded, err := ledger.Decode(r)
		if err != nil {
			return ledger.Unreadable(stopped, &r, err)
		}
		if f.wanted[r.Type] {
			// What was read stays as long as the batch; its bytes need not.
			recorded.Data, recorded.Record.Meta = nil, nil
			c.events = append(c.events, &recorded)
		} else {
			f.known[r.Type] = true
		}
	}
	c.place = place{r.Position, r.ID, r.RecordedAt}
	c.read++
	return nil
}

// send hands on a chunk in which something is.
func (f *feed) send(ctx context.Context, c chunk) {
	if c.read == 0 && c.rest == nil {
		return
	}
	select {
	case f.out <- c:
	case <-ctx.Done():
	}
}

// next waits for a chunk. At the end it returns false with the reason: nil where
// the feed has come to where it was to end.
func (f *feed) next(ctx context.Context) (chunk, bool, error) {
	select {
	case c, ok := <-f.out:
		switch {
		case !ok:
			return chunk{}, false, context.Cause(ctx)
		case c.read == 0:
			return chunk{}, false, c.rest
		}
		f.made.add(c.events)
		return c, true, nil
	case <-ctx.Done():
		return chunk{}, false, ctx.Err()
	}
}
