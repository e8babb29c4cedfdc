//go:build linux

package pebblestore_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/eventstore"
	"github.com/supportledger/supportledger/eventstore/pebblestore"
	"github.com/supportledger/supportledger/eventstore/storetest"
)

// fill appends what does not compress until the store is full, and returns the
// revision of the last record.
func fill(t *testing.T, s *pebblestore.Store, head eventstore.Revision) eventstore.Revision {
	t.Helper()
	data := make([]byte, 100<<10)
	for i := range data {
		data[i] = byte(rand.Uint32())
	}
	for n := 0; n < 5000; n++ {
		done, err := s.Append(context.Background(), eventstore.Append{
			Stream: "filling", Expected: head,
			Events: []eventstore.Event{{ID: uuid.New(), Type: "thing.happened.v1", Data: data}},
		})
		if errors.Is(err, eventstore.ErrFull) {
			return head
		}
		if err != nil {
			t.Fatalf("append %d: %v, want ErrFull in the end", n, err)
		}
		head = done.Revision
	}
	t.Fatal("the store was never full")
	return head
}

// holdsFilling compares what can be read with what was acknowledged.
func holdsFilling(t *testing.T, s *pebblestore.Store, head eventstore.Revision) {
	t.Helper()
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

// leave takes up a file system but for some bytes, and returns what gives them back.
func leave(t *testing.T, dir string, bytes int64) (giveBack func()) {
	t.Helper()
	ballast := filepath.Join(dir, "ballast")
	var fs syscall.Statfs_t
	if err := syscall.Statfs(dir, &fs); err != nil {
		t.Fatal(err)
	}
	if free := int64(fs.Bavail) * fs.Bsize; free > bytes {
		if err := os.WriteFile(ballast, make([]byte, free-bytes), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return func() {
		if err := os.Remove(ballast); err != nil {
			t.Error(err)
		}
	}
}

const littleReserve = 16 << 20

// roomy is for stores on a disk of little space.
func roomy(t *testing.T) pebblestore.Options {
	opts := small(t)
	opts.ReserveBytes, opts.LogMemBytes = littleReserve, 1<<20
	return opts
}

// R42: the reserve is there for a start, too, also once compactions, or others,
// have taken their half of it.
func TestR42_AStoreOpensWithAQuarterOfItsReserve(t *testing.T) {
	t.Parallel()
	dir := storetest.Tmpfs(t, 112<<20)
	// More than what the first filling leaves has to be given back: tables that are made
	// meanwhile may have taken some of that.
	spare := filepath.Join(dir, "spare")
	if err := os.WriteFile(spare, make([]byte, littleReserve), 0o600); err != nil {
		t.Fatal(err)
	}
	s := open(t, filepath.Join(dir, "store"), roomy(t))
	head := fill(t, s, eventstore.NoStream)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	giveBack := leave(t, dir, littleReserve/4)
	s = open(t, filepath.Join(dir, "store"), roomy(t))
	defer func() { _ = s.Close() }()
	holdsFilling(t, s, head)
	if last := fill(t, s, head); last != head {
		t.Errorf("%d appends were recorded without space", last-head)
	}
	giveBack()
	if err := os.Remove(spare); err != nil {
		t.Fatal(err)
	}
	for deadline := soon(t); ; {
		if last := fill(t, s, head); last > head {
			holdsFilling(t, s, last)
			return
		}
		if deadline.Err() != nil {
			t.Fatal("appending does not resume")
		}
	}
}

// R42: where there is no space at all a start says so, and does no harm.
func TestR42_AStartWithoutAnySpaceSaysSo(t *testing.T) {
	t.Parallel()
	dir := storetest.Tmpfs(t, 96<<20)
	c := newChild(t, filepath.Join(dir, "store"), 1<<30)
	c.start(t)
	c.until(2000)
	c.kill()
	giveBack := leave(t, dir, 0)
	again := newChild(t, filepath.Join(dir, "store"), 1)
	again.start(t)
	if code := again.end(); code != 1 || again.ready || len(again.refused) != 1 {
		t.Errorf("exit code %d, ready %t, %q, want one error\n%s", code, again.ready, again.refused, fmt.Sprintf("%.2000s", again.stderr.String()))
	}
	giveBack()
	holds(t, filepath.Join(dir, "store"), c.acked)
}
