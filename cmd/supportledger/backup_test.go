package main

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// A copy made while the ledger works is a ledger: it verifies, it holds what was
// acknowledged before, and it holds no key.
func TestBackupWhileRunningAndRestore(t *testing.T) {
	dir, copied, restored := t.TempDir(), filepath.Join(t.TempDir(), "copy"), filepath.Join(t.TempDir(), "restored")
	s := serve(t, dir)
	p := s.linked(100_000)
	var before incident
	s.post("customer-ani", "/v1/incidents", request(p.ID, "before the copy"), &before, http.StatusCreated)
	stop := s.keepAsking(p.ID)
	digest := s.withFile(p.ID, "what the screen says")
	out := succeed(t, "backup", "--data", dir, "--to", copied)
	stop()
	if !strings.Contains(out, "holds no keys") {
		t.Errorf("said %q", out)
	}
	fail(t, exitFailed, []string{"not empty"}, "backup", "--data", dir, "--to", copied)
	mustHoldNoKeys(t, dir, copied)
	after := s.submitted(p.ID)
	must(t, s.stop())

	out = succeed(t, "restore", "--from", copied, "--data", restored)
	if !strings.Contains(out, "verify: ok") {
		t.Errorf("said %q", out)
	}
	fail(t, exitFailed, []string{"not empty"}, "restore", "--from", copied, "--data", restored)
	r := serve(t, restored)
	if got, err := r.send("engineer", http.MethodGet, "/v1/attachments/"+digest, "", nil); err != nil || string(got.body) != "what the screen says" {
		t.Errorf("the restored attachment is %+v, %v", got, err)
	}
	if n := r.submitted(p.ID); n < 1 || n > after {
		t.Errorf("the copy has %d incidents, the original %d", n, after)
	}
	var got struct{ Title, Description string }
	r.get("engineer", "/v1/incidents/"+before.Number, &got)
	if got.Title != "before the copy" || got.Description != "It stopped." {
		t.Errorf("restored is %+v", got)
	}
	r.post("engineer", "/v1/incidents/"+before.Number+"/close", fields{"closure": "duplicate", "resolution": "Twice."}, nil, http.StatusOK)
	must(t, r.stop())
	succeed(t, "verify", "--data", restored)
}

// withFile submits an incident with a file that ani uploads, and returns its digest.
func (s *server) withFile(contract, content string) string {
	s.t.Helper()
	r, err := http.NewRequest(http.MethodPost, s.base+"/v1/attachments", strings.NewReader(content))
	must(s.t, err)
	r.Header.Set("Authorization", "Bearer "+s.tokens["customer-ani"])
	r.Header.Set("Idempotency-Key", content)
	answer, err := s.client.Do(r)
	must(s.t, err)
	defer answer.Body.Close()
	var file struct{ SHA256 string }
	must(s.t, json.NewDecoder(answer.Body).Decode(&file))
	body := request(contract, "with a file")
	body["attachments"] = []fields{{"sha256": file.SHA256, "name": secretFile}}
	s.post("customer-ani", "/v1/incidents", body, nil, http.StatusCreated)
	return file.SHA256
}

const secretFile = "screenshot of ani wijayakusuma.txt"

// verify looks at every file that hangs on an incident.
func TestR26_VerifyNamesADamagedAttachment(t *testing.T) {
	dir := t.TempDir()
	s := serve(t, dir)
	p := s.linked(10)
	digest := s.withFile(p.ID, "what the screen says")
	succeed(t, "verify", "--data", dir)
	files, err := filepath.Glob(filepath.Join(dir, "attachments", "*", digest))
	must(t, err)
	if len(files) != 1 {
		t.Fatalf("the file lies at %q", files)
	}
	body, err := os.ReadFile(files[0])
	must(t, err)
	body[len(body)-40] ^= 1
	must(t, os.WriteFile(files[0], body, 0o600))
	fail(t, exitFailed, []string{"R26", digest, "damaged"}, "verify", "--data", dir)
	must(t, os.Remove(files[0]))
	must(t, s.stop())
	fail(t, exitFailed, []string{"R26", digest, "missing"}, "verify", "--data", dir)
}

