package attachments

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"github.com/supportledger/supportledger/vault"
)

// Moved says what has become of the files of one place in another one.
type Moved struct {
	Files   int64   // that are there now, and were held against their digests there
	Found   int64   // of these, that were there before
	Uploads int64   // that go on, and stay behind
	Damaged []error // each names a file, or what a command has uploaded, that cannot be read where it was
}

// movers are how many accounts are moved at once: it is answers that take time.
const movers = 8

// A moving is one look at all files of a place.
type moving struct {
	mu     sync.Mutex
	moved  Moved
	looked int64
	total  int64 // 0: nobody knows
	report func(done, total int64)
}

// run moves what accounts have, some at once.
func (m *moving) run(ctx context.Context, accounts []uuid.UUID, move func(context.Context, uuid.UUID) error) (Moved, error) {
	group, inner := errgroup.WithContext(ctx)
	group.SetLimit(movers)
	for _, account := range accounts {
		group.Go(func() error {
			if inner.Err() != nil {
				return inner.Err()
			}
			if err := move(inner, account); err != nil {
				return fmt.Errorf("account %s: %w", account, err)
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return m.moved, fmt.Errorf("move attachments: %w", err)
	}
	return m.moved, nil
}

// count notes files that were looked at.
func (m *moving) count(n int, add func(*Moved)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	add(&m.moved)
	m.looked += int64(n)
	m.report(m.looked, max(m.looked, m.total))
}

func (m *moving) found() { m.count(1, func(m *Moved) { m.Files, m.Found = m.Files+1, m.Found+1 }) }

func (m *moving) damaged(err error) {
	m.count(1, func(m *Moved) { m.Damaged = append(m.Damaged, err) })
}

// stops says whether an error is none of the file's that was looked at, but ends
// the whole.
func stops(err error) bool {
	for _, why := range []error{ErrUnavailable, ErrFull, vault.ErrUnavailable, vault.ErrClosed, vault.ErrFailed, context.Canceled, context.DeadlineExceeded} {
		if errors.Is(err, why) {
			return true
		}
	}
	return false
}

// A belonging is what an account's folder has.
type belonging struct {
	files    []string // digests
	commands []uuid.UUID
	uploads  int64 // that are no files yet
}

// accounts are those that have anything in the folder.
func (f *Folder) accounts() (all []uuid.UUID, err error) {
	entries, err := os.ReadDir(f.Dir)
	for _, e := range entries {
		if account, err := uuid.Parse(e.Name()); err == nil {
			all = append(all, account)
		}
	}
	return all, err
}

// belongings lists what an account has in the folder. An upload that cannot be read
// counts as one that goes on.
func (f *Folder) belongings(account uuid.UUID) (b belonging, err error) {
	entries, err := os.ReadDir(f.dirOf(account))
	if errors.Is(err, fs.ErrNotExist) {
		return b, nil
	}
	for _, e := range entries {
		name := e.Name()
		switch {
		case IsDigest(name):
			b.files = append(b.files, name)
		case strings.HasPrefix(name, keyPrefix):
			if command, err := uuid.Parse(strings.TrimPrefix(name, keyPrefix)); err == nil {
				b.commands = append(b.commands, command)
			}
		case strings.HasPrefix(name, uploadPrefix) && strings.HasSuffix(name, jsonSuffix):
			up, err := readNote[upload](filepath.Join(f.dirOf(account), name))
			if err != nil || up != nil && up.SHA256 == "" {
				b.uploads++
			}
		}
	}
	slices.Sort(b.files)
	return b, err
}
