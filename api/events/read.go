package events

import (
	"context"
	"fmt"
	"iter"
	"sort"

	"github.com/supportledger/supportledger/eventstore"
)

// scanAtOnce is how many records a subscriber looks at before others get a turn.
const scanAtOnce = 8192

// read reads the log for this subscriber alone. It does so in a goroutine of its
// own, whose stack grows with the depth of reading: the subscriber's stays small,
// which may have to wait for long after that.
func (s *Subscription) read(ctx context.Context) (Batch, error) {
	select {
	case s.hub.readers <- struct{}{}:
	case <-ctx.Done():
		return Batch{}, ctx.Err()
	}
	var batch Batch
	var err error
	done := make(chan struct{})
	go func() {
		defer close(done)
		batch, err = s.readLog(ctx)
		<-s.hub.readers
	}()
	<-done
	return batch, err
}

func (s *Subscription) readLog(ctx context.Context) (Batch, error) {
	if s.filter.stream != "" {
		return s.readStream(ctx)
	}
	batch, _, err := s.fill(ctx, s.at, s.hub.Store.ReadAll(ctx, s.at))
	return batch, err
}

// fill takes records until a batch is full, and says whether they came to an end
// before. Upto is the last record that was looked at; at, if that was none.
func (s *Subscription) fill(ctx context.Context, at eventstore.Position, records iter.Seq2[eventstore.Record, error]) (b Batch, whole bool, err error) {
	b.Upto = at
	var piece []byte // one, since many small ones would leave holes in memory
	scanned := 0
	defer func() {
		if b.Events > 0 {
			b.Pieces = [][]byte{piece}
		}
	}()
	for r, err := range records {
		if err != nil {
			return b, false, fmt.Errorf("read log: %w", err)
		}
		if scanned == scanAtOnce {
			return b, false, nil
		}
		scanned++
		wanted, err := s.filter.wantsRecord(&r)
		if err != nil {
			return b, false, err
		}
		if wanted {
			text, err := s.hub.frame(ctx, r, s.personal)
			if err != nil {
				return b, false, err
			}
			if b.Events > 0 && len(piece)+len(text) > batchBytes {
				return b, false, nil
			}
			if piece == nil {
				piece = make([]byte, 0, max(len(text), batchBytes))
			}
			piece, b.Last = append(piece, text...), r.Position
			b.Events++
		}
		b.Upto = r.Position
	}
	return b, true, nil
}

// A place is a revision of a contract's stream: the first after a position.
type place struct {
	after    eventstore.Position
	revision eventstore.Revision
}

// readStream reads a contract's own stream, which is shorter than the log.
func (s *Subscription) readStream(ctx context.Context) (Batch, error) {
	head, err := s.hub.Store.Head(ctx) // first: what is recorded since may be read and is not promised
	if err != nil {
		return Batch{}, fmt.Errorf("find head: %w", err)
	}
	if s.found.after != s.at {
		if s.found, err = s.hub.find(ctx, s.filter.stream, s.at); err != nil {
			return Batch{}, err
		}
	}
	begin, next := s.found.revision, s.found.revision // the first that is not taken
	batch, whole, err := s.fill(ctx, s.at, func(yield func(eventstore.Record, error) bool) {
		for r, err := range s.hub.Store.ReadStream(ctx, s.filter.stream, begin, eventstore.Forwards) {
			if next = r.Revision; !yield(r, err) {
				return
			}
			next++
		}
	})
	if err != nil {
		return Batch{}, err
	}
	if whole {
		batch.Upto = max(batch.Upto, head)
	}
	s.found = place{batch.Upto, next}
	return batch, nil
}

// find looks for the first revision of a stream after a position, by halves.
func (h *Hub) find(ctx context.Context, stream string, after eventstore.Position) (place, error) {
	newest, ok, err := h.at(ctx, stream, eventstore.LastRevision, eventstore.Backwards)
	if err != nil || !ok {
		return place{after: after}, err
	}
	first := sort.Search(int(newest.Revision)+1, func(revision int) bool {
		if err != nil {
			return true
		}
		var r eventstore.Record
		r, _, err = h.at(ctx, stream, eventstore.Revision(revision), eventstore.Forwards)
		return r.Position > after
	})
	return place{after, eventstore.Revision(first)}, err
}

// at is the record of a stream at a revision.
func (h *Hub) at(ctx context.Context, stream string, revision eventstore.Revision, dir eventstore.Direction) (eventstore.Record, bool, error) {
	for r, err := range h.Store.ReadStream(ctx, stream, revision, dir) {
		if err != nil {
			return r, false, fmt.Errorf("read stream %s: %w", stream, err)
		}
		return r, true, nil
	}
	return eventstore.Record{}, false, nil
}
