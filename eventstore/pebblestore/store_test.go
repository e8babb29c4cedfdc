package pebblestore_test

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/supportledger/supportledger/eventstore"
	"github.com/supportledger/supportledger/eventstore/pebblestore"
	"github.com/supportledger/supportledger/eventstore/storetest"
)

// small keeps the many stores of the tests small.
func small(t testing.TB) pebblestore.Options {
	return pebblestore.Options{
		Logger:      slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn})),
		CacheBytes:  8 << 20,
		LogMemBytes: 8 << 20, IndexMemBytes: 1 << 20,
	}
}

func open(t testing.TB, dir string, opts pebblestore.Options) *pebblestore.Store {
	t.Helper()
	s, err := pebblestore.Open(dir, opts)
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	return s
}

func TestConformance(t *testing.T) {
	storetest.Run(t, func(t testing.TB) storetest.Subject {
		dir := t.TempDir()
		s := open(t, dir, small(t))
		return storetest.Subject{Store: s, Reopen: func(t testing.TB) eventstore.Store {
			t.Helper()
			if err := s.Close(); err != nil {
				t.Errorf("close: %v", err)
			}
			s = open(t, dir, small(t))
			return s
		}}
	})
}

// On a file system in memory a crash keeps what was synced and nothing else.
func TestConformanceOverPowerCuts(t *testing.T) {
	storetest.Run(t, func(t testing.TB) storetest.Subject {
		fs := vfs.NewCrashableMem()
		opts := small(t)
		opts.FS = fs
		s := open(t, "/store", opts)
		return storetest.Subject{Store: s, Crash: func(t testing.TB) eventstore.Store {
			t.Helper()
			left, opts := fs.CrashClone(vfs.CrashCloneCfg{}), small(t)
			_ = s.Close()
			fs, opts.FS = left, left
			s = open(t, "/store", opts)
			return s
		}}
	})
}

func soon(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	t.Cleanup(cancel)
	return ctx
}
