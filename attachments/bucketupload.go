package attachments

import (
	"bytes"
	"context"
	"crypto/cipher"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/domain"
)

// smallPart is what a part has at least that others are not added to: so a sender
// of tiny parts makes no more objects than one of large ones.
const smallPart = 1 << 20

// Begin implements Shelf.
func (b *Bucket) Begin(ctx context.Context, account, id uuid.UUID, length int64) (Upload, error) {
	if length > b.Limits.MaxBytes {
		return Upload{}, b.refuseTooLarge()
	}
	if length < 1 {
		return Upload{}, domain.RefuseField("Upload-Length", "must be at least 1")
	}
	h, _, err := b.read(ctx, account)
	if err != nil {
		return Upload{}, outcome("begin upload", err)
	}
	b.mu.Lock()
	err = b.mustHaveRoom(length)
	b.mu.Unlock()
	if err != nil {
		return Upload{}, err
	}
	mine := &begun{upload: upload{Length: length, TouchedAt: b.Now().UTC()}}
	if h.Uploads[id] == nil {
		if _, mine.Box, err = b.sealKey(ctx, account); err != nil {
			return Upload{}, outcome("begin upload", err)
		}
		h, err = b.change(ctx, account, func(h *holdings) (bool, error) {
			if h.Uploads[id] != nil {
				return false, nil
			}
			if _, err := b.roomFor(h, length); err != nil {
				return false, err
			}
			h.Uploads[id] = mine
			return true, nil
		})
		if err != nil {
			return Upload{}, outcome("begin upload", err)
		}
	}
	if h.Uploads[id].Length != length {
		return Upload{}, refuseReused()
	}
	out, err := h.describe(id)
	out.Replayed = !bytes.Equal(h.Uploads[id].Box, mine.Box)
	return out, err
}

// describe is an upload as its sender may know it.
func (h *holdings) describe(id uuid.UUID) (Upload, error) {
	up := h.Uploads[id]
	if up == nil {
		return Upload{}, ErrUnknown
	}
	out := Upload{ID: id, Length: up.Length, Offset: up.Offset}
	if up.SHA256 == "" {
		return out, nil
	}
	f, ok := h.Files[up.SHA256]
	if !ok {
		return out, ErrUnknown
	}
	stored := f.stored(up.SHA256)
	out.Stored = &stored
	return out, nil
}

// Status implements Shelf.
func (b *Bucket) Status(ctx context.Context, account, id uuid.UUID) (Upload, error) {
	h, _, err := b.read(ctx, account)
	if err != nil {
		return Upload{}, outcome("look at upload", err)
	}
	if up := h.Uploads[id]; up != nil && up.SHA256 == "" && up.Offset == up.Length {
		// All has come, and the store went away before it was a file: whoever is told
		// that would think it done.
		return b.Append(ctx, account, id, up.Offset, strings.NewReader(""))
	}
	return h.describe(id)
}

// Append implements Shelf.
func (b *Bucket) Append(ctx context.Context, account, id uuid.UUID, offset int64, r io.Reader) (Upload, error) {
	if !b.occupy(id) {
		return Upload{}, domain.Refuse(UploadBusy, "wait until it has ended", "another request sends to this upload")
	}
	defer b.vacate(id)
	h, _, err := b.read(ctx, account)
	if err != nil {
		return Upload{}, outcome("add to upload", err)
	}
	up := h.Uploads[id]
	switch {
	case up == nil:
		return Upload{}, ErrUnknown
	case up.Offset != offset:
		return Upload{}, refuseOffset(up, offset)
	case up.SHA256 != "":
		return h.describe(id)
	}
	key, err := b.openKey(ctx, account, up.Box)
	if errors.Is(err, ErrErased) {
		return Upload{}, ErrUnknown
	}
	if err != nil {
		return Upload{}, fmt.Errorf("open upload: %w", err)
	}
	h, failed := b.extend(ctx, account, id, up, key, r)
	var broken *SourceError
	if failed != nil && !errors.As(failed, &broken) {
		return Upload{}, outcome("add to upload", failed)
	}
	if up = h.Uploads[id]; failed == nil && up != nil && up.SHA256 == "" && up.Offset == up.Length {
		if h, failed = b.complete(ctx, account, id, up, key); failed != nil {
			return Upload{}, outcome("complete upload", failed)
		}
	}
	out, err := h.describe(id)
	return out, errors.Join(err, failed)
}

// extend adds what comes to an upload, durably, and moves the offset on; also where
// the source fails, which is a *SourceError.
func (b *Bucket) extend(ctx context.Context, account, id uuid.UUID, up *begun, key *[32]byte, r io.Reader) (*holdings, error) {
	release, err := b.hold(up.Length - up.Offset + smallPart)
	if err != nil {
		return nil, err
	}
	defer release()
	spool, err := os.CreateTemp(b.incoming(), "")
	if err != nil {
		return nil, err
	}
	defer os.Remove(spool.Name())
	defer spool.Close()
	kept := up.Parts // those that stay as they are
	if n := len(kept); n > 0 && kept[n-1].Size < smallPart {
		kept = kept[:n-1]
		if err := b.copyPart(ctx, up.Parts[n-1], spool); err != nil {
			return nil, err
		}
	}
	from := &source{r: r}
	n, err := b.spool(spool, from, streamAt(key, up.Offset), up.Length-up.Offset)
	if err != nil {
		return nil, err
	}
	h, err := b.addPart(ctx, account, id, up, kept, n, spool.Name())
	if err == nil && from.err != nil {
		err = &SourceError{from.err}
	}
	return h, err
}

