package events

import (
	"context"
	"sort"
	"sync"
	"time"

	"github.com/supportledger/supportledger/eventstore"
	"github.com/supportledger/supportledger/ledger"
)

// Bounds of what a broadcast keeps for those that are a little behind. It is
// there once, for all subscribers.
const (
	keptFrames = 8192
	keptBytes  = 4 << 20
	// flushFrames is how many frames wait at most until subscribers see them.
	flushFrames = 256
)

// batchBytes bounds what a subscriber is handed at a time, and so what one that
// has stopped reading holds on to. A longer event comes alone.
const batchBytes = 8 << 10

// A broadcast reads the log once for all that keep up, and keeps the newest
// published events. It has no queues: whoever wants what it no longer keeps is
// behind, and that is all.
type broadcast struct {
	subscribers int // under the hub's lock
	stop        context.CancelFunc
	ended       chan struct{} // closed when nobody reads for it any more

	mu    sync.RWMutex
	kept  []*frame
	bytes int
	from  eventstore.Position // what was published after it, up to upto, is kept
	upto  eventstore.Position
	moved chan struct{} // closed when upto moves or the broadcast has failed
	err   error
}

// start begins a broadcast of what is recorded after a position.
func (h *Hub) start(after eventstore.Position) *broadcast {
	ctx, stop := context.WithCancel(context.Background())
	b := &broadcast{stop: stop, ended: make(chan struct{}), from: after, upto: after, moved: make(chan struct{})}
	go func() {
		defer close(b.ended)
		err := h.follow(ctx, b)
		h.forget(b)
		b.fail(err)
	}()
	return b
}

// follow reads the log until it fails or the context ends.
func (h *Hub) follow(ctx context.Context, b *broadcast) error {
	at := b.upto
	for {
		var fresh []*frame
		for r, err := range h.Store.ReadAll(ctx, at) {
			if err != nil {
				return err
			}
			published, err := ledger.Published(r.Type)
			if err != nil {
				return err
			}
			if published {
				text, err := h.frame(ctx, r, false)
				if err != nil {
					return err
				}
				fresh = append(fresh, &frame{r.Position, r.Type, r.Stream, text})
			}
			if at = r.Position; len(fresh) == flushFrames {
				b.add(fresh, at)
				fresh = nil
			}
		}
		b.add(fresh, at)
		rest := time.NewTimer(gather)
		if err := h.Store.Wait(ctx, at); err != nil {
			return err
		}
		select {
		case <-rest.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// add shows frames to the subscribers.
func (b *broadcast) add(fresh []*frame, upto eventstore.Position) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if upto == b.upto {
		return
	}
	for _, f := range fresh {
		b.kept = append(b.kept, f)
		b.bytes += len(f.text)
	}
	for len(b.kept) > keptFrames || b.bytes > keptBytes {
		b.bytes -= len(b.kept[0].text)
		b.from = b.kept[0].position
		b.kept[0] = nil
		b.kept = b.kept[1:]
	}
	b.upto = upto
	close(b.moved)
	b.moved = make(chan struct{})
}

// fail ends the broadcast for everybody.
func (b *broadcast) fail(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.err = err
	close(b.moved)
}

// after is what comes after a position; behind says that it is not kept any more.
func (b *broadcast) after(at eventstore.Position, f *Filter) (_ Batch, behind bool, _ error) {
	b.mu.RLock()
	defer b.mu.RUnlock()
	switch {
	case b.err != nil:
		return Batch{}, false, b.err
	case at < b.from:
		return Batch{}, true, nil
	case at >= b.upto:
		return Batch{Upto: at, More: b.moved}, false, nil
	}
	batch := Batch{Upto: at}
	first := sort.Search(len(b.kept), func(i int) bool { return b.kept[i].position > at })
	bytes := 0
	for _, next := range b.kept[first:] {
		if !f.wants(next.name, next.stream) {
			continue
		}
		if bytes += len(next.text); bytes > batchBytes && batch.Events > 0 {
			return batch, false, nil
		}
		batch.Pieces = append(batch.Pieces, next.text)
		batch.Events++
		batch.Last, batch.Upto = next.position, next.position
	}
	batch.Upto, batch.More = b.upto, b.moved
	return batch, false, nil
}