// keepAsking submits until it is told to stop.
func (s *server) keepAsking(contract string) (stop func()) {
	done := make(chan struct{})
	var asking sync.WaitGroup
	asking.Go(func() {
		for n := 0; ; n++ {
			select {
			case <-done:
				return
			default:
				s.post("customer-ani", "/v1/incidents", request(contract, "meanwhile"), nil, http.StatusCreated)
			}
		}
	})
	return func() { close(done); asking.Wait() }
}

// mustHoldNoKeys looks for the content of every secret file of a ledger in a copy.
func mustHoldNoKeys(t *testing.T, dir, copied string) {
	t.Helper()
	for _, secret := range []string{"keys.json", "people", "token-key.pem", "dev-tokens.json"} {
		if _, err := os.Stat(filepath.Join(copied, secret)); err == nil {
			t.Errorf("the copy holds %s", secret)
		}
	}
	people, err := os.ReadFile(filepath.Join(dir, "people"))
	must(t, err)
	for at := 64; at+64 <= len(people); at += 64 {
		key := people[at+28 : at+60]
		for path, body := range filesOf(t, copied) {
			if strings.Contains(body, string(key)) {
				t.Errorf("R47: %s holds a person's key", path)
			}
		}
	}
}

// filesOf reads every file below a folder.
func filesOf(t testing.TB, dir string) map[string]string {
	t.Helper()
	files := make(map[string]string)
	must(t, filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		body, err := os.ReadFile(path)
		files[path] = string(body)
		return err
	}))
	return files
}

func TestRestoreChecksTheKeys(t *testing.T) {
	dir, copied := t.TempDir(), filepath.Join(t.TempDir(), "copy")
	keys := filepath.Join(t.TempDir(), "keys.json")
	succeed(t, "keys", "create", keys)
	s := serve(t, dir, "--keys", keys)
	s.linked(1)
	must(t, s.stop())
	succeed(t, "backup", "--data", dir, "--to", copied)

	restored := filepath.Join(t.TempDir(), "restored")
	fail(t, exitUsage, []string{"--keys"}, "restore", "--from", copied, "--data", restored)
	other := filepath.Join(t.TempDir(), "keys.json")
	succeed(t, "keys", "create", other)
	fail(t, exitFailed, []string{"does not fit"}, "restore", "--from", copied, "--data", restored, "--keys", other)
	if _, err := os.Stat(filepath.Join(restored, "store")); err == nil {
		t.Error("a refused restore has left a store behind")
	}
	out := succeed(t, "restore", "--from", copied, "--data", restored, "--keys", keys)
	if !strings.Contains(out, "keys of people are missing") {
		t.Errorf("said %q", out)
	}
	fail(t, exitFailed, []string{"people"}, "serve", "--data", restored, "--listen", "127.0.0.1:0", "--keys", keys)
	if _, err := os.Stat(filepath.Join(restored, "keys.json")); err == nil {
		t.Error("R3: the installation's keys were copied beside the data")
	}
	again := filepath.Join(t.TempDir(), "again")
	succeed(t, "restore", "--from", copied, "--data", again, "--keys", keys, "--people", filepath.Join(dir, "people"))
	must(t, serve(t, again, "--keys", keys).stop())
}

