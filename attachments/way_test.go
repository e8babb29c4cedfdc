package attachments

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/google/uuid"
)

// ways are the folders of what is on its way.
func (r *rig) ways() []os.DirEntry {
	r.t.Helper()
	entries, err := os.ReadDir(filepath.Join(r.dir, incomingName))
	must(r.t, err)
	return entries
}

// A process that starts on a folder that others share leaves what they are just
// receiving, and clears away what the dead have left.
func TestR26_WhoStartsLeavesWhatOthersReceive(t *testing.T) {
	r, _ := newFolder(t)
	must(t, os.WriteFile(filepath.Join(r.in.way, "left"), png, 0o600))
	must(t, os.Mkdir(filepath.Join(r.dir, incomingName, "just begun"), 0o700))
	must(t, os.WriteFile(filepath.Join(r.dir, incomingName, "no folder"), png, 0o600))
	r.reopen()
	if ways := r.ways(); len(ways) != 1 {
		t.Fatalf("after a kill there are %v", ways)
	}
	from, to := io.Pipe()
	var kept sync.WaitGroup
	kept.Go(func() {
		_, err := r.Put(t.Context(), ani, uuid.New(), from, -1)
		if err != nil {
			t.Errorf("what was received while another process started was not kept: %v", err)
		}
	})
	half := bytes.Repeat([]byte("half "), 200)
	_, err := to.Write(half)
	must(t, err)
	other, err := Open(r.in.Config)
	must(t, err)
	shared, err := other.Shared()
	must(t, err)
	if ways := r.ways(); len(ways) != 2 || !shared {
		t.Errorf("two processes have %v; shared is %v", ways, shared)
	}
	_, err = to.Write(half)
	must(t, err)
	must(t, to.Close())
	kept.Wait()
	must(t, r.Close())
	shared, err = other.Shared()
	must(t, err)
	if ways := r.ways(); len(ways) != 1 || shared {
		t.Errorf("one process has %v; shared is %v", ways, shared)
	}
	must(t, other.Close())
	r.in = nil
	if ways := r.ways(); len(ways) != 0 {
		t.Errorf("nobody has %v", ways)
	}
}

// Many that start at once have a folder each.
func TestR26_ManyStartAtOnce(t *testing.T) {
	r, _ := newFolder(t)
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() {
			for range 20 {
				f, err := Open(r.in.Config)
				if err != nil {
					t.Errorf("open: %v", err)
					return
				}
				if _, err := os.Stat(filepath.Join(f.way, lockName)); err != nil {
					t.Errorf("its folder was removed: %v", err)
				}
				if err := f.Close(); err != nil {
					t.Errorf("close: %v", err)
				}
			}
		})
	}
	all.Wait()
}
