package site

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/supportledger/supportledger/eventstore/copying"
	"github.com/supportledger/supportledger/eventstore/esdb"
)

// CopyTo copies the site's log to a cluster, as the program does.
func (s *Site) CopyTo(ctx context.Context, url string) (records int64, err error) {
	from, err := s.OpenStore()
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, from.Close()) }()
	to, err := esdb.Open(ctx, esdb.Options{Connection: url, Finishing: true})
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, to.Close()) }()
	done, err := (&copying.Copy{From: from, To: to}).Run(ctx)
	return done.Copied, err
}

// Adopt puts a store in the place of the site's own, which is thrown away: that of
// the cluster to which its log was copied.
func (s *Site) Adopt(store string) error {
	if err := errors.Join(os.RemoveAll(s.StoreDir()), os.Rename(store, s.StoreDir())); err != nil {
		return fmt.Errorf("adopt store: %w", err)
	}
	return nil
}
