package attachments

import (
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"io/fs"
	"time"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/attachments/objects"
)

// Bounds of what is noted in an account's document at once, so that it is not
// written for each file.
const (
	takeMost  = 100
	takeBytes = 64 << 20
)

// Take copies every file of a folder, and what is remembered of commands, as it
// lies there. Each is read from the store again, and held against its digest,
// before the account has it. What the bucket has already is held against its
// digest, too; it is copied anew where it is damaged, or older. Quotas do not count.
//
// It can be asked for again wherever it was stopped. A file that is damaged in the
// folder is among what it returns, and keeps no other from being copied; an error
// ends the whole. Nothing in the folder is changed. report is told how many files
// were looked at.
func (b *Bucket) Take(ctx context.Context, from *Folder, report func(done, total int64)) (Moved, error) {
	if err := b.Try(ctx); err != nil {
		return Moved{}, err
	}
	accounts, err := from.accounts()
	if err != nil {
		return Moved{}, err
	}
	t := &taking{Bucket: b, from: from, moving: moving{report: report}}
	for _, account := range accounts {
		has, err := from.belongings(account)
		if err != nil {
			return Moved{}, err
		}
		t.total += int64(len(has.files))
	}
	return t.run(ctx, accounts, t.account)
}

// A taking is one look at all files of a folder.
type taking struct {
	*Bucket
	moving
	from *Folder
}

// A taken file is on its way from a folder into a bucket.
type taken struct {
	Stored
	object string
	sum    [32]byte // of all that lies in the folder
}

func (t *taking) account(ctx context.Context, account uuid.UUID) error {
	has, err := t.from.belongings(account)
	if err != nil {
		return err
	}
	var some []taken
	var bytes int64
	for i, digest := range has.files {
		it, err := t.look(ctx, file{account, digest})
		if err != nil {
			return err
		}
		if it != nil {
			some, bytes = append(some, *it), bytes+it.Size
		}
		if len(some) == takeMost || bytes >= takeBytes || i == len(has.files)-1 && len(some) > 0 {
			if err := t.some(ctx, account, some, bytes); err != nil {
				return err
			}
			some, bytes = nil, 0
		}
	}
	t.count(0, func(m *Moved) { m.Uploads += has.uploads })
	for _, command := range has.commands {
		if err := t.command(ctx, account, command); err != nil {
			return err
		}
	}
	return nil
}

// look says what is to be copied of a file; nil where it need not, or cannot be.
func (t *taking) look(ctx context.Context, of file) (*taken, error) {
	it := &taken{object: newObject(of.account, filePrefix)}
	c, _, failed := t.from.look(of)
	if errors.Is(failed, ErrUnknown) {
		return nil, nil // swept meanwhile
	}
	if failed == nil {
		it.Stored = c.Stored
		failed = c.Close()
	}
	there, err := t.has(ctx, of, it.UploadedAt)
	if err != nil {
		return nil, err
	}
	if there {
		t.found()
		return nil, nil
	}
	if failed == nil {
		sum := sha256.New()
		failed = checkFile(t.from.path(of), of, t.keyFor(ctx, of.account), sum)
		it.sum = [32]byte(sum.Sum(nil))
	}
	if failed == nil || stops(failed) {
		return it, failed
	}
	t.damaged(failed)
	return nil, nil
}

// has says whether the bucket has a file, sound and not from before a time.
func (t *taking) has(ctx context.Context, of file, since time.Time) (bool, error) {
	f, o, err := t.find(ctx, of)
	if errors.Is(err, ErrUnknown) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer o.Close()
	if f.UploadedAt.Before(since) {
		return false, nil
	}
	err = check(o, o.Size, f.Object, of, t.keyFor(ctx, of.account), io.Discard)
	if err != nil && stops(err) {
		return false, err
	}
	return err == nil, nil
}

// some copies files, holds each against its digest in the store, and lets the
// account have them.
func (t *taking) some(ctx context.Context, account uuid.UUID, some []taken, bytes int64) (err error) {
	until := t.Now().Add(time.Hour + time.Duration(bytes/slowest)*time.Second)
	names := make([]string, len(some))
	for i := range some {
		names[i] = some[i].object
	}
	if _, err := t.change(ctx, account, func(h *holdings) (bool, error) {
		for _, name := range names {
			h.begin(name, 0, until)
		}
		return true, nil
	}); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			t.abandon(ctx, account, names...)
		}
	}()
	for i := range some {
		if err := t.copy(ctx, account, &some[i]); err != nil {
			return err
		}
	}
	return t.settle(ctx, account, some)
}

// copy writes an object and reads it again.
func (t *taking) copy(ctx context.Context, account uuid.UUID, it *taken) error {
	of := file{account, it.SHA256}
	if err := t.upload(ctx, it.object, t.from.path(of)); err != nil {
		return err
	}
	o, err := t.objects.Read(ctx, it.object)
	if errors.Is(err, objects.ErrNone) {
		return &CorruptError{it.object, "the store does not have what it has just taken"}
	}
	if err != nil {
		return err
	}
	defer o.Close()
	sum := sha256.New()
	if err := check(o, o.Size, it.object, of, t.keyFor(ctx, account), sum); err != nil {
		return err
	}
	if [32]byte(sum.Sum(nil)) != it.sum {
		return &CorruptError{it.object, "the store gives something else than it was given"}
	}
	return nil
}

// settle lets the account have what was copied, unless it has something newer
// meanwhile.
func (t *taking) settle(ctx context.Context, account uuid.UUID, some []taken) error {
	replaced := map[string]bool{}
	h, err := t.change(ctx, account, func(h *holdings) (changed bool, err error) {
		for _, it := range some {
			have := h.Files[it.SHA256]
			if have.Object == it.object {
				continue // it was written, and the answer lost
			}
			if !h.arrived(it.object) {
				if replaced[it.object] {
					continue // likewise
				}
				return false, errTooLate
			}
			changed = true
			if have.UploadedAt.After(it.UploadedAt) {
				replaced[it.object] = true
				continue
			}
			replaced[have.Object] = have.Object != ""
			h.Files[it.SHA256] = held{it.object, it.Type, it.Size, it.UploadedAt}
		}
		return changed, nil
	})
	if err != nil {
		return err
	}
	known := h.objects()
	for object, unneeded := range replaced {
		if unneeded && !known[object] {
			t.drop(ctx, object)
		}
	}
	t.count(len(some), func(m *Moved) { m.Files += int64(len(some)) })
	return nil
}

// command copies what is remembered of a command, as long as that has to be.
func (t *taking) command(ctx context.Context, account, command uuid.UUID) error {
	note, err := readNote[remembered](t.from.keyPath(account, command))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.count(0, func(m *Moved) { m.Damaged = append(m.Damaged, err) })
		return nil
	}
	if note == nil || !IsDigest(note.SHA256) || t.Now().Sub(note.At) > rememberFor {
		return nil
	}
	return t.remember(ctx, account, command, note.SHA256, note.At)
}
