package pebblestore

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/supportledger/supportledger/eventstore"
)

// guardFS is the file system as the two databases see it. It adds three things.
//
// It vouches for manifests. Pebble takes a damaged entry of a manifest for its
// end, opens an older state of the database, and removes the tables that this
// state does not know. So each manifest has a file beside it that says how much
// of it was synced, with what checksum (checkManifest).
//
// It keeps compactions and backups out of half of the reserve and out of what
// memory still has to write. They could wait; a log that finds no space for its
// own files could not go on, and a store not be opened.
//
// It does not link, so that a backup shares no bytes with the store.
type guardFS struct {
	vfs.FS
	keepFree func() uint64 // bytes, asked from any goroutine
}

const (
	manifestPrefix = "MANIFEST-"
	sumSuffix      = ".sum"
)

// Unwrap returns the file system underneath.
func (g guardFS) Unwrap() vfs.FS { return g.FS }

// Link is refused; Pebble copies instead.
func (g guardFS) Link(string, string) error { return vfs.ErrUnsupported }

// Create makes a file, guarded as its kind asks for.
func (g guardFS) Create(name string, category vfs.DiskWriteCategory) (vfs.File, error) {
	file, err := g.FS.Create(name, category)
	if err != nil {
		return nil, err
	}
	switch {
	case strings.HasPrefix(g.PathBase(name), manifestPrefix):
		pad, err := openNotepad(g.FS, name+sumSuffix, true)
		if err != nil {
			return nil, errors.Join(err, file.Close())
		}
		return &vouchedFile{File: file, pad: pad}, nil
	case category == "pebble-memtable-flush":
		return calmFile{file}, nil
	case canWait(category, g.PathBase(name)):
		return &modestFile{File: file, guard: g, dir: g.PathDir(name)}, nil
	}
	return file, nil
}

// canWait says whether a file is the work of a compaction or the copy of a table
// or of a write-ahead file for a backup. What else has no category is small, and
// some of it, such as a database's options, is written whenever one is opened.
func canWait(category vfs.DiskWriteCategory, name string) bool {
	switch category {
	case "pebble-compaction", "pebble-blob-file-rewrite":
		return true
	case vfs.WriteCategoryUnspecified:
		return strings.HasSuffix(name, ".sst") || strings.HasSuffix(name, ".blob") || strings.HasSuffix(name, ".log")
	}
	return false
}

// Remove removes a file, and with a manifest what vouches for it.
func (g guardFS) Remove(name string) error {
	err := g.FS.Remove(name)
	if err == nil && strings.HasPrefix(g.PathBase(name), manifestPrefix) {
		_ = g.FS.Remove(name + sumSuffix)
	}
	return err
}

// A vouchedFile notes, after each sync, what was synced.
type vouchedFile struct {
	vfs.File
	pad  *notepad
	size uint64
	sum  uint32
}

func (f *vouchedFile) Write(p []byte) (int, error) {
	sum := crc32.Update(f.sum, castagnoli, p) // before: Write may change p
	n, err := f.File.Write(p)
	if err == nil {
		f.size, f.sum = f.size+uint64(n), sum
	}
	return n, err
}

func (f *vouchedFile) Sync() error     { return firstErr(f.File.Sync(), f.vouch()) }
func (f *vouchedFile) SyncData() error { return firstErr(f.File.SyncData(), f.vouch()) }

func (f *vouchedFile) vouch() error {
	return firstErr(f.pad.write(f.size, uint64(f.sum)), f.pad.sync())
}

func (f *vouchedFile) Close() error { return errors.Join(f.File.Close(), f.pad.file.Close()) }

// checkManifest compares the manifest that a database would be opened from with
// what vouches for it.
func checkManifest(fs vfs.FS, dir string) error {
	desc, err := pebble.Peek(dir, fs)
	if err != nil || !desc.Exists {
		return err
	}
	path := desc.ManifestFilename
	if _, err := fs.Stat(path + sumSuffix); errors.Is(err, os.ErrNotExist) {
		return &eventstore.CorruptError{Where: path + sumSuffix, Reason: "the file is missing"}
	}
	pad, err := openNotepad(fs, path+sumSuffix, false)
	if err != nil {
		return err
	}
	defer func() { _ = pad.file.Close() }()
	file, err := fs.Open(path)
	if err != nil {
		return fmt.Errorf("open manifest: %w", err)
	}
	defer func() { _ = file.Close() }()
	hash := crc32.New(castagnoli)
	n, err := io.CopyN(hash, file, int64(pad.size))
	if err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("read manifest: %w", err)
	}
	if uint64(n) != pad.size || uint64(hash.Sum32()) != pad.mark {
		return &eventstore.CorruptError{Where: path, Reason: fmt.Sprintf("its first %d bytes do not fit their checksum", pad.size)}
	}
	return nil
}

// checkOptions compares what a database says it was made with to what it is opened
// with. That never changes, so a difference is damage, which Pebble would report
// like a mistake of whoever opens it.
func checkOptions(dir string, o *pebble.Options) error {
	desc, err := pebble.Peek(dir, o.FS)
	if err != nil || desc.OptionsFilename == "" {
		return err
	}
	file, err := o.FS.Open(desc.OptionsFilename)
	if err != nil {
		return fmt.Errorf("open options: %w", err)
	}
	defer func() { _ = file.Close() }()
	made, err := io.ReadAll(file)
	if err != nil {
		return fmt.Errorf("read options: %w", err)
	}
	with := o.Clone()
	with.EnsureDefaults()
	if err := with.CheckCompatibility(dir, string(made)); err != nil {
		return &eventstore.CorruptError{Where: desc.OptionsFilename, Reason: firstLine(err)}
	}
	return nil
}

// A modestFile stops growing where less would be free than has to be kept. It
// takes its time to say so: Pebble tries again at once.
type modestFile struct {
	vfs.File
	guard   guardFS
	dir     string
	written int
}

const (
	modestEvery = 1 << 20 // bytes between two looks at the free space
	retryPause  = 500 * time.Millisecond
)

func (f *modestFile) Write(p []byte) (int, error) {
	if f.written -= len(p); f.written < 0 {
		f.written = modestEvery
		usage, err := f.guard.GetDiskUsage(f.dir)
		if keep := f.guard.keepFree(); err == nil && usage.AvailBytes < keep {
			time.Sleep(retryPause)
			return 0, fmt.Errorf("keep %d bytes free: %w", keep, syscall.ENOSPC)
		}
	}
	return f.File.Write(p)
}

// A calmFile takes its time to say that it cannot be written: a flush is tried
// again at once, for ever.
type calmFile struct{ vfs.File }

func (f calmFile) Write(p []byte) (int, error) {
	n, err := f.File.Write(p)
	if err != nil {
		time.Sleep(retryPause)
	}
	return n, err
}
