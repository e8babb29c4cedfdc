package pebblestore_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/supportledger/supportledger/eventstore/pebblestore"
)

// R46: a store that somebody has open is not discarded; nobody opens one that is being.
func TestR46_OnlyAStoreThatNobodyHasOpenIsDiscarded(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "store")
	s, err := pebblestore.Open(dir, small(t))
	if err != nil {
		t.Fatal(err)
	}
	err = pebblestore.Discard(dir, func() error { t.Error("somebody has it open"); return nil })
	if !errors.Is(err, pebblestore.ErrInUse) {
		t.Errorf("got %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	err = pebblestore.Discard(dir, func() error {
		if _, err := pebblestore.Open(dir, small(t)); !errors.Is(err, pebblestore.ErrInUse) {
			t.Errorf("opened meanwhile: %v", err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(filepath.Dir(dir)); err != nil || len(left) > 0 {
		t.Errorf("there is %v, %v", left, err)
	}
	if err := pebblestore.Discard(dir, func() error { return nil }); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("of one that is not there: %v", err)
	}
}
