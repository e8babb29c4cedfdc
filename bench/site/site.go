// Package site makes ledgers to measure: a folder as `supportledger serve --dev`
// makes it, full of contracts that are active, linked and have plenty of
// incidents, with as much history as asked for.
//
// Everything lies in the folder, made by the packages that the ledger itself is
// made of; nothing in it is special to benchmarks. What a load has left behind
// is counted in the log, by a store that is opened for it.
package site

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/api/token"
	"github.com/supportledger/supportledger/bench/load"
	"github.com/supportledger/supportledger/catalogfile"
	"github.com/supportledger/supportledger/domain/catalog"
	"github.com/supportledger/supportledger/eventstore/pebblestore"
	"github.com/supportledger/supportledger/vault"
)

// Accounts is how many accounts share the contracts of a site, so that their
// tokens repeat.
const Accounts = 100

// Portal is where the accounts sign in.
const Portal = "mpn"

// A Site is a ledger's folder that nobody has open.
type Site struct {
	Dir       string
	History   History
	Contracts []uuid.UUID // the ith is linked by the account i%Accounts
	NATS      string      // a server of the operator's own that the feed goes to; "" for the ledger's

	keys     *vault.Keys
	catalog  *catalog.Catalog
	accounts []uuid.UUID
	tokens   []string
}

// A History is what a site is filled with before anything is measured.
type History struct{ Contracts, Submissions int }

// Events is about how many events a history has.
func (h History) Events() int { return eventsPerContract*h.Contracts + 2*h.Submissions }

// Make makes a site in a folder of its own. How long it takes grows with the
// history: some ten thousand contracts or submissions a second.
func Make(ctx context.Context, dir string, h History) (s *Site, err error) {
	s = &Site{Dir: dir, History: h, keys: vault.Generate()}
	if err := os.Mkdir(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make site: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(dir))
		}
	}()
	if s.catalog, err = catalogfile.Builtin(""); err != nil {
		return nil, fmt.Errorf("make site: %w", err)
	}
	if err := errors.Join(s.keys.Write(s.file("keys.json")), s.keys.Bind(s.file("keys-check.json")), s.makeAccounts()); err != nil {
		return nil, fmt.Errorf("make site: %w", err)
	}
	people, err := vault.CreatePeople(s.file("people"))
	if err != nil {
		return nil, fmt.Errorf("make site: %w", err)
	}
	defer func() { err = errors.Join(err, people.Close()) }()
	store, err := s.OpenStore()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	if err := s.fill(ctx, store, people, h); err != nil {
		return nil, fmt.Errorf("fill site: %w", err)
	}
	return s, nil
}

func (s *Site) file(name string) string { return filepath.Join(s.Dir, name) }

// makeAccounts makes the accounts and their tokens.
func (s *Site) makeAccounts() error {
	issuer, err := token.OpenIssuer(s.file("token-key.pem"))
	if err != nil {
		return err
	}
	for i := range Accounts {
		subject := fmt.Sprintf("account-%02d", i)
		claims := token.Claims{Subject: subject, Roles: []string{"customer"}, SignIns: []string{Portal}}
		raw, err := issuer.Issue(claims, time.Now())
		if err != nil {
			return err
		}
		s.tokens = append(s.tokens, raw)
		s.accounts = append(s.accounts, s.keys.Account(token.BuiltIn, subject))
	}
	return nil
}

// OpenStore opens the site's log.
func (s *Site) OpenStore() (*pebblestore.Store, error) {
	return pebblestore.Open(s.StoreDir(), pebblestore.Options{Logger: slog.New(slog.DiscardHandler)})
}

// StoreDir is the folder of the site's log.
func (s *Site) StoreDir() string { return s.file("store") }

// Targets are the first contracts, each with the token of its account.
func (s *Site) Targets(contracts int) []load.Target {
	targets := make([]load.Target, contracts)
	for i := range targets {
		targets[i] = load.Target{Contract: s.Contracts[i].String(), Token: s.tokens[i%Accounts]}
	}
	return targets
}

// Clone makes the same site in another folder. Tables of the log and its index
// are shared, since they are never changed; everything else is copied.
func (s *Site) Clone(dir string) (*Site, error) {
	c := *s
	c.Dir = dir
	err := filepath.WalkDir(s.Dir, func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		inside, err := filepath.Rel(s.Dir, path)
		if err != nil {
			return err
		}
		to := filepath.Join(dir, inside)
		switch {
		case d.IsDir():
			return os.Mkdir(to, 0o700)
		case !d.Type().IsRegular():
			return nil
		case filepath.Ext(path) == ".sst" || filepath.Ext(path) == ".blob":
			return os.Link(path, to)
		}
		return copyFile(path, to)
	})
	if err != nil {
		return nil, fmt.Errorf("clone site: %w", err)
	}
	return &c, nil
}

func copyFile(from, to string) error {
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
	return errors.Join(err, dst.Close())
}

// Remove removes the site.
func (s *Site) Remove() error { return os.RemoveAll(s.Dir) }
