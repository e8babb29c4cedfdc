//go:build linux

package pebblestore_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/supportledger/supportledger/eventstore"
	"github.com/supportledger/supportledger/eventstore/pebblestore"
)

// The fault tests run a store in a process of its own: this test binary again,
// with what to do in its environment.
const (
	childDir    = "PEBBLESTORE_CHILD_DIR"
	childEach   = "PEBBLESTORE_CHILD_EACH"   // appends of each caller
	childNoSync = "PEBBLESTORE_CHILD_NOSYNC" // "1": the control that loses
	childKillAt = "PEBBLESTORE_CHILD_KILL"   // "before 7", "after 7": die at the 7th sync

	exitFailed = 3 // the store failed, and said so
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		os.Exit(childMain(dir))
	}
	os.Exit(m.Run())
}

// childMain opens the store, lets callers append from where their streams end,
// prints a line for every answer, and closes the store.
func childMain(dir string) int {
	opts := pebblestore.Options{
		Logger:      slog.New(slog.NewTextHandler(os.Stderr, nil)),
		LogMemBytes: 1 << 20, IndexMemBytes: 512 << 10, CacheBytes: 8 << 20,
		NoSync: os.Getenv(childNoSync) == "1",
	}
	if when := os.Getenv(childKillAt); when != "" {
		opts.FS = newDeadlyFS(when)
	}
	s, err := pebblestore.Open(dir, opts)
	if err != nil {
		fmt.Printf("open %v\n", err)
		return 1
	}
	fmt.Println("ready")
	each, _ := strconv.Atoi(os.Getenv(childEach))
	var wg sync.WaitGroup
	var failed atomic.Bool
	for c := range childCallers {
		wg.Go(func() {
			if !childCaller(s, fmt.Sprintf("caller-%d", c), each) {
				failed.Store(true)
			}
		})
	}
	wg.Wait()
	if err := s.Close(); err != nil || failed.Load() {
		return exitFailed
	}
	fmt.Println("closed")
	return 0
}

func childCaller(s *pebblestore.Store, stream string, each int) bool {
	head := eventstore.NoStream
	for r, err := range s.ReadStream(context.Background(), stream, eventstore.LastRevision, eventstore.Backwards) {
		if err == nil {
			head = r.Revision
		}
		break
	}
	for range each {
		done, err := s.Append(context.Background(), facts(stream, head))
		switch {
		case errors.Is(err, eventstore.ErrUnknown):
			fmt.Println("unknown", stream, head+2)
			return false
		case err != nil:
			fmt.Println("refused", stream, head+2, err)
			return false
		}
		head = done.Revision
		fmt.Println("ack", stream, head, time.Now().UnixNano())
	}
	return true
}

// deadlyFS kills its process at one of its syncs.
type deadlyFS struct {
	vfs.FS
	after bool
	left  *atomic.Int64
}

func newDeadlyFS(when string) deadlyFS {
	word, number, _ := strings.Cut(when, " ")
	n, _ := strconv.ParseInt(number, 10, 64)
	fs := deadlyFS{vfs.Default, word == "after", new(atomic.Int64)}
	fs.left.Store(n)
	return fs
}

func (d deadlyFS) sync(do func() error) error {
	if d.left.Add(-1) != 0 {
		return do()
	}
	if d.after {
		_ = do()
	}
	_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	select {}
}

type deadlyFile struct {
	vfs.File
	fs deadlyFS
}

func (f deadlyFile) Sync() error     { return f.fs.sync(f.File.Sync) }
func (f deadlyFile) SyncData() error { return f.fs.sync(f.File.SyncData) }

func (d deadlyFS) wrap(f vfs.File, err error) (vfs.File, error) {
	if err != nil {
		return nil, err
	}
	return deadlyFile{f, d}, nil
}

func (d deadlyFS) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	return d.wrap(d.FS.Create(name, c))
}

func (d deadlyFS) OpenReadWrite(name string, c vfs.DiskWriteCategory, o ...vfs.OpenOption) (vfs.File, error) {
	return d.wrap(d.FS.OpenReadWrite(name, c, o...))
}

func (d deadlyFS) ReuseForWrite(from, to string, c vfs.DiskWriteCategory) (vfs.File, error) {
	return d.wrap(d.FS.ReuseForWrite(from, to, c))
}

func (d deadlyFS) OpenDir(name string) (vfs.File, error) { return d.wrap(d.FS.OpenDir(name)) }

// A child is a store in a process of its own, and what it answered.
type child struct {
	cmd    *exec.Cmd
	out    *bufio.Scanner
	stderr strings.Builder

	ready, closed bool
	acks          int
	cut           int64 // when the power was cut; what is answered later is not from this world
	acked         map[string]eventstore.Revision
	unknown       int
	refused       []string
}

// newChild prepares a child; the test may change its command before start.
func newChild(t testing.TB, dir string, each int, env ...string) *child {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatalf("find test binary: %v", err)
	}
	c := &child{cmd: exec.Command(self), acked: map[string]eventstore.Revision{}}
	c.cmd.Env = append(os.Environ(), append(env, childDir+"="+dir, childEach+"="+strconv.Itoa(each))...)
	c.cmd.Stderr = &c.stderr
	return c
}

func (c *child) start(t testing.TB) {
	t.Helper()
	pipe, err := c.cmd.StdoutPipe()
	if err == nil {
		err = c.cmd.Start()
	}
	if err != nil {
		t.Fatalf("start child: %v", err)
	}
	c.out = bufio.NewScanner(pipe)
}

// until reads answers until there were enough acknowledgements, or the child ended.
func (c *child) until(acks int) {
	for c.acks < acks && c.out.Scan() {
		f := strings.Fields(c.out.Text())
		switch {
		case len(f) == 4 && f[0] == "ack":
			when, _ := strconv.ParseInt(f[3], 10, 64)
			if c.cut == 0 || when < c.cut {
				at, _ := strconv.ParseInt(f[2], 10, 64)
				c.acked[f[1]] = eventstore.Revision(at)
			}
			c.acks++
		case len(f) > 0 && f[0] == "unknown":
			c.unknown++
		case len(f) == 1 && f[0] == "ready":
			c.ready = true
		case len(f) == 1 && f[0] == "closed":
			c.closed = true
		default:
			c.refused = append(c.refused, c.out.Text())
		}
	}
}

// end reads the rest and waits.
func (c *child) end() int {
	c.until(1 << 60)
	_ = c.cmd.Wait()
	return c.cmd.ProcessState.ExitCode()
}

func (c *child) kill() int {
	_ = c.cmd.Process.Kill()
	return c.end()
}

// holds opens the store that children left, and compares it with what they
// acknowledged: everything is there, once, whole, and nothing nobody asked for.
func holds(t testing.TB, dir string, acked map[string]eventstore.Revision) {
	t.Helper()
	s := open(t, dir, small(t))
	defer func() {
		if err := s.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	}()
	if err := s.Verify(context.Background(), nil); err != nil {
		t.Fatalf("verify: %v", err)
	}
	if lost := lostOf(t, s, acked); lost != 0 {
		t.Fatalf("%d acknowledged appends are missing", lost)
	}
}