// A damaged copy is not restored, and leaves nothing behind; when the backup is
// whole again, the same command restores it.
func TestR42_ADamagedBackupIsNotRestored(t *testing.T) {
	dir, copied := t.TempDir(), filepath.Join(t.TempDir(), "copy")
	s := serve(t, dir)
	p := s.linked(1000)
	for range 20 {
		s.post("customer-ani", "/v1/incidents", request(p.ID, "It stopped"), nil, http.StatusCreated)
	}
	must(t, s.stop())
	succeed(t, "backup", "--data", dir, "--to", copied)
	people := filepath.Join(dir, "people")
	body, err := os.ReadFile(people)
	must(t, err)
	newOne, empty, withPeople := filepath.Join(t.TempDir(), "new"), t.TempDir(), t.TempDir()
	must(t, os.WriteFile(filepath.Join(withPeople, "people"), body, 0o600))
	folders := map[string]int{newOne: -1, empty: 0, withPeople: 1}
	flip(t, filepath.Join(copied, "store", "log"))
	for restored, holds := range folders {
		fail(t, exitFailed, nil, "restore", "--from", copied, "--data", restored, "--people", people)
		entries, err := os.ReadDir(restored)
		if holds < 0 && err == nil || holds >= 0 && len(entries) != holds {
			t.Errorf("a failed restore has left %v in a folder that held %d", entries, holds)
		}
	}
	flip(t, filepath.Join(copied, "store", "log"))
	for restored := range folders {
		succeed(t, "restore", "--from", copied, "--data", restored, "--people", people)
		r := serve(t, restored)
		if n := r.submitted(p.ID); n != 20 {
			t.Errorf("the restored ledger has %d incidents", n)
		}
		must(t, r.stop())
	}
}

// What was in a folder before is not touched, and two do not restore into one.
func TestRestoreTouchesNothingThatWasThere(t *testing.T) {
	dir, copied := t.TempDir(), filepath.Join(t.TempDir(), "copy")
	s := serve(t, dir)
	s.linked(1)
	must(t, s.stop())
	succeed(t, "backup", "--data", dir, "--to", copied)
	for name, words := range map[string][]string{
		"people": {"another one", "remove it"}, "notes.txt": {"not empty", "notes.txt"}, "store": {"not empty", "store"}, "read": {"not empty", "read"},
	} {
		restored := t.TempDir()
		must(t, os.WriteFile(filepath.Join(restored, name), []byte("mine"), 0o600))
		fail(t, exitFailed, words, "restore", "--from", copied, "--data", restored, "--people", filepath.Join(dir, "people"))
		if files := filesOf(t, restored); len(files) != 1 || files[filepath.Join(restored, name)] != "mine" {
			t.Errorf("now there are %v", files)
		}
	}
	restored := filepath.Join(t.TempDir(), "restored")
	first, err := beginRestoration(folder(restored))
	must(t, err)
	fail(t, exitFailed, []string{"another process"}, "restore", "--from", copied, "--data", restored)
	fail(t, exitFailed, []string{"restore", "remove"}, "serve", "--data", restored, "--dev", "--listen", "127.0.0.1:0")
	fail(t, exitFailed, []string{"restore", "remove"}, "verify", "--data", restored)
	must(t, first.close())
	if exists(restored) {
		t.Error("the folder was made for it, and is still there")
	}
	succeed(t, "restore", "--from", copied, "--data", restored)
}

// A backup that fails leaves nothing that could be taken for one.
func TestAFailedBackupLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	s := serve(t, dir)
	p := s.linked(1000)
	for range 200 { // more than one block, of which the last is read at a start
		s.post("customer-ani", "/v1/incidents", request(p.ID, "It stopped"), nil, http.StatusCreated)
	}
	must(t, s.stop())
	succeed(t, "verify", "--data", dir) // opening it has made a table of the log
	flip(t, filepath.Join(dir, "store", "log"))
	newOne, empty := filepath.Join(t.TempDir(), "copy"), t.TempDir()
	for _, copied := range []string{newOne, empty} {
		fail(t, exitFailed, []string{"check the copy"}, "backup", "--data", dir, "--to", copied)
	}
	if exists(newOne) {
		t.Error("the folder that was made for the backup is still there")
	}
	if left := filesOf(t, empty); len(left) > 0 {
		t.Errorf("the folder still holds %d files", len(left))
	}
	flip(t, filepath.Join(dir, "store", "log"))
	for _, copied := range []string{newOne, empty} {
		succeed(t, "backup", "--data", dir, "--to", copied)
	}
}
