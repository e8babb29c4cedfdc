package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"time"

	"github.com/supportledger/supportledger/attachments"
	"github.com/supportledger/supportledger/eventstore"
	"github.com/supportledger/supportledger/eventstore/pebblestore"
	"github.com/supportledger/supportledger/internal/durably"
)

type backupCmd struct {
	onFolder
	To string `type:"path" required:"" placeholder:"DIR" help:"Where the copy goes: a folder that does not exist or is empty."`
}

func (backupCmd) name() string { return "backup" }

// Run copies a ledger.
func (c *backupCmd) Run(ctx context.Context, t *terminal) error { return c.do(ctx, c, t) }

// manifest says what a backup is. It lies beside the copy.
type manifest struct {
	MadeAt  time.Time           `json:"made_at"`
	Head    eventstore.Position `json:"head"`
	Program string              `json:"program"`
	// Development is the folder that was copied, where its keys lie beside it.
	Development string `json:"development,omitempty"`
}

func (f folder) manifest() string { return f.file("backup.json") }

// on copies the log, the attachments, which are sealed, and what says which keys
// they belong to: no keys, nobody's. A copy that was not finished is removed.
func (c *backupCmd) on(ctx context.Context, h *house, t *terminal) (err error) {
	to := folder(c.To)
	if err := mustBeEmpty(to); err != nil {
		return fmt.Errorf("back up: %w", err)
	}
	made := !exists(string(to))
	if err := to.make(); err != nil {
		return fmt.Errorf("back up: %w", err)
	}
	if err := os.Mkdir(to.store(), 0o700); err != nil { // of two backups into one folder, one makes it
		return fmt.Errorf("back up: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, to.discard(made))
		}
	}()
	return c.copy(ctx, h, t, to)
}

func (c *backupCmd) copy(ctx context.Context, h *house, t *terminal, to folder) error {
	if err := h.store.backup(ctx, to.store()); err != nil {
		return err
	}
	files, err := h.copyFiles(ctx, t, to)
	if err != nil {
		return fmt.Errorf("back up: %w", err)
	}
	check, err := os.ReadFile(h.keysCheck())
	if err != nil {
		return fmt.Errorf("back up: %w", err)
	}
	if err := durably.Replace(to.keysCheck(), check); err != nil {
		return fmt.Errorf("back up: %w", err)
	}
	head, err := pebblestore.VerifyCopy(ctx, to.store(), pebblestore.Options{Logger: h.log}, storeProgress(t, "check the copy"))
	if err != nil {
		return fmt.Errorf("check the copy: %w", err)
	}
	m := manifest{MadeAt: time.Now().UTC().Truncate(time.Second), Head: head, Program: version()}
	if exists(h.devKeys()) {
		m.Development = string(h.folder)
	}
	if err := m.write(to); err != nil {
		return fmt.Errorf("back up: %w", err)
	}
	fmt.Fprintf(t.out, "copied up to position %v, with %s, to %s\n"+
		"the copy holds no keys: keep copies of the installation's keys and of %s elsewhere\n", head, files, c.To, h.peoplePlace())
	return nil
}

// copyFiles copies attachments that lie in the folder, and says what it has done.
// After the log: what an incident in the copy has is there then.
func (h *house) copyFiles(ctx context.Context, t *terminal, to folder) (string, error) {
	if h.places.attachments != nil {
		return "no attachments (copy " + h.filesPlace() + " by its own means, after this)", nil
	}
	files, err := attachments.CopyTo(ctx, h.attachments(), to.attachments(), func(files, _ int64) { t.progress("copy attachments", files, files) })
	return fmt.Sprintf("%d attachments", files), err
}

// write puts the manifest into a backup, last: a backup without one was not
// finished.
func (m *manifest) write(to folder) error {
	body, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	if err := durably.Replace(to.manifest(), append(body, '\n')); err != nil {
		return err
	}
	return syncTree(string(to))
}

func readManifest(from folder) (m manifest, err error) {
	body, err := os.ReadFile(from.manifest())
	if errors.Is(err, fs.ErrNotExist) {
		return m, fmt.Errorf("%s holds no finished backup: backup.json is missing", string(from))
	}
	if err != nil {
		return m, err
	}
	if err := json.Unmarshal(body, &m); err != nil {
		return m, fmt.Errorf("read %s: %w", from.manifest(), err)
	}
	return m, nil
}

// mustBeEmpty refuses a folder in which there is something, but for names that
// are allowed.
func mustBeEmpty(f folder, allowed ...string) error {
	entries, err := os.ReadDir(string(f))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, e := range entries {
		if !slices.Contains(allowed, f.file(e.Name())) {
			return fmt.Errorf("%s is not empty (%s): name a new folder", string(f), e.Name())
		}
	}
	return nil
}

// discard removes what a backup that failed has made: its files, and the folder
// where that was made for it.
func (f folder) discard(made bool) (err error) {
	for _, path := range []string{f.store(), f.attachments(), f.keysCheck(), f.manifest()} {
		err = errors.Join(err, os.RemoveAll(path))
	}
	if made {
		err = errors.Join(err, os.Remove(string(f)))
	}
	if err != nil {
		return fmt.Errorf("what was copied to %s is no backup; remove it: %w", string(f), err)
	}
	return nil
}

// syncTree makes the names and files directly in a folder durable.
func syncTree(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	paths := []string{dir}
	for _, e := range entries {
		paths = append(paths, folder(dir).file(e.Name()))
	}
	for _, path := range paths {
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		if err := errors.Join(f.Sync(), f.Close()); err != nil {
			return fmt.Errorf("sync %s: %w", path, err)
		}
	}
	return nil
}

func storeProgress(t *terminal, stage string) pebblestore.Progress {
	return func(at, head eventstore.Position) { t.progress(stage, int64(at), int64(head)) }
}
