package pebblestore

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// Discard removes a store, with all that is recorded in it, after something has been
// done while nobody can open it. Where somebody has it open, nothing happens but
// ErrInUse.
func Discard(dir string, before func() error) error {
	lock, err := lockLog(dir, vfs.Default)
	if err != nil {
		return fmt.Errorf("discard store %s: %w", dir, err)
	}
	gone := dir + ".gone" // whoever opens a store now makes another one
	if err = before(); err == nil {
		err = os.Rename(dir, gone)
	}
	if err = errors.Join(err, lock.Close()); err == nil {
		err = os.RemoveAll(gone)
	}
	if err != nil {
		return fmt.Errorf("discard store %s: %w", dir, err)
	}
	return nil
}

// lockLog keeps others out of a store.
func lockLog(dir string, fs vfs.FS) (*pebble.Lock, error) {
	lock, err := pebble.LockDirectory(filepath.Join(dir, logFolder), fs)
	if err == nil {
		return lock, nil
	}
	here := strings.Contains(err.Error(), "held by current process") // Pebble has no name for it
	if here || errors.Is(err, syscall.EAGAIN) || errors.Is(err, syscall.EACCES) {
		return nil, fmt.Errorf("%w: %w", ErrInUse, err)
	}
	return nil, fmt.Errorf("lock folder: %w", err)
}
