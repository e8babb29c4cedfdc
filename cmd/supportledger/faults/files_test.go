//go:build linux

package faults_test

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
)

// R26, R41: wherever a sync of files ends a ledger, what was acknowledged is
// there afterwards, whole; the rest is sent again under the same keys, in one
// piece or in parts, and the incident has its files.
func TestR26_KilledAtEachSyncOfFiles(t *testing.T) {
	t.Parallel()
	kills := 0
	for n := int64(1); ; n++ {
		if !killAtFile(t, n) {
			break
		}
		kills++
	}
	t.Logf("%d kills", kills)
	if kills < 10 {
		t.Errorf("only %d kills", kills)
	}
}

// killAtFile tells the story of two files to a ledger that is killed at the nth
// sync of what belongs to files.
func killAtFile(t *testing.T, n int64) (killed bool) {
	t.Helper()
	dir, s := t.TempDir(), &filesStory{story: newStory()}
	var seen atomic.Int64
	p, _ := startGated(t, dir, func(_ int, path string) verdict {
		if strings.Contains(path, "/attachments") && seen.Add(1) == n {
			return kill
		}
		return pass
	})
	if p.base != "" {
		s.tell(p)
		p.stopAnyhow()
	}
	again := launch(t, dir)
	for _, digest := range s.acked {
		s.mustRead(again, digest)
	}
	if !s.tell(again) {
		t.Fatalf("after kill %d the story does not go on: %+v\n%s", n, s.last, again.said)
	}
	for _, content := range []string{small, large} {
		s.mustRead(again, content)
	}
	var got struct{ Attachments []struct{ SHA256 string } }
	again.get("engineer", "/v1/incidents/"+s.number).read(t, &got)
	if len(got.Attachments) != 2 {
		t.Errorf("after kill %d the incident has %+v", n, got)
	}
	again.stop()
	mustVerify(t, dir)
	return seen.Load() >= n
}

const small = "a small file"

var large = strings.Repeat("a large file\n", 10_000)

// A filesStory uploads two files and submits an incident with them.
type filesStory struct {
	*story
	acked  []string // contents
	number string
	last   reply
}

// tell tells the story to its end, and says whether it came to it.
func (s *filesStory) tell(p *program) bool {
	if key, got := s.prepare(p); key != "" {
		s.last = got
		return false
	}
	for _, step := range []func(*program) bool{s.whole, s.inParts, s.submitBoth} {
		if !step(p) {
			return false
		}
	}
	return true
}

func (s *filesStory) whole(p *program) bool {
	s.last = p.bytes(http.MethodPost, "/v1/attachments", small, "Idempotency-Key", "small")
	if s.last.good() {
		s.acked = append(s.acked, small)
	}
	return s.last.good()
}

func (s *filesStory) inParts(p *program) bool {
	s.last = p.bytes(http.MethodPost, "/v1/attachments/uploads", "", "Idempotency-Key", "large", "Upload-Length", strconv.Itoa(len(large)))
	if !s.last.good() {
		return false
	}
	at := s.last.header.Get("Location")
	for {
		offset, err := strconv.Atoi(s.last.header.Get("Upload-Offset"))
		if err != nil {
			return false
		}
		if s.last.header.Get("Attachment-SHA256") != "" {
			s.acked = append(s.acked, large)
			return true
		}
		end := min(offset+70_000, len(large))
		s.last = p.bytes(http.MethodPatch, at, large[offset:end], "Content-Type", "application/offset+octet-stream", "Upload-Offset", strconv.Itoa(offset))
		if !s.last.good() {
			return false
		}
	}
}

func (s *filesStory) submitBoth(p *program) bool {
	body := submission(s.ID, "with files")
	body["attachments"] = []fields{{"sha256": digestOf(small), "name": "small.txt"}, {"sha256": digestOf(large), "name": "large.txt"}}
	if s.last = p.post("customer-ani", "/v1/incidents", "with files", body); !s.last.good() {
		return false
	}
	var in incident
	s.last.read(p.t, &in)
	s.number = in.Number
	return true
}

func (s *filesStory) mustRead(p *program, content string) {
	p.t.Helper()
	if got := p.get("customer-ani", "/v1/attachments/"+digestOf(content)); got.body != content {
		p.t.Fatalf("a file of %d bytes was acknowledged; it is read as %d bytes (%d %v)", len(content), len(got.body), got.status, got.err)
	}
}

func digestOf(content string) string {
	sum := sha256.Sum256([]byte(content))
	return hex.EncodeToString(sum[:])
}

// bytes sends a body that is no JSON, as ani.
func (p *program) bytes(method, path, body string, headers ...string) reply {
	r, err := http.NewRequest(method, p.base+path, strings.NewReader(body))
	must(p.t, err)
	r.Header.Set("Authorization", "Bearer "+p.tokens["customer-ani"])
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	answer, err := p.client.Do(r)
	if err != nil {
		return reply{err: err}
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	return reply{answer.StatusCode, answer.Header, string(text), err}
}
