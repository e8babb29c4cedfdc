package attachments

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/internal/durably"
)

// Take copies every file of a bucket, and what is remembered of commands, as it lies
// there. Each is held against its digest on its way, and is the account's when it is
// durable. What the folder has already is held against its digest, too; it is copied
// anew where it is damaged, or older. Quotas do not count.
//
// It can be asked for again wherever it was stopped. A file that is damaged or missing
// in the bucket is among what it returns, and keeps no other from being copied; an
// error ends the whole. Nothing in the bucket is changed. report is told how many files
// were looked at.
func (f *Folder) Take(ctx context.Context, from *Bucket, report func(done, total int64)) (Moved, error) {
	t := &takingBack{Folder: f, from: from, moving: moving{report: report}}
	accounts, err := from.accounts(ctx)
	if err != nil {
		return Moved{}, outcome("move attachments", err)
	}
	moved, err := t.run(ctx, accounts, t.account)
	return moved, outcome("move attachments", err)
}

// accounts are those that have anything in the bucket.
func (b *Bucket) accounts(ctx context.Context) (all []uuid.UUID, err error) {
	for name, err := range b.objects.List(ctx, "") {
		if err != nil {
			return nil, err
		}
		folder, _, _ := strings.Cut(name, "/")
		account, err := uuid.Parse(folder)
		if err == nil && (len(all) == 0 || all[len(all)-1] != account) { // in the order of their bytes
			all = append(all, account)
		}
	}
	return all, nil
}

// A takingBack is one look at all files of a bucket.
type takingBack struct {
	*Folder
	moving
	from *Bucket
}

func (t *takingBack) account(ctx context.Context, account uuid.UUID) error {
	h, _, err := t.from.read(ctx, account)
	if err == nil && h.Revision == 0 {
		err = &CorruptError{documentOf(account), "it is missing, and with it what the account has"}
	}
	if errors.As(err, new(*CorruptError)) {
		t.damaged(err)
		return nil
	}
	if err != nil {
		return err
	}
	if err := t.makeDir(account); err != nil {
		return err
	}
	for digest := range h.Files {
		if err := t.file(ctx, file{account, digest}); err != nil {
			return err
		}
	}
	for _, up := range h.Uploads {
		if up.SHA256 == "" {
			t.count(0, func(m *Moved) { m.Uploads++ })
		}
	}
	if err := t.commands(ctx, account); err != nil {
		return err
	}
	return durably.Names(t.dirOf(account))
}

// file copies a file, unless the folder has it, sound and as new.
func (t *takingBack) file(ctx context.Context, of file) error {
	known, o, err := t.from.find(ctx, of)
	if errors.Is(err, ErrUnknown) {
		if known.Object != "" {
			t.damaged(&CorruptError{known.Object, "it is missing"})
		}
		return nil // swept meanwhile
	}
	if err != nil {
		return err
	}
	defer o.Close()
	if t.has(ctx, of, known.UploadedAt) {
		t.found()
		return nil
	}
	release, err := t.hold(o.Size)
	if err != nil {
		return err
	}
	defer release()
	in := &incoming{Stored: known.stored(of.sha256), account: of.account}
	if err = t.fetch(ctx, in, o, o.Size, known.Object); err == nil {
		err = t.place(in)
	}
	if err != nil {
		if stops(err) || noRoom(err) {
			return err
		}
		t.damaged(err)
		return nil
	}
	t.count(1, func(m *Moved) { m.Files++ })
	return nil
}

// has says whether the folder has a file, sound and not from before a time.
func (t *takingBack) has(ctx context.Context, of file, since time.Time) bool {
	c, _, err := t.look(of)
	if err != nil {
		return false
	}
	there := !c.UploadedAt.Before(since)
	return c.Close() == nil && there && checkFile(t.path(of), of, t.keyFor(ctx, of.account), io.Discard) == nil
}

// fetch writes what an object holds to a file that nobody knows, durably.
func (t *takingBack) fetch(ctx context.Context, in *incoming, from io.Reader, size int64, object string) error {
	tmp, err := os.CreateTemp(t.incoming(), "")
	if err != nil {
		return err
	}
	in.path = tmp.Name()
	err = check(from, size, object, file{in.account, in.SHA256}, t.keyFor(ctx, in.account), tmp)
	if err = errors.Join(err, tmp.Sync(), tmp.Close()); err != nil {
		in.discard()
	}
	return err
}

// commands copies what is remembered of commands, as long as that has to be.
func (t *takingBack) commands(ctx context.Context, account uuid.UUID) error {
	for name, err := range t.from.objects.List(ctx, account.String()+"/"+keyPrefix) {
		if err != nil {
			return err
		}
		rest := strings.TrimPrefix(name, account.String()+"/"+keyPrefix)
		if len(rest) < 37 {
			continue
		}
		command, err := uuid.Parse(rest[:36])
		at, digest, valid := parseCommand(rest[37:]) // after a hyphen
		if err != nil || !valid || t.Now().Sub(at) > rememberFor {
			continue
		}
		note, err := json.Marshal(remembered{digest, at.UTC()})
		if err == nil {
			err = t.settle(t.keyPath(account, command), note)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
