package pebblestore

import (
	"log/slog"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"github.com/supportledger/supportledger/eventstore"
)

// RawDatabases opens the two databases as a store does, without a store.
func RawDatabases(t testing.TB, logDir, indexDir string) (frames, index *pebble.DB) {
	t.Helper()
	s := &Store{log: slog.New(slog.DiscardHandler), opts: Options{}.withDefaults()}
	cache := pebble.NewCache(s.opts.CacheBytes)
	defer cache.Unref()
	frames, err := pebble.Open(logDir, s.logOptions(cache))
	if err != nil {
		t.Fatal(err)
	}
	index, err = pebble.Open(indexDir, s.indexOptions(cache))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = index.Close(), frames.Close() })
	return frames, index
}

// Queued is how many appends wait for the committer.
func (s *Store) Queued() int {
	s.queue.mu.Lock()
	defer s.queue.mu.Unlock()
	return len(s.queue.list)
}

// SetPatience shortens the wait of an append whose context ended.
func (s *Store) SetPatience(d time.Duration) { s.patience = d }

// ForgetInIndex removes a frame's entry from the index.
func (s *Store) ForgetInIndex(t testing.TB, stream string, last eventstore.Revision) {
	t.Helper()
	if err := s.index.Delete(appendIndexKey(nil, stream, last), pebble.NoSync); err != nil {
		t.Fatal(err)
	}
}

// MisplaceInIndex makes a frame's entry point elsewhere.
func (s *Store) MisplaceInIndex(t testing.TB, stream string, last eventstore.Revision, to eventstore.Position, count int) {
	t.Helper()
	b := s.index.NewBatch()
	defer func() { _ = b.Close() }()
	h := header{first: to, revision: last - eventstore.Revision(count) + 1, count: count}
	if err := putEntry(b, stream, h); err != nil {
		t.Fatal(err)
	}
	if err := s.index.Apply(b, pebble.NoSync); err != nil {
		t.Fatal(err)
	}
}

// DropFrame removes a frame from the log.
func (s *Store) DropFrame(t testing.TB, first eventstore.Position) {
	t.Helper()
	if err := s.frames.Delete(positionKey(first), pebble.Sync); err != nil {
		t.Fatal(err)
	}
}

// ParseFrame is what reading does with the bytes of a frame.
func ParseFrame(key, value []byte) ([]eventstore.Record, error) {
	f, err := parseFrame(key, value)
	if err != nil {
		return nil, err
	}
	return f.appendRecords(nil, new(names))
}

// MakeFrame encodes an append.
func MakeFrame(a eventstore.Append, first eventstore.Position) (key, value []byte) {
	r := newRequest(&a)
	h := header{first: first, revision: a.Expected + 1, count: len(a.Events), at: a.At.UnixMicro()}
	key, value = make([]byte, keySize), make([]byte, frameSize(r.body))
	putFrame(key, value, h, r.body, r.bodyCRC)
	return key, value
}
