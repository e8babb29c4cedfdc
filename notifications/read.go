package notifications

import (
	"context"
	"fmt"

	"github.com/nats-io/nats.go"

	"github.com/supportledger/supportledger/eventstore"
	"github.com/supportledger/supportledger/ledger"
)

// Sizes of what is prepared ahead of publishing.
const (
	chunkRecords = 256
	chunksAhead  = 4
)

// A message is an event ready to be published, but for its place in the stream.
type message struct {
	*nats.Msg
	position eventstore.Position
	made     *spanContext // where the event was recorded; nil where nobody makes spans
}

// A chunk is some consecutive records: the messages of those that are published.
type chunk struct {
	messages []message
	last     eventstore.Position
	records  int
	landed   chan struct{} // closed when all of it is in the stream; nil where nobody waits
}

// read makes messages of what lies after a position, for ever.
func (f *Feed) read(ctx context.Context, after eventstore.Position, out chan<- chunk) error {
	pace := &pace{Pressure: Pressure{Store: f.store}}
	for {
		pace.begin()
		c := chunk{}
		for r, err := range f.store.ReadAll(ctx, after) {
			if err != nil {
				return fmt.Errorf("read the log: %w", err)
			}
			if err := f.take(&c, r); err != nil {
				return ledger.Unreadable("the feed stops", &r, err)
			}
			after = r.Position
			if c.records < chunkRecords {
				continue
			}
			if err := pace.hand(ctx, out, c); err != nil {
				return err
			}
			c = chunk{}
		}
		if c.records > 0 {
			if err := pace.hand(ctx, out, c); err != nil {
				return err
			}
			if err := gather(ctx); err != nil {
				return err
			}
		}
		if err := f.store.Wait(ctx, after); err != nil {
			return fmt.Errorf("wait for the log: %w", err)
		}
	}
}

// take adds a record to a chunk.
func (f *Feed) take(c *chunk, r eventstore.Record) error {
	c.last = r.Position
	c.records++
	carried, err := ledger.Published(r.Type)
	if err != nil || !carried {
		return err
	}
	m, err := newMessage(r, f.source)
	if err != nil {
		return err
	}
	c.messages = append(c.messages, message{m, r.Position, f.madeIn(&r)})
	return nil
}

// hand passes on a chunk.
func hand(ctx context.Context, out chan<- chunk, c chunk) error {
	select {
	case out <- c:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
