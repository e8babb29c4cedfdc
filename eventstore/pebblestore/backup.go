package pebblestore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/supportledger/supportledger/eventstore"
)

// Backup copies the store into a folder that must not exist or be empty, while
// it runs. The copy holds every record that was durable when Backup began; it
// shares no bytes with the store, has no index, and is synced when Backup
// returns. VerifyCopy proves it, Restore makes a store of it.
func (s *Store) Backup(ctx context.Context, dst string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := s.enter(); err != nil {
		return err
	}
	defer s.leave()
	if err := emptyFolder(dst); err != nil {
		return fmt.Errorf("back up to %s: %w", dst, err)
	}
	head := s.durable()
	if err := s.frames.Checkpoint(filepath.Join(dst, logFolder), pebble.WithFlushedWAL()); err != nil {
		return fmt.Errorf("back up to %s: %w", dst, err)
	}
	if err := noteSlack(s.opts.FS, dst, s.Slack()); err != nil {
		return fmt.Errorf("back up to %s: %w", dst, err)
	}
	pad, err := openNotepad(s.opts.FS, filepath.Join(dst, witnessFile), true)
	if err != nil {
		return fmt.Errorf("back up to %s: %w", dst, err)
	}
	w := witness{pad}
	if err := errors.Join(w.settle(head, stopped), pad.file.Close(), syncDir(s.opts.FS, dst)); err != nil {
		return fmt.Errorf("back up to %s: %w", dst, err)
	}
	return nil
}

// emptyFolder makes a folder, which must not hold anything.
func emptyFolder(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("make folder: %w", err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("look into folder: %w", err)
	}
	if len(entries) > 0 {
		return fmt.Errorf("the folder is not empty (%s); name a new one", entries[0].Name())
	}
	return nil
}

// VerifyCopy reads every record of a backup, or of a store that nobody has open,
// without changing it, and returns its head. Damage is a *eventstore.CorruptError.
func VerifyCopy(ctx context.Context, dir string, opts Options, progress Progress) (eventstore.Position, error) {
	opts = opts.withDefaults()
	s := &Store{dir: dir, opts: opts, log: opts.Logger, metrics: newMetrics(), failed: make(chan struct{}), queue: newQueue(1)}
	defer func() { _ = s.closeFiles() }()
	if _, err := os.Stat(filepath.Join(dir, logFolder)); err != nil {
		return 0, fmt.Errorf("verify copy: %s holds no store: %w", dir, err)
	}
	cache := pebble.NewCache(opts.CacheBytes)
	defer cache.Unref()
	o, err := s.openLog(cache, true)
	if err != nil {
		return 0, fmt.Errorf("verify copy: %w", err)
	}
	if s.frames, err = openPebble(filepath.Join(dir, logFolder), o); err != nil {
		return 0, s.damaged("log", s.witness.noted(), err)
	}
	if err := s.findHead(); err != nil {
		return 0, err
	}
	return s.durable(), s.verifyLog(ctx, s.durable(), progress, func(*frame) error { return nil })
}

// Restore makes a store in a folder, which must not exist or be empty, from a
// backup, and verifies it whole. copied hears how many bytes of how many have been
// copied, progress how far verifying is; both may be nil.
func Restore(ctx context.Context, from, to string, opts Options, copied func(done, total int64), progress Progress) (err error) {
	if err := emptyFolder(to); err != nil {
		return fmt.Errorf("restore to %s: %w", to, err)
	}
	if _, err := os.Stat(filepath.Join(from, witnessFile)); err != nil {
		return fmt.Errorf("restore: %s holds no backup: %w", from, err)
	}
	c := copier{ctx: ctx, told: copied}
	if err := c.folder(filepath.Join(from, logFolder), filepath.Join(to, logFolder)); err != nil {
		return fmt.Errorf("restore to %s: %w", to, err)
	}
	for _, name := range []string{slackFile, witnessFile} {
		err := c.file(filepath.Join(from, name), filepath.Join(to, name))
		if err != nil && (name == witnessFile || !errors.Is(err, os.ErrNotExist)) {
			return fmt.Errorf("restore to %s: %w", to, err)
		}
	}
	s, err := Open(to, opts)
	if err != nil {
		return err
	}
	return errors.Join(s.Verify(ctx, progress), s.Close())
}

// A copier copies files durably.
type copier struct {
	ctx         context.Context
	told        func(done, total int64) // bytes; may be nil
	done, total int64
}

// folder copies the files that lie directly in a folder.
func (c *copier) folder(from, to string) error {
	if err := os.MkdirAll(to, 0o700); err != nil {
		return err
	}
	entries, err := os.ReadDir(from)
	if err != nil {
		return err
	}
	entries = slices.DeleteFunc(entries, func(e os.DirEntry) bool { return !e.Type().IsRegular() })
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			return err
		}
		c.total += info.Size()
	}
	for _, e := range entries {
		if err := c.file(filepath.Join(from, e.Name()), filepath.Join(to, e.Name())); err != nil {
			return err
		}
	}
	return syncDir(vfs.Default, to)
}

func (c *copier) file(from, to string) error {
	src, err := os.Open(from)
	if err != nil {
		return err
	}
	defer func() { _ = src.Close() }()
	dst, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	return errors.Join(c.bytes(dst, src), dst.Sync(), dst.Close())
}

// bytes copies in pieces, so that it can be told about and ended.
func (c *copier) bytes(dst io.Writer, src io.Reader) error {
	const piece = 4 << 20
	for {
		if err := c.ctx.Err(); err != nil {
			return err
		}
		n, err := io.CopyN(dst, src, piece)
		c.done += n
		if c.told != nil {
			c.told(c.done, max(c.done, c.total))
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}
