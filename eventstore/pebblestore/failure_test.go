package pebblestore_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"github.com/supportledger/supportledger/eventstore"
	"github.com/supportledger/supportledger/eventstore/pebblestore"
	"github.com/supportledger/supportledger/eventstore/storetest"
)

// R41: whichever write or sync of the log fails, what was acknowledged before is
// there after the restart, everybody gets an answer, and OnFatal is told once.
func TestR41_EachFailingWriteOfTheLog(t *testing.T) {
	t.Parallel()
	failures := 0
	for n := 0; n < storetest.Rounds(25, 200); n++ {
		mem := vfs.NewCrashableMem()
		var left atomic.Int64
		left.Store(1 << 40)
		opts := tiny()
		opts.FS = errorfs.Wrap(mem, errorfs.InjectorFunc(func(op errorfs.Op) error {
			if (op.Kind == errorfs.OpFileWrite || op.Kind == errorfs.OpFileSync || op.Kind == errorfs.OpFileSyncData) &&
				strings.HasSuffix(op.Path, ".log") && strings.Contains(op.Path, "/log/") && left.Add(-1) <= 0 {
				return errorfs.ErrInjected
			}
			return nil
		}))
		told := make(chan error, 10)
		opts.OnFatal = func(err error) { told <- err }
		s := open(t, "/store", opts)
		left.Store(int64(n + 1))
		acked := failingLoad(t, s)
		answersAfterFailure(t, s, told)
		failures++
		crashed := tiny()
		crashed.FS = mem.CrashClone(vfs.CrashCloneCfg{})
		_ = s.Close()
		s = open(t, "/store", crashed)
		if lost := lostOf(t, s, acked); lost != 0 {
			t.Fatalf("write or sync %d failed: %d acknowledged appends are missing", n, lost)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if failures == 0 {
		t.Error("nothing failed")
	}
}

// Where Pebble would end the process from a goroutine of its own, the store says
// so, answers everybody, and can still be closed.
func TestR41_AFailingManifestEndsAppending(t *testing.T) {
	t.Parallel()
	mem := vfs.NewCrashableMem()
	var broken atomic.Bool
	opts := tiny()
	opts.FS = errorfs.Wrap(mem, errorfs.InjectorFunc(func(op errorfs.Op) error {
		if broken.Load() && op.Kind == errorfs.OpFileSync && strings.Contains(op.Path, "/log/MANIFEST") {
			return errorfs.ErrInjected
		}
		return nil
	}))
	told := make(chan error, 10)
	opts.OnFatal = func(err error) { told <- err }
	s := open(t, "/store", opts)
	broken.Store(true)
	acked := failingLoad(t, s)
	if len(acked) == 0 {
		t.Error("nothing was acknowledged before the manifest had to be written")
	}
	answersAfterFailure(t, s, told)
	crashed := tiny()
	crashed.FS = mem.CrashClone(vfs.CrashCloneCfg{})
	if err := s.Close(); !errors.Is(err, eventstore.ErrUnavailable) {
		t.Errorf("close: %v, want the failure", err)
	}
	s = open(t, "/store", crashed)
	if lost := lostOf(t, s, acked); lost != 0 {
		t.Fatalf("%d acknowledged appends are missing", lost)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// failingLoad appends until every caller was refused, and returns what was
// acknowledged.
func failingLoad(t *testing.T, s *pebblestore.Store) map[string]eventstore.Revision {
	t.Helper()
	var mu sync.Mutex
	var wg sync.WaitGroup
	acked := map[string]eventstore.Revision{}
	for c := range childCallers {
		wg.Go(func() {
			stream, head := fmt.Sprintf("caller-%d", c), eventstore.NoStream
			for {
				done, err := s.Append(soon(t), facts(stream, head))
				if err != nil {
					if !errors.Is(err, eventstore.ErrUnknown) && !errors.Is(err, eventstore.ErrUnavailable) {
						t.Errorf("append to a failing store: %v", err)
					}
					return
				}
				head = done.Revision
				mu.Lock()
				acked[stream] = head
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	return acked
}

func answersAfterFailure(t *testing.T, s *pebblestore.Store, told <-chan error) {
	t.Helper()
	if _, err := s.Append(soon(t), facts("later", -1)); !errors.Is(err, eventstore.ErrUnavailable) {
		t.Errorf("append after the failure: %v, want ErrUnavailable", err)
	}
	select {
	case <-told:
	case <-soon(t).Done():
		t.Error("OnFatal was not told")
	}
	if len(told) != 0 {
		t.Error("OnFatal was told twice")
	}
}

// slowFS holds the syncs of the log until they are let go.
type slowFS struct {
	vfs.FS
	hold *atomic.Pointer[chan struct{}]
}

func (s slowFS) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	f, err := s.FS.Create(name, c)
	if err == nil && filepath.Ext(name) == ".log" {
		f = slowFile{f, s.hold}
	}
	return f, err
}

type slowFile struct {
	vfs.File
	hold *atomic.Pointer[chan struct{}]
}

func (f slowFile) Sync() error { return f.SyncData() }
func (f slowFile) SyncData() error {
	if hold := f.hold.Load(); hold != nil {
		<-*hold
	}
	return f.File.SyncData()
}

// held opens a store whose syncs wait until release, with n appends under way.
func held(t *testing.T, n int) (s *pebblestore.Store, release func(), outcomes <-chan error) {
	t.Helper()
	fs := slowFS{vfs.NewMem(), new(atomic.Pointer[chan struct{}])}
	opts := tiny()
	opts.FS = fs
	s = open(t, "/store", opts)
	hold := make(chan struct{})
	fs.hold.Store(&hold)
	results := make(chan error, n)
	for i := range n {
		go func() {
			_, err := s.Append(context.Background(), facts(fmt.Sprintf("held-%d", i), -1))
			results <- err
		}()
		until(t, func() bool { return s.Queued() == 0 })
	}
	return s, sync.OnceFunc(func() { fs.hold.Store(nil); close(hold) }), results
}

// until waits for a condition.
func until(t testing.TB, holds func() bool) {
	t.Helper()
	ctx := soon(t)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for n := 0; !holds() || n < 5; n++ { // a few times: what is under way may still be on its way in
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatal("what should happen soon did not")
		}
	}
}

func TestCancelledWhileQueuedRecordsNothing(t *testing.T) {
	t.Parallel()
	s, release, outcomes := held(t, 3) // one being synced, one waiting for that, one being made
	defer release()
	ctx, cancel := context.WithCancel(context.Background())
	cancelled := make(chan error, 1)
	go func() {
		_, err := s.Append(ctx, facts("cancelled", -1))
		cancelled <- err
	}()
	until(t, func() bool { return s.Queued() > 0 })
	cancel()
	if err := <-cancelled; !errors.Is(err, context.Canceled) || errors.Is(err, eventstore.ErrUnknown) {
		t.Fatalf("append cancelled in the queue: %v, want context.Canceled and no doubt", err)
	}
	release()
	for range 3 {
		if err := <-outcomes; err != nil {
			t.Errorf("append: %v", err)
		}
	}
	for r := range s.ReadStream(soon(t), "cancelled", 0, eventstore.Forwards) {
		t.Errorf("a cancelled append was recorded at %d", r.Position)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestCancelledWhileSyncingIsAnsweredWithTheOutcome(t *testing.T) {
	t.Parallel()
	s, release, outcomes := held(t, 1)
	defer release()
	ctx, cancel := context.WithCancel(context.Background())
	results := make(chan error, 1)
	go func() {
		_, err := s.Append(ctx, facts("taken", -1))
		results <- err
	}()
	until(t, func() bool { return s.Queued() == 0 })
	cancel()
	release()
	if err := errors.Join(<-results, <-outcomes); err != nil && !errors.Is(err, context.Canceled) {
		t.Fatalf("append cancelled while it was synced: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestCancelledOnADeadDiskIsUnknown(t *testing.T) {
	t.Parallel()
	s, release, outcomes := held(t, 1)
	defer release()
	s.SetPatience(10 * time.Millisecond)
	ctx, cancel := context.WithCancel(context.Background())
	results := make(chan error, 1)
	go func() {
		_, err := s.Append(ctx, facts("taken", -1))
		results <- err
	}()
	until(t, func() bool { return s.Queued() == 0 })
	cancel()
	if err := <-results; !errors.Is(err, eventstore.ErrUnknown) || !errors.Is(err, context.Canceled) {
		t.Fatalf("append cancelled while the disk hangs: %v, want ErrUnknown and context.Canceled", err)
	}
	release()
	if err := errors.Join(<-outcomes, s.Close()); err != nil {
		t.Fatal(err)
	}
}

// Nothing that is not durable is visible.
func TestR41_ReadersWaitForTheSync(t *testing.T) {
	t.Parallel()
	s, release, outcomes := held(t, 1)
	defer release()
	if got := everything(t, s); len(got) != 0 {
		t.Fatalf("%d records are visible before the sync", len(got))
	}
	for r := range s.ReadStream(soon(t), "held-0", 0, eventstore.Forwards) {
		t.Fatalf("record at %d is visible before the sync", r.Position)
	}
	release()
	if err := <-outcomes; err != nil {
		t.Fatal(err)
	}
	if got := everything(t, s); len(got) != 2 {
		t.Fatalf("%d records after the sync, want 2", len(got))
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestR46_AFolderIsOpenOnce(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir, tiny())
	if _, err := pebblestore.Open(dir, tiny()); !errors.Is(err, pebblestore.ErrInUse) {
		t.Errorf("open it twice: %v, want ErrInUse", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := open(t, dir, tiny()).Close(); err != nil {
		t.Fatal(err)
	}
}
