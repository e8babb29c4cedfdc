package pebblestore

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/cockroachdb/pebble/v2"

	"github.com/supportledger/supportledger/eventstore"
)

// The index says where a stream's frames are. One entry per frame:
//
//	stream, 0, complement of its last revision 8  →  first position, events (uvarints)
//
// The complement sorts a stream's newest frame first, so that its head is the
// first entry with its prefix, and a Bloom filter over prefixes answers for a
// stream that is unknown. The entry at indexedKey says how far the index goes;
// it is written in the batch that takes it there.
const indexSuffix = 1 + 8

var indexedKey = []byte("\x00indexed") //nolint:gochecknoglobals // a constant in all but syntax

// indexSplit is where the prefix that the Bloom filters know ends.
func indexSplit(key []byte) int {
	if n := len(key) - 8; n > 1 && key[n-1] == 0 {
		return n
	}
	return len(key)
}

// indexComparer orders by bytes. It does not shorten separators: a shortened
// key could fall between a prefix and its suffixes.
func indexComparer() *pebble.Comparer {
	c := *pebble.DefaultComparer
	c.Split = indexSplit
	c.Separator = func(dst, a, _ []byte) []byte { return append(dst, a...) }
	c.Successor = func(dst, a []byte) []byte { return append(dst, a...) }
	c.Name = "supportledger.index.1"
	return &c
}

func appendIndexKey(dst []byte, stream string, last eventstore.Revision) []byte {
	dst = append(dst, stream...)
	dst = append(dst, 0)
	return binary.BigEndian.AppendUint64(dst, ^uint64(last))
}

// An entry says where one frame of a stream is.
type entry struct {
	last  eventstore.Revision
	first eventstore.Position
	count int
}

func (e entry) firstRevision() eventstore.Revision {
	return e.last - eventstore.Revision(e.count) + 1
}

func putEntry(b *pebble.Batch, stream string, h header) error {
	var value [2 * binary.MaxVarintLen64]byte
	n := binary.PutUvarint(value[:], uint64(h.first))
	n += binary.PutUvarint(value[n:], uint64(h.count))
	op := b.SetDeferred(len(stream)+indexSuffix, n)
	appendIndexKey(op.Key[:0], stream, h.lastRevision())
	copy(op.Value, value[:n])
	return op.Finish()
}

func parseEntry(key, value []byte) (entry, error) {
	first, n := binary.Uvarint(value)
	if n <= 0 || len(key) < indexSuffix {
		return entry{}, errFrameShape
	}
	count, m := binary.Uvarint(value[n:])
	if m <= 0 || n+m != len(value) {
		return entry{}, errFrameShape
	}
	last := ^binary.BigEndian.Uint64(key[len(key)-8:])
	return entry{eventstore.Revision(last), eventstore.Position(first), int(count)}, nil
}

// newest returns the entry of a stream's newest frame; ok is false for an unknown stream.
func (s *Store) newest(stream string) (e entry, ok bool, err error) {
	it, err := s.index.NewIter(nil)
	if err != nil {
		return entry{}, false, s.damaged("index", 0, err)
	}
	defer func() {
		if cerr := it.Close(); cerr != nil && err == nil {
			err = s.damaged("index", 0, cerr)
		}
	}()
	var buf [eventstore.MaxStreamBytes + indexSuffix]byte
	key := appendIndexKey(buf[:0], stream, -1)
	if !it.SeekPrefixGE(key) {
		return entry{}, false, nil
	}
	if e, err = parseEntry(it.Key(), it.Value()); err != nil {
		return entry{}, false, s.damaged("index", 0, fmt.Errorf("entry of stream %s: %w", stream, err))
	}
	return e, true, nil
}

// indexedTo is how far the index goes.
func (s *Store) indexedTo() (eventstore.Position, error) {
	value, closer, err := s.index.Get(indexedKey)
	if errors.Is(err, pebble.ErrNotFound) {
		return eventstore.Start, nil
	}
	if err != nil {
		return 0, err
	}
	defer func() { _ = closer.Close() }()
	if len(value) != 8 {
		return 0, errFrameShape
	}
	return eventstore.Position(binary.BigEndian.Uint64(value)), nil
}

func putIndexed(b *pebble.Batch, to eventstore.Position) error {
	return b.Set(indexedKey, binary.BigEndian.AppendUint64(nil, uint64(to)), nil)
}

