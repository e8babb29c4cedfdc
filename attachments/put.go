package attachments

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"mime"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/domain"
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

// An incoming file is complete, and not yet in its place.
type incoming struct {
	Stored
	account uuid.UUID
	path    string
}

// discard removes the file unless it was put in its place.
func (in *incoming) discard() { _ = os.Remove(in.path) }

// receive writes what comes to a file that nobody knows.
func (f *Folder) receive(ctx context.Context, account uuid.UUID, r io.Reader, most int64) (_ *incoming, err error) {
	from := &source{r: r}
	head := make([]byte, 512) // what sniffing looks at
	n, err := io.ReadFull(from, head)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, &SourceError{err}
	}
	if n == 0 {
		return nil, domain.RefuseField("body", "is empty; send the file's bytes")
	}
	kind, err := f.sniff(head[:n])
	if err != nil {
		return nil, err
	}
	if int64(n) > most {
		return nil, f.refuseMore(most)
	}
	key, box, err := f.sealKey(ctx, account)
	if err != nil {
		return nil, err
	}
	tmp, err := os.CreateTemp(f.incoming(), "")
	if err != nil {
		return nil, err
	}
	in := &incoming{account: account, path: tmp.Name(), Stored: Stored{Type: kind, UploadedAt: f.Now().UTC()}}
	defer func() {
		if err = errors.Join(err, tmp.Close()); err != nil {
			in.discard()
		}
	}()
	w, err := newWriter(tmp, &header{account, kind, in.UploadedAt, box}, key)
	if err != nil {
		return nil, err
	}
	if _, err = w.Write(head[:n]); err == nil {
		_, err = io.CopyBuffer(struct{ io.Writer }{w}, io.LimitReader(from, most-int64(n)+1), make([]byte, 64<<10))
	}
	switch {
	case from.err != nil:
		return nil, &SourceError{from.err}
	case err != nil:
		return nil, err
	case w.size > most:
		return nil, f.refuseMore(most)
	}
	digest, err := w.finish()
	in.SHA256, in.Size = hexOf(digest), w.size
	return in, err
}

// A source remembers why it could not be read, so that it is not taken for the
// disk's fault.
type source struct {
	r   io.Reader
	err error
}

func (s *source) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		s.err = err
	}
	return n, err
}

// sniff finds a file's type by its first bytes, and refuses one that is not taken.
func (f *Folder) sniff(head []byte) (string, error) {
	kind, _, err := mime.ParseMediaType(http.DetectContentType(head))
	if err != nil || !slices.Contains(f.Limits.Types, kind) {
		return "", domain.Refuse(TypeNotTaken, "send one of "+strings.Join(f.Limits.Types, ", "), "by its content the file is %s, which is not taken", kind)
	}
	return kind, nil
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
		return syncDir(f.dirOf(in.account))
	}
	note, err := json.Marshal(remembered{in.SHA256, in.UploadedAt})
	if err != nil {
		return err
	}
	return errors.Join(f.settle(f.keyPath(in.account, command), note), syncDir(f.dirOf(in.account)))
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

func (f *Folder) refuseTooLarge() error {
	return domain.Refuse(TooLarge, "send a smaller file, or several", "a file may have at most %d bytes", f.Limits.MaxBytes)
}

// refuseMore refuses a file that turned out to be larger than there was room for.
func (f *Folder) refuseMore(most int64) error {
	if most < f.Limits.MaxBytes {
		return f.refuseQuota()
	}
	return f.refuseTooLarge()
}

func (f *Folder) refuseQuota() error {
	return domain.Refuse(QuotaExceeded, fmt.Sprintf("files that hang on no incident are swept after %v; wait for that, or attach less", UnusedFor),
		"all files of an account may take at most %d bytes", f.Limits.MaxBytesPerAccount)
}
