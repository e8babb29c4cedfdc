package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/supportledger/supportledger/eventstore/esdbwire"
)

// readersFile is what the commands on readers work on.
type readersFile struct {
	File string `type:"path" required:"" placeholder:"FILE" env:"SUPPORTLEDGER_ESDB_USERS" help:"The file that serve --esdb-users reads. A running ledger takes a change over within a second."`
}

type readersAddCmd struct {
	readersFile
	Name string `arg:"" help:"The reader's name: lower-case letters, digits and hyphens."`
	Role string `required:"" enum:"auditor,service" help:"Whether it is an auditor or a downstream service (${enum})."`
}

// Run adds a reader, and prints its password, once.
func (c *readersAddCmd) Run(_ context.Context, t *terminal) error {
	users, err := esdbwire.ReadUsers(c.File)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	password, err := users.Add(c.Name, c.Role)
	if err != nil {
		return fmt.Errorf("add reader: %w", err)
	}
	if err := users.Write(c.File); err != nil {
		return err
	}
	fmt.Fprintf(t.out, "user %s\npassword %s\n", c.Name, password)
	fmt.Fprintln(t.err, "the password is stored nowhere: keep it now")
	return nil
}

type readersRemoveCmd struct {
	readersFile
	Name string `arg:"" help:"The reader's name."`
}

// Run removes a reader, whose calls end.
func (c *readersRemoveCmd) Run(_ context.Context, _ *terminal) error {
	users, err := esdbwire.ReadUsers(c.File)
	if err != nil {
		return err
	}
	if err := users.Remove(c.Name); err != nil {
		return fmt.Errorf("remove reader: %w", err)
	}
	return users.Write(c.File)
}

type readersListCmd struct{ readersFile }

// Run prints the readers with their roles.
func (c *readersListCmd) Run(_ context.Context, t *terminal) error {
	users, err := esdbwire.ReadUsers(c.File)
	if err != nil {
		return err
	}
	for _, u := range users.Users {
		fmt.Fprintf(t.out, "%s\t%s\n", u.Name, u.Role)
	}
	return nil
}
