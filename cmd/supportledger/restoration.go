package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/supportledger/supportledger/internal/filelock"
)

// A restoration is a folder in which a ledger is made, inside the one that it is
// for. It is put in place when all of it is there; until then nobody takes it for
// a ledger.
type restoration struct {
	folder
	to   folder
	made bool // the folder that it is for
	lock *os.File
}

// restoring is where a backup is restored, before it is put in place.
func (f folder) restoring() folder { return folder(f.file("restoring")) }

// copying is where a log is copied to, before it is put in place.
func (f folder) copying() folder { return folder(f.file("copying")) }

// beginRestoration begins to make a ledger in a folder that holds none, and clears
// away what is left of one that was killed.
func beginRestoration(to folder) (*restoration, error) {
	if err := mustHoldNoLedger(to); err != nil {
		return nil, err
	}
	if exists(string(to.copying())) {
		return nil, to.mustNotBeUnfinished()
	}
	r := &restoration{folder: to.restoring(), to: to, made: !exists(string(to))}
	if err := r.open("restored"); err != nil {
		return nil, err
	}
	if err := errors.Join(mustHoldNoLedger(to), r.clear()); err != nil {
		return nil, errors.Join(err, r.close())
	}
	return r, nil
}

// open makes the folder, and keeps others out.
func (r *restoration) open(done string) (err error) {
	if err := r.make(); err != nil {
		return err
	}
	if r.lock, err = os.OpenFile(r.file("lock"), os.O_CREATE|os.O_RDWR, 0o600); err != nil {
		return err
	}
	if err := filelock.Take(r.lock); err != nil {
		return errors.Join(fmt.Errorf("%s is being %s by another process: %w", string(r.to), done, err), r.lock.Close())
	}
	return nil
}

// beginCopy begins to make a ledger by copying its log, or goes on where one was
// stopped: what it has copied stays.
func beginCopy(to folder) (*restoration, error) {
	if err := mustHoldNoLedger(to); err != nil {
		return nil, err
	}
	if exists(string(to.restoring())) {
		return nil, to.mustNotBeUnfinished()
	}
	r := &restoration{folder: to.copying(), to: to}
	if err := r.open("copied to"); err != nil {
		return nil, err
	}
	if err := mustHoldNoLedger(to); err != nil { // another may just have finished it
		return nil, errors.Join(err, r.close())
	}
	return r, nil
}

// mustHoldNoLedger refuses a folder with anything in it but keys, and what a
// restore or a copy may leave when it is killed.
func mustHoldNoLedger(f folder) error {
	return mustBeEmpty(f, f.devKeys(), f.people(), f.keysCheck(), f.attachments(), string(f.restoring()), string(f.copying()))
}

// clear removes everything but the lock.
func (r *restoration) clear() error {
	entries, err := os.ReadDir(string(r.folder))
	if err != nil {
		return err
	}
	for _, e := range entries {
		if path := r.file(e.Name()); path != r.lock.Name() {
			if err := os.RemoveAll(path); err != nil {
				return err
			}
		}
	}
	return nil
}

// finish puts everything in place, durably; the store comes last, and with it the
// folder holds a ledger.
func (r *restoration) finish() error {
	if err := syncTree(string(r.folder)); err != nil {
		return err
	}
	if err := os.RemoveAll(r.to.attachments()); err != nil { // what a restore that was killed has put there
		return err
	}
	for _, path := range []string{r.people(), r.devKeys(), r.keysCheck(), r.attachments(), r.store()} {
		if !exists(path) {
			continue
		}
		if err := os.Rename(path, r.to.file(filepath.Base(path))); err != nil {
			return err
		}
		if err := syncTree(string(r.to)); err != nil {
			return err
		}
	}
	return nil
}

// close removes what was not put in place, and the folder that it was for if that
// was made with it and holds nothing.
func (r *restoration) close() error {
	err := os.RemoveAll(string(r.folder))
	err = errors.Join(err, r.lock.Close())
	if r.made {
		_ = os.Remove(string(r.to)) // fails where something is in it
	}
	return err
}
