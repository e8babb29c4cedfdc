package attachments

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/attachments/objects"
)

// errTooLate says that a file took so long that others have taken it for lost.
var errTooLate = fmt.Errorf("%w: the file took too long to come", ErrUnavailable)

// Put implements Shelf.
func (b *Bucket) Put(ctx context.Context, account, command uuid.UUID, r io.Reader, length int64) (_ Stored, err error) {
	if length > b.Limits.MaxBytes {
		return Stored{}, b.refuseTooLarge()
	}
	before, repeated, err := b.remembered(ctx, account, command)
	if err != nil {
		return Stored{}, outcome("keep attachment", err)
	}
	object := newObject(account, filePrefix)
	most, err := b.reserve(ctx, account, object, length, repeated)
	if err != nil {
		return Stored{}, outcome("keep attachment", err)
	}
	defer func() {
		if err != nil {
			b.abandon(ctx, account, object)
		}
	}()
	release, err := b.hold(most)
	if err != nil {
		return Stored{}, err
	}
	defer release()
	in, err := b.receive(ctx, account, r, most)
	if err != nil {
		return Stored{}, outcome("keep attachment", err)
	}
	defer in.discard()
	if repeated && before != in.SHA256 {
		return Stored{}, refuseReused()
	}
	if err = b.keep(ctx, in, object, func(*holdings) {}); err == nil {
		err = b.remember(ctx, account, command, in.SHA256, in.UploadedAt)
	}
	if err != nil {
		return Stored{}, outcome("keep attachment", err)
	}
	in.Replayed = repeated
	return in.Stored, nil
}

// reserve makes room for an object, and notes that it is coming. A repeat takes no
// more than it took.
func (b *Bucket) reserve(ctx context.Context, account uuid.UUID, object string, length int64, repeat bool) (most int64, err error) {
	_, err = b.change(ctx, account, func(h *holdings) (bool, error) {
		if _, ok := h.Coming[object]; ok {
			return false, nil // it was written, and the answer lost
		}
		if repeat {
			most = b.Limits.MaxBytes
			h.begin(object, 0, b.Now().Add(b.comingFor()))
			return true, nil
		}
		if most, err = b.roomFor(h, length); err == nil {
			h.begin(object, most, b.Now().Add(b.comingFor()))
		}
		return err == nil, err
	})
	return most, err
}

// hold reserves room on this machine's disk for what comes in.
func (f *intake) hold(size int64) (release func(), err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.mustHaveRoom(size); err != nil {
		return nil, err
	}
	f.coming += size
	return func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.coming -= size
	}, nil
}

// abandoning bounds what is done about a file that is not kept after all; the sweep
// does it otherwise.
const abandoning = 5 * time.Second

// abandon gives objects up that have not taken their place.
func (b *Bucket) abandon(ctx context.Context, account uuid.UUID, names ...string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), abandoning)
	defer cancel()
	gone := map[string]bool{}
	_, err := b.change(ctx, account, func(h *holdings) (changed bool, err error) {
		for _, name := range names {
			if h.arrived(name) {
				gone[name], changed = true, true
			}
		}
		return changed, nil
	})
	if err != nil {
		b.log.Debug("what was not kept is left to the sweep", "objects", names, "error", err)
		return
	}
	b.drop(ctx, slices.Collect(maps.Keys(gone))...)
}

// keep writes an object that is noted as coming, and puts it in its place, which it
// takes over from the same bytes that were uploaded before.
func (b *Bucket) keep(ctx context.Context, in *incoming, object string, also func(*holdings)) error {
	if err := b.upload(ctx, object, in.path); err != nil {
		return err
	}
	var before string
	_, err := b.change(ctx, in.account, func(h *holdings) (bool, error) {
		if h.Files[in.SHA256].Object == object {
			return false, nil // it was written, and the answer lost
		}
		if !h.arrived(object) {
			return false, errTooLate
		}
		before = h.Files[in.SHA256].Object
		h.Files[in.SHA256] = held{object, in.Type, in.Size, in.UploadedAt}
		also(h)
		return true, nil
	})
	if err != nil {
		return err
	}
	b.metrics.stored.Inc()
	b.metrics.bytes.Add(float64(in.Size))
	if before != "" {
		b.drop(ctx, before)
	}
	return nil
}

// drop removes objects that the account's document does not know any more. Where
// that fails the sweep does it.
func (b *Bucket) drop(ctx context.Context, objects ...string) {
	for _, object := range objects {
		if err := b.objects.Remove(ctx, object); err != nil {
			b.log.Debug("an object that is not needed is left to the sweep", "object", object, "error", err)
			return
		}
	}
}

// upload writes an object from a file on this machine.
func (b *Bucket) upload(ctx context.Context, object, path string) error {
	in, size, err := openSized(path)
	if err != nil {
		return err
	}
	defer in.Close()
	return b.objects.Write(ctx, object, in, size, objects.Condition{})
}

// What a command has uploaded is remembered by the name of an empty object, which
// tells the sweep when to forget it without being read.
func commandPrefix(account, command uuid.UUID) string {
	return account.String() + "/" + keyPrefix + command.String() + "-"
}

func (b *Bucket) remember(ctx context.Context, account, command uuid.UUID, sha256 string, at time.Time) error {
	name := commandPrefix(account, command) + strconv.FormatInt(at.Unix(), 10) + "-" + sha256
	return b.objects.Write(ctx, name, strings.NewReader(""), 0, objects.Condition{})
}

// remembered is the digest of what a command has uploaded before, if it has.
func (b *Bucket) remembered(ctx context.Context, account, command uuid.UUID) (sha256 string, ok bool, err error) {
	prefix := commandPrefix(account, command)
	for name, err := range b.objects.List(ctx, prefix) {
		if err != nil {
			return "", false, err
		}
		at, digest, valid := parseCommand(strings.TrimPrefix(name, prefix))
		if valid && b.Now().Sub(at) <= rememberFor {
			return digest, true, nil
		}
	}
	return "", false, nil
}

// parseCommand reads the end of such a name: when it was, and what.
func parseCommand(rest string) (at time.Time, sha256 string, ok bool) {
	seconds, sha256, _ := strings.Cut(rest, "-")
	n, err := strconv.ParseInt(seconds, 10, 64)
	return time.Unix(n, 0), sha256, err == nil && IsDigest(sha256)
}
