package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/supportledger/supportledger/bench/load"
	"github.com/supportledger/supportledger/bench/site"
	"github.com/supportledger/supportledger/bench/yardstick"
)

// A Lab is where rows measure: a folder on a disk, how long to measure, and
// what is made once for all runs.
type Lab struct {
	Dir      string // every file of every row lies in it
	Span     load.Span
	Quick    bool   // settle for rough figures
	Program  string // the file of the real program; "" until it is built
	Profiles string // where to write profiles; "" for none

	nats      string // the file of the program nats-server; "" until it is built
	progress  io.Writer
	measuring string     // the row's name
	history   *site.Site // a log to read
	copied    string     // the store of a cluster that has it; "" until it was copied there
	original  *site.Site // the full store
	postgres  *yardstick.Postgres
	best      map[string]arrangement
}

// connections is how many the loads through HTTP keep open.
const connections = 64

// plenty is how many incidents a contract of a benchmark has.
const plenty = 1_000_000_000

// newLab makes a folder of its own below parent.
func newLab(parent string, quick bool, progress io.Writer) (*Lab, error) {
	if parent == "" {
		parent = os.TempDir()
	}
	if err := yardstick.CheckDurable(parent); err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp(parent, "supportledger-bench-")
	if err != nil {
		return nil, fmt.Errorf("make folder: %w", err)
	}
	// PostgreSQL may run as another user and must be able to pass.
	if err := os.Chmod(dir, 0o711); err != nil {
		return nil, errors.Join(fmt.Errorf("make folder: %w", err), os.RemoveAll(dir))
	}
	lab := &Lab{
		Dir: dir, Quick: quick, progress: progress,
		Span: load.Span{Warm: 2 * time.Second, Measure: 10 * time.Second},
		best: map[string]arrangement{},
	}
	if quick {
		lab.Span = load.Span{Warm: time.Second, Measure: 2 * time.Second}
	}
	return lab, nil
}

// Say tells people how far it is.
func (l *Lab) Say(format string, args ...any) {
	fmt.Fprintf(l.progress, format+"\n", args...)
}

// versions names what took part, as far as it was needed.
func (l *Lab) versions() string {
	if l.postgres == nil {
		return ""
	}
	return ", " + l.postgres.Version
}

// Close removes everything.
func (l *Lab) Close() error { return os.RemoveAll(l.Dir) }

// withPostgres lends the database, started and freshly filled with contracts.
func (l *Lab) withPostgres(ctx context.Context, contracts int, use func(*yardstick.Postgres) error) (err error) {
	if l.postgres == nil {
		l.Say("creating a PostgreSQL database")
		if l.postgres, err = yardstick.NewPostgres(ctx, l.Dir); err != nil {
			return err
		}
	}
	if err := l.postgres.Start(ctx); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.postgres.Stop()) }()
	if err := l.postgres.Reset(ctx, contracts, plenty); err != nil {
		return err
	}
	return use(l.postgres)
}
