package main

import (
	"context"
	"time"

	"github.com/google/uuid"
)

// sweepEvery is how often what hangs on no incident is looked for.
const sweepEvery = time.Hour

// sweepFiles removes attachments that nobody has used for a day (R26).
func (v *service) sweepFiles(ctx context.Context) error {
	next := time.NewTimer(time.Minute) // first of all others have to do
	defer next.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-next.C:
		}
		swept, err := v.files.Sweep(ctx, fileIndex{v})
		switch {
		case err != nil && ctx.Err() == nil:
			v.log.Error("attachments were not swept; it is tried again", "error", err)
		case swept > 0:
			v.log.Info("attachments that hang on no incident were removed", "files", swept)
		}
		next.Reset(sweepEvery)
	}
}

// A fileIndex is what the read models know of attachments.
type fileIndex struct{ v *service }

// CatchUp implements attachments.Index.
func (i fileIndex) CatchUp(ctx context.Context) error {
	head, err := i.v.store.Head(ctx)
	if err != nil {
		return err
	}
	return i.v.set.Await(ctx, head)
}

// Attached implements attachments.Index.
func (i fileIndex) Attached(ctx context.Context, account uuid.UUID, sha256 string) (bool, error) {
	return i.v.set.Files.Attached(ctx, account, sha256)
}
