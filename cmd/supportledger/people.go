package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/supportledger/supportledger/vault"
)

type peopleMoveCmd struct {
	Data   string `type:"path" required:"" placeholder:"DIR" env:"SUPPORTLEDGER_DATA" help:"The folder of a ledger that does not run."`
	Keys   string `type:"path" placeholder:"FILE" env:"SUPPORTLEDGER_KEYS" help:"The installation's keys; a development folder has them in keys.json."`
	Store  string `placeholder:"URL" env:"SUPPORTLEDGER_STORE" help:"The EventStoreDB cluster that keeps the log, if it is not in the folder."`
	People string `required:"" placeholder:"URL" env:"SUPPORTLEDGER_PEOPLE" help:"The database, postgres://USER@HOST/DATABASE. Its tables are made if there are none."`
}

// Run copies the keys of people from the folder into the database.
func (c *peopleMoveCmd) Run(ctx context.Context, t *terminal) (err error) {
	f := folder(c.Data)
	p, err := placeFlags{Store: c.Store, People: c.People}.named()
	if err != nil {
		return err
	}
	if p.people == nil {
		return fmt.Errorf("%w: --people must name the database, postgres://USER@HOST/DATABASE", errAskedWrongly)
	}
	if err := f.mustHoldLedger(p); err != nil {
		return err
	}
	keys, err := f.findKeys(c.Keys)
	if err != nil {
		return err
	}
	if keys == nil {
		return fmt.Errorf("%w: name the installation's keys with --keys FILE: the database is for them alone", errAskedWrongly)
	}
	file, err := vault.OpenPeople(f.people())
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s is not there: there is nothing to move", f.people())
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	people, err := vault.CreatePeopleDatabase(ctx, p.people, keys)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, people.Close()) }()
	n, err := people.Take(ctx, file, func(done, total int) { t.progress("move keys", int64(done), int64(total)) })
	if err != nil {
		return err
	}
	fmt.Fprintf(t.out, "%d keys are in the database %v now; start the ledger with --people, and when it works remove %s and its copies: "+
		"what is erased from now on stays in them\n", n, p.people, f.people())
	return nil
}
