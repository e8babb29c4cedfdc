package attachments

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/supportledger/supportledger/internal/filelock"
)

// What is on its way lies in incoming/, in a folder that one process has made for
// itself, with a file that it has locked as long as it lives. So several may share
// what lies beside it, and whoever starts clears away what the dead have left.
const (
	incomingName = "incoming"
	lockName     = "lock"
)

// openWay makes this process's own folder, and clears away those of others that
// are gone.
func (f *intake) openWay() error {
	all := filepath.Join(f.Dir, incomingName)
	if err := os.MkdirAll(all, 0o700); err != nil {
		return err
	}
	if _, err := clearWays(all); err != nil {
		return err
	}
	for range attempts {
		dir, err := os.MkdirTemp(all, "")
		if err != nil {
			return err
		}
		lock, err := lockWay(dir)
		if err != nil {
			return errors.Join(err, os.RemoveAll(dir))
		}
		if lock != nil {
			f.way, f.lock = dir, lock
			return nil
		}
	}
	return fmt.Errorf("others removed what was made in %s %d times: see that its file system keeps locks", all, attempts)
}

// lockWay makes a folder this process's own; nil where another one that starts has
// taken it for left behind, and removes it.
func lockWay(dir string) (*os.File, error) {
	lock, err := os.OpenFile(filepath.Join(dir, lockName), os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	err = filelock.Take(lock)
	if err == nil {
		mine, itErr := lock.Stat()
		there, err := os.Stat(lock.Name())
		if itErr == nil && err == nil && os.SameFile(mine, there) {
			return lock, nil
		}
	}
	if errors.Is(err, filelock.ErrHeld) {
		err = nil
	}
	return nil, errors.Join(err, lock.Close())
}

// clearWays removes the folders of processes that are gone, and says how many are
// of some that live.
func clearWays(all string) (live int, err error) {
	entries, err := os.ReadDir(all)
	if err != nil {
		return 0, err
	}
	for _, e := range entries {
		used, err := clearWay(filepath.Join(all, e.Name()))
		if err != nil {
			return live, err
		}
		if used {
			live++
		}
	}
	return live, nil
}

// clearWay removes a folder unless its process lives. The lock goes last, so that
// one that was half removed is found again.
func clearWay(dir string) (used bool, err error) {
	lock, err := os.OpenFile(filepath.Join(dir, lockName), os.O_RDWR, 0)
	if err != nil {
		// It has just been made, and who has made it finds out; or it is no folder.
		_ = os.Remove(dir)
		return false, nil
	}
	defer lock.Close()
	if err := filelock.Take(lock); errors.Is(err, filelock.ErrHeld) {
		return true, nil
	} else if err != nil {
		return true, err
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return false, ignoreMissing(err)
	}
	for _, e := range entries {
		if e.Name() != lockName {
			if err := os.RemoveAll(filepath.Join(dir, e.Name())); err != nil {
				return false, err
			}
		}
	}
	return false, os.RemoveAll(dir)
}

// incoming is where what comes in lies until it is kept.
func (f *intake) incoming() string { return f.way }

// Close lets go of the place of what is on its way. Nothing may be any more.
func (f *intake) Close() error {
	if f.lock == nil {
		return nil // it was never open
	}
	return errors.Join(os.RemoveAll(f.way), f.lock.Close())
}

// Shared says whether other processes have the folder open, too.
func (f *intake) Shared() (bool, error) {
	live, err := clearWays(filepath.Join(f.Dir, incomingName))
	return live > 1, err // one is this process's own
}
