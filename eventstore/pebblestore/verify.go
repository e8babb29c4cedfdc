package pebblestore

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/maphash"
	"math"

	"github.com/cockroachdb/pebble/v2"

	"github.com/supportledger/supportledger/eventstore"
)

// Progress hears, every few thousand records and at the end, how far something
// long has come: the position reached and the one where it ends.
type Progress func(at, head eventstore.Position)

// Verify reads the whole log up to its head as of now, while the store runs: the
// checksum of every frame, that no position is missing, that recorded times do
// not run backwards, by more than the slack; and the whole index: that it has every frame and no other,
// and that every stream's revisions have no gap. The first thing that is wrong
// is returned as a *eventstore.CorruptError.
func (s *Store) Verify(ctx context.Context, progress Progress) error {
	head := s.durable()
	frames := newCensus()
	err := s.verifyLog(ctx, head, progress, func(f *frame) error {
		frames.add(appendIndexKey(frames.buf[:0], string(f.stream), f.lastRevision()), f.first, f.count)
		return nil
	})
	if err != nil {
		return err
	}
	err = s.verifyIndex(ctx, head, frames)
	var corrupt *eventstore.CorruptError
	if errors.As(err, &corrupt) {
		// The first frame that the index has wrong says more, unless it has too much.
		return firstErr(s.verifyLog(ctx, head, nil, s.verifyEntry), err)
	}
	return err
}

// A census counts frames, and adds up digests of where they are, whatever their
// order: the log's and the index's have to agree. To look for each frame in the
// index takes several times as long, and the longer the bigger the index is.
type census struct {
	seeds [2]maphash.Seed
	count int
	sums  [2]uint64
	buf   []byte
}

func newCensus() *census {
	return &census{seeds: [2]maphash.Seed{maphash.MakeSeed(), maphash.MakeSeed()}}
}

// like is a census to be compared with this one.
func (c *census) like() *census { return &census{seeds: c.seeds} }

// add counts a frame by its key in the index, whose memory it takes over.
func (c *census) add(key []byte, first eventstore.Position, count int) {
	c.buf = binary.BigEndian.AppendUint64(key, uint64(first))
	c.buf = binary.BigEndian.AppendUint32(c.buf, uint32(count))
	for i, seed := range c.seeds {
		c.sums[i] += maphash.Bytes(seed, c.buf)
	}
	c.count++
}

// verifyLog shows each frame up to head to check.
func (s *Store) verifyLog(ctx context.Context, head eventstore.Position, progress Progress, check func(*frame) error) error {
	const step = 4096
	lastAt := int64(math.MinInt64) / 2
	known, records := new(names), []eventstore.Record(nil)
	for after := eventstore.Start; after < head; {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := s.enter(); err != nil {
			return err
		}
		n := 0
		err := s.walk(after, func(f *frame) (more bool, err error) {
			if records, err = f.appendRecords(records[:0], known); err != nil {
				return false, frameDamage(f.first, err)
			}
			if after > eventstore.Start && f.at < lastAt-s.slack {
				return false, frameDamage(f.first, fmt.Errorf("recorded before the frame before it: %w", errFrameShape))
			}
			after, lastAt = f.last(), max(lastAt, f.at)
			n++
			return n < step && after < head, check(f)
		})
		s.leave()
		if err != nil {
			return err
		}
		if progress != nil {
			progress(after, head)
		}
	}
	return nil
}

// verifyEntry looks for a frame in the index.
func (s *Store) verifyEntry(f *frame) error {
	value, closer, err := s.index.Get(appendIndexKey(nil, string(f.stream), f.lastRevision()))
	if err != nil {
		return s.damaged("index", f.first-1, fmt.Errorf("%w: no entry for stream %s revision %d: %w", errFrameShape, f.stream, f.lastRevision(), err))
	}
	defer func() { _ = closer.Close() }()
	e, err := parseEntry(appendIndexKey(nil, string(f.stream), f.lastRevision()), value)
	if err == nil && (e.first != f.first || e.count != f.count) {
		err = fmt.Errorf("stream %s revision %d: entry says position %d, the log %d: %w", f.stream, e.last, e.first, f.first, errFrameShape)
	}
	return s.damaged("index", f.first-1, err)
}

// verifyIndex goes through the entries up to head: streams one after another,
// each from its newest frame down to revision 0.
func (s *Store) verifyIndex(ctx context.Context, head eventstore.Position, frames *census) error {
	if err := s.enter(); err != nil {
		return err
	}
	defer s.leave()
	it, err := s.index.NewIter(&pebble.IterOptions{LowerBound: []byte{' '}})
	if err != nil {
		return s.damaged("index", 0, err)
	}
	defer func() { _ = it.Close() }()
	var stream string
	due := eventstore.NoStream // the last revision of the next older frame of the stream
	entries := frames.like()
	for ok := it.First(); ok; ok = it.Next() {
		if entries.count%4096 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		e, err := parseEntry(it.Key(), it.Value())
		if err != nil {
			return s.damaged("index", 0, err)
		}
		name := string(it.Key()[:len(it.Key())-indexSuffix])
		if name == stream && e.last != due || name != stream && due != eventstore.NoStream {
			return s.damaged("index", 0, fmt.Errorf("stream %s has no frame that ends at revision %d: %w", stream, due, errFrameShape))
		}
		stream, due = name, e.firstRevision()-1
		if e.first <= head {
			entries.add(append(entries.buf[:0], it.Key()...), e.first, e.count)
		}
	}
	if err := it.Error(); err != nil {
		return s.damaged("index", 0, err)
	}
	if due != eventstore.NoStream || frames.count != entries.count {
		return s.damaged("index", 0, fmt.Errorf("%d frames too few, stream %s ends at revision %d: %w", frames.count-entries.count, stream, due, errFrameShape))
	}
	if frames.sums != entries.sums {
		return s.damaged("index", 0, fmt.Errorf("its entries are not those of the log's frames: %w", errFrameShape))
	}
	return nil
}
