//go:build linux

// Package faults_test breaks the real program and its disk in every way that
// SPEC.md names (R41, R42), and holds it to what it has answered: what was
// acknowledged is there, once, and nothing that nobody asked for; what cannot be
// kept is refused, and what is damaged is reported.
//
// A ledger under load that is killed at random is in the folder above, and the
// store alone in eventstore/pebblestore.
package faults_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/supportledger/supportledger/internal/transcript"
)

// binary is the program as people run it, built once for all tests.
var binary = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "supportledger-faults-")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "supportledger")
	build := exec.Command("go", "build", "-trimpath", "-o", path, "..") // what make build has compiled
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build: %w\n%s", err, out)
	}
	return path, nil
})

func TestMain(m *testing.M) {
	if os.Getenv(gated) != "" {
		becomeGated()
	}
	code := m.Run()
	if path, err := binary(); err == nil {
		os.RemoveAll(filepath.Dir(path))
	}
	os.Exit(code)
}

// tooLong is more than anything here may take; a ledger that is not done by then
// hangs.
const tooLong = time.Minute

// A program is a ledger in a process of its own, and a client of it.
type program struct {
	t      testing.TB
	dir    string
	cmd    *exec.Cmd
	wait   func() error // for its end; may be called again
	base   string       // its address; "" if it ended before it was ready
	tokens map[string]string
	client *http.Client
	said   *transcript.Transcript // what it wrote to stderr
}

// serving is the command that serves a folder; a test may change it before start.
// No mails go out, which would record something after what a test compares.
func serving(t testing.TB, dir string) *exec.Cmd {
	t.Helper()
	cmd := servingMails(t, dir)
	cmd.Args = append(cmd.Args, "--no-mails")
	return cmd
}

// servingMails is the same with mails.
func servingMails(t testing.TB, dir string) *exec.Cmd {
	t.Helper()
	path, err := binary()
	must(t, err)
	return exec.Command(path, "serve", "--data", dir, "--listen", "127.0.0.1:0", "--dev", "--grace", "10s")
}

// start runs a command that serves a folder, and waits until it says where it
// listens or has ended.
func start(t testing.TB, dir string, cmd *exec.Cmd) *program {
	t.Helper()
	p := &program{t: t, dir: dir, cmd: cmd, said: new(transcript.Transcript), client: &http.Client{
		Transport: &http.Transport{MaxIdleConnsPerHost: callers}, Timeout: tooLong,
	}}
	cmd.Stderr = p.said
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	p.wait = sync.OnceValue(func() error {
		hangs := time.AfterFunc(tooLong, func() {
			t.Errorf("the ledger does not end:\n%s", p.said)
			_ = cmd.Process.Kill()
		})
		defer hangs.Stop()
		return cmd.Wait()
	})
	t.Cleanup(p.kill)
	for lines := bufio.NewScanner(out); p.base == "" && lines.Scan(); {
		if base, ok := strings.CutPrefix(lines.Text(), "listening on "); ok {
			p.base = base
		}
	}
	if p.base == "" {
		_ = p.wait()
		return p
	}
	go func() { _, _ = io.Copy(io.Discard, out) }()
	p.readTokens()
	return p
}

// launch starts a ledger that must get ready.
func launch(t testing.TB, dir string) *program {
	t.Helper()
	p := start(t, dir, serving(t, dir))
	if p.base == "" {
		t.Fatalf("the ledger does not start: %v\n%s", p.wait(), p.said)
	}
	p.until("/readyz", func() bool { return p.get("", "/readyz").status == http.StatusOK })
	return p
}

// readTokens reads what a development ledger wrote before it was ready.
func (p *program) readTokens() {
	p.t.Helper()
	body, err := os.ReadFile(filepath.Join(p.dir, "dev-tokens.json"))
	must(p.t, err)
	must(p.t, json.Unmarshal(body, &p.tokens))
}

// stopAnyhow asks it to end, however it does that.
func (p *program) stopAnyhow() {
	p.client.CloseIdleConnections()
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	_ = p.wait()
}

// kill ends it as kill -9 does.
func (p *program) kill() {
	_ = p.cmd.Process.Kill()
	_ = p.wait()
	p.client.CloseIdleConnections()
}

// stop ends it as operators do, which must be clean.
func (p *program) stop() {
	p.t.Helper()
	p.client.CloseIdleConnections()
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	if err := p.wait(); err != nil {
		p.t.Fatalf("stop: %v\n%s", err, p.said)
	}
}

// until asks again and again until something holds.
func (p *program) until(what string, holds func() bool) {
	p.t.Helper()
	for deadline := time.Now().Add(tooLong); !holds(); {
		if time.Now().After(deadline) {
			p.t.Fatalf("%s never came:\n%s", what, p.said)
		}
	}
}

// verify runs supportledger verify on a folder.
func verify(t testing.TB, dir string) (code int, said string) {
	t.Helper()
	path, err := binary()
	must(t, err)
	cmd := exec.Command(path, "verify", "--data", dir)
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil {
		t.Fatalf("run verify: %v", err)
	}
	return cmd.ProcessState.ExitCode(), string(out)
}

func mustVerify(t testing.TB, dir string) {
	t.Helper()
	if code, said := verify(t, dir); code != 0 || !strings.HasSuffix(said, "verify: ok\n") {
		t.Fatalf("verify exited with %d:\n%s", code, said)
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
