package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"

	"github.com/supportledger/supportledger/attachments"
	"github.com/supportledger/supportledger/eventstore/pebblestore"
	"github.com/supportledger/supportledger/internal/postgres"
	"github.com/supportledger/supportledger/vault"
)

type restoreCmd struct {
	Data   string `type:"path" required:"" placeholder:"DIR" env:"SUPPORTLEDGER_DATA" help:"The folder to make: it must not exist, or hold nothing but keys."`
	From   string `type:"path" required:"" placeholder:"DIR" help:"The backup."`
	Keys   string `type:"path" placeholder:"FILE" env:"SUPPORTLEDGER_KEYS" help:"The installation's keys, to check that they fit. They stay where they are; those of a development ledger are found, and copied beside the data."`
	People string `placeholder:"FILE|URL" help:"The safe copy of the ledger's file people, which is copied, or the database with the keys of people, postgres://USER@HOST/DATABASE, which is only looked at. Without either no name, description or comment can be read."`
}

// Run restores a backup: keys first, so that nothing is copied that cannot be
// used; then the log, which is verified whole. All of it is made in a folder of
// its own and put in place at the end, so that a restore that failed, or was
// killed, can simply be asked for again. Read models are made anew when the ledger
// starts.
func (c *restoreCmd) Run(ctx context.Context, t *terminal) (err error) {
	from, to := folder(c.From), folder(c.Data)
	p, err := c.database()
	if err != nil {
		return err
	}
	m, err := readManifest(from)
	if err != nil {
		return fmt.Errorf("restore: %w", err)
	}
	into, err := beginRestoration(to)
	if err != nil {
		return fmt.Errorf("restore: %w", err)
	}
	defer func() { err = errors.Join(err, into.close()) }()
	c.findDevelopment(m, to, p)
	keys, err := c.loadKeys(from, to)
	if err != nil {
		return fmt.Errorf("restore: %w", err)
	}
	if err := c.copySecrets(m, into, keys); err != nil {
		return fmt.Errorf("restore: %w", err)
	}
	if err := lookAtPeople(ctx, p, keys); err != nil {
		return fmt.Errorf("restore: %w", err)
	}
	log := quietLogger(t)
	copying := func(done, total int64) { t.progress("copy the log", done, total) }
	if err := pebblestore.Restore(ctx, from.store(), into.store(), pebblestore.Options{Logger: log}, copying, storeProgress(t, "restore")); err != nil {
		return err
	}
	if _, err := attachments.CopyTo(ctx, from.attachments(), into.attachments(), func(files, _ int64) { t.progress("restore attachments", files, files) }); err != nil {
		return fmt.Errorf("restore: %w", err)
	}
	if err := c.verify(ctx, into.folder, keys, t, log); err != nil {
		return err
	}
	if err := into.finish(); err != nil {
		return fmt.Errorf("restore: %w", err)
	}
	c.tell(t, m, to, p)
	return nil
}

// database is where --people says that the keys of people are, if it names a
// database.
func (c *restoreCmd) database() (p places, err error) {
	if postgres.IsURL(c.People) {
		p.people, err = parseDatabase("--people", c.People)
		c.People = ""
	}
	return p, err
}

// lookAtPeople refuses keys of people that are another installation's.
func lookAtPeople(ctx context.Context, p places, keys *vault.Keys) error {
	if p.people == nil {
		return nil
	}
	people, err := openShared(ctx, p, keys, false, false)
	if err != nil {
		return err
	}
	return people.Close()
}

// findDevelopment takes the keys of a development ledger from beside it, if it is
// still where it was.
func (c *restoreCmd) findDevelopment(m manifest, to folder, p places) {
	if m.Development == "" {
		return
	}
	old := folder(m.Development)
	if c.Keys == "" && !exists(to.devKeys()) && exists(old.devKeys()) {
		c.Keys = old.devKeys()
	}
	if c.People == "" && p.people == nil && !exists(to.people()) && exists(old.people()) {
		c.People = old.people()
	}
}

// loadKeys reads the keys and refuses those that do not belong to the backup.
func (c *restoreCmd) loadKeys(from, to folder) (*vault.Keys, error) {
	path := c.Keys
	if path == "" && exists(to.devKeys()) {
		path = to.devKeys()
	}
	if path == "" {
		return nil, fmt.Errorf("%w: name the installation's keys with --keys FILE, to check that they fit the backup", errAskedWrongly)
	}
	keys, err := vault.Load(path)
	if err != nil {
		return nil, err
	}
	if !exists(from.keysCheck()) {
		return nil, fmt.Errorf("%s is missing: the backup does not say which keys it belongs to", from.keysCheck())
	}
	return keys, from.fit(keys)
}

// copySecrets puts beside the data what belongs there: the keys of people, and of
// a development ledger the installation's.
func (c *restoreCmd) copySecrets(m manifest, into *restoration, keys *vault.Keys) error {
	if m.Development != "" && !exists(into.to.devKeys()) {
		if err := keys.Write(into.devKeys()); err != nil {
			return err
		}
	}
	if err := c.copyPeople(into); err != nil {
		return err
	}
	return keys.Bind(into.keysCheck())
}

// copyPeople copies the keys of people, unless they are in their place already,
// and sees to it that they can be opened.
func (c *restoreCmd) copyPeople(into *restoration) error {
	path := into.to.people()
	switch {
	case c.People == "":
	case !exists(path):
		path = into.people()
		if err := copyPrivate(c.People, path); err != nil {
			return err
		}
	default:
		same, err := sameContent(c.People, path)
		if err != nil {
			return err
		}
		if !same {
			return fmt.Errorf("%s is there already, and is another one than %s: remove it, or leave --people out to keep it", path, c.People)
		}
	}
	people, err := vault.OpenPeople(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return people.Close()
}

// verify opens the new folder and holds all of it against the laws.
func (c *restoreCmd) verify(ctx context.Context, to folder, keys *vault.Keys, t *terminal, log *slog.Logger) error {
	h, err := openHouse(ctx, to, "", places{}, pebblestore.Options{Logger: log})
	if err != nil {
		return fmt.Errorf("restore: %w", err)
	}
	h.keys = keys
	result, err := h.verify(ctx, t, false)
	if err := errors.Join(err, h.close()); err != nil {
		return fmt.Errorf("verify the copy: %w", err)
	}
	return tellResult(h, t, result)
}

func (c *restoreCmd) tell(t *terminal, m manifest, to folder, p places) {
	fmt.Fprintf(t.out, "restored to %s up to position %v\n", c.Data, m.Head)
	if p.people != nil {
		fmt.Fprintf(t.out, "the keys of people are in %v: name it with --people at every start\n", p.people)
		return
	}
	if !exists(to.people()) {
		fmt.Fprintf(t.out, "the keys of people are missing: put their safe copy at %s before the first start\n", to.people())
	}
}

// copyPrivate copies a file durably to where there is none.
func copyPrivate(from, to string) error {
	src, err := os.Open(from)
	if err != nil {
		return err
	}
	defer src.Close()
	dst, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(dst, src)
	return errors.Join(err, dst.Sync(), dst.Close())
}

func sameContent(a, b string) (bool, error) {
	one, err := os.ReadFile(a)
	if err != nil {
		return false, err
	}
	other, err := os.ReadFile(b)
	return bytes.Equal(one, other), err
}
