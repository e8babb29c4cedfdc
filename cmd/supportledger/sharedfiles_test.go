package main

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/supportledger/supportledger/internal/s3server"
)

// A ledger whose attachments lie in a store does with them what it does with its
// folder's, and so do the commands on it, running or not. No credential is told.
func TestR26_AttachmentsInAStore(t *testing.T) {
	store := s3server.Start(t)
	dir := t.TempDir()
	flags := []string{"--attachments", store.URL("ours")}
	s := serve(t, dir, append(flags, "--no-feed", "--log-level", "debug")...)
	s.attached()
	told, backups := "", t.TempDir()
	for _, running := range []string{"running", "stopped"} {
		if running == "stopped" {
			must(t, s.stop())
		}
		told += succeed(t, append([]string{"verify", "--data", dir}, flags...)...)
		copied := succeed(t, append([]string{"backup", "--data", dir, "--to", filepath.Join(backups, running)}, flags...)...)
		if !strings.Contains(copied, "s3://ledger/ours at http://127.0.0.1") {
			t.Errorf("backing up does not say where the attachments are: %s", copied)
		}
		told += copied
	}
	fail(t, exitFailed, []string{"missing"}, "verify", "--data", dir) // of the folder's own
	entries, err := os.ReadDir(filepath.Join(dir, "attachments"))
	must(t, err)
	if len(entries) != 1 {
		t.Errorf("the folder has %v", entries)
	}
	if told += s.log.String(); strings.Contains(told, s3server.Secret) || strings.Contains(told, s3server.Key) {
		t.Errorf("a credential is told: %s", told)
	}
}

// A store that is away when a ledger starts does not keep it from starting.
func TestR26_AStoreThatIsAwayAtTheStart(t *testing.T) {
	store := s3server.Start(t)
	store.Leave()
	s := serve(t, t.TempDir(), "--attachments", store.URL(""), "--no-feed")
	s.linked(20)
	s.becomes(t, "/readyz", "ready")
	if !strings.Contains(s.log.String(), "credentials of --attachments are right") {
		t.Errorf("what to look at is not told: %s", s.log)
	}
	got, err := s.send("customer-ani", http.MethodPost, "/v1/attachments", "key", "text")
	must(t, err)
	if got.status != http.StatusServiceUnavailable || !strings.Contains(string(got.body), "files-unavailable") {
		t.Errorf("an upload is answered with %d %s", got.status, got.body)
	}
	store.Return()
	s.post("customer-ani", "/v1/attachments", "text", nil, http.StatusCreated)
}

// Whatever is wrong with the URL is said with the flag's name, without the URL.
func TestR26_StoresThatAreNone(t *testing.T) {
	store, empty := s3server.Start(t), filepath.Join(t.TempDir(), "empty")
	must(t, os.WriteFile(empty, nil, 0o600))
	for name, row := range map[string]struct {
		code  int
		words []string
		url   string
	}{
		"no URL":              {exitUsage, []string{"--attachments", "s3://BUCKET"}, "files:" + s3server.Secret},
		"credentials in it":   {exitUsage, []string{"--attachments", "AWS_ACCESS_KEY_ID"}, "s3://x:" + "hunter2" + "@files"},
		"in clear, far away":  {exitUsage, []string{"--attachments", "plaintext=allowed"}, "s3://files?endpoint=http://s3.example.com"},
		"no such authority":   {exitFailed, []string{"--attachments: read ca=", "PEM"}, store.URL("") + "&ca=" + filepath.Join(t.TempDir(), "none")},
		"no authority":        {exitFailed, []string{"--attachments: ca=", "PEM"}, store.URL("") + "&ca=" + empty},
		"no such credentials": {exitFailed, []string{"--attachments: ", "AWS_ACCESS_KEY_ID"}, store.URL("") + "&credentials=" + filepath.Join(t.TempDir(), "none")},
	} {
		t.Run(name, func(t *testing.T) {
			if strings.HasPrefix(name, "no such cred") {
				t.Setenv("AWS_ACCESS_KEY_ID", "")
			}
			args := []string{"serve", "--data", t.TempDir(), "--dev", "--listen", "127.0.0.1:0", "--no-feed", "--attachments", row.url}
			fail(t, row.code, row.words, args...)
			if _, out, errs := command(args...); strings.Contains(out+errs, "hunter2") || strings.Contains(out+errs, s3server.Secret) {
				t.Errorf("a secret is told: %s%s", out, errs)
			}
		})
	}
}

// attached has Ani attach a file to an incident, and returns its digest.
func (s *server) attached() (sha256 string) {
	s.t.Helper()
	c := s.linked(20)
	var kept struct{ SHA256 string }
	s.post("customer-ani", "/v1/attachments", "what ani has uploaded", &kept, http.StatusCreated)
	body := request(c.ID, "It stopped")
	body["attachments"] = []fields{{"sha256": kept.SHA256, "name": "log.txt"}}
	s.post("customer-ani", "/v1/incidents", body, nil, http.StatusCreated)
	return kept.SHA256
}
