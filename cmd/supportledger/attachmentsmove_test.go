package main

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/supportledger/supportledger/internal/s3server"
)

// A ledger whose attachments lay in its folder goes on with a store, and what was
// attached before is there, also after the folder's files were removed.
func TestR26_AttachmentsAreMoved(t *testing.T) {
	store, dir := s3server.Start(t), t.TempDir()
	move := []string{"attachments", "move", "--data", dir, "--attachments", store.URL("ours")}
	s := serve(t, dir, "--no-feed")
	file := s.attached()
	fail(t, exitFailed, []string{"in use", "stop the ledger first"}, move...)
	must(t, s.stop())
	fail(t, exitFailed, []string{"missing"}, "verify", "--data", dir, "--attachments", store.URL("ours"))
	store.Leave()
	fail(t, exitFailed, []string{"cannot be reached", "ask for it again"}, move...)
	store.Return()
	for _, before := range []string{"0", "1"} {
		out := succeed(t, move...)
		for _, words := range []string{"1 attachments are in s3://ledger/ours at http://", before + " of them were there before", "remove that folder"} {
			if !strings.Contains(out, words) {
				t.Errorf("moving does not say %q: %s", words, out)
			}
		}
		if strings.Contains(out, s3server.Secret) {
			t.Errorf("a credential is told: %s", out)
		}
	}
	succeed(t, "verify", "--data", dir)
	must(t, os.RemoveAll(filepath.Join(dir, "attachments")))
	succeed(t, "verify", "--data", dir, "--attachments", store.URL("ours"))
	s = serve(t, dir, "--no-feed", "--log-level", "debug", "--attachments", store.URL("ours"))
	if got, err := s.send("customer-ani", http.MethodGet, "/v1/attachments/"+file, "", nil); err != nil || string(got.body) != `"what ani has uploaded"` {
		t.Errorf("after moving, the file is %+v, %v\n%s", got, err, s.log)
	}
}

// And back: a ledger whose attachments lay in a store goes on with a folder, also when
// the store is gone.
func TestR26_AttachmentsAreMovedBack(t *testing.T) {
	store, dir := s3server.Start(t), t.TempDir()
	s := serve(t, dir, "--no-feed", "--attachments", store.URL("ours"))
	file := s.attached()
	move := []string{"attachments", "move", "--back", "--data", dir, "--attachments", store.URL("ours")}
	fail(t, exitFailed, []string{"in use", "stop the ledger first"}, move...)
	must(t, s.stop())
	store.Leave()
	fail(t, exitFailed, []string{"cannot be reached", "ask for it again"}, move...)
	store.Return()
	for _, before := range []string{"0", "1"} {
		out := succeed(t, move...)
		for _, words := range []string{"1 attachments are in " + filepath.Join(dir, "attachments"), before + " of them were there before", "without --attachments"} {
			if !strings.Contains(out, words) {
				t.Errorf("moving does not say %q: %s", words, out)
			}
		}
	}
	store.Leave()
	succeed(t, "verify", "--data", dir)
	s = serve(t, dir, "--no-feed")
	if got, err := s.send("customer-ani", http.MethodGet, "/v1/attachments/"+file, "", nil); err != nil || string(got.body) != `"what ani has uploaded"` {
		t.Errorf("after moving back, the file is %+v, %v\n%s", got, err, s.log)
	}
}

// What cannot be moved is named, and the exit code says so.
func TestR42_MovingNamesADamagedAttachment(t *testing.T) {
	store, dir := s3server.Start(t), t.TempDir()
	s := serve(t, dir, "--no-feed")
	var kept struct{ SHA256 string }
	s.post("customer-ani", "/v1/attachments", "what ani has uploaded", &kept, http.StatusCreated)
	must(t, s.stop())
	files, err := filepath.Glob(filepath.Join(dir, "attachments", "*", kept.SHA256))
	must(t, err)
	must(t, os.Truncate(files[0], 100))
	fail(t, exitFailed, []string{kept.SHA256, "put them back from a backup"}, "attachments", "move", "--data", dir, "--attachments", store.URL(""))
	fail(t, exitUsage, []string{"--attachments"}, "attachments", "move", "--data", dir, "--attachments", "files")
	fail(t, exitUsage, []string{"--attachments must name"}, "attachments", "move", "--data", dir, "--attachments", "")
	fail(t, exitFailed, []string{"holds no ledger"}, "attachments", "move", "--data", t.TempDir(), "--attachments", store.URL(""))
}
