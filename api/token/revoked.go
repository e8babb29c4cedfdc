package token

import (
	"bufio"
	"bytes"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"time"
)

// lookAgain is how long a list of revocations counts before its file is looked
// at again.
const lookAgain = time.Second

// revoked is the list of what does not count any more. The file has one entry
// on each line, "jti ID" for a token or "sub ISSUER SUBJECT" for everything of a
// sign-in; empty lines and those that start with # say nothing.
type revoked struct {
	path string
	now  func() time.Time
	log  *slog.Logger

	mu     sync.RWMutex
	looked time.Time
	seen   os.FileInfo // as it was when it was read
	ids    map[string]bool
	subs   map[[2]string]bool
}

func newRevoked(path string, now func() time.Time, log *slog.Logger) (*revoked, error) {
	r := &revoked{path: path, now: now, log: log}
	if path == "" {
		return r, nil
	}
	if err := r.read(); err != nil {
		return nil, err
	}
	return r, nil
}

// lists says whether a token, or everything of its sign-in, was revoked.
func (r *revoked) lists(c *Claims) bool {
	if r.path == "" {
		return false
	}
	r.mu.RLock()
	stale := r.now().Sub(r.looked) >= lookAgain
	r.mu.RUnlock()
	if stale {
		if err := r.read(); err != nil {
			r.log.Error("the list of revoked tokens read before stays in force", "error", err)
		}
	}
	r.mu.RLock()
	defer r.mu.RUnlock()
	return c.ID != "" && r.ids[c.ID] || r.subs[[2]string{c.Issuer, c.Subject}]
}

// read takes the file over where it has changed.
func (r *revoked) read() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.looked = r.now()
	info, err := os.Stat(r.path)
	if err != nil {
		return fmt.Errorf("read revoked tokens: %w", err)
	}
	if r.seen != nil && os.SameFile(info, r.seen) && info.ModTime().Equal(r.seen.ModTime()) && info.Size() == r.seen.Size() {
		return nil
	}
	text, err := os.ReadFile(r.path)
	if err != nil {
		return fmt.Errorf("read revoked tokens: %w", err)
	}
	ids, subs, err := parseRevoked(text)
	if err != nil {
		return fmt.Errorf("read revoked tokens: file %s: %w", r.path, err)
	}
	r.seen, r.ids, r.subs = info, ids, subs
	return nil
}

func parseRevoked(text []byte) (map[string]bool, map[[2]string]bool, error) {
	ids, subs := make(map[string]bool), make(map[[2]string]bool)
	lines := bufio.NewScanner(bytes.NewReader(text))
	for n := 1; lines.Scan(); n++ {
		words := strings.Fields(lines.Text())
		switch {
		case len(words) == 0 || strings.HasPrefix(words[0], "#"):
		case len(words) == 2 && words[0] == "jti":
			ids[words[1]] = true
		case len(words) == 3 && words[0] == "sub":
			subs[[2]string{words[1], words[2]}] = true
		default:
			return nil, nil, fmt.Errorf(`line %d is neither "jti ID" nor "sub ISSUER SUBJECT"`, n)
		}
	}
	return ids, subs, lines.Err()
}
