// Package yardstick is what the ledger is measured against: what a user would
// build instead (PostgreSQL with a row lock, a unique idempotency key and an
// outbox in one stored procedure, bare and behind an HTTP server), and what the
// disk does alone.
//
// Whatever could be judged either way is decided in the yardstick's favour, so
// that a ratio is never flattered; procedure.sql says what is left out there.
package yardstick

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// settings are PostgreSQL's: durable, with memory and log enough that no
// checkpoint falls into a measurement.
const settings = `
listen_addresses = ''
max_connections = 300
fsync = on
synchronous_commit = on
full_page_writes = on
shared_buffers = 1GB
wal_buffers = 64MB
max_wal_size = 16GB
min_wal_size = 2GB
checkpoint_timeout = 1h
jit = off
timezone = 'UTC'
`

// Postgres is a PostgreSQL in a folder of its own that listens on a unix socket
// in that folder only. It is for one caller at a time.
type Postgres struct {
	Version string // as it names itself

	bin, dir string
	owner    *owner // who it runs as
	cmd      *exec.Cmd
	exited   chan error
}

// ErrNoPostgres says that PostgreSQL is not installed.
var ErrNoPostgres = errors.New("PostgreSQL is not installed: apt-get install postgresql, or leave out " +
	"what is measured against it with --only")

// FindPostgres returns the folder of the newest installed PostgreSQL's
// programs, or ErrNoPostgres.
func FindPostgres() (string, error) {
	installed, err := filepath.Glob("/usr/lib/postgresql/*/bin")
	if err != nil {
		return "", fmt.Errorf("find PostgreSQL: %w", err)
	}
	slices.SortFunc(installed, func(a, b string) int { return majorVersion(b) - majorVersion(a) })
	if path, err := exec.LookPath("initdb"); err == nil {
		if path, err = filepath.EvalSymlinks(path); err == nil {
			installed = append(installed, filepath.Dir(path))
		}
	}
	for _, bin := range installed {
		if hasPrograms(bin, "initdb", "postgres", "pgbench") {
			return bin, nil
		}
	}
	return "", ErrNoPostgres
}

// majorVersion is 15 for /usr/lib/postgresql/15/bin.
func majorVersion(bin string) int {
	n, err := strconv.Atoi(filepath.Base(filepath.Dir(bin)))
	if err != nil {
		return 0
	}
	return n
}

func hasPrograms(bin string, names ...string) bool {
	for _, name := range names {
		if _, err := os.Stat(filepath.Join(bin, name)); err != nil {
			return false
		}
	}
	return true
}

// NewPostgres creates a database in dir/postgres. It does not start it. Run by
// root it belongs to the user "postgres" or "nobody", who must be able to reach
// dir.
func NewPostgres(ctx context.Context, dir string) (*Postgres, error) {
	bin, err := FindPostgres()
	if err != nil {
		return nil, err
	}
	p := &Postgres{bin: bin, dir: filepath.Join(dir, "postgres")}
	if socket := filepath.Join(p.dir, ".s.PGSQL.5432"); len(socket) > 100 {
		return nil, fmt.Errorf("create database: %s is too long for a unix socket: choose a shorter --dir", socket)
	}
	if err := p.makeFolder(); err != nil {
		return nil, fmt.Errorf("create database: %w", err)
	}
	initdb := p.command(ctx, "initdb", "--no-sync", "--auth=trust", "--username=bench",
		"--encoding=UTF8", "--locale=C.UTF-8", "--pgdata", p.data())
	if out, err := initdb.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("create database in %s: %w: %s", p.dir, err, out)
	}
	conf, err := os.OpenFile(filepath.Join(p.data(), "postgresql.conf"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return nil, fmt.Errorf("configure database: %w", err)
	}
	_, err = fmt.Fprintf(conf, "%sunix_socket_directories = '%s'\n", settings, p.dir)
	if err = errors.Join(err, conf.Close()); err != nil {
		return nil, fmt.Errorf("configure database: %w", err)
	}
	return p, nil
}

// makeFolder creates the folder and gives it to the user who runs the server.
func (p *Postgres) makeFolder() error {
	if err := os.MkdirAll(p.dir, 0o755); err != nil {
		return err
	}
	var err error
	if p.owner, err = unprivileged(); err != nil || p.owner == nil {
		return err
	}
	return os.Chown(p.dir, p.owner.uid, p.owner.gid)
}

func (p *Postgres) data() string { return filepath.Join(p.dir, "data") }

// command runs one of PostgreSQL's programs as its owner.
func (p *Postgres) command(ctx context.Context, program string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, filepath.Join(p.bin, program), args...)
	cmd.Dir = p.dir
	cmd.SysProcAttr = childOf(p.owner)
	return cmd
}

// Start returns when the database takes connections. It ends with this process
// if nobody calls Stop before.
func (p *Postgres) Start(ctx context.Context) error {
	log, err := os.Create(filepath.Join(p.dir, "log"))
	if err != nil {
		return fmt.Errorf("start database: %w", err)
	}
	defer log.Close()
	p.cmd = p.command(context.WithoutCancel(ctx), "postgres", "-D", p.data())
	p.cmd.Stdout, p.cmd.Stderr = log, log
	if err := p.cmd.Start(); err != nil {
		return fmt.Errorf("start database: %w", err)
	}
	p.exited = make(chan error, 1)
	go func() { p.exited <- p.cmd.Wait() }()
	if err := p.awaitReady(ctx); err != nil {
		// Why it did not start says more than how it ended.
		_ = p.Stop()
		return fmt.Errorf("start database: %w", err)
	}
	return nil
}

// awaitReady tries to connect until it works, the server ends, or half a minute
// is over.
func (p *Postgres) awaitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		conn, err := p.Connect(ctx)
		if err == nil {
			p.Version = "PostgreSQL " + conn.PgConn().ParameterStatus("server_version")
			return conn.Close(ctx)
		}
		select {
		case <-tick.C:
		case ended := <-p.exited:
			p.exited <- ended
			return fmt.Errorf("it ended (%v): %s", ended, p.logTail())
		case <-ctx.Done():
			return fmt.Errorf("it takes no connections: %w: %s", err, p.logTail())
		}
	}
}

func (p *Postgres) logTail() string {
	text, err := os.ReadFile(filepath.Join(p.dir, "log"))
	if err != nil {
		return err.Error()
	}
	return strings.TrimSpace(string(text[max(0, len(text)-1000):]))
}

// Stop shuts the database down and waits until it has ended; after half a
// minute it is killed, which is an error.
func (p *Postgres) Stop() error {
	if p.cmd == nil {
		return nil
	}
	defer func() { p.cmd = nil }()
	// An interrupt is PostgreSQL's fast shutdown; it may have ended already.
	_ = p.cmd.Process.Signal(os.Interrupt)
	select {
	case err := <-p.exited:
		if err != nil {
			return fmt.Errorf("stop database: %w: %s", err, p.logTail())
		}
		return nil
	case <-time.After(30 * time.Second):
		return errors.Join(errors.New("stop database: it did not end in 30 s"), p.cmd.Process.Kill(), <-p.exited)
	}
}

// URL is how to connect.
func (p *Postgres) URL() string { return "host=" + p.dir + " user=bench dbname=postgres" }

// Connect opens a connection.
func (p *Postgres) Connect(ctx context.Context) (*pgx.Conn, error) {
	return pgx.Connect(ctx, p.URL())
}
