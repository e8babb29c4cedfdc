package projections

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/supportledger/supportledger/eventstore"
	"github.com/supportledger/supportledger/eventstore/pebblestore"
	"github.com/supportledger/supportledger/internal/postgres"
)

// crashIn makes the test binary a process that builds rows in a folder until it
// is killed.
const (
	crashIn   = "PROJECTIONS_CRASH_IN"
	crashRows = "PROJECTIONS_CRASH_ROWS" // where the rows are that nodes share; "" for a file
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(crashIn); dir != "" {
		fmt.Fprintln(os.Stderr, buildUntilKilled(dir))
		os.Exit(1)
	}
	code := m.Run()
	if err := stopServer(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// buildUntilKilled catches up, rebuilds, and kills itself in the middle of it.
func buildUntilKilled(dir string) error {
	store, err := pebblestore.Open(filepath.Join(dir, "store"), pebblestore.Options{ReserveBytes: 1})
	if err != nil {
		return err
	}
	c := Config{Dir: filepath.Join(dir, "rows"), Store: store}
	if at := os.Getenv(crashRows); at != "" {
		if c.Database, err = postgres.Parse(at); err != nil {
			return err
		}
	}
	s, err := Open(context.Background(), c)
	if err != nil {
		return err
	}
	s.most = batchSizes{following: 600, building: 300}
	kill := func() {
		time.AfterFunc(time.Duration(rand.IntN(300))*time.Millisecond, func() { _ = syscall.Kill(os.Getpid(), syscall.SIGKILL) })
	}
	head, err := store.Head(context.Background())
	if err != nil {
		return err
	}
	if next := s.Position() + 1; next <= head && rand.IntN(3) > 0 {
		go func() { // let it live until something more is written
			_ = s.Await(context.Background(), next)
			kill()
		}()
	} else {
		kill()
	}
	if err := s.CatchUp(context.Background()); err != nil {
		return err
	}
	for {
		for _, name := range s.Names() {
			if err := s.Rebuild(context.Background(), name, nil); err != nil {
				return err
			}
		}
	}
}

// Rows and checkpoint stay together over kill -9 at any moment, in the middle of
// a batch or of a rebuild: what a restart finds is what the log makes of it.
func TestR45_rowsSurviveKill9(t *testing.T) { onEach(t, testR45_rowsSurviveKill9) }

func testR45_rowsSurviveKill9(t *testing.T, on engine) {
	dir := t.TempDir()
	store, err := pebblestore.Open(filepath.Join(dir, "store"), pebblestore.Options{ReserveBytes: 1})
	must(t, err)
	writeSubmissions(t, store, 12_000, 100)
	must(t, store.Close())
	seen := eventstore.Start
	for range 8 {
		child := exec.CommandContext(t.Context(), os.Args[0])
		child.Env = append(os.Environ(), crashIn+"="+dir, crashRows+"="+on.url(t, filepath.Join(dir, "rows")))
		out, err := child.CombinedOutput()
		var exit *exec.ExitError
		if !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
			t.Fatalf("the process ended with %v: %s", err, out)
		}
		seen = checkAfterCrash(t, on, dir, seen)
	}
	if seen == eventstore.Start {
		t.Error("no process lived long enough to write anything")
	}
}

func checkAfterCrash(t *testing.T, on engine, dir string, seen eventstore.Position) eventstore.Position {
	t.Helper()
	store, err := pebblestore.Open(filepath.Join(dir, "store"), pebblestore.Options{ReserveBytes: 1})
	must(t, err)
	defer func() { must(t, store.Close()) }()
	s, err := Open(t.Context(), on.at(t, Config{Dir: filepath.Join(dir, "rows"), Store: store}))
	must(t, err)
	defer func() { must(t, s.Close()) }()
	if s.Position() < seen {
		t.Errorf("the rows went back from position %d to %d", seen, s.Position())
	}
	s.compareAll(t)
	t.Logf("killed at position %d", s.Position())
	return s.Position()
}
