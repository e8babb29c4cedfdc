package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/supportledger/supportledger/eventstore/pebblestore"
)

// A beginning is how a folder was before a start, so that one that fails leaves no
// half-made ledger where none was: the next may be another, with other keys.
type beginning struct {
	folder
	made  bool     // there was no folder
	found []string // names in it
}

func (f folder) beginning() (*beginning, error) {
	entries, err := os.ReadDir(string(f))
	b := &beginning{folder: f, made: errors.Is(err, os.ErrNotExist)}
	if err != nil && !b.made {
		return nil, fmt.Errorf("look into folder: %w", err)
	}
	for _, e := range entries {
		b.found = append(b.found, e.Name())
	}
	return b, nil
}

// startFresh starts a service. Where that fails, the folder is as it was before.
func startFresh(ctx context.Context, s settings) (*service, error) {
	before, err := s.folder.beginning()
	if err != nil {
		return nil, err
	}
	v, err := startService(ctx, s)
	if err != nil {
		err = errors.Join(err, before.undo(s, err))
	}
	return v, err
}

// begun says that there was a ledger, or a part of one, or that another process is
// making one.
func (b *beginning) begun(err error) bool {
	return errors.Is(err, pebblestore.ErrInUse) || slices.ContainsFunc(
		[]string{b.store(), b.keysCheck(), b.people(), b.attachments(), b.tokenKey()},
		func(path string) bool { return slices.Contains(b.found, filepath.Base(path)) })
}

// undo removes what a start has made that ended with an error, unless there was a
// ledger before, or somebody outside may know the keys that it has made.
func (b *beginning) undo(s settings, err error) error {
	shared := s.places.log != "" || s.places.people != nil || s.nats.remote.URL != ""
	fresh := !slices.Contains(b.found, filepath.Base(b.devKeys())) && exists(b.devKeys())
	if b.begun(err) || shared && fresh {
		return nil
	}
	return b.alone(func() error {
		entries, err := os.ReadDir(string(b.folder))
		if err != nil {
			return err
		}
		for _, e := range entries {
			if path := b.file(e.Name()); path != b.store() && !slices.Contains(b.found, e.Name()) {
				err = errors.Join(err, os.RemoveAll(path))
			}
		}
		return err
	})
}

// alone has the folder emptied while others are kept out of it, and removes the
// store, and the folder where it was made.
func (b *beginning) alone(empty func() error) error {
	if !exists(string(b.folder)) {
		return nil
	}
	var err error
	if exists(b.store()) {
		err = pebblestore.Discard(b.store(), empty)
	} else if lock, failed := lockFolder(b.folder); failed == nil {
		err = errors.Join(empty(), lock.Close())
	}
	if err != nil {
		return fmt.Errorf("remove what was begun in %s: %w", string(b.folder), err)
	}
	if b.made {
		_ = os.Remove(string(b.folder)) // fails where something is in it
	}
	return nil
}
