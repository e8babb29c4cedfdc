// Package pgserver starts Debian's PostgreSQL in a folder of its own, for
// benchmarks and for tests. Nothing of a running system is touched, and the
// server ends with the process that started it.
package pgserver

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// User is who may do everything in a database, without a password.
const User = "bench"

// A Server is a PostgreSQL in a folder of its own that listens on a unix socket
// in that folder, and elsewhere only if its settings say so. It is for one caller
// at a time.
type Server struct {
	Version string // as it names itself
	Dir     string // of everything that is its own, the socket too
	Port    int    // as its settings say; 5432 unless they do

	bin    string
	owner  *owner // who it runs as
	cmd    *exec.Cmd
	exited chan error
}

// ErrMissing says that PostgreSQL is not installed.
var ErrMissing = errors.New("PostgreSQL is not installed: apt-get install postgresql")

// Find returns the folder of the newest installed PostgreSQL's programs, or
// ErrMissing.
func Find() (string, error) {
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
		if hasPrograms(bin, "initdb", "postgres", "pg_ctl", "pgbench") {
			return bin, nil
		}
	}
	return "", ErrMissing
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

// Create creates a database in dir/postgres, with settings as postgresql.conf has
// them. It does not start it. Run by root it belongs to the user "postgres" or
// "nobody", who must be able to reach dir.
func Create(ctx context.Context, dir, settings string) (*Server, error) {
	bin, err := Find()
	if err != nil {
		return nil, err
	}
	p := &Server{bin: bin, Dir: filepath.Join(dir, "postgres"), Port: 5432}
	if socket := filepath.Join(p.Dir, ".s.PGSQL.5432"); len(socket) > 100 {
		return nil, fmt.Errorf("create database: %s is too long for a unix socket: choose a shorter folder", socket)
	}
	if err := p.makeFolder(); err != nil {
		return nil, fmt.Errorf("create database: %w", err)
	}
	initdb := p.Command(ctx, "initdb", "--no-sync", "--auth=trust", "--username="+User,
		"--encoding=UTF8", "--locale=C.UTF-8", "--pgdata", p.data())
	if out, err := initdb.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("create database in %s: %w: %s", p.Dir, err, out)
	}
	conf, err := os.OpenFile(filepath.Join(p.data(), "postgresql.conf"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return nil, fmt.Errorf("configure database: %w", err)
	}
	_, err = fmt.Fprintf(conf, "%s\nunix_socket_directories = '%s'\n", settings, p.Dir)
	if err = errors.Join(err, conf.Close()); err != nil {
		return nil, fmt.Errorf("configure database: %w", err)
	}
	return p, nil
}

// makeFolder creates the folder and gives it to the user who runs the server.
func (p *Server) makeFolder() error {
	if err := os.MkdirAll(p.Dir, 0o755); err != nil {
		return err
	}
	var err error
	if p.owner, err = unprivileged(); err != nil || p.owner == nil {
		return err
	}
	return os.Chown(p.Dir, p.owner.uid, p.owner.gid)
}

func (p *Server) data() string { return filepath.Join(p.Dir, "data") }

// Command runs one of PostgreSQL's programs as the server's owner, in its folder.
func (p *Server) Command(ctx context.Context, program string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, filepath.Join(p.bin, program), args...)
	cmd.Dir = p.Dir
	cmd.SysProcAttr = childOf(p.owner)
	return cmd
}

// Start returns when the database takes connections. It ends with this process
// if nobody calls Stop before.
func (p *Server) Start(ctx context.Context) error {
	log, err := os.Create(filepath.Join(p.Dir, "log"))
	if err != nil {
		return fmt.Errorf("start database: %w", err)
	}
	defer log.Close()
	p.cmd = p.Command(context.WithoutCancel(ctx), "postgres", "-D", p.data())
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
func (p *Server) awaitReady(ctx context.Context) error {
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

func (p *Server) logTail() string {
	text, err := os.ReadFile(filepath.Join(p.Dir, "log"))
	if err != nil {
		return err.Error()
	}
	return strings.TrimSpace(string(text[max(0, len(text)-1000):]))
}

// Stop shuts the database down and waits until it has ended; after half a
// minute it is killed, which is an error.
func (p *Server) Stop() error {
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

// Crash ends the database as a crash would, and waits until it has ended: nothing
// that was under way is finished, every connection is cut.
func (p *Server) Crash(ctx context.Context) error {
	stop := p.Command(ctx, "pg_ctl", "stop", "-D", p.data(), "-m", "immediate", "-w")
	if out, err := stop.CombinedOutput(); err != nil {
		return fmt.Errorf("crash database: %w: %s", err, out)
	}
	<-p.exited // with an error, of course
	p.cmd = nil
	return nil
}

// URL is how to connect, by the socket.
func (p *Server) URL() string {
	return fmt.Sprintf("postgres://%s@/postgres?host=%s&port=%d", User, url.QueryEscape(p.Dir), p.Port)
}

// Connect opens a connection.
func (p *Server) Connect(ctx context.Context) (*pgx.Conn, error) {
	return pgx.Connect(ctx, p.URL())
}
