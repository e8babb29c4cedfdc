package attachments

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/google/uuid"
	lru "github.com/hashicorp/golang-lru/v2"
)

// least is what a file counts at least: what it takes on most disks. So the quota
// bounds the number of files, too.
const least = 4 << 10

// usages remembers how much accounts have stored, so that a folder is not listed
// for each file. It is guarded by the Folder's lock.
type usages struct{ of *lru.Cache[uuid.UUID, int64] }

const usagesKept = 10_000

func newUsages() *usages {
	cache, err := lru.New[uuid.UUID, int64](usagesKept)
	if err != nil {
		panic(err) // the size is above 0
	}
	return &usages{cache}
}

// add notes bytes that came, or, negative, went.
func (u *usages) add(account uuid.UUID, size int64) {
	if n, ok := u.of.Get(account); ok {
		if size < 0 {
			u.of.Add(account, n-max(-size, least))
		} else {
			u.of.Add(account, n+max(size, least))
		}
	}
}

// usage is what an account has stored, and what its uploads are to become. The
// caller holds the lock.
func (f *Folder) usage(account uuid.UUID) (int64, error) {
	if n, ok := f.used.of.Get(account); ok {
		return n, nil
	}
	entries, err := os.ReadDir(f.dirOf(account))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return 0, err
	}
	var n int64
	for _, e := range entries {
		switch name := e.Name(); {
		case IsDigest(name):
			if info, err := e.Info(); err == nil {
				n += max(contentSize(info.Size()), least)
			}
		case strings.HasPrefix(name, uploadPrefix) && strings.HasSuffix(name, jsonSuffix):
			up, err := readNote[upload](filepath.Join(f.dirOf(account), name))
			if err != nil {
				return 0, err
			}
			if up != nil && up.SHA256 == "" {
				n += max(up.Length, least)
			}
		}
	}
	f.used.of.Add(account, n)
	return n, nil
}

// reserve makes room for a file of a length, or, where that is not known, for as
// much as the account may still store. A repeat takes no more than it took.
func (f *Folder) reserve(account uuid.UUID, length int64, repeat bool) (most int64, release func(), err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	used, err := f.usage(account)
	if err != nil {
		return 0, nil, outcome("look what the account has stored", err)
	}
	left := f.Limits.MaxBytesPerAccount - used - f.reserved[account]
	most = length
	if length < 0 {
		most = min(f.Limits.MaxBytes, max(left, 1))
	}
	if repeat {
		most = f.Limits.MaxBytes
	} else if max(most, least) > left {
		return 0, nil, f.refuseQuota()
	}
	if err := f.mustHaveRoom(most); err != nil {
		return 0, nil, err
	}
	f.reserved[account] += most
	f.coming += most
	return most, func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.coming -= most
		if f.reserved[account] -= most; f.reserved[account] == 0 {
			delete(f.reserved, account)
		}
	}, nil
}
