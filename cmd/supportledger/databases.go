package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/supportledger/supportledger/internal/postgres"
	"github.com/supportledger/supportledger/vault"
)

// databaseFlags name what nodes share. What they are set to may hold passwords, and
// is printed nowhere.
type databaseFlags struct {
	ReadModels string `json:"-" placeholder:"URL" env:"SUPPORTLEDGER_READ_MODELS" help:"Where several nodes share the read models: postgres://USER@HOST/DATABASE. In the folder if left out."`
	People     string `json:"-" placeholder:"URL" env:"SUPPORTLEDGER_PEOPLE" help:"Where several nodes share the keys of people: postgres://USER@HOST/DATABASE, another database than the read models'. In the folder's file people if left out."`
}

// databases are where things lie that are not in the folder; nil for those that
// are.
type databases struct {
	readModels, people *postgres.Database
}

func (f databaseFlags) databases() (d databases, err error) {
	if d.readModels, err = parseDatabase("--read-models", f.ReadModels); err != nil {
		return d, err
	}
	if d.people, err = parseDatabase("--people", f.People); err != nil {
		return d, err
	}
	if d.people != nil && d.readModels != nil && d.people.Same(d.readModels) {
		return d, fmt.Errorf("%w: --people and --read-models name the same database: keep the keys of people in another one, whose backups can be kept apart", errAskedWrongly)
	}
	return d, nil
}

func parseDatabase(flag, url string) (*postgres.Database, error) {
	if url == "" {
		return nil, nil
	}
	d, err := postgres.Parse(url)
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", errAskedWrongly, flag, err)
	}
	return d, nil
}

// keyring is the keys of people, wherever they are.
type keyring interface {
	vault.People
	Close() error
}

// openShared opens the keys of people that nodes share, and makes their tables for
// a new ledger. Where the ledger has records and there are no tables, all texts
// would seem to be erased: that has to be asked for.
func openShared(ctx context.Context, d databases, keys *vault.Keys, fresh, forget bool) (*vault.PeopleDatabase, error) {
	if fresh || forget {
		return vault.CreatePeopleDatabase(ctx, d.people, keys)
	}
	people, err := vault.OpenPeopleDatabase(ctx, d.people, keys)
	if errors.Is(err, vault.ErrNoPeople) {
		return nil, fmt.Errorf("%w: without them no name, description or comment can be read. "+
			"Name the database, and by search_path the schema, that has them, or start once with --forget-people to go on without", err)
	}
	return people, err
}

// readModels is where the read models are, for people.
func (h *house) readModels() string {
	if h.databases.readModels != nil {
		return "the database " + h.databases.readModels.String()
	}
	return h.read()
}

// peoplePlace is where the keys of people are, for people.
func (h *house) peoplePlace() string {
	if h.databases.people != nil {
		return "the database " + h.databases.people.String()
	}
	return h.folder.people()
}
