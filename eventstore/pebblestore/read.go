package pebblestore

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/cockroachdb/pebble/v2"

	"github.com/supportledger/supportledger/eventstore"
)

// Reads go in chunks, and hold nothing of Pebble's between them: a slow reader
// does not keep old tables on disk or old memtables in memory, and Close need
// not wait for it. The first chunk is small for those who want one record.
const (
	firstChunk = 8       // frames
	mostChunk  = 512     // frames
	chunkBytes = 1 << 20 // of events
)

// ReadAll yields the records after a position in order; a gap between two
// frames is a CorruptError as much as a frame that does not fit its checksum.
func (s *Store) ReadAll(ctx context.Context, after eventstore.Position) iter.Seq2[eventstore.Record, error] {
	return s.chunks(ctx, func(c *chunk) bool {
		c.err = s.walk(after, c.take)
		c.trim(func(r *eventstore.Record) bool { return r.Position <= after })
		if n := len(c.records); n > 0 {
			after = c.records[n-1].Position
		}
		return c.full()
	})
}

// ReadAllBackwards yields the records before a position, newest first.
func (s *Store) ReadAllBackwards(ctx context.Context, before eventstore.Position) iter.Seq2[eventstore.Record, error] {
	return s.chunks(ctx, func(c *chunk) bool {
		c.backwards = true
		c.err = s.walkBack(before, c.take)
		c.trim(func(r *eventstore.Record) bool { return r.Position >= before })
		if n := len(c.records); n > 0 {
			before = c.records[n-1].Position
		}
		return c.full()
	})
}

// ReadStream yields the records of one stream.
func (s *Store) ReadStream(ctx context.Context, stream string, from eventstore.Revision, dir eventstore.Direction) iter.Seq2[eventstore.Record, error] {
	if dir == eventstore.Forwards {
		from = max(from, 0)
	}
	var entries []entry
	return s.chunks(ctx, func(c *chunk) bool {
		if from < 0 || stream == "" {
			return false
		}
		c.backwards = dir == eventstore.Backwards
		if entries, c.err = s.entries(entries[:0], stream, from, dir, c.most); c.err == nil {
			c.err = s.fetch(stream, entries, c.take)
		}
		start := from
		c.trim(func(r *eventstore.Record) bool {
			return dir == eventstore.Forwards && r.Revision < start || dir == eventstore.Backwards && r.Revision > start
		})
		if n := len(c.records); n > 0 && dir == eventstore.Forwards {
			from = c.records[n-1].Revision + 1
		} else if n > 0 {
			from = c.records[n-1].Revision - 1
		}
		return c.full()
	})
}

// A chunk is what one visit to Pebble brings back.
type chunk struct {
	most      int
	backwards bool
	records   []eventstore.Record
	frames    int
	bytes     int
	err       error
	names     *names
	slab      []byte // see keep
}

func (c *chunk) full() bool { return c.err == nil && (c.frames >= c.most || c.bytes >= chunkBytes) }

// take adds a frame's records and says whether there is room for another one.
func (c *chunk) take(f *frame) (bool, error) {
	f.events = c.keep(f.events)
	from := len(c.records)
	var err error
	if c.records, err = f.appendRecords(c.records, c.names); err != nil {
		c.records = c.records[:from]
		return false, frameDamage(f.first, err)
	}
	if c.backwards {
		slices.Reverse(c.records[from:])
	}
	c.frames++
	c.bytes += len(f.events)
	return !c.full(), nil
}

// slabBytes is how much is set aside at once for copies of frames. A record that
// its reader keeps holds on to all of it.
const slabBytes = 32 << 10

// keep copies bytes that Pebble takes back. In a long read small ones share a
// slab: a piece of memory for each frame would make work for the allocator.
func (c *chunk) keep(b []byte) []byte {
	if c.most == firstChunk || len(b) > slabBytes/8 {
		return slices.Clone(b)
	}
	if len(b) > cap(c.slab)-len(c.slab) {
		c.slab = make([]byte, 0, slabBytes)
	}
	n := len(c.slab)
	c.slab = append(c.slab, b...)
	return c.slab[n:len(c.slab):len(c.slab)]
}

// trim drops what a frame at the start has beside what was asked for.
func (c *chunk) trim(drop func(*eventstore.Record) bool) {
	n := 0
	for n < len(c.records) && drop(&c.records[n]) {
		n++
	}
	c.records = c.records[n:]
}

// chunks yields what fill brings, until it says that there is no more.
func (s *Store) chunks(ctx context.Context, fill func(*chunk) (more bool)) iter.Seq2[eventstore.Record, error] {
	return func(yield func(eventstore.Record, error) bool) {
		c := chunk{names: new(names)}
		for most := firstChunk; ; most = min(2*most, mostChunk) {
			c = chunk{most: most, names: c.names, slab: c.slab, records: c.records[:0]}
			more := s.visit(ctx, &c, fill)
			for i := range c.records {
				if !yield(c.records[i], nil) {
					return
				}
			}
			if c.err != nil {
				yield(eventstore.Record{}, c.err)
				return
			}
			if !more {
				return
			}
		}
	}
}

// visit fills a chunk while the databases are sure to be open.
func (s *Store) visit(ctx context.Context, c *chunk, fill func(*chunk) bool) bool {
	if c.err = ctx.Err(); c.err != nil {
		return false
	}
	if c.err = s.enter(); c.err != nil {
		return false
	}
	defer s.leave()
	return fill(c)
}

