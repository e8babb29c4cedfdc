package attachments

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"time"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/internal/durably"
)

// Put keeps an account's file, and is durable when it returns. command is what a
// repeat is recognised by: the same bytes again are answered as the first time,
// others are refused. length is the number of bytes where it is known, else -1.
//
// Refusals are TooLarge, TypeNotTaken, QuotaExceeded, KeyReused and, for an empty
// file, domain.InvalidField; a *SourceError means that r failed.
func (f *Folder) Put(ctx context.Context, account, command uuid.UUID, r io.Reader, length int64) (Stored, error) {
	if length > f.Limits.MaxBytes {
		return Stored{}, f.refuseTooLarge()
	}
	before, repeated, err := f.remembered(account, command)
	if err != nil {
		return Stored{}, outcome("keep attachment", err)
	}
	most, release, err := f.reserve(account, length, repeated)
	if err != nil {
		return Stored{}, err
	}
	defer release()
	in, err := f.receive(ctx, account, r, most)
	if err != nil {
		return Stored{}, outcome("keep attachment", err)
	}
	defer in.discard()
	if repeated && before != in.SHA256 {
		return Stored{}, refuseReused()
	}
	if err := f.keep(in, command); err != nil {
		return Stored{}, outcome("keep attachment", err)
	}
	in.Replayed = repeated
	return in.Stored, nil
}

// keep puts a file in its place, durably, and notes the command.
func (f *Folder) keep(in *incoming, command uuid.UUID) error {
	if err := f.makeDir(in.account); err != nil {
		return err
	}
	if err := f.place(in); err != nil {
		return err
	}
	f.metrics.stored.Inc()
	f.metrics.bytes.Add(float64(in.Size))
	if command == uuid.Nil {
		return durably.Names(f.dirOf(in.account))
	}
	note, err := json.Marshal(remembered{in.SHA256, in.UploadedAt})
	if err != nil {
		return err
	}
	return errors.Join(f.settle(f.keyPath(in.account, command), note), durably.Names(f.dirOf(in.account)))
}

// place renames a file to what it is known by. It takes the place of the same
// bytes that were uploaded before, which counts as using them anew.
func (f *Folder) place(in *incoming) error {
	to := file{in.account, in.SHA256}
	f.mu.Lock()
	defer f.mu.Unlock()
	_, err := os.Lstat(f.path(to))
	fresh := errors.Is(err, fs.ErrNotExist)
	if err := os.Rename(in.path, f.path(to)); err != nil {
		return err
	}
	if fresh {
		f.used.add(in.account, in.Size)
	}
	return nil
}

// remembered is what a command has uploaded.
type remembered struct {
	SHA256 string    `json:"sha256"`
	At     time.Time `json:"at"`
}

// remembered is the digest of what a command has uploaded before, if it has.
func (f *Folder) remembered(account, command uuid.UUID) (sha256 string, ok bool, err error) {
	note, err := readNote[remembered](f.keyPath(account, command))
	if err != nil || note == nil || f.Now().Sub(note.At) > rememberFor {
		return "", false, err
	}
	return note.SHA256, true, nil
}

// readNote reads a small file; nil where there is none.
func readNote[T any](path string) (*T, error) {
	content, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	note := new(T)
	if err := json.Unmarshal(content, note); err != nil {
		return nil, &CorruptError{path, err.Error()}
	}
	return note, nil
}
