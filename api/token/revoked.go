package token

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/supportledger/supportledger/internal/reread"
)

// lookAgain is how long a list of revocations counts before its file is looked
// at again.
const lookAgain = time.Second

// revoked is the list of what does not count any more. The file has one entry on
// each line, in the words of the token's own claims: {"jti": "ID"} for a token,
// {"iss": "ISSUER", "sub": "SUBJECT"} for everything of a sign-in. Where nothing in
// it has spaces, "jti ID" and "sub ISSUER SUBJECT" will do. Empty lines and those
// that start with # say nothing.
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
	if reread.Unchanged(r.seen, info) {
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
		line := strings.TrimSpace(lines.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		e, ok := parseRevocation(line)
		switch {
		case ok && e.ID != "" && e.Issuer == "" && e.Subject == "":
			ids[e.ID] = true
		case ok && e.ID == "" && e.Issuer != "" && e.Subject != "":
			subs[[2]string{e.Issuer, e.Subject}] = true
		default:
			return nil, nil, fmt.Errorf(`line %d is none of "jti ID", "sub ISSUER SUBJECT", {"jti": "ID"} and {"iss": "ISSUER", "sub": "SUBJECT"}`, n)
		}
	}
	return ids, subs, lines.Err()
}

type revocation struct {
	ID      string `json:"jti"`
	Issuer  string `json:"iss"`
	Subject string `json:"sub"`
}

// parseRevocation reads a line.
func parseRevocation(line string) (e revocation, ok bool) {
	if strings.HasPrefix(line, "{") {
		d := json.NewDecoder(strings.NewReader(line))
		d.DisallowUnknownFields()
		err := d.Decode(&e)
		_, more := d.Token()
		return e, err == nil && more == io.EOF
	}
	switch words := strings.Fields(line); {
	case len(words) == 2 && words[0] == "jti":
		return revocation{ID: words[1]}, true
	case len(words) == 3 && words[0] == "sub":
		return revocation{Issuer: words[1], Subject: words[2]}, true
	}
	return e, false
}