// walk shows the frames from the one that holds the record after a position, up
// to the durable head, until fn says that it has enough.
func (s *Store) walk(after eventstore.Position, fn func(*frame) (more bool, err error)) error {
	head := s.durable()
	if after >= head {
		return nil
	}
	it, err := s.logIter(head)
	if err != nil {
		return err
	}
	want := after + 1
	for ok := it.SeekLT(positionKey(want + 1)); ok; ok = it.Next() {
		f, err := readFrame(it)
		if err == nil && (f.first > want || f.last() < want || (want > after+1 && f.first != want)) {
			err = missing(want, f.first)
		}
		if err != nil {
			return errors.Join(s.damaged("log", want-1, err), it.Close())
		}
		want = f.last() + 1
		if more, err := fn(&f); err != nil || !more {
			return firstErr(s.damaged("log", f.first-1, err), s.damaged("log", f.first-1, it.Close()))
		}
	}
	if err := it.Close(); err != nil {
		return s.damaged("log", want-1, err)
	}
	if want <= head {
		return s.damaged("log", want-1, missing(want, head+1))
	}
	return nil
}

// walkBack shows the frames from the one that holds the record before a
// position, down to the first.
func (s *Store) walkBack(before eventstore.Position, fn func(*frame) (more bool, err error)) error {
	head := s.durable()
	if before == 0 || head == 0 {
		return nil
	}
	want := min(before-1, head)
	it, err := s.logIter(head)
	if err != nil {
		return err
	}
	top := want
	for ok := want > 0 && it.SeekLT(positionKey(want+1)); ok; ok = it.Prev() {
		f, err := readFrame(it)
		if err == nil && (f.last() < want || (want < top && f.last() != want)) {
			err = missing(f.last()+1, want+1)
		}
		if err != nil {
			return errors.Join(s.damaged("log", want-1, err), it.Close())
		}
		want = f.first - 1
		if more, err := fn(&f); err != nil || !more {
			return firstErr(s.damaged("log", f.first-1, err), s.damaged("log", f.first-1, it.Close()))
		}
	}
	if err := it.Close(); err != nil {
		return s.damaged("log", want, err)
	}
	if want > 0 {
		return s.damaged("log", 0, missing(1, want+1))
	}
	return nil
}

// fetch shows the frames that the index names, and checks that they are those.
// They are looked up one by one: an iterator would look for each in every level
// of the log, though one holds it.
func (s *Store) fetch(stream string, entries []entry, fn func(*frame) (more bool, err error)) error {
	for _, e := range entries {
		more, err := s.fetchOne(stream, e, fn)
		if err != nil {
			return s.damaged("log", e.first-1, err)
		}
		if !more {
			return nil
		}
	}
	return nil
}

func (s *Store) fetchOne(stream string, e entry, fn func(*frame) (more bool, err error)) (more bool, err error) {
	key := positionKey(e.first)
	value, closer, err := s.frames.Get(key)
	if errors.Is(err, pebble.ErrNotFound) {
		return false, missing(e.first, e.first+1)
	}
	if err != nil {
		return false, err
	}
	defer func() { err = firstErr(err, closer.Close()) }()
	f, err := parseFrame(key, value)
	if err != nil {
		return false, frameDamage(e.first, err)
	}
	if string(f.stream) != stream || f.lastRevision() != e.last || f.count != e.count {
		return false, fmt.Errorf("the index has stream %s up to revision %d there, the log %s up to %d: %w",
			stream, e.last, f.stream, f.lastRevision(), errFrameShape)
	}
	return fn(&f)
}

func readFrame(it *pebble.Iterator) (frame, error) {
	value, err := it.ValueAndErr()
	if err != nil {
		return frame{}, err
	}
	key := it.Key()
	f, err := parseFrame(key, value)
	if err != nil && len(key) == keySize {
		err = frameDamage(eventstore.Position(binary.BigEndian.Uint64(key)), err)
	}
	return f, err
}

func (s *Store) logIter(head eventstore.Position) (*pebble.Iterator, error) {
	it, err := s.frames.NewIter(&pebble.IterOptions{UpperBound: positionKey(head + 1)})
	if err != nil {
		return nil, s.damaged("log", 0, err)
	}
	return it, nil
}

func positionKey(p eventstore.Position) []byte {
	return binary.BigEndian.AppendUint64(make([]byte, 0, keySize), uint64(p))
}

func frameDamage(at eventstore.Position, err error) error {
	return fmt.Errorf("frame at position %d: %w", at, err)
}

func missing(from, to eventstore.Position) error {
	return fmt.Errorf("records %d to %d are not there: %w", from, to-1, errFrameShape)
}

// damaged turns what Pebble or a frame says about damage into a CorruptError
// that names the place; other errors pass, and nil stays nil.
func (s *Store) damaged(part string, after eventstore.Position, err error) error {
	if err == nil {
		return nil
	}
	where, wayOut := part+" in "+s.dir, ""
	if part == "index" {
		wayOut = "; the folder index may be removed while the store is closed: it is made again from the log"
	}
	var corrupt *eventstore.CorruptError
	if errors.As(err, &corrupt) {
		if wayOut != "" && !strings.HasSuffix(corrupt.Reason, wayOut) {
			return &eventstore.CorruptError{Position: corrupt.Position, Where: corrupt.Where, Reason: corrupt.Reason + wayOut}
		}
		return err
	}
	if !isCorruption(err) {
		return fmt.Errorf("read %s: %w", part, err)
	}
	s.metrics.damaged.Inc()
	return &eventstore.CorruptError{Position: after, Where: where, Reason: firstLine(err) + wayOut}
}

func isCorruption(err error) bool {
	return pebble.IsCorruptionError(err) || errors.Is(err, errFrameChecksum) || errors.Is(err, errFrameShape)
}

// firstLine leaves out what Pebble's errors carry for its own reports.
func firstLine(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	return line
}

func firstErr(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
