package pebblestore_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/supportledger/supportledger/eventstore"
	"github.com/supportledger/supportledger/eventstore/pebblestore"
)

// load appends from several callers until stop is closed.
func load(t *testing.T, s *pebblestore.Store, stop <-chan struct{}) (wait func()) {
	t.Helper()
	var wg sync.WaitGroup
	for c := range 4 {
		wg.Go(func() {
			for head := eventstore.NoStream; ; head += 2 {
				select {
				case <-stop:
					return
				default:
				}
				if _, err := s.Append(context.Background(), facts(fmt.Sprintf("caller-%d", c), head)); err != nil {
					t.Errorf("append: %v", err)
					return
				}
			}
		})
	}
	return wg.Wait
}

func everything(t testing.TB, s *pebblestore.Store) []eventstore.Record {
	t.Helper()
	var records []eventstore.Record
	for r, err := range s.ReadAll(context.Background(), eventstore.Start) {
		if err != nil {
			t.Fatalf("read: %v", err)
		}
		records = append(records, r)
	}
	return records
}

func TestBackupWhileRunningIsAConsistentCopy(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir(), tiny())
	stop := make(chan struct{})
	wait := load(t, s, stop)
	if err := s.Wait(soon(t), 2000); err != nil {
		t.Fatal(err)
	}
	before, err := s.Head(soon(t))
	if err != nil {
		t.Fatal(err)
	}
	copied, restored := filepath.Join(t.TempDir(), "copy"), filepath.Join(t.TempDir(), "restored")
	if err := s.Backup(soon(t), copied); err != nil {
		t.Fatal(err)
	}
	close(stop)
	wait()
	all := everything(t, s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	head, err := pebblestore.VerifyCopy(soon(t), copied, tiny(), nil)
	if err != nil || head < before || int(head) > len(all) {
		t.Fatalf("the copy ends at %d, %v; the store was at %d before", head, err, before)
	}
	var last, end eventstore.Position
	progress := func(at, head eventstore.Position) { last, end = at, head }
	var bytes, ofBytes int64
	copying := func(done, total int64) {
		if done < bytes || total < done {
			t.Errorf("%d of %d bytes are copied after %d", done, total, bytes)
		}
		bytes, ofBytes = done, total
	}
	if err := pebblestore.Restore(soon(t), copied, restored, tiny(), copying, progress); err != nil {
		t.Fatal(err)
	}
	if bytes != ofBytes || bytes == 0 {
		t.Errorf("copying ended at %d of %d bytes", bytes, ofBytes)
	}
	if last != head || end != head {
		t.Errorf("progress ended at %d of %d, want %d", last, end, head)
	}
	s = open(t, restored, tiny())
	defer func() { _ = s.Close() }()
	if got := everything(t, s); !slices.EqualFunc(got, all[:head], equalRecords) {
		t.Fatal("the restored store does not hold what the store held")
	}
	if _, err := s.Append(soon(t), facts("new", -1)); err != nil {
		t.Fatal(err)
	}
}

func TestBackupRefusesAFolderInUse(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir(), tiny())
	defer func() { _ = s.Close() }()
	dst := t.TempDir()
	if err := os.WriteFile(filepath.Join(dst, "precious"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := s.Backup(soon(t), dst); err == nil {
		t.Error("a backup went into a folder that was not empty")
	}
	if err := pebblestore.Restore(soon(t), t.TempDir(), dst, tiny(), nil, nil); err == nil {
		t.Error("a restore went into a folder that was not empty")
	}
	if err := pebblestore.Restore(soon(t), t.TempDir(), filepath.Join(dst, "new"), tiny(), nil, nil); err == nil {
		t.Error("nothing was restored without an error")
	}
}

func TestVerifyCopyFindsDamage(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir(), tiny())
	for i := range 50 {
		if _, err := s.Append(soon(t), facts("caller-0", eventstore.Revision(2*i-1))); err != nil {
			t.Fatal(err)
		}
	}
	copied := filepath.Join(t.TempDir(), "copy")
	if err := s.Backup(soon(t), copied); err != nil {
		t.Fatal(err)
	}
	_ = s.Close()
	logs, _ := filepath.Glob(filepath.Join(copied, "log", "*.log"))
	b, err := os.ReadFile(slices.Max(logs))
	if err != nil {
		t.Fatal(err)
	}
	b[len(b)/2] ^= 1
	if err := os.WriteFile(slices.Max(logs), b, 0o600); err != nil {
		t.Fatal(err)
	}
	var corrupt *eventstore.CorruptError
	if _, err := pebblestore.VerifyCopy(soon(t), copied, tiny(), nil); !errors.As(err, &corrupt) {
		t.Fatalf("verify copy: %v, want a CorruptError", err)
	}
}

