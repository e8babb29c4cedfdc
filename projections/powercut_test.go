//go:build linux

package projections

import (
	"context"
	"math/rand/v2"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/supportledger/supportledger/eventstore"
	"github.com/supportledger/supportledger/eventstore/storetest"
)

// A power cut may take rows back, and then it takes them back with their
// checkpoint: what is found afterwards is what the log makes of it (R41, R42).
func TestR42_powerCutsLeaveRowsAndCheckpointTogether(t *testing.T) {
	disk := storetest.NewDisk(t, 96<<20)
	store := openStore(t)
	head := writeSubmissions(t, store, 12_000, 100)
	back := 0
	for round := range storetest.Rounds(6, 60) {
		s, err := Open(t.Context(), Config{Dir: filepath.Join(disk.Dir, "rows"), Store: store})
		must(t, err)
		s.compareAll(t)
		s.most = batchSizes{following: 600, building: 300}
		s.move(t, []int64{50, 500, 16_000}[round%3])
		at := min(s.Position()+eventstore.Position(1+rand.IntN(3000)), eventstore.Position(head))
		before := runUntilCut(t, s, disk, at, round%2 == 1)
		disk.Restart(t)
		s, err = Open(t.Context(), Config{Dir: filepath.Join(disk.Dir, "rows"), Store: store})
		must(t, err)
		s.compareAll(t)
		t.Logf("cut at position %d, found at %d", before, s.Position())
		if s.Position() < before {
			back++
		}
		must(t, s.Close())
	}
	if back == 0 {
		t.Error("no power cut took anything back: was there one?")
	}
}

// move says after how many pages the write-ahead log is moved into the file.
func (s *Set) move(t *testing.T, pages int64) {
	t.Helper()
	s.db.writing.Lock()
	defer s.db.writing.Unlock()
	var now int64
	must(t, s.db.writer.conn.QueryRowContext(t.Context(), "PRAGMA wal_autocheckpoint = "+itoa(pages)).Scan(&now))
}

// runUntilCut cuts the power a little after the rows, or those of a rebuild, have
// come to a position, or half of it. It returns how far the rows had come.
func runUntilCut(t *testing.T, s *Set, disk *storetest.Disk, at eventstore.Position, rebuild bool) eventstore.Position {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended, reached := make(chan struct{}), make(chan struct{})
	var once sync.Once
	go func() {
		defer close(ended)
		if !rebuild {
			_ = s.CatchUp(ctx) // it ends with whatever it meets when the disk is gone
			return
		}
		_ = s.Rebuild(ctx, "activity", func(p Progress) {
			if p.Position >= at/2 {
				once.Do(func() { close(reached) })
			}
		})
	}()
	if rebuild {
		select {
		case <-reached:
		case <-ended: // the rows in use were not as far
		}
	} else {
		must(t, s.Await(t.Context(), at))
	}
	<-time.After(time.Duration(rand.IntN(20)) * time.Millisecond)
	disk.CutPower(t)
	cancel()
	<-ended
	before := s.Position()
	_ = s.Close()
	return before
}
