package attachments

import (
	"context"
	"errors"

	"github.com/google/uuid"
)

// A claim keeps a file from being swept while it is being attached to an
// incident, and until every sweep that had begun before is over: such a sweep may
// not know the incident.
type claim struct {
	held int
	last uint64 // the sweep that had begun last when it was held
}

// Claim finds an account's files by their digests and keeps them until they are
// released. missing are the places in the list of those that the account has not
// uploaded, or that were erased; where there are any, nothing is claimed.
func (f *Folder) Claim(ctx context.Context, account uuid.UUID, digests []string) (files []Stored, missing []int, release func(), err error) {
	for i, digest := range digests {
		c, err := f.claim(ctx, file{account, digest})
		switch {
		case errors.Is(err, ErrUnknown), errors.Is(err, ErrErased):
			missing = append(missing, i)
		case err != nil:
			f.release(account, files)
			return nil, nil, nil, err
		default:
			files = append(files, c)
		}
	}
	if len(missing) > 0 {
		f.release(account, files)
		return nil, missing, nil, nil
	}
	return files, nil, func() { f.release(account, files) }, nil
}

func (f *Folder) claim(ctx context.Context, of file) (Stored, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	c, err := f.Get(ctx, of.account, of.sha256)
	if err != nil {
		return Stored{}, err
	}
	held := f.claims[of]
	f.claims[of] = claim{held.held + 1, f.sweeps}
	return c.Stored, c.Close()
}

func (f *Folder) release(account uuid.UUID, files []Stored) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, s := range files {
		of := file{account, s.SHA256}
		held := f.claims[of]
		f.claims[of] = claim{held.held - 1, f.sweeps}
	}
}