func TestVerifyComparesIndexAndLog(t *testing.T) {
	t.Parallel()
	for name, harm := range map[string]func(*pebblestore.Store){
		"an entry is missing":        func(s *pebblestore.Store) { s.ForgetInIndex(t, "caller-1", 3) },
		"the newest is missing":      func(s *pebblestore.Store) { s.ForgetInIndex(t, "caller-1", 19) },
		"an entry points elsewhere":  func(s *pebblestore.Store) { s.MisplaceInIndex(t, "caller-1", 3, 1, 2) },
		"an entry counts wrong":      func(s *pebblestore.Store) { s.MisplaceInIndex(t, "caller-1", 3, 7, 1) },
		"an entry has no frame":      func(s *pebblestore.Store) { s.MisplaceInIndex(t, "caller-1", 21, 7, 2) },
		"a stream that never was":    func(s *pebblestore.Store) { s.MisplaceInIndex(t, "caller-9", 1, 7, 2) },
		"a frame is missing":         func(s *pebblestore.Store) { s.DropFrame(t, 5) },
		"the first frame is missing": func(s *pebblestore.Store) { s.DropFrame(t, 1) },
		"the last frame is missing":  func(s *pebblestore.Store) { s.DropFrame(t, 39) },
	} {
		s := open(t, t.TempDir(), tiny())
		for i := range 10 {
			for _, stream := range []string{"caller-0", "caller-1"} {
				if _, err := s.Append(soon(t), facts(stream, eventstore.Revision(2*i-1))); err != nil {
					t.Fatal(err)
				}
			}
		}
		if err := s.Verify(soon(t), nil); err != nil {
			t.Fatalf("before the damage: %v", err)
		}
		harm(s)
		var corrupt *eventstore.CorruptError
		if err := s.Verify(soon(t), nil); !errors.As(err, &corrupt) {
			t.Errorf("%s: verify: %v, want a CorruptError", name, err)
		}
		_ = s.Close()
	}
}

// What the index has wrong of the log is named by its place there.
func TestVerifyNamesTheFrameThatTheIndexHasWrong(t *testing.T) {
	t.Parallel()
	for name, harm := range map[string]func(*pebblestore.Store){
		"missing":   func(s *pebblestore.Store) { s.ForgetInIndex(t, "caller-1", 3) },
		"elsewhere": func(s *pebblestore.Store) { s.MisplaceInIndex(t, "caller-1", 3, 5, 2) },
	} {
		s := open(t, t.TempDir(), tiny())
		for i := range 10 {
			for _, stream := range []string{"caller-0", "caller-1"} {
				if _, err := s.Append(soon(t), facts(stream, eventstore.Revision(2*i-1))); err != nil {
					t.Fatal(err)
				}
			}
		}
		harm(s)
		var corrupt *eventstore.CorruptError
		if err := s.Verify(soon(t), nil); !errors.As(err, &corrupt) || corrupt.Position != 6 || !strings.Contains(err.Error(), "stream caller-1 revision 3") {
			t.Errorf("%s: verify: %v, want what follows position 6, stream caller-1 revision 3", name, err)
		}
		_ = s.Close()
	}
}

// R42: a frame that is not there is damage wherever it is read, in both directions.
func TestR42_AMissingFrameIsReportedByReads(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir(), tiny())
	defer func() { _ = s.Close() }()
	for i := range 10 {
		if _, err := s.Append(soon(t), facts("caller-0", eventstore.Revision(2*i-1))); err != nil {
			t.Fatal(err)
		}
	}
	s.DropFrame(t, 9)
	ctx := soon(t)
	for name, seq := range map[string]func(func(eventstore.Record, error) bool){
		"all":              s.ReadAll(ctx, eventstore.Start),
		"from just before": s.ReadAll(ctx, 8),
		"from inside":      s.ReadAll(ctx, 9),
		"all backwards":    s.ReadAllBackwards(ctx, eventstore.LastPosition),
		"backwards inside": s.ReadAllBackwards(ctx, 11),
		"stream":           s.ReadStream(ctx, "caller-0", 0, eventstore.Forwards),
		"stream backwards": s.ReadStream(ctx, "caller-0", 9, eventstore.Backwards),
	} {
		var corrupt *eventstore.CorruptError
		for _, err := range seq {
			if err != nil && !errors.As(err, &corrupt) {
				t.Errorf("%s: %v, want a CorruptError", name, err)
			}
		}
		if corrupt == nil {
			t.Errorf("%s: nothing was reported", name)
		}
	}
}

// What the index lost, or all of it, is made again from the log.
func TestIndexIsMadeAgainFromTheLog(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir, tiny())
	for i := range 3000 {
		if _, err := s.Append(soon(t), facts(fmt.Sprintf("caller-%d", i%7), eventstore.Revision(2*(i/7)-1))); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(filepath.Join(dir, "index")); err != nil {
		t.Fatal(err)
	}
	s = open(t, dir, tiny())
	defer func() { _ = s.Close() }()
	if err := s.Verify(soon(t), nil); err != nil {
		t.Fatal(err)
	}
}
