package attachments

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/google/uuid"
)

// An Index knows which files hang on incidents.
type Index interface {
	// CatchUp returns once the index knows every incident that was recorded
	// before the call.
	CatchUp(ctx context.Context) error
	// Attached says whether an account's file hangs on an incident.
	Attached(ctx context.Context, account uuid.UUID, sha256 string) (bool, error)
}

// Sweep removes the files that hang on no incident UnusedFor after they were
// uploaded, uploads that have not gone on for as long, and what is remembered of
// commands when it need not be any more (R26). It says how many files went.
func (f *Folder) Sweep(ctx context.Context, index Index) (swept int, err error) {
	begun := f.beginSweep()
	defer f.endSweep(begun)
	if err := index.CatchUp(ctx); err != nil {
		return 0, fmt.Errorf("sweep attachments: %w", err)
	}
	accounts, err := os.ReadDir(f.Dir)
	if err != nil {
		return 0, fmt.Errorf("sweep attachments: %w", err)
	}
	for _, dir := range accounts {
		account, err := uuid.Parse(dir.Name())
		if err != nil {
			continue // incoming
		}
		n, err := f.sweepAccount(ctx, account, begun, index)
		if swept += n; err != nil {
			return swept, fmt.Errorf("sweep attachments of account %s: %w", account, err)
		}
	}
	return swept, nil
}

func (f *Folder) beginSweep() uint64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.sweeps++
	return f.sweeps
}

// endSweep forgets the claims that were released before it had begun.
func (f *Folder) endSweep(begun uint64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for of, c := range f.claims {
		if c.held == 0 && c.last < begun {
			delete(f.claims, of)
		}
	}
}

func (f *Folder) sweepAccount(ctx context.Context, account uuid.UUID, begun uint64, index Index) (swept int, err error) {
	entries, err := os.ReadDir(f.dirOf(account))
	if err != nil {
		return 0, err
	}
	for _, e := range entries {
		if ctx.Err() != nil {
			return swept, ctx.Err()
		}
		name := e.Name()
		switch {
		case IsDigest(name):
			gone, err := f.sweepFile(ctx, file{account, name}, begun, index)
			if err != nil {
				// One that cannot be read is for verify; the others go on.
				f.log.Warn("an attachment was not swept", "account", account, "sha256", name, "error", err)
			}
			if gone {
				swept++
				f.metrics.swept.Inc()
			}
		case strings.HasPrefix(name, keyPrefix):
			err = f.sweepKey(filepath.Join(f.dirOf(account), name))
		case strings.HasPrefix(name, uploadPrefix) && strings.HasSuffix(name, jsonSuffix):
			err = f.sweepUpload(account, strings.TrimSuffix(strings.TrimPrefix(name, uploadPrefix), jsonSuffix))
		}
		if err != nil {
			return swept, err
		}
	}
	return swept, nil
}

func (f *Folder) sweepFile(ctx context.Context, of file, begun uint64, index Index) (gone bool, err error) {
	c, _, err := f.look(of)
	if err != nil {
		return false, err
	}
	_ = c.Close()
	if f.young(c.UploadedAt) {
		return false, nil
	}
	if used, err := index.Attached(ctx, of.account, of.sha256); err != nil || used {
		return false, err
	}
	return f.remove(of, begun)
}

// remove removes a file that nobody has claimed or uploaded anew meanwhile.
func (f *Folder) remove(of file, begun uint64) (gone bool, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if c, ok := f.claims[of]; ok && (c.held > 0 || c.last >= begun) {
		return false, nil
	}
	c, _, err := f.look(of)
	if errors.Is(err, ErrUnknown) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	_ = c.Close()
	if f.young(c.UploadedAt) {
		return false, nil
	}
	if err := os.Remove(f.path(of)); err != nil {
		return false, err
	}
	f.used.add(of.account, -c.Size)
	return true, nil
}

func (f *Folder) sweepKey(path string) error {
	note, err := readNote[remembered](path)
	if err != nil || note == nil || f.Now().Sub(note.At) <= rememberFor {
		return err
	}
	return ignoreMissing(os.Remove(path))
}

func ignoreMissing(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
