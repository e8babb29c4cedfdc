package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/supportledger/supportledger/examples/subscriber/gapcheck"
)

// A state is where the subscriber is. Whoever changes a database by the events
// keeps it there, and writes it in the same transaction.
type state struct {
	// Sequence is that of the newest message in JetStream's stream, and ID that of
	// the event in it: where to go on, if it still lies there.
	Sequence uint64   `json:"sequence"`
	ID       string   `json:"id"`
	Subjects []string `json:"subjects"` // by which all of it was read
	gapcheck.Checker
}

// load reads a state; one that was never saved is empty.
func load(path string) (s state, err error) {
	if path == "" {
		return s, nil
	}
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return s, nil
	}
	if err == nil {
		err = json.Unmarshal(text, &s)
	}
	if err != nil {
		return s, fmt.Errorf("read state: file %s: %w", path, err)
	}
	return s, nil
}

// save replaces the file at once and durably: after a crash it is the old or the
// new one.
func (s *state) save(path string) (err error) {
	if path == "" {
		return nil
	}
	defer func() {
		if err != nil {
			err = fmt.Errorf("save state: %w", err)
		}
	}()
	text, err := json.Marshal(s)
	if err != nil {
		return err
	}
	half, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	defer os.Remove(half.Name()) // or it has its name by then
	_, err = half.Write(text)
	if err := errors.Join(err, half.Sync(), half.Close()); err != nil {
		return err
	}
	if err := os.Rename(half.Name(), path); err != nil {
		return err
	}
	folder, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}
