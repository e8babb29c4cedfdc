package pebblestore

import (
	"log/slog"
	"testing"

	"github.com/cockroachdb/pebble/v2"
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
