package pebblestore

import (
	"context"
	"fmt"
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
	frames := 0
	err := s.verifyLog(ctx, head, progress, func(f *frame) error {
		frames++
		return s.verifyEntry(f)
	})
	if err != nil {
		return err
	}
	if err := s.enter(); err != nil {
		return err
	}
	defer s.leave()
	return s.verifyIndex(ctx, head, frames)
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
func (s *Store) verifyIndex(ctx context.Context, head eventstore.Position, frames int) error {
	it, err := s.index.NewIter(&pebble.IterOptions{LowerBound: []byte{' '}})
	if err != nil {
		return s.damaged("index", 0, err)
	}
	defer func() { _ = it.Close() }()
	var stream string
	due := eventstore.NoStream // the last revision of the next older frame of the stream
	for ok := it.First(); ok; ok = it.Next() {
		if frames%4096 == 0 && ctx.Err() != nil {
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
			frames--
		}
	}
	if err := it.Error(); err != nil {
		return s.damaged("index", 0, err)
	}
	if due != eventstore.NoStream || frames != 0 {
		return s.damaged("index", 0, fmt.Errorf("%d frames too few, stream %s ends at revision %d: %w", frames, stream, due, errFrameShape))
	}
	return nil
}
