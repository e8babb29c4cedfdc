package main

import (
	"encoding/json"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestDevIsRefusedWhereOthersCanReachIt(t *testing.T) {
	for _, address := range []string{"0.0.0.0:0", ":0", "[::]:0", "192.0.2.1:80", "example.com:80"} {
		fail(t, exitUsage, []string{"--dev", "127.0.0.1", "--keys"}, "serve", "--data", t.TempDir(), "--listen", address, "--dev")
	}
}

func TestServeRefusesNonsense(t *testing.T) {
	dir := t.TempDir()
	fail(t, exitUsage, []string{"--keys", "keys create"}, "serve", "--data", dir, "--listen", "127.0.0.1:0")
	fail(t, exitFailed, []string{"no such file"}, "serve", "--data", dir, "--listen", "127.0.0.1:0", "--keys", filepath.Join(dir, "none"))
	fail(t, exitUsage, []string{"--grace"}, "serve", "--data", dir, "--dev", "--grace", "soon")
	fail(t, exitUsage, []string{"--drain", "20s"}, "serve", "--data", dir, "--dev", "--drain=-1s")
	fail(t, exitUsage, []string{"--test-clock"}, "serve", "--data", dir, "--dev", "--test-clock", "tomorrow")
	fail(t, exitUsage, []string{"--memory", "768MiB"}, "serve", "--data", dir, "--dev", "--memory", "lots")
	fail(t, exitUsage, []string{"--rate"}, "serve", "--data", dir, "--dev", "--rate", "-1")
	fail(t, exitUsage, []string{"--rate"}, "serve", "--data", dir, "--dev", "--rate", "NaN")
	fail(t, exitUsage, []string{"--event-streams"}, "serve", "--data", dir, "--dev", "--event-streams", "0")
	fail(t, exitUsage, []string{"--trusted-proxy", "10.0.0.0/8"}, "serve", "--data", dir, "--dev", "--trusted-proxy", "proxy.example.com")
	fail(t, exitUsage, []string{"--threads"}, "serve", "--data", dir, "--dev", "--threads=-1")
	fail(t, exitUsage, []string{"--log"}, "serve", "--data", dir, "--dev", "--log", "xml")
	fail(t, exitFailed, []string{"--listen"}, "serve", "--data", dir, "--dev", "--listen", "127.0.0.1:99999")
	fail(t, exitFailed, []string{"nowhere.yaml"}, "serve", "--data", dir, "--dev", "--listen", "127.0.0.1:0", "--catalog", "nowhere.yaml")
	fail(t, exitUsage, []string{"unexpected argument"}, "fly")
	fail(t, exitUsage, []string{"--data"}, "serve")
	fail(t, 0, []string{"serve", "verify", "restore"})
	fail(t, 0, []string{"--listen", "--test-clock", "SUPPORTLEDGER_LISTEN"}, "serve", "--help")
}

// An address that is taken is named with its flag, before anything else is done.
func TestAddressesAreTakenBeforeAnythingElse(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer taken.Close()
	dir := filepath.Join(t.TempDir(), "new")
	for flag, other := range map[string]string{"--listen": "--metrics-listen", "--metrics-listen": "--listen"} {
		code, out, errs := command("serve", "--data", dir, "--dev", flag, taken.Addr().String(), other, "127.0.0.1:0")
		if code != exitFailed || out != "" || !strings.Contains(errs, flag+": ") || !strings.Contains(errs, taken.Addr().String()) {
			t.Errorf("%s exited with %d, and said %q and %q", flag, code, out, errs)
		}
		if exists(dir) {
			t.Errorf("%s is taken, and yet a ledger was made", flag)
		}
	}
	code, out, errs := command("serve", "--data", dir, "--dev", "--listen", "127.0.0.1:0", "--metrics-listen", "127.0.0.1:0", "--nats-listen", taken.Addr().String())
	if code != exitFailed || out != "" || !strings.Contains(errs, "--nats-listen: ") {
		t.Errorf("--nats-listen exited with %d, and said %q and %q", code, out, errs)
	}
}

// Where something goes wrong before it serves, nobody has been told where.
func TestNothingIsServedBeforeAllOfItIsReady(t *testing.T) {
	dir := t.TempDir()
	must(t, os.MkdirAll(filepath.Join(dir, "dev-tokens.json", "in the way"), 0o700))
	code, out, errs := command("serve", "--data", dir, "--dev", "--listen", "127.0.0.1:0", "--metrics-listen", "127.0.0.1:0", "--nats-listen", "127.0.0.1:0")
	if code != exitFailed || strings.Contains(out, "http://") || !strings.Contains(errs, "dev-tokens.json") {
		t.Errorf("exited with %d, and said %q and %q", code, out, errs)
	}
}

func TestDevTokensKeepOverRestarts(t *testing.T) {
	dir := t.TempDir()
	s := serve(t, dir)
	before, err := os.ReadFile(filepath.Join(dir, "dev-tokens.json"))
	must(t, err)
	for _, name := range []string{"operator", "engineer", "auditor", "service", "admin", "customer-ani", "customer-budi", "customer-citra"} {
		if s.tokens[name] == "" {
			t.Errorf("there is no token for %s", name)
		}
	}
	p := s.linked(3)
	must(t, s.stop())
	s = serve(t, dir)
	after, err := os.ReadFile(filepath.Join(dir, "dev-tokens.json"))
	must(t, err)
	if string(before) != string(after) {
		t.Errorf("the tokens were\n%s\nand are\n%s", before, after)
	}
	s.post("customer-ani", "/v1/incidents", request(p.ID, "still linked"), nil, http.StatusCreated)
}

// What lies in the folder is the owner's alone.
func TestR3_NobodyElseReadsTheFolder(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new")
	s := serve(t, dir)
	s.linked(1)
	for _, secret := range []string{"", "keys.json", "people", "token-key.pem", "dev-tokens.json", "control.sock"} {
		info, err := os.Lstat(filepath.Join(dir, secret))
		must(t, err)
		if mode := info.Mode().Perm(); mode&0o077 != 0 {
			t.Errorf("%s has mode %v", secret, mode)
		}
	}
	path, err := binary()
	must(t, err)
	if info, err := os.Stat(path); err != nil || info.Size() == 0 {
		t.Fatal(err)
	}
}

// R46: two processes never have one folder open.
func TestR46_ASecondProcessIsRefused(t *testing.T) {
	dir := t.TempDir()
	launch(t, dir)
	fail(t, exitFailed, []string{"in use"}, "serve", "--data", dir, "--dev", "--listen", "127.0.0.1:0")
}

func TestTheKeysMustFit(t *testing.T) {
	dir := t.TempDir()
	s := serve(t, dir)
	s.linked(1)
	must(t, s.stop())
	other := filepath.Join(t.TempDir(), "keys.json")
	succeed(t, "keys", "create", other)
	fail(t, exitFailed, []string{"naming key", "does not fit"}, "serve", "--data", dir, "--listen", "127.0.0.1:0", "--keys", other)
	fail(t, exitFailed, []string{"naming key"}, "verify", "--data", dir, "--keys", other)
	own := filepath.Join(dir, "keys.json")
	must(t, os.Rename(own, own+".away"))
	fail(t, exitFailed, []string{"keys.json is missing"}, "serve", "--data", dir, "--listen", "127.0.0.1:0", "--dev")
	succeed(t, "keys", "rotate", own+".away")
	s = serve(t, dir, "--keys", own+".away")
	s.linked(1)
	must(t, s.stop())
	succeed(t, "verify", "--data", dir, "--keys", own+".away")
	must(t, os.Remove(filepath.Join(dir, "people")))
	fail(t, exitFailed, []string{"people", "--forget-people"}, "serve", "--data", dir, "--listen", "127.0.0.1:0", "--keys", own+".away")
	must(t, serve(t, dir, "--keys", own+".away", "--forget-people").stop())
}

func TestKeysAreNeverReplaced(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys.json")
	if out := succeed(t, "keys", "create", path); strings.Count(out, "naming") != 1 {
		t.Errorf("said %q", out)
	}
	fail(t, exitFailed, []string{"already"}, "keys", "create", path)
	info, err := os.Stat(path)
	must(t, err)
	if info.Mode().Perm() != fs.FileMode(0o600) {
		t.Errorf("the keys have mode %v", info.Mode())
	}
}

func TestTheTestClockStandsUntilItIsSet(t *testing.T) {
	dir := t.TempDir()
	now := time.Date(2030, 1, 31, 12, 0, 0, 0, time.UTC)
	s := serve(t, dir, "--test-clock", now.Format(time.RFC3339), "--no-mails") // that a letter was sent is recorded, too
	p := s.linked(10)
	later := now.AddDate(1, 0, 1)
	s.post("admin", "/v1/test-clock", fields{"now": later}, nil, http.StatusOK)
	var c struct{ Status string }
	s.get("operator", "/v1/contracts/"+p.ID, &c)
	if c.Status != "expired" {
		t.Errorf("after its term the contract is %s", c.Status)
	}
	events := s.history(p.ID)
	if last := events[len(events)-1].Type; last != "grant.lapsed.v1" {
		t.Errorf("R5: the last event is %s", last)
	}
	s.post("admin", "/v1/test-clock", fields{"now": now}, nil, http.StatusUnprocessableEntity)
	must(t, s.stop())
	s = serve(t, dir, "--test-clock", now.Format(time.RFC3339)) // the last record's time is later
	var ready struct{ Now time.Time }
	s.get("operator", "/readyz", &ready)
	if last := time.Date(2031, 1, 30, 17, 0, 0, 0, time.UTC); !ready.Now.Equal(last) { // the term's end in Jakarta
		t.Errorf("the clock stands at %s, want the last record's %s", ready.Now, last)
	}
	must(t, s.stop())
	s = serve(t, dir)
	got, err := s.send("admin", http.MethodPost, "/v1/test-clock", "k", fields{"now": later})
	must(t, err)
	if got.status != http.StatusNotFound {
		t.Errorf("without a test clock it was answered with %d", got.status)
	}
}

func TestTokenCreate(t *testing.T) {
	dir := t.TempDir()
	s := serve(t, dir)
	s.tokens["made"] = strings.TrimSpace(succeed(t, "token", "create", "--data", dir, "--subject", "dewi", "--role", "customer", "--sign-in", "mpn"))
	var me map[string]any
	s.get("made", "/v1/me", &me)
	fail(t, exitUsage, []string{"--role"}, "token", "create", "--data", dir, "--subject", "x", "--role", "king")
	fail(t, exitUsage, []string{"--expires"}, "token", "create", "--data", dir, "--subject", "x", "--role", "admin", "--expires", "soon")
	fail(t, exitUsage, []string{"--right"}, "token", "create", "--data", dir, "--subject", "x", "--role", "customer", "--right", "azure")
	fail(t, exitUsage, []string{"--scope"}, "token", "create", "--data", dir, "--subject", "x", "--role", "service", "--scope", "everything")
}

func TestTokenCreateMakesNoLedger(t *testing.T) {
	fresh, never := t.TempDir(), filepath.Join(t.TempDir(), "nowhere")
	for _, dir := range []string{fresh, never} {
		fail(t, exitFailed, []string{dir, "no ledger", "serve"}, "token", "create", "--data", dir, "--subject", "x", "--role", "admin")
	}
	if exists(never) || len(filesOf(t, fresh)) > 0 {
		t.Error("something was made there")
	}
	must(t, serve(t, fresh).stop())
	succeed(t, "token", "create", "--data", fresh, "--subject", "x", "--role", "admin")
}

func TestMetricsMayHaveAListenerOfTheirOwn(t *testing.T) {
	s := serve(t, t.TempDir(), "--metrics-listen", "127.0.0.1:0")
	s.linked(1)
	address, ok := strings.CutPrefix(strings.TrimSpace(s.said), "metrics on ")
	if !ok {
		t.Fatalf("said %q", s.said)
	}
	got, err := s.send("", http.MethodGet, "/metrics", "", nil)
	must(t, err)
	if got.status != http.StatusNotFound {
		t.Errorf("beside the API they are still served: %d", got.status)
	}
	s.base = strings.TrimSuffix(address, "/metrics")
	got, err = s.send("", http.MethodGet, "/metrics", "", nil)
	must(t, err)
	for _, name := range []string{"supportledger_store_appends_total", "go_goroutines", "process_resident_memory_bytes"} {
		if !strings.Contains(string(got.body), name) {
			t.Errorf("the metrics lack %s", name)
		}
	}
}

func TestLogIsJSONIfAskedFor(t *testing.T) {
	s := serve(t, t.TempDir(), "--log", "json")
	s.linked(1)
	must(t, s.stop())
	for line := range strings.Lines(s.log.String()) {
		if !json.Valid([]byte(line)) {
			t.Errorf("no JSON: %s", line)
		}
	}
}

func TestIssuersFile(t *testing.T) {
	write := func(text string) string {
		path := filepath.Join(t.TempDir(), "issuers.json")
		must(t, os.WriteFile(path, []byte(text), 0o600))
		return path
	}
	got, err := readIssuers(write(`{"issuers": [{"issuer": "https://login.example.com", "audience": "us", "roles": ["customer"], "portals": ["*"]}]}`))
	must(t, err)
	if len(got) != 1 || got[0].Issuer != "https://login.example.com" || got[0].Audience != "us" || got[0].Policy.Roles[0] != "customer" || got[0].Policy.Portals[0] != "*" {
		t.Errorf("read %+v", got)
	}
	for text, words := range map[string]string{
		"{\n\"issuers\": [\n{\"isuer\": \"x\"}]}": "isuer",
		"{\n\n\"issuers\": [}":                    "line 3",
		`{"issuers": []} {}`:                      "after the end",
	} {
		if _, err := readIssuers(write(text)); err == nil || !strings.Contains(err.Error(), words) {
			t.Errorf("%q was read with %v, want %q", text, err, words)
		}
	}
	fail(t, exitFailed, []string{"issuers"}, "serve", "--data", t.TempDir(), "--dev", "--listen", "127.0.0.1:0", "--issuers", "/nowhere")
	dir := filepath.Join(t.TempDir(), "new")
	for text, words := range map[string][]string{
		`{"issuers": []}`: {"lists none"},
		`{"issuers": [{"issuer": "login.example.com", "audience": "us"}]}`:                                {"login.example.com", "not a URL"},
		`{"issuers": [{"issuer": "http://login.example.com", "audience": "us"}]}`:                         {"http://login.example.com", "TLS"},
		`{"issuers": [{"issuer": "https://a", "audience": "us", "roles": ["customer", "king"]}]}`:         {"roles", "king", "engineer"},
		`{"issuers": [{"issuer": "https://a", "audience": "us", "portals": ["*", "nowhere"]}]}`:           {"portals", "nowhere", "mpn"},
		`{"issuers": [{"issuer": "https://a", "audience": "us", "rights": ["write", "administration"]}]}`: {"rights", "administration", "delegated-administration"},
		`{"issuers": [{"issuer": "https://a", "audience": "us", "scopes": ["all"]}]}`:                     {"scopes", "all", "personal"},
	} {
		fail(t, exitFailed, words, "serve", "--data", dir, "--dev", "--listen", "127.0.0.1:0", "--issuers", write(text))
	}
	if exists(dir) {
		t.Error("a ledger was made all the same")
	}
}

func TestR45_ProgressIsTold(t *testing.T) {
	var out strings.Builder
	now := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	progress := lineProgress(&out, func() time.Time { return now })
	progress("log", 1, 10)
	for done := range int64(3) {
		now = now.Add(quiet)
		progress("log", done, 10)
		progress("log", done, 10)
	}
	if got := out.String(); got != "log: 0 of 10 (0 %)\nlog: 1 of 10 (10 %)\nlog: 2 of 10 (20 %)\n" {
		t.Errorf("told %q", got)
	}
}
