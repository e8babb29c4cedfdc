package attachments

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/domain/contract"
)

// Claim implements Shelf. A claim ends by itself, so that one of a node that was
// killed does, too; and a file that is not swept for longer than a claim holds needs
// none.
func (b *Bucket) Claim(ctx context.Context, account uuid.UUID, digests []string) (files []Stored, missing []int, release func(), err error) {
	var old []string
	for i, digest := range digests {
		c, err := b.Get(ctx, account, digest)
		switch {
		case errors.Is(err, ErrUnknown), errors.Is(err, ErrErased):
			missing = append(missing, i)
			continue
		case err != nil:
			return nil, nil, nil, err
		}
		files = append(files, c.Stored)
		_ = c.Close()
		if b.Now().Sub(c.UploadedAt) > UnusedFor-claimFor {
			old = append(old, digest)
		}
	}
	if len(missing) == 0 && len(old) > 0 {
		missing, err = b.claim(ctx, account, digests, old)
	}
	if err != nil || len(missing) > 0 {
		return nil, missing, nil, outcome("claim attachments", err)
	}
	return files, nil, func() {}, nil
}

func (b *Bucket) claim(ctx context.Context, account uuid.UUID, digests, old []string) (missing []int, err error) {
	_, err = b.change(ctx, account, func(h *holdings) (bool, error) {
		missing = nil
		for i, digest := range digests {
			if _, ok := h.Files[digest]; !ok {
				missing = append(missing, i) // swept since
			}
		}
		for _, digest := range old {
			h.Claims[digest] = b.Now().Add(claimFor).UTC()
		}
		return len(missing) == 0, nil
	})
	return missing, err
}

// A sweeping is one look at everything.
type sweeping struct {
	*Bucket
	index  Index
	seen   time.Time // every incident that was recorded before is known
	swept  int
	listed []string // objects of one account
}

// Sweep implements Shelf. Any number of nodes may sweep at once.
func (b *Bucket) Sweep(ctx context.Context, index Index) (swept int, err error) {
	s := &sweeping{Bucket: b, index: index}
	if err := s.run(ctx); err != nil {
		return s.swept, fmt.Errorf("sweep attachments: %w", err)
	}
	return s.swept, nil
}

func (s *sweeping) run(ctx context.Context) error {
	if err := s.look(ctx); err != nil {
		return err
	}
	var account string
	for name, err := range s.objects.List(ctx, "") {
		if err != nil {
			return err
		}
		folder, rest, _ := strings.Cut(name, "/")
		if folder != account {
			if err := s.account(ctx, account); err != nil {
				return err
			}
			account, s.listed = folder, nil
		}
		if rest != "" {
			s.listed = append(s.listed, rest)
		} else if s.isOldTrial(name) {
			if err := s.objects.Remove(ctx, name); err != nil {
				return err
			}
		}
	}
	return s.account(ctx, account)
}

// look sees to it that every incident is known that could have taken along what
// is to be swept.
func (s *sweeping) look(ctx context.Context) error {
	now := s.Now()
	if !s.seen.IsZero() && now.Sub(s.seen) < lookAnew {
		return nil
	}
	err := s.index.CatchUp(ctx)
	s.seen = now
	return err
}

// account sweeps what is one account's. One that cannot be read is for verify; the
// others go on.
func (s *sweeping) account(ctx context.Context, name string) error {
	account, err := uuid.Parse(name)
	if err != nil || len(s.listed) == 0 {
		return nil // trials, or what is not ours
	}
	if err := s.look(ctx); err != nil {
		return err
	}
	h, err := s.settle(ctx, account)
	if errors.As(err, new(*CorruptError)) {
		s.log.Warn("attachments were not swept", "account", account, "error", err)
		return nil
	}
	if err != nil {
		return fmt.Errorf("account %s: %w", account, err)
	}
	if h.Revision == 0 && slices.ContainsFunc(s.listed, isBytes) {
		s.log.Warn("attachments were not swept: the account's document is missing", "account", account, "object", documentOf(account))
		return nil
	}
	return s.clear(ctx, account, h)
}

// settle takes out of an account's document what nobody needs.
func (s *sweeping) settle(ctx context.Context, account uuid.UUID) (*holdings, error) {
	h, _, err := s.read(ctx, account)
	if err != nil {
		return nil, err
	}
	expired, unused := h.expire(s.Now()), map[string]string{}
	for _, digest := range h.old(s.Now()) {
		used, err := s.index.Attached(ctx, account, digest)
		if err != nil {
			return nil, err
		}
		if !used {
			unused[digest] = h.Files[digest].Object
		}
	}
	if len(unused) == 0 && !expired {
		return h, nil
	}
	swept := 0
	h, err = s.change(ctx, account, func(h *holdings) (bool, error) {
		expired, swept = h.expire(s.Now()), 0
		for _, digest := range h.old(s.Now()) { // not what was claimed or uploaded anew meanwhile
			if unused[digest] == h.Files[digest].Object {
				delete(h.Files, digest)
				swept++
			}
		}
		return expired || swept > 0, nil
	})
	if err == nil {
		s.swept += swept
		s.metrics.swept.Add(float64(swept))
	}
	return h, err
}

func isBytes(name string) bool {
	return strings.HasPrefix(name, filePrefix) || strings.HasPrefix(name, partPrefix)
}

// clear removes the objects that the account's document did not know when it was
// read, which was after they had been listed: nobody will ever know them; and what
// need not be remembered of commands any more.
func (s *sweeping) clear(ctx context.Context, account uuid.UUID, h *holdings) error {
	known := h.objects()
	for _, name := range s.listed {
		object := account.String() + "/" + name
		unneeded := isBytes(name) && !known[object]
		if rest, ok := strings.CutPrefix(name, keyPrefix); ok && len(rest) > 37 {
			at, _, valid := parseCommand(rest[37:]) // after the command and a hyphen
			unneeded = valid && s.Now().Sub(at) > rememberFor
		}
		if !unneeded {
			continue
		}
		if err := s.objects.Remove(ctx, object); err != nil {
			return err
		}
	}
	return nil
}

// Check implements Shelf.
func (b *Bucket) Check(ctx context.Context, account uuid.UUID, a contract.Attachment) error {
	of := file{account, a.SHA256}
	if !IsDigest(a.SHA256) {
		return errors.New("it is no digest")
	}
	f, o, err := b.find(ctx, of)
	if errors.Is(err, ErrUnknown) {
		return errors.New("the file is missing")
	}
	if err != nil {
		return err
	}
	defer o.Close()
	if got := contentSize(o.Size); got != a.Size {
		return fmt.Errorf("the file holds %d bytes; recorded are %d", got, a.Size)
	}
	return check(o, o.Size, f.Object, of, b.keyFor(ctx, account), io.Discard)
}
