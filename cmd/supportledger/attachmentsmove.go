package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/supportledger/supportledger/attachments"
	"github.com/supportledger/supportledger/eventstore/pebblestore"
	"github.com/supportledger/supportledger/ledger"
)

type attachmentsMoveCmd struct {
	Data        string `type:"path" required:"" placeholder:"DIR" env:"SUPPORTLEDGER_DATA" help:"The folder of a ledger that does not run; its attachments/ stays as it is."`
	Attachments string `required:"" placeholder:"URL" env:"SUPPORTLEDGER_ATTACHMENTS" help:"The S3-compatible store, s3://BUCKET/PREFIX?endpoint=https://HOST&region=REGION. Ledgers may run on it, but not with --back."`
	Back        bool   `help:"The other way: from the store into the folder, of which the store stays as it is. Stop every ledger on the store first."`
	Store       string `placeholder:"URL" env:"SUPPORTLEDGER_STORE" help:"The EventStoreDB cluster that keeps the log, if it is not in the folder; nothing is asked of it."`
	People      string `placeholder:"URL" env:"SUPPORTLEDGER_PEOPLE" help:"The database with the keys of people, if they are not in the folder's file people. Without these keys files are held against their checksums only."`
	Keys        string `type:"path" placeholder:"FILE" env:"SUPPORTLEDGER_KEYS" help:"The installation's keys, with --people; a development folder has them in keys.json."`
}

// Run copies the attachments of a folder into the store that nodes share, or back.
func (c *attachmentsMoveCmd) Run(ctx context.Context, t *terminal) (err error) {
	p, err := placeFlags{Store: c.Store, People: c.People, Attachments: c.Attachments}.named()
	if err != nil {
		return err
	}
	if p.attachments == nil {
		return fmt.Errorf("%w: --attachments must name the store, s3://BUCKET/PREFIX?endpoint=https://HOST&region=REGION", errAskedWrongly)
	}
	h := &house{folder: folder(c.Data), places: p, log: quietLogger(t), clock: ledger.SystemClock{}}
	if err := h.mustHoldLedger(p); err != nil {
		return err
	}
	free, err := h.keepOut()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, h.close(), free()) }()
	if h.keys, err = h.findKeys(c.Keys); err != nil {
		return err
	}
	if h.people, err = h.findPeople(ctx); err != nil {
		return err
	}
	return c.move(ctx, h, t)
}

// keepOut keeps ledgers off the folder until it is let go of.
func (h *house) keepOut() (free func() error, err error) {
	if h.places.log != "" {
		lock, err := lockFolder(h.folder)
		if err != nil {
			return nil, h.inUse(err)
		}
		return lock.Close, nil
	}
	log, err := pebblestore.Open(h.folder.store(), pebblestore.Options{Logger: h.log})
	if err != nil {
		return nil, h.inUse(err)
	}
	return log.Close, nil
}

func (h *house) inUse(err error) error {
	if errors.Is(err, pebblestore.ErrInUse) {
		return fmt.Errorf("%s is in use: stop the ledger first, what is uploaded to it from now on would stay behind: %w", string(h.folder), err)
	}
	return err
}

func (c *attachmentsMoveCmd) move(ctx context.Context, h *house, t *terminal) (err error) {
	config := attachments.Config{Dir: h.attachments(), Now: h.clock.Now, Logger: h.log}
	if h.people != nil {
		config.People = h.people
	}
	store, err := h.places.openStore()
	if err != nil {
		return err
	}
	from, err := attachments.Open(config)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, from.Close()) }()
	shared, err := from.Shared()
	if err != nil {
		return err
	}
	if shared {
		return fmt.Errorf("%s is in use by another ledger that shares it: stop all of them first", config.Dir)
	}
	to, err := attachments.OpenBucket(config, store)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, to.Close()) }()
	report := func(done, total int64) { t.progress("move attachments", done, total) }
	var moved attachments.Moved
	if c.Back {
		moved, err = from.Take(ctx, to, report)
	} else {
		moved, err = to.Take(ctx, from, report)
	}
	if err != nil {
		return fmt.Errorf("%w; nothing was removed anywhere: ask for it again, it goes on where it stopped", err)
	}
	place, dir := h.places.attachments.String(), h.attachments()
	if c.Back {
		return tellMoved(t, h, moved, place, dir, "start every ledger on this folder, or on what all of them mount there, without --attachments, and when verify finds nothing remove what lies below that prefix")
	}
	return tellMoved(t, h, moved, dir, place, "start every ledger with --attachments, and when verify finds nothing remove that folder")
}

// tellMoved says what has become of the files, and what is to be done.
func tellMoved(t *terminal, h *house, moved attachments.Moved, from, to, then string) error {
	fmt.Fprintf(t.out, "%d attachments are in %s now, and each was held against its digest there; %d of them were there before\n", moved.Files, to, moved.Found)
	if h.people == nil {
		fmt.Fprintln(t.out, "without the keys of people attachments were held against their checksums only")
	}
	if moved.Uploads > 0 {
		fmt.Fprintf(t.out, "%d uploads that go on stay behind: their senders begin anew\n", moved.Uploads)
	}
	if len(moved.Damaged) > 0 {
		for _, err := range moved.Damaged {
			fmt.Fprintln(t.err, "not moved:", err)
		}
		fmt.Fprintf(t.err, "supportledger: %d files cannot be read in %s and were not moved: put them back from a backup, and ask for it again\n", len(moved.Damaged), from)
		return errFound
	}
	fmt.Fprintf(t.out, "those in %s are as they were, and are not used any more: %s\n", from, then)
	return nil
}
