package attachments

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/domain/contract"
	"github.com/supportledger/supportledger/internal/durably"
)

// Check holds a file that hangs on an incident against what is recorded of it. A
// file whose owner was forgotten, and every file where there are no keys of
// people, is held against its checksum only.
func (f *Folder) Check(ctx context.Context, account uuid.UUID, a contract.Attachment) error {
	of := file{account, a.SHA256}
	if !IsDigest(a.SHA256) {
		return errors.New("it is no digest")
	}
	info, err := os.Stat(f.path(of))
	if errors.Is(err, fs.ErrNotExist) {
		return errors.New("the file is missing")
	}
	if err != nil {
		return err
	}
	if got := contentSize(info.Size()); got != a.Size {
		return fmt.Errorf("the file holds %d bytes; recorded are %d", got, a.Size)
	}
	return checkFile(f.path(of), of, f.keyFor(ctx, account), io.Discard)
}

// keyFor opens the key of an account's file, where there are keys of people.
func (f *intake) keyFor(ctx context.Context, account uuid.UUID) func(header) (*[32]byte, error) {
	return func(h header) (*[32]byte, error) {
		if f.People == nil {
			return nil, nil
		}
		return f.openKey(ctx, account, h.Box)
	}
}

// HoldsFiles says whether a folder has files of anybody, or uploads.
func HoldsFiles(dir string) bool {
	entries, _ := os.ReadDir(dir)
	return slices.ContainsFunc(entries, func(e os.DirEntry) bool {
		_, err := uuid.Parse(e.Name())
		return err == nil
	})
}

// CopyTo copies every file into another folder, durably, and checks each on the
// way. Uploads that go on and what is remembered of commands are not copied.
// report is told how many files and bytes there were so far.
func CopyTo(ctx context.Context, from, to string, report func(files, bytes int64)) (files int64, err error) {
	accounts, err := os.ReadDir(from)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("copy attachments: %w", err)
	}
	if err := os.MkdirAll(to, 0o700); err != nil {
		return 0, fmt.Errorf("copy attachments: %w", err)
	}
	var bytes int64
	for _, dir := range accounts {
		account, err := uuid.Parse(dir.Name())
		if err != nil {
			continue // incoming
		}
		err = copyAccount(ctx, from, to, account, func(size int64) {
			files, bytes = files+1, bytes+size
			report(files, bytes)
		})
		if err != nil {
			return files, fmt.Errorf("copy attachments: %w", err)
		}
	}
	return files, durably.Names(to)
}

func copyAccount(ctx context.Context, from, to string, account uuid.UUID, copied func(size int64)) error {
	source, target := filepath.Join(from, account.String()), filepath.Join(to, account.String())
	entries, err := os.ReadDir(source)
	if err != nil {
		return err
	}
	made := false
	for _, e := range entries {
		if !IsDigest(e.Name()) {
			continue
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if !made {
			if err := os.MkdirAll(target, 0o700); err != nil {
				return err
			}
			made = true
		}
		size, err := copyFile(source, target, file{account, e.Name()})
		if errors.Is(err, fs.ErrNotExist) {
			continue // swept meanwhile
		}
		if err != nil {
			return err
		}
		copied(size)
	}
	if !made {
		return nil
	}
	return durably.Names(target)
}

func copyFile(source, target string, of file) (size int64, err error) {
	path := filepath.Join(source, of.sha256)
	if _, err := os.Lstat(path); err != nil {
		return 0, err
	}
	out, err := os.OpenFile(filepath.Join(target, of.sha256), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return 0, err
	}
	counted := &counter{w: out}
	err = checkFile(path, of, func(header) (*[32]byte, error) { return nil, nil }, counted)
	if err = errors.Join(err, out.Sync(), out.Close()); err != nil {
		return 0, errors.Join(err, os.Remove(out.Name()))
	}
	return counted.n, nil
}

// A counter counts what is written through it.
type counter struct {
	w io.Writer
	n int64
}

func (c *counter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.n += int64(n)
	return n, err
}
