package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/supportledger/supportledger/eventstore"
	"github.com/supportledger/supportledger/eventstore/esdb"
	"github.com/supportledger/supportledger/eventstore/pebblestore"
	"github.com/supportledger/supportledger/internal/filelock"
)

// A logStore is where a house has its log: in its folder, or in a cluster.
type logStore struct {
	eventstore.Store
	pebble *pebblestore.Store // nil in a cluster
	lock   *os.File           // of the folder; the embedded store has its own
}

// openLog opens the log, with the embedded store's options; nobody else has the
// folder open then (R46).
func openLog(ctx context.Context, f folder, at places, options pebblestore.Options) (logStore, error) {
	if at.log == "" {
		p, err := pebblestore.Open(f.store(), options)
		if err != nil {
			return logStore{}, err
		}
		return logStore{Store: p, pebble: p}, nil
	}
	if exists(f.store()) {
		return logStore{}, fmt.Errorf("%s holds a log of its own: leave --store out, or name another folder", string(f))
	}
	lock, err := lockFolder(f)
	if err != nil {
		return logStore{}, err
	}
	s, err := openCluster(ctx, "--store", at.patience, esdb.Options{Connection: at.log, Logger: options.Logger})
	if err != nil {
		return logStore{}, errors.Join(err, lock.Close())
	}
	return logStore{Store: s, lock: lock}, nil
}

// lockFolder keeps others out of a folder whose log is in a cluster, until the file
// is closed.
func lockFolder(f folder) (*os.File, error) {
	lock, err := os.OpenFile(f.file("lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := filelock.Take(lock); err != nil {
		return nil, errors.Join(fmt.Errorf("%w: %w", pebblestore.ErrInUse, err), lock.Close())
	}
	return lock, nil
}

// openCluster looks for the cluster that a flag names.
func openCluster(ctx context.Context, flag string, patience time.Duration, o esdb.Options) (*esdb.Store, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	s, err := esdb.Open(ctx, o)
	switch {
	case errors.Is(err, eventstore.ErrUnavailable) && !errors.Is(err, esdb.ErrUnfinished):
		return nil, fmt.Errorf("%s: see that the cluster runs, and that the address, the user and the certificates are right; it was looked for for %v at most (--store-patience): %w", flag, patience, err)
	case err != nil:
		return nil, fmt.Errorf("%s: %w", flag, err)
	}
	return s, nil
}

// Close closes the log, and lets others have the folder.
func (l logStore) Close() error {
	err := l.Store.Close()
	if l.lock != nil {
		err = errors.Join(err, l.lock.Close())
	}
	return err
}

// Slack is the store's own.
func (l logStore) Slack() time.Duration { return eventstore.Slack(l.Store) }

// Spacing is the store's own.
func (l logStore) Spacing() float64 { return eventstore.Spacing(l.Store) }

// check verifies the embedded store's index; a cluster looks after its own.
func (l logStore) check(ctx context.Context, report func(done, total int64)) error {
	if l.pebble == nil {
		return nil
	}
	return l.pebble.Verify(ctx, func(at, head eventstore.Position) { report(int64(at), int64(head)) })
}

// backup copies the embedded store.
func (l logStore) backup(ctx context.Context, to string) error {
	if l.pebble == nil {
		return errors.New("the log is in a cluster, which has backups of its own: copy keys-check.json and people beside those")
	}
	return l.pebble.Backup(ctx, to)
}
