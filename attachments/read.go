package attachments

import (
	"context"
	"crypto/cipher"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/google/uuid"
)

// Content is a file that is being read.
type Content struct {
	Stored
	file io.ReadCloser
	path string
	key  *[32]byte
}

// Close lets go of the file.
func (c *Content) Close() error { return c.file.Close() }

// Get opens an account's file: ErrUnknown where it has none with this digest,
// ErrErased where nobody can read it any more.
func (f *Folder) Get(ctx context.Context, account uuid.UUID, sha256 string) (*Content, error) {
	c, h, err := f.look(file{account, sha256})
	if err != nil {
		return nil, err
	}
	return f.unlock(ctx, account, c, h)
}

// unlock opens a content's key, or lets go of the content.
func (f *intake) unlock(ctx context.Context, account uuid.UUID, c *Content, h header) (_ *Content, err error) {
	if c.key, err = f.openKey(ctx, account, h.Box); err != nil {
		err = errors.Join(err, c.Close())
		if errors.Is(err, ErrErased) {
			return nil, ErrErased
		}
		return nil, fmt.Errorf("open attachment %s: %w", c.path, err)
	}
	return c, nil
}

// look opens a file and reads what it says of itself.
func (f *Folder) look(of file) (*Content, header, error) {
	if !IsDigest(of.sha256) {
		return nil, header{}, ErrUnknown
	}
	in, size, err := openSized(f.path(of))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, header{}, ErrUnknown
	} else if err != nil {
		return nil, header{}, err
	}
	return newContent(of, f.path(of), in, size)
}

// newContent reads what a file says of itself; the content closes it.
func newContent(of file, path string, in io.ReadCloser, size int64) (*Content, header, error) {
	h, _, err := readHeader(in, path)
	if err == nil && (contentSize(size) < 1 || h.Account != of.account) {
		err = &CorruptError{path, "its header does not belong to it"}
	}
	if err != nil {
		return nil, header{}, errors.Join(err, in.Close())
	}
	stored := Stored{SHA256: of.sha256, Type: h.Type, Size: contentSize(size), UploadedAt: h.UploadedAt}
	return &Content{Stored: stored, file: in, path: path}, h, nil
}

// WriteTo writes the content, once. The last part is held back until the whole
// has the right digest, so that damage never looks like a file.
func (c *Content) WriteTo(w io.Writer) (written int64, err error) {
	in := cipher.StreamReader{S: streamAt(c.key, 0), R: io.LimitReader(c.file, c.Size)}
	sum := sha256.New()
	held, buf := make([]byte, 0, 64<<10), make([]byte, 64<<10)
	for {
		n, readErr := io.ReadFull(in, buf[:cap(buf)])
		if n > 0 {
			sum.Write(buf[:n])
			if len(held) > 0 {
				m, err := w.Write(held)
				if written += int64(m); err != nil {
					return written, err
				}
			}
			held, buf = buf[:n], held[:cap(held)]
		}
		if errors.Is(readErr, io.EOF) || errors.Is(readErr, io.ErrUnexpectedEOF) {
			break
		}
		if readErr != nil {
			return written, fmt.Errorf("read attachment %s: %w", c.path, readErr)
		}
	}
	if hexOf([32]byte(sum.Sum(nil))) != c.SHA256 {
		return written, &CorruptError{c.path, "its content has another digest"}
	}
	m, err := w.Write(held)
	return written + int64(m), err
}
