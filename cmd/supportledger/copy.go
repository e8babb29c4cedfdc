package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/domain/contract"
	"github.com/supportledger/supportledger/eventstore"
	"github.com/supportledger/supportledger/eventstore/copying"
	"github.com/supportledger/supportledger/eventstore/esdb"
	"github.com/supportledger/supportledger/eventstore/pebblestore"
	"github.com/supportledger/supportledger/ledger"
	"github.com/supportledger/supportledger/vault"
)

type copyCmd struct {
	From string `required:"" placeholder:"DIR|URL" env:"SUPPORTLEDGER_COPY_FROM" help:"Where the log is: a ledger's folder, or an EventStoreDB cluster, esdb://USER:PASSWORD@HOST:PORT. No ledger may be running on it."`
	To   string `required:"" placeholder:"DIR|URL" env:"SUPPORTLEDGER_COPY_TO" help:"Where it goes: a cluster that holds nothing yet, or a folder that does not exist or holds nothing but keys; or where a copy was stopped, which goes on."`
	Data string `type:"path" placeholder:"DIR" help:"The folder of a ledger that has, or will have, its log in the cluster: keys-check.json is compared with it, or put there."`
	Keys string `type:"path" placeholder:"FILE" env:"SUPPORTLEDGER_KEYS" help:"The installation's keys, to check that they fit; they stay where they are. A development folder has them in keys.json."`

	clusterFlags
}

// Run copies a log. Keys come first, so that nothing is copied that cannot be used.
func (c *copyCmd) Run(ctx context.Context, t *terminal) error {
	if err := c.fit(); err != nil {
		return fmt.Errorf("%w: %w", errAskedWrongly, err)
	}
	if err := c.copy(ctx, t); err != nil {
		return fmt.Errorf("copy: %w", err)
	}
	return nil
}

// fit says which flags do not go together.
func (c *copyCmd) fit() error {
	switch from, to := isCluster(c.From), isCluster(c.To); {
	case from && to:
		return errors.New("--from and --to both name a cluster: one of them has to be a folder")
	case !from && !to:
		return errors.New("neither --from nor --to is a cluster, esdb://USER:PASSWORD@HOST:PORT: a folder is copied by backup and restore")
	case c.Data != "" && (folder(c.Data) == folder(c.From) || folder(c.Data) == folder(c.To)):
		return errors.New("--data is for the folder of a ledger on the cluster, which is another one: two ledgers never share a folder")
	}
	return nil
}

func isCluster(place string) bool {
	return strings.HasPrefix(place, "esdb://") || strings.HasPrefix(place, "esdb+discover://")
}

func (c *copyCmd) copy(ctx context.Context, t *terminal) error {
	keys, err := c.loadKeys()
	if err != nil {
		return err
	}
	log := quietLogger(t)
	from, err := c.openSource(ctx, log)
	if err != nil {
		return err
	}
	defer func() { _ = from.Close() }() // it was only read
	if isCluster(c.To) {
		return c.intoCluster(ctx, t, from, keys, log)
	}
	return c.intoFolder(ctx, t, from, keys, log)
}

// folders are those that may say which keys the log belongs to.
func (c *copyCmd) folders() (all []folder) {
	for _, place := range []string{c.From, c.To, c.Data} {
		if place != "" && !isCluster(place) {
			all = append(all, folder(place))
		}
	}
	return all
}

// loadKeys reads the keys and refuses those of another installation.
func (c *copyCmd) loadKeys() (keys *vault.Keys, err error) {
	path := c.Keys
	for _, f := range c.folders() {
		if path == "" && exists(f.devKeys()) {
			path = f.devKeys()
		}
	}
	if path == "" {
		return nil, fmt.Errorf("%w: name the installation's keys with --keys FILE, to check that they fit the log", errAskedWrongly)
	}
	if keys, err = vault.Load(path); err != nil {
		return nil, err
	}
	for _, f := range c.folders() {
		err = errors.Join(err, f.fit(keys))
	}
	return keys, err
}

// openSource opens the log that is copied, which nobody else may be working on.
func (c *copyCmd) openSource(ctx context.Context, log *slog.Logger) (eventstore.Store, error) {
	if isCluster(c.From) {
		return c.openCluster(ctx, "--from", esdb.Options{Connection: c.From, Logger: log})
	}
	f := folder(c.From)
	if err := f.mustHoldLedger(places{}); err != nil {
		return nil, err
	}
	if !exists(f.keysCheck()) {
		return nil, fmt.Errorf("%s is missing: the folder does not say which keys its log belongs to", f.keysCheck())
	}
	s, err := pebblestore.Open(f.store(), pebblestore.Options{Logger: log})
	if errors.Is(err, pebblestore.ErrInUse) {
		err = fmt.Errorf("%s is in use: stop the ledger first, and leave it stopped; what it recorded from now on would stay behind: %w", string(f), err)
	}
	return s, err
}

