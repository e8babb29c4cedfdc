//go:build linux

package faults_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"

	"github.com/supportledger/supportledger/eventstore/storetest"
)

// A power cut takes everything that was not synced, and nothing that was
// acknowledged before it (R41): in the log, in the keys of people without which
// no text opens, and in the files of a folder that was made just now.
func TestR41_WhatWasAcknowledgedSurvivesPowerCuts(t *testing.T) {
	t.Parallel()
	disk := storetest.NewDisk(t, 512<<20)
	var l *load
	var dir string
	for n := range storetest.Rounds(20, 200) {
		if n%4 == 0 { // a new ledger each time
			dir, l = filepath.Join(disk.Dir, fmt.Sprint("ledger-", n)), nil
		}
		p := launch(t, dir)
		if l == nil {
			l = newLoad(p)
		}
		l.check(p)
		l.retry(p)
		cutPower(t, disk, p, l)
	}
	l.mustHold(t, dir)
}

// cutPower lets callers ask until the power is cut at a random moment, and gives
// the disk its power back.
func cutPower(t *testing.T, disk *storetest.Disk, p *program, l *load) {
	t.Helper()
	enough, reached := l.count()+1+rand.IntN(150), make(chan struct{})
	var once sync.Once
	done := make(chan struct{})
	go func() {
		defer close(done)
		l.run(p, func(n int) {
			if n >= enough {
				once.Do(func() { close(reached) })
			}
		})
	}()
	select {
	case <-reached:
	case <-done:
		t.Errorf("the callers ended before the power was cut: %v\n%s", l.refused, p.said)
	}
	l.end()
	disk.CutPower(t)
	p.kill()
	<-done
	disk.Restart(t)
}

// R42: on a full disk what would have to be recorded gets a definite 503, reads
// go on, nothing that was acknowledged is lost, and once there is room again it
// goes on by itself. The disk is full for the reserve at first, then to the last
// byte; a new person's key needs room as well.
func TestR42_FullDisk(t *testing.T) {
	t.Parallel()
	disk := storetest.Tmpfs(t, 160<<20)
	dir, filler := filepath.Join(disk, "ledger"), filepath.Join(disk, "filler")
	p := launch(t, dir)
	l := newLoad(p)
	for n, leave := range []int64{40 << 20, 0} {
		l.ask(p, nil)
		fill(t, disk, filler, leave)
		l.run(p, nil)
		for i := range newcomers {
			register(p, n, i).mustBeOutage(t, "storage-full")
		}
		for _, got := range l.refused {
			got.mustBeOutage(t, "storage-full")
		}
		l.check(p)
		for _, path := range []string{"/v1/contracts/" + l.contracts[0].ID, "/v1/contracts", "/readyz", "/metrics"} {
			p.get("operator", path).must(t)
		}
		must(t, os.Remove(filler))
		p.until("room", func() bool { return l.ask(p, nil) })
		for i := range newcomers {
			register(p, n, i).must(t)
		}
		l.refused = map[string]reply{}
	}
	p.stop()
	l.mustHold(t, dir)
}

// newcomers are so many that their keys need a block of the disk.
const newcomers = 80

func register(p *program, round, i int) reply {
	name := fmt.Sprintf("newcomer-%d-%d", round, i)
	return p.post("operator", "/v1/contracts", name, registration(name))
}

// fill leaves so many bytes of a disk.
func fill(t testing.TB, disk, filler string, leave int64) {
	t.Helper()
	file, err := os.Create(filler)
	must(t, err)
	defer file.Close()
	for piece := make([]byte, 1<<16); ; {
		var free syscall.Statfs_t
		must(t, syscall.Statfs(disk, &free))
		left := int64(free.Bavail)*free.Bsize - leave
		if left <= 0 {
			return
		}
		if _, err := file.Write(piece[:min(left, int64(len(piece)))]); err != nil && !errors.Is(err, syscall.ENOSPC) {
			t.Fatalf("fill disk: %v", err)
		}
	}
}
