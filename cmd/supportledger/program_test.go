package main

import (
	"bufio"
	"bytes"
	"context"
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

	"github.com/supportledger/supportledger/internal/lacking"
	"github.com/supportledger/supportledger/internal/transcript"
)

// binaryPath is where the program is built.
func binaryPath() string {
	return filepath.Join(os.TempDir(), fmt.Sprint("supportledger-test-", os.Getpid()), "supportledger")
}

// binary is the program as people run it, built once for all tests that want it.
var binary = sync.OnceValues(func() (string, error) {
	return binaryPath(), goBuild(binaryPath(), ".")
})

// goBuild builds a command as make build does, whose compiled packages it shares.
func goBuild(to, command string) error {
	build := exec.Command("go", "build", "-trimpath", "-o", to, command)
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("build %s: %w\n%s", command, err, out)
	}
	return nil
}

func TestMain(m *testing.M) {
	code := m.Run()
	if err := os.RemoveAll(filepath.Dir(binaryPath())); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// A server is a ledger that answers, in this process or in another.
type server struct {
	t      testing.TB
	dir    string
	base   string
	said   string // before it was ready
	tokens map[string]string
	client *http.Client
	log    *transcript.Transcript
	stop   func() error // gracefully
	signal func()       // and go on; nil in this process
	kill   func()       // kill -9; nil in this process
}

func serveArgs(dir string, more []string) []string {
	return append([]string{"serve", "--data", dir, "--listen", "127.0.0.1:0", "--dev", "--grace", "5s"}, more...)
}

// serve runs a development ledger in this process until the test ends.
func serve(t testing.TB, dir string, more ...string) *server {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	out, w := io.Pipe()
	s := &server{t: t, dir: dir, log: new(transcript.Transcript)}
	ended := make(chan int, 1)
	go func() { ended <- run(ctx, serveArgs(dir, more), w, s.log); w.Close() }()
	s.stop = sync.OnceValue(func() error {
		s.client.CloseIdleConnections()
		cancel()
		if code := <-ended; code != 0 {
			return fmt.Errorf("serve exited with %d:\n%s", code, s.log)
		}
		return nil
	})
	s.ready(out)
	t.Cleanup(func() { _ = s.stop() })
	return s
}

// launch runs the built program.
func launch(t testing.TB, dir string, more ...string) *server {
	t.Helper()
	path, err := binary()
	must(t, err)
	s := &server{t: t, dir: dir, log: new(transcript.Transcript)}
	cmd := exec.Command(path, serveArgs(dir, more)...)
	cmd.Stderr = s.log
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	wait := sync.OnceValue(cmd.Wait)
	s.stop = sync.OnceValue(func() error {
		s.client.CloseIdleConnections()
		s.signal()
		if err := wait(); err != nil {
			return fmt.Errorf("serve: %w:\n%s", err, s.log)
		}
		return nil
	})
	s.signal = func() { _ = cmd.Process.Signal(syscall.SIGTERM) }
	s.kill = func() { _ = cmd.Process.Kill(); _ = wait() }
	s.ready(out)
	t.Cleanup(s.kill)
	return s
}

// ready waits for the line that says where the server listens.
func (s *server) ready(out io.Reader) {
	s.t.Helper()
	s.client = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}, Timeout: 30 * time.Second}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		base, ok := strings.CutPrefix(lines.Text(), "listening on ")
		if !ok {
			s.said += lines.Text() + "\n"
			continue
		}
		s.base = base
		go func() { _, _ = io.Copy(io.Discard, out) }()
		body, err := os.ReadFile(filepath.Join(s.dir, "dev-tokens.json"))
		must(s.t, err)
		must(s.t, json.Unmarshal(body, &s.tokens))
		return
	}
	s.t.Fatalf("the server never said where it listens:\n%s", s.log)
}

// A reply is an answer as it came.
type reply struct {
	status int
	header http.Header
	body   []byte
}

// send sends a request under an Idempotency-Key ("" for none); the error says
// that no answer came.
func (s *server) send(as, method, path, key string, body any) (reply, error) {
	text, err := json.Marshal(body)
	if err != nil {
		return reply{}, err
	}
	r, err := http.NewRequest(method, s.base+path, bytes.NewReader(text))
	if err != nil {
		return reply{}, err
	}
	r.Header.Set("Authorization", "Bearer "+s.tokens[as])
	r.Header.Set("Content-Type", "application/json")
	if key != "" {
		r.Header.Set("Idempotency-Key", key)
	}
	answer, err := s.client.Do(r)
	if err != nil {
		return reply{}, err
	}
	defer answer.Body.Close()
	got, err := io.ReadAll(answer.Body)
	return reply{answer.StatusCode, answer.Header, got}, err
}

