package main

import (
	"bufio"
	"context"
	"database/sql"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// R46: what a command on a folder says does not depend on whether the ledger in
// it is running.
func TestR46_CommandsSpeakToTheRunningLedger(t *testing.T) {
	for name, dir := range map[string]string{
		"short": t.TempDir(),
		"long":  filepath.Join(t.TempDir(), strings.Repeat("a-name-that-is-too-long-for-a-socket/", 4)),
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, dir, "--no-mails") // which are recorded when they go out, between two looks
			p := s.linked(3)
			s.post("customer-ani", "/v1/incidents", request(p.ID, "It stopped"), nil, 201)
			commands := [][]string{
				{"verify"}, {"history", p.ID}, {"history", "--json", p.ID}, {"projections", "list"}, {"projections", "rebuild", "contracts"},
			}
			var running []string
			for _, c := range commands {
				running = append(running, succeed(t, append(c, "--data", dir)...))
			}
			fail(t, exitFailed, []string{"contract-not-found"}, "history", "--data", dir, "00000000-0000-4000-8000-000000000000")
			fail(t, exitUsage, []string{"not the id of a contract"}, "history", "--data", dir, "somewhere")
			fail(t, exitFailed, []string{"nothing-like-it", "contracts"}, "projections", "rebuild", "nothing-like-it", "--data", dir)
			must(t, s.stop())
			for i, c := range commands {
				if got := succeed(t, append(c, "--data", dir)...); got != running[i] {
					t.Errorf("%v says\n%s\nwhile the ledger runs, and\n%s\nwhen it is stopped", c, running[i], got)
				}
			}
			if left, _ := filepath.Glob(filepath.Join(dir, "control.*")); len(left) > 0 {
				t.Errorf("after a stop there is still %v", left)
			}
		})
	}
}

// A command that runs when the ledger is stopped is cut off, and waited for: the
// files that it uses are closed after it.
func TestStoppingWaitsForCommands(t *testing.T) {
	f := folder(t.TempDir())
	ear, err := f.listenControl()
	must(t, err)
	ctx, stop := context.WithCancel(t.Context())
	ended := false
	handler := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		stop()
		<-r.Context().Done()
		ended = true
	})
	conn, err := f.dialControl(t.Context())
	must(t, err)
	told := make(chan error, 1)
	go func() { told <- askRunning(t.Context(), conn, new(verifyCmd), newTerminal(io.Discard, io.Discard)) }()
	must(t, serveControl(ctx, ear, handler))
	if !ended {
		t.Error("the command still runs")
	}
	if err := <-told; err == nil {
		t.Error("who asked was told that all is well")
	}
}

// A second signal ends the process at once.
func TestASecondSignalDoesNotWait(t *testing.T) {
	s := launch(t, t.TempDir(), "--grace", "9m")
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.base, "http://"))
	must(t, err)
	defer conn.Close()
	_, err = fmt.Fprintf(conn, "POST /v1/contracts HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nIdempotency-Key: 1\r\n"+
		"Content-Type: application/json\r\nContent-Length: 100\r\nExpect: 100-continue\r\n\r\n", s.tokens["operator"])
	must(t, err)
	line, err := bufio.NewReader(conn).ReadString('\n') // once the request, which never ends, is being read
	if must(t, err); !strings.Contains(line, "100 Continue") {
		t.Fatal(line)
	}
	s.signal()
	for !strings.Contains(s.log.String(), "stopping") {
		runtime.Gosched()
	}
	if err := s.stop(); err == nil || !strings.Contains(err.Error(), "signal: terminated") {
		t.Errorf("it ended with %v", err)
	}
	must(t, launch(t, s.dir).stop())
}

// A socket that a killed ledger has left behind is not in the way.
func TestR46_ALeftSocketIsNotInTheWay(t *testing.T) {
	dir := t.TempDir()
	s := launch(t, dir)
	s.linked(1)
	s.kill()
	if _, err := os.Lstat(filepath.Join(dir, "control.sock")); err != nil {
		t.Fatal(err)
	}
	succeed(t, "verify", "--data", dir)
	must(t, launch(t, dir).stop())
}

func TestCommandsNameAFolderThatHoldsNoLedger(t *testing.T) {
	dir := t.TempDir()
	fail(t, exitFailed, []string{dir, "holds no ledger"}, "verify", "--data", dir)
	fail(t, exitFailed, []string{"holds no ledger"}, "backup", "--data", dir, "--to", filepath.Join(t.TempDir(), "copy"))
	fail(t, exitFailed, []string{"holds no finished backup"}, "restore", "--from", dir, "--data", filepath.Join(t.TempDir(), "new"))
}

// Damage is a finding with an exit code of its own, never a crash (R42).
func TestR42_VerifyNamesDamage(t *testing.T) {
	dir := t.TempDir()
	s := serve(t, dir)
	p := s.linked(1000)
	for i := range 50 {
		s.post("customer-ani", "/v1/incidents", request(p.ID, strings.Repeat("x", i+1)), nil, 201)
	}
	must(t, s.stop())
	flip(t, filepath.Join(dir, "store", "log"))
	fail(t, exitFailed, []string{"position"}, "verify", "--data", dir)
}

// A row that the log knows nothing of is found, and a rebuild makes it good.
func TestVerifyComparesReadModels(t *testing.T) {
	dir := t.TempDir()
	s := serve(t, dir)
	s.linked(3)
	s.get("customer-ani", "/v1/links", nil) // held back until the row is there
	must(t, s.stop())
	files, err := filepath.Glob(filepath.Join(dir, "read", "*.db"))
	must(t, err)
	db, err := sql.Open("sqlite", files[0])
	must(t, err)
	var table string
	must(t, db.QueryRow("SELECT name FROM sqlite_master WHERE type = 'table' AND name LIKE '%links%' ORDER BY name").Scan(&table))
	_, err = db.Exec("DELETE FROM " + table)
	must(t, err)
	must(t, db.Close())
	fail(t, exitFailed, []string{"read model", "links"}, "verify", "--data", dir)
	succeed(t, "verify", "--data", dir, "--skip-read-models")
	succeed(t, "projections", "rebuild", "contracts", "--data", dir)
	succeed(t, "verify", "--data", dir)
}

// flip changes a bit in the middle of the largest file of a folder.
func flip(t *testing.T, dir string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	must(t, err)
	largest, size := "", int64(0)
	for _, e := range entries {
		info, err := e.Info()
		must(t, err)
		if strings.HasSuffix(e.Name(), ".log") || strings.HasSuffix(e.Name(), ".sst") {
			if info.Size() > size {
				largest, size = filepath.Join(dir, e.Name()), info.Size()
			}
		}
	}
	body, err := os.ReadFile(largest)
	must(t, err)
	body[len(body)/2] ^= 4
	must(t, os.WriteFile(largest, body, 0o600))
}
