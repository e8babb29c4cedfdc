// Package durably puts files where they are looked for: whole or not at all, readable by
// their owner alone, and there after a power cut. For that it is not enough to sync a
// file: its name is in the folder, which is synced apart.
package durably

import (
	"errors"
	"os"
	"path/filepath"
)

// Replace puts a file in the place of the one that has its name, if there is one.
func Replace(path string, body []byte) error { return place(path, body, os.Rename) }

// Create puts a file where none has its name, and is fs.ErrExist where one has.
func Create(path string, body []byte) error { return place(path, body, os.Link) }

func place(path string, body []byte, as func(from, to string) error) error {
	half, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(half.Name()) // or it has its name by then
	_, err = half.Write(body)
	if err = errors.Join(err, half.Sync(), half.Close()); err != nil {
		return err
	}
	if err := as(half.Name(), path); err != nil {
		return err
	}
	return Names(filepath.Dir(path))
}

// Names makes durable which files are in a folder, and what they are called.
func Names(folder string) error {
	f, err := os.Open(folder)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