// do sends a request that must be answered with a status, and reads the answer.
func (s *server) do(as, method, path string, body any, status int, answer any) {
	s.t.Helper()
	got, err := s.send(as, method, path, fmt.Sprint(time.Now().UnixNano(), path), body)
	must(s.t, err)
	if got.status != status {
		s.t.Fatalf("%s %s: %d, want %d: %s", method, path, got.status, status, got.body)
	}
	if answer != nil {
		must(s.t, json.Unmarshal(got.body, answer))
	}
}

func (s *server) post(as, path string, body, answer any, status int) {
	s.t.Helper()
	s.do(as, http.MethodPost, path, body, status, answer)
}

func (s *server) get(as, path string, answer any) {
	s.t.Helper()
	s.do(as, http.MethodGet, path, nil, http.StatusOK, answer)
}

// linked registers a contract of n incidents that ani has linked.
func (s *server) linked(n int) pack {
	s.t.Helper()
	var p pack
	s.post("operator", "/v1/contracts", fields{
		"programme": "maps", "country": "ID", "time_zone": "Asia/Jakarta",
		"primary_contact": fields{"name": "Citra", "email": "citra@example.com"},
	}, &p, http.StatusCreated)
	s.post("operator", "/v1/contracts/"+p.ID+"/activate", fields{"reason": "asked"}, nil, http.StatusOK)
	if n != 10 {
		s.post("operator", "/v1/contracts/"+p.ID+"/adjustments", fields{"grant": "g1", "quantity": n - 10, "reason": "as agreed"}, nil, http.StatusOK)
	}
	s.post("customer-ani", "/v1/links", fields{"access_id": p.AccessID, "contract_id": p.ContractID, "portal": "mpn"}, nil, http.StatusCreated)
	return p
}

// request is the body of a submission.
func request(contract, title string) fields {
	return fields{
		"portal": "mpn", "product": demoProduct.id, "problem_type": demoProduct.problemType, "category": demoProduct.category,
		"payment": fields{"contract": contract}, "contact": fields{"name": "Ani", "email": "ani@example.com"},
		"severity": "B", "title": title, "description": "It stopped.", "agreement": fields{"version": "2015-07", "accepted": true},
	}
}

// An event is a history item.
type event struct {
	Type string         `json:"type"`
	Data map[string]any `json:"data"`
}

// history is all of a contract's events, page by page.
func (s *server) history(contract string) (all []event) {
	s.t.Helper()
	for cursor := ""; ; {
		var page struct {
			Items []event `json:"items"`
			Next  string  `json:"next"`
		}
		s.get("auditor", "/v1/contracts/"+contract+"/history?limit=1000&cursor="+cursor, &page)
		all = append(all, page.Items...)
		if cursor = page.Next; cursor == "" {
			return all
		}
	}
}

// command runs a command in this process.
func command(args ...string) (code int, stdout, stderr string) {
	var out, errs bytes.Buffer
	code = run(context.Background(), args, &out, &errs)
	return code, out.String(), errs.String()
}

// succeed runs a command that must succeed.
func succeed(t testing.TB, args ...string) string {
	t.Helper()
	code, out, errs := command(args...)
	if code != 0 {
		t.Fatalf("%s exited with %d:\n%s%s", strings.Join(args, " "), code, out, errs)
	}
	return out
}

// fail runs a command that must fail with a sentence that holds some words.
func fail(t testing.TB, code int, words []string, args ...string) {
	t.Helper()
	got, out, errs := command(args...)
	if got != code {
		t.Errorf("%s exited with %d, want %d:\n%s%s", strings.Join(args, " "), got, code, out, errs)
	}
	for _, w := range words {
		if !strings.Contains(out+errs, w) {
			t.Errorf("%s does not say %q:\n%s%s", strings.Join(args, " "), w, out, errs)
		}
	}
}

// long says whether to take the time for many rounds.
func long() bool { return os.Getenv("SUPPORTLEDGER_LONG") != "" }

// needs skips a test whose tool is missing, and fails where skipping is not
// allowed.
func needs(t testing.TB, tool string) {
	t.Helper()
	if _, err := exec.LookPath(tool); err != nil {
		lacking.Here(t, tool+" is missing: run make needs as root")
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func mustRead(t testing.TB, body []byte, v any) {
	t.Helper()
	if err := json.Unmarshal(body, v); err != nil {
		t.Fatalf("read %s: %v", body, err)
	}
}
