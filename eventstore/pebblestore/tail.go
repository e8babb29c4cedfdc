package pebblestore

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/batchrepr"
	"github.com/cockroachdb/pebble/v2/record"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/supportledger/supportledger/eventstore"
)

// A tail is how the newest write-ahead file of the log ends.
type tail struct {
	path   string
	end    int64 // of the last whole record
	size   int64
	head   eventstore.Position // of the last frame in the file, Start where there is none
	reason error               // nil where the file was closed in order, or is empty from end on
}

// checkTail looks at the newest write-ahead file before Pebble does, which cuts
// what it cannot read there and says nothing. Where the cut would take records
// that were acknowledged, that is damage, and nothing is changed.
func (s *Store) checkTail(dir string, logOptions *pebble.Options) error {
	t, err := readTail(s.opts.FS, dir)
	if err != nil || t.reason == nil {
		return err
	}
	if t.head < s.witness.noted() {
		// The missing records may all lie in tables: ask, without changing anything.
		if err := s.peekHead(dir, *logOptions); err != nil {
			return err
		}
	}
	s.log.Warn("the log ends in the middle of a write; what follows was never acknowledged and is cut",
		"file", t.path, "offset", t.end, "length", t.size-t.end, "reason", t.reason)
	return nil
}

// peekHead opens the log for reading only and compares its head with the witness.
func (s *Store) peekHead(dir string, o pebble.Options) (err error) {
	o.ReadOnly = true
	if s.frames, err = openPebble(dir, &o); err != nil {
		return s.damaged("log", s.witness.noted(), err)
	}
	err = s.findHead()
	db := s.frames
	s.frames = nil
	return errors.Join(err, db.Close())
}

// readTail reads the newest write-ahead file in a folder as far as it can.
func readTail(fs vfs.FS, dir string) (tail, error) {
	names, err := fs.List(dir)
	if err != nil {
		return tail{}, fmt.Errorf("list folder: %w", err)
	}
	var number uint64
	for _, name := range names {
		if base, ok := strings.CutSuffix(name, ".log"); ok {
			if n, err := strconv.ParseUint(base, 10, 64); err == nil {
				number = max(number, n)
			}
		}
	}
	if number == 0 {
		return tail{}, nil
	}
	t := tail{path: filepath.Join(dir, fmt.Sprintf("%06d.log", number))}
	file, err := fs.Open(t.path)
	if err != nil {
		return tail{}, fmt.Errorf("open log: %w", err)
	}
	defer func() { _ = file.Close() }()
	info, err := file.Stat()
	if err != nil {
		return tail{}, fmt.Errorf("open log: %w", err)
	}
	t.size = info.Size()
	t.read(file, number)
	if t.reason != nil && allZero(file, t.end) {
		t.reason = nil
	}
	return t, nil
}

// read goes through the records. Any error but the end is a reason; which one
// matters to Pebble, not here.
func (t *tail) read(file io.Reader, number uint64) {
	reader := newReader(record.NewReader, file, number)
	var buf bytes.Buffer
	for {
		r, err := reader.Next()
		if err == nil {
			buf.Reset()
			_, err = buf.ReadFrom(r)
		}
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.reason = err
			return
		}
		t.end = reader.Offset()
		if last := lastFrame(buf.Bytes()); last != 0 {
			t.head = last
		}
	}
}

// newReader gives a number the type that Pebble does not export.
func newReader[N ~uint64](make func(io.Reader, N) *record.Reader, file io.Reader, number uint64) *record.Reader {
	return make(file, N(number))
}

// lastFrame is the position of the last event in a batch.
func lastFrame(batch []byte) (last eventstore.Position) {
	for r := batchrepr.Read(batch); ; {
		_, key, value, ok, err := r.Next()
		if !ok || err != nil {
			return last
		}
		if len(key) == keySize && len(value) > headerSize {
			last = eventstore.Position(binary.BigEndian.Uint64(key)) + eventstore.Position(binary.LittleEndian.Uint32(value[17:])) - 1
		}
	}
}

// allZero says whether a file has nothing but zeros from an offset on: space
// that was set aside and never written.
func allZero(file io.ReaderAt, from int64) bool {
	buf := make([]byte, 64<<10)
	for {
		n, err := file.ReadAt(buf, from)
		if slices.ContainsFunc(buf[:n], func(b byte) bool { return b != 0 }) {
			return false
		}
		if err != nil {
			return errors.Is(err, io.EOF)
		}
		from += int64(n)
	}
}
