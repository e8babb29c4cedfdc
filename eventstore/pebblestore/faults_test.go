//go:build linux

package pebblestore_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/eventstore"
	"github.com/supportledger/supportledger/eventstore/pebblestore"
	"github.com/supportledger/supportledger/eventstore/storetest"
)

func TestR41_WhatWasAcknowledgedSurvivesKill9(t *testing.T) {
	t.Parallel()
	dir, acked := t.TempDir(), map[string]eventstore.Revision{}
	for range storetest.Rounds(20, 200) {
		c := newChild(t, dir, 1<<30)
		c.start(t)
		c.until(1 + rand.IntN(800))
		c.kill()
		maps.Copy(acked, c.acked)
		holds(t, dir, acked)
	}
}

// Every place where a process can die with some of its writes synced and others
// not: before and after each sync, of a first run and of a second one.
func TestR41_KilledAtEachSync(t *testing.T) {
	t.Parallel()
	for _, word := range []string{"before", "after"} {
		n := 1
		for ended := false; !ended; n += storetest.Rounds(2, 1) {
			dir := t.TempDir()
			first := newChild(t, dir, 3)
			if n%2 == 0 {
				first.start(t)
				first.end()
			}
			c := newChild(t, dir, 3, fmt.Sprintf("%s=%s %d", childKillAt, word, n))
			c.start(t)
			ended = c.end() == 0
			maps.Copy(first.acked, c.acked)
			holds(t, dir, first.acked)
		}
		if n < 15 {
			t.Errorf("only %d syncs were seen", n)
		}
	}
}

func TestR41_KilledInsideSyncCallsByStrace(t *testing.T) {
	t.Parallel()
	storetest.Need(t, "strace")
	for n := range storetest.Rounds(6, 60) {
		dir := t.TempDir()
		c := newChild(t, dir, 50)
		storetest.Strace(t, c.cmd, fmt.Sprintf("fdatasync,fsync:signal=KILL:when=%d", 3+2*n))
		c.start(t)
		c.end()
		holds(t, dir, c.acked)
	}
}

// A sync that fails ends appending for good, with an answer for everybody; what
// the log holds decides at the restart.
func TestR41_FailedSyncAcknowledgesNothingMore(t *testing.T) {
	t.Parallel()
	storetest.Need(t, "strace")
	failed := 0
	for n := range storetest.Rounds(6, 30) {
		dir := t.TempDir()
		c := newChild(t, dir, 400)
		storetest.Strace(t, c.cmd, fmt.Sprintf("fdatasync:error=EIO:when=%d+", 4+8*n))
		c.start(t)
		if c.end() == exitFailed && c.ready {
			failed++
			if answers := c.unknown + len(c.refused); answers != childCallers {
				t.Errorf("%d of %d callers were told of the failure: %q\n%s", answers, childCallers, c.refused, c.stderr.String())
			}
		}
		holds(t, dir, c.acked)
	}
	if failed == 0 {
		t.Error("no sync failed while callers appended")
	}
}

// R46: two processes never open one folder.
func TestR46_TwoProcessesNeverOpenOneFolder(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir, small(t))
	defer func() { _ = s.Close() }()
	c := newChild(t, dir, 1)
	c.start(t)
	if code := c.end(); code != 1 || c.ready || len(c.refused) != 1 || !strings.Contains(c.refused[0], pebblestore.ErrInUse.Error()) {
		t.Fatalf("a second process opened the folder: exit code %d, ready %t, %q", code, c.ready, c.refused)
	}
	if _, err := s.Append(context.Background(), facts("caller-0", -1)); err != nil {
		t.Fatal(err)
	}
}

// powerCut lets a child append on a disk that loses its power after some answers.
func powerCut(t *testing.T, disk *storetest.Disk, env ...string) *child {
	t.Helper()
	c := newChild(t, filepath.Join(disk.Dir, "store"), 1<<30, env...)
	c.start(t)
	c.until(1 + rand.IntN(1500))
	c.cut = time.Now().UnixNano()
	disk.CutPower(t)
	c.kill()
	disk.Restart(t)
	return c
}

func TestR41_WhatWasAcknowledgedSurvivesPowerCuts(t *testing.T) {
	t.Parallel()
	disk, acked := storetest.NewDisk(t, 512<<20), map[string]eventstore.Revision{}
	for range storetest.Rounds(20, 200) {
		maps.Copy(acked, powerCut(t, disk).acked)
		holds(t, filepath.Join(disk.Dir, "store"), acked)
	}
}

// The control of the experiment above: without syncing it must lose records, or
// the experiment would prove nothing.
func TestPowerCutsLoseWhatIsNotSynced(t *testing.T) {
	t.Parallel()
	lost := 0
	for range 4 {
		disk := storetest.NewDisk(t, 256<<20)
		c := powerCut(t, disk, childNoSync+"=1")
		s, err := pebblestore.Open(filepath.Join(disk.Dir, "store"), small(t))
		var corrupt *eventstore.CorruptError
		if errors.As(err, &corrupt) {
			lost++ // and noticed
			continue
		}
		if err != nil {
			t.Fatalf("open: %v", err)
		}
		lost += lostOf(t, s, c.acked)
		_ = s.Close()
	}
	if lost == 0 {
		t.Error("power cuts lost nothing although nothing was synced")
	}
}

func TestR42_FullDisk(t *testing.T) {
	t.Parallel()
	dir := storetest.Tmpfs(t, 288<<20)
	ballast := filepath.Join(dir, "ballast")
	if err := os.WriteFile(ballast, make([]byte, 80<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	s := open(t, filepath.Join(dir, "store"), small(t))
	data := make([]byte, 100<<10)
	for i := range data {
		data[i] = byte(rand.Uint32())
	}
	next := func(head eventstore.Revision) (eventstore.Revision, error) {
		done, err := s.Append(context.Background(), eventstore.Append{
			Stream: "filling", Expected: head,
			Events: []eventstore.Event{{ID: uuid.New(), Type: "thing.happened.v1", Data: data}},
		})
		if err != nil {
			return head, err
		}
		return done.Revision, nil
	}
	head, err := eventstore.NoStream, error(nil)
	for round := range 2 {
		for err = nil; err == nil && head < 5000; {
			head, err = next(head)
		}
		if !errors.Is(err, eventstore.ErrFull) {
			t.Fatalf("round %d: append %d: %v, want ErrFull", round, head, err)
		}
		if err := s.Verify(context.Background(), nil); err != nil {
			t.Fatalf("read while the disk is full: %v", err)
		}
		if round == 0 {
			_ = os.Remove(ballast)
			for deadline := soon(t); err != nil; head, err = next(head) {
				if deadline.Err() != nil {
					t.Fatalf("appending does not resume: %v", err)
				}
			}
		}
	}
	if err := s.Close(); err != nil {
		t.Fatalf("close: %v", err)
	}
	s = open(t, filepath.Join(dir, "store"), small(t))
	defer func() { _ = s.Close() }()
	n := eventstore.Revision(0)
	for _, err := range s.ReadStream(context.Background(), "filling", 0, eventstore.Forwards) {
		if err != nil {
			t.Fatalf("read: %v", err)
		}
		n++
	}
	if n != head+1 {
		t.Fatalf("%d records, %d were acknowledged", n, head+1)
	}
}