// spool writes what comes to a file on this machine, sealed. Bytes beyond the
// length that was promised are refused.
func (b *Bucket) spool(to *os.File, from *source, stream cipher.Stream, most int64) (int64, error) {
	out := cipher.StreamWriter{S: stream, W: to}
	n, err := io.CopyBuffer(struct{ io.Writer }{out}, io.LimitReader(from, most), make([]byte, 64<<10))
	if err == nil && n == most {
		if more, _ := from.Read(make([]byte, 1)); more > 0 {
			return 0, domain.RefuseField("body", "goes on beyond the Upload-Length")
		}
	}
	if err != nil && from.err == nil {
		return 0, err
	}
	return n, nil
}

// copyPart reads a part, as it is sealed.
func (b *Bucket) copyPart(ctx context.Context, p part, to io.Writer) error {
	o, err := b.objects.Read(ctx, p.Object)
	if err != nil {
		return err
	}
	defer o.Close()
	n, err := io.Copy(to, io.LimitReader(o, p.Size))
	if err == nil && n != p.Size {
		err = &CorruptError{p.Object, "the part is shorter than what had come"}
	}
	return err
}

// addPart keeps n more bytes of an upload. They lie at the end of a file, after the
// bytes of the parts that are not kept as they are. Where somebody else was faster
// the upload has come to another offset, and these bytes are nobody's.
func (b *Bucket) addPart(ctx context.Context, account, id uuid.UUID, up *begun, kept []part, n int64, path string) (_ *holdings, err error) {
	object := newObject(account, partPrefix)
	if n > 0 {
		if _, err := b.change(ctx, account, func(h *holdings) (bool, error) {
			h.begin(object, 0, b.Now().Add(b.comingFor()))
			return true, nil
		}); err != nil {
			return nil, err
		}
		defer func() {
			if err != nil {
				b.abandon(ctx, account, object)
			}
		}()
		if err := b.upload(ctx, object, path); err != nil {
			return nil, err
		}
	}
	h, err := b.change(ctx, account, func(h *holdings) (bool, error) {
		now := h.Uploads[id]
		switch {
		case now == nil:
			return false, ErrUnknown
		case n > 0 && len(now.Parts) > 0 && now.Parts[len(now.Parts)-1].Object == object:
			return false, nil // it was written, and the answer lost
		case now.Offset != up.Offset || now.SHA256 != "":
			return false, refuseOffset(now, up.Offset)
		case n == 0:
			now.TouchedAt = b.Now().UTC()
			return true, nil
		case !h.arrived(object):
			return false, errTooLate
		}
		before := up.Offset
		for _, p := range kept {
			before -= p.Size
		}
		now.Parts = append(kept[:len(kept):len(kept)], part{object, before + n})
		now.Offset, now.TouchedAt = up.Offset+n, b.Now().UTC()
		return true, nil
	})
	if err == nil && n > 0 && len(kept) < len(up.Parts) {
		b.drop(ctx, up.Parts[len(kept)].Object)
	}
	return h, err
}

// complete makes a file of the parts. It can be done again.
func (b *Bucket) complete(ctx context.Context, account, id uuid.UUID, up *begun, key *[32]byte) (*holdings, error) {
	release, err := b.hold(up.Length)
	if err != nil {
		return nil, err
	}
	defer release()
	parts := &partsReader{ctx: ctx, b: b, left: up.Parts}
	defer parts.close()
	in, err := b.receive(ctx, account, cipher.StreamReader{S: streamAt(key, 0), R: parts}, up.Length)
	if broken, ok := errors.AsType[*SourceError](err); ok {
		return nil, broken.Err // it is the store that failed, and not the sender
	}
	if err != nil {
		return nil, err
	}
	defer in.discard()
	if in.Size != up.Length {
		return nil, &CorruptError{documentOf(account), "a part of an upload is missing"}
	}
	return b.become(ctx, id, up, in)
}

// become puts the file that an upload has become in its place.
func (b *Bucket) become(ctx context.Context, id uuid.UUID, up *begun, in *incoming) (h *holdings, err error) {
	object := newObject(in.account, filePrefix)
	if _, err := b.change(ctx, in.account, func(h *holdings) (bool, error) {
		h.begin(object, 0, b.Now().Add(b.comingFor())) // the upload counts meanwhile
		return true, nil
	}); err != nil {
		return nil, err
	}
	err = b.keep(ctx, in, object, func(now *holdings) { now.finish(id, in.SHA256, b.Now().UTC()) })
	if err != nil {
		b.abandon(ctx, in.account, object)
		return nil, err
	}
	for _, p := range up.Parts {
		b.drop(ctx, p.Object)
	}
	h, _, err = b.read(ctx, in.account)
	return h, err
}

// A partsReader reads the parts of an upload one after another, sealed.
type partsReader struct {
	ctx  context.Context
	b    *Bucket
	left []part
	now  io.Reader // nil between parts
	file io.Closer
}

func (r *partsReader) Read(p []byte) (int, error) {
	for {
		if r.now == nil {
			if len(r.left) == 0 {
				return 0, io.EOF
			}
			o, err := r.b.objects.Read(r.ctx, r.left[0].Object)
			if err != nil {
				return 0, err
			}
			r.now, r.file, r.left = io.LimitReader(o, r.left[0].Size), o, r.left[1:]
		}
		n, err := r.now.Read(p)
		if n > 0 || !errors.Is(err, io.EOF) {
			return n, err
		}
		r.close()
	}
}

func (r *partsReader) close() {
	if r.file != nil {
		_ = r.file.Close()
	}
	r.now, r.file = nil, nil
}
