package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/supportledger/supportledger/vault"
)

// A folder is where one ledger lives.
//
//	store/           the log and its index
//	read/            the read models; derived, may be thrown away
//	nats/            the NATS server's copy of what was recorded; may be thrown away
//	mail/            letters as files, where no mail server is named
//	people           a key per person
//	attachments/     files that people have uploaded, sealed under keys that people holds,
//	                 or those on their way to where nodes share them
//	keys-check.json  which of the installation's keys the data belongs to
//	token-key.pem    the built-in issuer's key
//	keys.json        the installation's keys: only for development
//	dev-tokens.json  tokens for development
//	dev-subscriber.json  who may listen to the feed, for development
//	control.sock     the running ledger's ear
//	lock             is held by who has the folder open, where the log is in a cluster
//	restoring/       a ledger that is being restored
//	copying/         a log that is being copied here
type folder string

func (f folder) file(name string) string { return filepath.Join(string(f), name) }

func (f folder) store() string       { return f.file("store") }
func (f folder) read() string        { return f.file("read") }
func (f folder) nats() string        { return f.file("nats") }
func (f folder) people() string      { return f.file("people") }
func (f folder) attachments() string { return f.file("attachments") }
func (f folder) keysCheck() string   { return f.file("keys-check.json") }
func (f folder) tokenKey() string    { return f.file("token-key.pem") }
func (f folder) devKeys() string     { return f.file("keys.json") }
func (f folder) devTokens() string   { return f.file("dev-tokens.json") }

// make makes the folder if there is none.
func (f folder) make() error {
	if err := os.MkdirAll(string(f), 0o700); err != nil {
		return fmt.Errorf("make folder: %w", err)
	}
	return nil
}

// mustHoldLedger refuses a folder in which no ledger was ever started, with its
// log there or in a cluster.
func (f folder) mustHoldLedger(p places) error {
	if err := f.mustNotBeUnfinished(); err != nil {
		return err
	}
	if p.log == "" && !exists(f.store()) || p.log != "" && !exists(f.keysCheck()) {
		return fmt.Errorf("%s holds no ledger: name the folder that serve was started with", string(f))
	}
	return nil
}

// mustNotBeUnfinished refuses a folder in which a ledger is being restored, or into
// which a log is being copied, or where that was begun and not finished: a new one
// must not take its place.
func (f folder) mustNotBeUnfinished() error {
	switch {
	case exists(f.store()):
		return nil
	case exists(string(f.restoring())):
		return fmt.Errorf("%s holds no ledger yet: a restore into it was not finished. Run restore again, or remove %s", string(f), f.restoring())
	case exists(string(f.copying())):
		return fmt.Errorf("%s holds no ledger yet: a copy into it was not finished. Run copy again, or remove %s", string(f), f.copying())
	}
	return nil
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return !errors.Is(err, fs.ErrNotExist)
}

// loadKeys reads the installation's keys from the file that was named, or, for
// development, from the folder, where they are made with it.
func (f folder) loadKeys(named string, dev bool) (*vault.Keys, error) {
	switch {
	case named != "":
		return vault.Load(named)
	case !dev:
		return nil, fmt.Errorf("%w: name the installation's keys with --keys FILE (supportledger keys create FILE makes them), "+
			"or start with --dev to have them made beside the data", errAskedWrongly)
	case exists(f.devKeys()):
		return vault.Load(f.devKeys())
	case exists(f.keysCheck()):
		return nil, fmt.Errorf("%s is missing, and the data in the folder belongs to its keys: put the file back, or name it with --keys", f.devKeys())
	}
	keys := vault.Generate()
	if err := keys.Write(f.devKeys()); err != nil {
		return nil, err
	}
	return keys, nil
}

// findKeys reads the keys if they can be found, for commands that can do
// something without them; nil where not.
func (f folder) findKeys(named string) (*vault.Keys, error) {
	if named == "" && !exists(f.devKeys()) {
		return nil, nil
	}
	keys, err := f.loadKeys(named, true)
	if err != nil {
		return nil, err
	}
	return keys, f.fit(keys)
}

// fit says whether keys belong to the folder's data.
func (f folder) fit(keys *vault.Keys) error {
	body, err := os.ReadFile(f.keysCheck())
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("compare keys: %w", err)
	}
	var check vault.Check
	if err := json.Unmarshal(body, &check); err != nil {
		return fmt.Errorf("compare keys: file %s: %w", f.keysCheck(), err)
	}
	if err := keys.Fits(check); err != nil {
		return fmt.Errorf("compare keys with %s: %w", f.keysCheck(), err)
	}
	return nil
}

// openPeople opens the keys of people, and makes an empty file for a new ledger.
// Where the ledger has records and the file is missing, all texts would seem to
// be erased: that has to be asked for.
func (f folder) openPeople(fresh, forget bool) (*vault.PeopleFile, error) {
	people, err := vault.OpenPeople(f.people())
	if !errors.Is(err, fs.ErrNotExist) {
		return people, err
	}
	if !fresh && !forget {
		return nil, fmt.Errorf("%s is missing: without the keys of people no name, description or comment can be read. "+
			"Put the file back from its own safe copy, or start once with --forget-people to go on without", f.people())
	}
	return vault.CreatePeople(f.people())
}
