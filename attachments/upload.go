package attachments

import (
	"context"
	"crypto/cipher"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/domain"
	"github.com/supportledger/supportledger/internal/durably"
)

// An Upload is a file that comes in parts, and goes on where it has stopped.
type Upload struct {
	ID       uuid.UUID
	Length   int64
	Offset   int64   // how much has come, durably
	Stored   *Stored // once all has
	Replayed bool    // it was begun before
}

// upload is what lies beside the parts that have come.
type upload struct {
	Length    int64     `json:"length"`
	Offset    int64     `json:"offset"`
	Box       []byte    `json:"box"` // the key of the parts, sealed under the account's
	TouchedAt time.Time `json:"touched_at"`
	SHA256    string    `json:"sha256,omitempty"` // of the file that it has become
}

func (f *Folder) partsPath(account, id uuid.UUID) string {
	return filepath.Join(f.dirOf(account), uploadPrefix+id.String())
}

func (f *Folder) uploadPath(account, id uuid.UUID) string {
	return f.partsPath(account, id) + jsonSuffix
}

// Begin begins an upload of so many bytes under an id, durably. Beginning it again
// finds it as far as it has got.
func (f *Folder) Begin(ctx context.Context, account, id uuid.UUID, length int64) (Upload, error) {
	if length > f.Limits.MaxBytes {
		return Upload{}, f.refuseTooLarge()
	}
	if length < 1 {
		return Upload{}, domain.RefuseField("Upload-Length", "must be at least 1")
	}
	up, err := readNote[upload](f.uploadPath(account, id))
	if err != nil {
		return Upload{}, outcome("begin upload", err)
	}
	if up != nil && up.Length != length {
		return Upload{}, refuseReused()
	}
	if up != nil {
		out, err := f.describe(account, id, up)
		out.Replayed = true
		return out, err
	}
	_, release, err := f.reserve(account, length, false)
	if err != nil {
		return Upload{}, err
	}
	defer release()
	up = &upload{Length: length, TouchedAt: f.Now().UTC()}
	if _, up.Box, err = f.sealKey(ctx, account); err == nil {
		err = f.makeDir(account)
	}
	if err == nil {
		err = f.writeUpload(account, id, up)
	}
	if err != nil {
		return Upload{}, outcome("begin upload", err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.used.add(account, length)
	return f.describe(account, id, up)
}

func (f *Folder) writeUpload(account, id uuid.UUID, up *upload) error {
	note, err := json.Marshal(up)
	if err != nil {
		return err
	}
	return errors.Join(f.settle(f.uploadPath(account, id), note), durably.Names(f.dirOf(account)))
}

// describe is an upload as its sender may know it.
func (f *Folder) describe(account, id uuid.UUID, up *upload) (Upload, error) {
	out := Upload{ID: id, Length: up.Length, Offset: up.Offset}
	if up.SHA256 == "" {
		return out, nil
	}
	c, _, err := f.look(file{account, up.SHA256})
	if err != nil {
		return out, err
	}
	out.Stored = &c.Stored
	return out, c.Close()
}

// Status is how far an account's upload has got; ErrUnknown where there is none.
func (f *Folder) Status(_ context.Context, account, id uuid.UUID) (Upload, error) {
	up, err := readNote[upload](f.uploadPath(account, id))
	if err == nil && up == nil {
		err = ErrUnknown
	}
	if err != nil {
		return Upload{}, err
	}
	return f.describe(account, id, up)
}

// Append adds a part to an upload, which must have come as far as offset, and says
// how far it is then: what has come is durable, also where r fails, in which case
// the error is a *SourceError. With the last part the upload becomes a file.
// Refusals are OffsetDiffers, UploadBusy, and those of Put.
func (f *Folder) Append(ctx context.Context, account, id uuid.UUID, offset int64, r io.Reader) (Upload, error) {
	if !f.occupy(id) {
		return Upload{}, domain.Refuse(UploadBusy, "wait until it has ended", "another request sends to this upload")
	}
	defer f.vacate(id)
	up, err := readNote[upload](f.uploadPath(account, id))
	if err == nil && up == nil {
		err = ErrUnknown
	}
	if err != nil {
		return Upload{}, err
	}
	if up.Offset != offset {
		return Upload{}, domain.Refuse(OffsetDiffers, "ask how far it has come, and go on from there", "the upload has come to %d, not to %d", up.Offset, offset)
	}
	if up.SHA256 != "" {
		return f.describe(account, id, up)
	}
	key, err := f.openKey(ctx, account, up.Box)
	if errors.Is(err, ErrErased) {
		return Upload{}, ErrUnknown
	}
	if err != nil {
		return Upload{}, fmt.Errorf("open upload: %w", err)
	}
	failed := f.extend(account, id, up, key, r)
	var broken *SourceError
	if failed != nil && !errors.As(failed, &broken) {
		return Upload{}, outcome("add to upload", failed)
	}
	up.TouchedAt = f.Now().UTC()
	if failed == nil && up.Offset == up.Length {
		if failed = f.complete(ctx, account, id, up, key); failed != nil {
			return Upload{}, outcome("complete upload", failed)
		}
	}
	if err := f.writeUpload(account, id, up); err != nil {
		return Upload{}, outcome("add to upload", err)
	}
	if up.SHA256 != "" {
		_ = os.Remove(f.partsPath(account, id)) // else it is swept with the rest
	}
	out, err := f.describe(account, id, up)
	return out, errors.Join(err, failed)
}

// extend adds what comes to the parts, durably, and moves the offset on.
func (f *Folder) extend(account, id uuid.UUID, up *upload, key *[32]byte, r io.Reader) (err error) {
	f.mu.Lock()
	err = f.mustHaveRoom(up.Length - up.Offset)
	f.mu.Unlock()
	if err != nil {
		return err
	}
	parts, err := os.OpenFile(f.partsPath(account, id), os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, parts.Close()) }()
	// What lies beyond the offset was never acknowledged.
	if err := parts.Truncate(up.Offset); err != nil {
		return err
	}
	if _, err := parts.Seek(up.Offset, io.SeekStart); err != nil {
		return err
	}
	from := &source{r: r}
	out := cipher.StreamWriter{S: streamAt(key, up.Offset), W: parts}
	n, err := io.CopyBuffer(struct{ io.Writer }{out}, io.LimitReader(from, up.Length-up.Offset), make([]byte, 64<<10))
	if err == nil && n == up.Length-up.Offset {
		if more, _ := from.Read(make([]byte, 1)); more > 0 {
			return domain.RefuseField("body", "goes on beyond the Upload-Length")
		}
	}
	if err != nil && from.err == nil {
		return err
	}
	if err := parts.Sync(); err != nil {
		return err
	}
	up.Offset += n
	if from.err != nil {
		return &SourceError{from.err}
	}
	return nil
}

// complete makes a file of the parts. It can be done again.
func (f *Folder) complete(ctx context.Context, account, id uuid.UUID, up *upload, key *[32]byte) error {
	parts, err := os.Open(f.partsPath(account, id))
	if err != nil {
		return err
	}
	defer parts.Close()
	in, err := f.receive(ctx, account, cipher.StreamReader{S: streamAt(key, 0), R: io.LimitReader(parts, up.Length)}, up.Length)
	if err != nil {
		return err
	}
	defer in.discard()
	if in.Size != up.Length {
		return &CorruptError{f.partsPath(account, id), "a part is missing"}
	}
	if err := f.keep(in, uuid.Nil); err != nil {
		return err
	}
	up.SHA256 = in.SHA256
	f.mu.Lock()
	defer f.mu.Unlock()
	f.used.add(account, -up.Length) // it counts as a file now
	return nil
}

// sweepUpload removes an upload that has not gone on, or was completed, for
// UnusedFor.
func (f *Folder) sweepUpload(account uuid.UUID, name string) error {
	id, err := uuid.Parse(name)
	if err != nil {
		return nil
	}
	if !f.occupy(id) {
		return nil
	}
	defer f.vacate(id)
	up, err := readNote[upload](f.uploadPath(account, id))
	if err != nil || up == nil || f.young(up.TouchedAt) {
		return err
	}
	if err := ignoreMissing(os.Remove(f.partsPath(account, id))); err != nil {
		return err
	}
	if err := ignoreMissing(os.Remove(f.uploadPath(account, id))); err != nil {
		return err
	}
	if up.SHA256 == "" {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.used.add(account, -up.Length)
	}
	return nil
}
