//go:build linux

package faults_test

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/supportledger/supportledger/internal/s3server"
)

// R26 on three nodes that share a store of files: what comes to one is attached at
// another and read at a third, in one piece or in parts that go to all of them,
// while one after another is killed, and the store goes away and comes back.
func TestR26_ThreeNodesShareFiles(t *testing.T) {
	store := s3server.Start(t)
	s := newSite(t, serving, "--attachments", store.URL("files"))
	c := s.contract("files", 20)
	for round := range 2 * nodes {
		small, large := fmt.Sprint("a small file ", round), strings.Repeat(fmt.Sprint("a large file ", round, "\n"), 10_000)
		s.anywhere(round, http.MethodPost, "/v1/attachments", small, "Idempotency-Key", small)
		s.inParts(round, large, func(part int) {
			if part == 1 {
				s.node(round + part).kill() // who has the last part
				s.launch((round + part) % nodes)
			}
			if part == 2 && round%2 == 0 {
				store.Leave()
				s.refusesFiles(round)
				store.Return()
			}
		})
		body := submission(c.ID, fmt.Sprint("with files ", round))
		body["attachments"] = []fields{{"sha256": digestOf(small), "name": "small.txt"}, {"sha256": digestOf(large), "name": "large.txt"}}
		s.ask(round+1, "customer-ani", http.MethodPost, "/v1/incidents", fmt.Sprint("with files ", round), body).must(t)
		for n := range nodes {
			for _, content := range []string{small, large} {
				if got := s.anywhere(n, http.MethodGet, "/v1/attachments/"+digestOf(content), ""); got.body != content {
					t.Errorf("node %d reads %d bytes of %d: %d %v", n, len(got.body), len(content), got.status, got.err)
				}
			}
		}
	}
	s.untilReady()
	for n := range nodes {
		s.mustVerify(n)
	}
}

// anywhere sends bytes as ani to one node after another, the first of them named,
// until they are answered for certain.
func (s *site) anywhere(first int, method, path, body string, headers ...string) (got reply) {
	s.t.Helper()
	for n := first; n < first+1000; n++ {
		if got = s.node(n).bytes(method, path, body, headers...); got.err == nil && got.status != http.StatusServiceUnavailable {
			break
		}
	}
	if !got.good() {
		s.t.Fatalf("%s %s is answered with %d %s %v", method, path, got.status, got.body, got.err)
	}
	return got
}

// inParts uploads a file, each part to another node, and does something after each.
func (s *site) inParts(first int, content string, after func(part int)) {
	s.t.Helper()
	began := s.anywhere(first, http.MethodPost, "/v1/attachments/uploads", "", "Idempotency-Key", digestOf(content), "Upload-Length", strconv.Itoa(len(content)))
	at, offset := began.header.Get("Location"), 0
	for part := 0; offset < len(content); part++ {
		end := min(offset+40_000, len(content))
		got := s.anywhere(first+part, http.MethodPatch, at, content[offset:end], "Content-Type", "application/offset+octet-stream", "Upload-Offset", strconv.Itoa(offset))
		if told := got.header.Get("Upload-Offset"); told != strconv.Itoa(end) {
			s.t.Fatalf("part %d has come to %s, want %d", part, told, end)
		}
		offset = end
		after(part)
	}
}

// refusesFiles holds a node to what it says without the store: it is ready all the
// same.
func (s *site) refusesFiles(n int) {
	s.t.Helper()
	got := s.node(n).bytes(http.MethodPost, "/v1/attachments", "refused", "Idempotency-Key", "refused")
	if got.code() != "files-unavailable" || got.header.Get("Retry-After") == "" {
		s.t.Errorf("without the store an upload is answered with %d %v %s", got.status, got.header, got.body)
	}
	if r := s.readiness(n); r.Status != "ready" {
		s.t.Errorf("without the store node %d is %+v", n, r)
	}
}