// catchUp brings the index to the log's head. It is what a crash costs at the
// next start: the index is written without syncing.
func (s *Store) catchUp() error {
	from, err := s.indexedTo()
	if err != nil {
		return s.damaged("index", 0, err)
	}
	head := s.durable()
	if from > head {
		return &eventstore.CorruptError{Position: head, Where: "log", Reason: fmt.Sprintf(
			"the index knows of records up to %d, the log ends at %d: acknowledged records are missing; restore a backup", from, head)}
	}
	if from < head {
		s.log.Info("index catches up with the log", "from", from, "to", head)
	}
	for from < head {
		if from, err = s.indexSome(from); err != nil {
			return err
		}
	}
	return nil
}

// indexSome indexes a bounded number of frames after a position.
func (s *Store) indexSome(after eventstore.Position) (eventstore.Position, error) {
	const most = 4096
	b := s.index.NewBatch()
	defer func() { _ = b.Close() }()
	frames := 0
	err := s.walk(after, func(f *frame) (bool, error) {
		after = f.last()
		frames++
		return frames < most, putEntry(b, string(f.stream), f.header)
	})
	if err != nil {
		return 0, err
	}
	if err := putIndexed(b, after); err != nil {
		return 0, err
	}
	if err := s.index.Apply(b, pebble.NoSync); err != nil {
		return 0, fmt.Errorf("write index: %w", err)
	}
	return after, nil
}

// few is how many entries of one stream are read newest first at most, to be
// turned round: that way, filters say which tables hold none of it.
const few = 64

// entries appends up to most entries of a stream to dst: forwards from the frame
// that holds revision from or the first one after it, backwards from the frame
// that holds it or the last one before it.
func (s *Store) entries(dst []entry, stream string, from eventstore.Revision, dir eventstore.Direction, most int) ([]entry, error) {
	if dir == eventstore.Forwards {
		have := len(dst)
		dst, whole, err := s.newestEntries(dst, stream, from)
		if err != nil || whole {
			slices.Reverse(dst[have:])
			return dst[:min(len(dst), have+most)], err
		}
		return s.seekEntries(dst[:have], stream, from, dir, most)
	}
	return s.seekEntries(dst, stream, from, dir, most)
}

// newestEntries appends a stream's entries down to the frame that holds a
// revision, newest first; whole is false where there are more than few.
func (s *Store) newestEntries(dst []entry, stream string, down eventstore.Revision) (_ []entry, whole bool, err error) {
	it, err := s.index.NewIter(nil)
	if err != nil {
		return dst, false, s.damaged("index", 0, err)
	}
	defer func() {
		if cerr := it.Close(); cerr != nil && err == nil {
			err = s.damaged("index", 0, cerr)
		}
	}()
	var buf [eventstore.MaxStreamBytes + indexSuffix]byte
	left := few
	for ok := it.SeekPrefixGE(appendIndexKey(buf[:0], stream, -1)); ok; ok = it.Next() {
		e, err := parseEntry(it.Key(), it.Value())
		if err != nil {
			return dst, false, s.damaged("index", 0, fmt.Errorf("entry of stream %s: %w", stream, err))
		}
		if e.last < down {
			break
		}
		if left == 0 {
			return dst, false, nil
		}
		dst = append(dst, e)
		left--
	}
	return dst, true, nil
}

// seekEntries finds where to begin by seeking.
func (s *Store) seekEntries(dst []entry, stream string, from eventstore.Revision, dir eventstore.Direction, most int) (_ []entry, err error) {
	lower := appendIndexKey(nil, stream, eventstore.LastRevision)
	upper := append([]byte(stream), 1)
	it, err := s.index.NewIter(&pebble.IterOptions{LowerBound: lower, UpperBound: upper})
	if err != nil {
		return dst, s.damaged("index", 0, err)
	}
	defer func() {
		if cerr := it.Close(); cerr != nil && err == nil {
			err = s.damaged("index", 0, cerr)
		}
	}()
	// The frame with the least last revision at or above from sorts last before
	// the key of from-1.
	holds := false
	if from > 0 {
		holds = it.SeekLT(appendIndexKey(nil, stream, from-1))
	} else {
		holds = it.Last()
	}
	step := it.Prev
	if dir == eventstore.Backwards {
		step = it.Next
		if !holds {
			holds = it.First()
		}
	}
	for ok := holds; ok && most > 0; ok = step() {
		e, err := parseEntry(it.Key(), it.Value())
		if err != nil {
			return dst, s.damaged("index", 0, fmt.Errorf("entry of stream %s: %w", stream, err))
		}
		dst = append(dst, e)
		most--
	}
	return dst, nil
}