func (c *copyCmd) openCluster(ctx context.Context, flag string, o esdb.Options) (*esdb.Store, error) {
	patience, err := c.patience()
	if err != nil {
		return nil, err
	}
	return openCluster(ctx, flag, patience, o)
}

// intoCluster copies into a cluster, and opens it at the end as a ledger does, which
// takes a part of a log for none. What says which keys the log belongs to goes into
// the folder of a ledger there.
func (c *copyCmd) intoCluster(ctx context.Context, t *terminal, from eventstore.Store, keys *vault.Keys, log *slog.Logger) error {
	options := esdb.Options{Connection: c.To, Logger: log, Finishing: true}
	to, err := c.openCluster(ctx, "--to", options)
	if err != nil {
		return err
	}
	done, err := copyLog(ctx, t, from, to, keys)
	if err := errors.Join(err, to.Close()); err != nil {
		return err
	}
	options.Finishing = false
	if to, err = c.openCluster(ctx, "--to", options); err != nil {
		return err
	}
	if err := to.Close(); err != nil {
		return err
	}
	if c.Data != "" {
		if err := folder(c.Data).make(); err != nil {
			return err
		}
		if err := keys.Bind(folder(c.Data).keysCheck()); err != nil {
			return err
		}
	}
	c.tell(t, done, keys, "the cluster")
	return nil
}

// intoFolder copies into a folder of its own, inside the one that it is for, and
// puts it in place when all of it is there. What was copied before a failure stays.
func (c *copyCmd) intoFolder(ctx context.Context, t *terminal, from eventstore.Store, keys *vault.Keys, log *slog.Logger) error {
	into, err := beginCopy(folder(c.To))
	if err != nil {
		return err
	}
	done, err := fillFolder(ctx, t, from, into, keys, log)
	if err != nil {
		return errors.Join(err, into.lock.Close())
	}
	if err := into.close(); err != nil {
		return err
	}
	c.tell(t, done, keys, c.To)
	return nil
}

func fillFolder(ctx context.Context, t *terminal, from eventstore.Store, into *restoration, keys *vault.Keys, log *slog.Logger) (copying.Result, error) {
	to, err := pebblestore.Open(into.store(), pebblestore.Options{Logger: log, Slack: eventstore.Slack(from)})
	if err != nil {
		return copying.Result{}, err
	}
	done, err := copyLog(ctx, t, from, to, keys)
	if err := errors.Join(err, to.Close()); err != nil {
		return done, err
	}
	if err := keys.Bind(into.keysCheck()); err != nil {
		return done, err
	}
	return done, into.finish()
}

// copyLog copies and compares, and holds every contract against the keys.
func copyLog(ctx context.Context, t *terminal, from eventstore.Store, to eventstore.Ordered, keys *vault.Keys) (copying.Result, error) {
	defer roomForGarbage(alone)()
	c := copying.Copy{
		From: from, To: to,
		Look:     func(r eventstore.Record) error { return mustFit(keys, r) },
		Progress: func(stage string, at, head eventstore.Position) { t.progress(stage, int64(at), int64(head)) },
	}
	return c.Run(ctx)
}

// registered is the type of the records that hold what the keys have sealed and
// named.
func registered() string { return (*contract.Registered)(nil).Name() }

// mustFit refuses a contract that was sealed or named under other keys.
func mustFit(keys *vault.Keys, r eventstore.Record) error {
	if r.Type != registered() {
		return nil
	}
	recorded, err := ledger.Decode(r)
	if err != nil {
		return err
	}
	id, err := uuid.Parse(r.Stream)
	if err == nil {
		err = (&house{keys: keys}).checkPair(id, recorded.Event.(*contract.Registered))
	}
	if err != nil {
		return fmt.Errorf("the keys do not fit the contract of position %v: %w", r.Position, err)
	}
	return nil
}

func (c *copyCmd) tell(t *terminal, done copying.Result, keys *vault.Keys, where string) {
	fmt.Fprintf(t.out, "%d records are in %s, up to position %v, and each was compared; %d of them were there before\n", done.Found+done.Copied, where, done.Head, done.Found)
	fmt.Fprintf(t.out, "%v fit every contract\n", keys)
	fmt.Fprintln(t.out, "read models are made anew at the next start; verify says now whether both are right")
	if isCluster(c.From) {
		fmt.Fprintf(t.out, "still to be copied: the keys of people, to %s, and token-key.pem, if they are in the folder of a ledger on the cluster\n", folder(c.To).people())
		return
	}
	fmt.Fprintf(t.out, "still to be copied: the keys of people (people move, or the file %s) and %s; and %s must never be started again\n",
		folder(c.From).people(), folder(c.From).tokenKey(), c.From)
}
