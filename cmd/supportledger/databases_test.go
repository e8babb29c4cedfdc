package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/supportledger/supportledger/internal/pgserver"
)

const databasePassword = "hunter2hunter2"

// urlOf is a server's URL with a password, which it does not ask for.
func urlOf(p *pgserver.Server) string {
	return fmt.Sprintf("postgres://%s:%s@127.0.0.1:%d/postgres?sslmode=disable", pgserver.User, databasePassword, p.Port)
}

// A ledger whose read models and keys of people lie in PostgreSQL does everything
// that it does with its folder alone, and so do the commands on it, running or not;
// the passwords are told nowhere.
func TestReadModelsAndPeopleInPostgreSQL(t *testing.T) {
	rows, people := pgserver.Start(t, ""), pgserver.Start(t, "")
	dir := t.TempDir()
	flags := []string{"--read-models", urlOf(rows), "--people", urlOf(people)}
	s := serve(t, dir, append(flags, "--no-feed", "--log-level", "debug")...)
	c := s.linked(20)
	var in struct {
		Number string `json:"number"`
	}
	s.post("customer-ani", "/v1/incidents", request(c.ID, "It stopped"), &in, http.StatusCreated)
	if n := s.listed(t, "customer-ani", "/v1/me/activity"); n != 1 {
		t.Errorf("%d incidents are listed", n)
	}
	told := s.metrics(t)
	commands := [][]string{
		{"verify"}, {"projections", "list"}, {"projections", "rebuild", "desk"}, {"mails", "list"}, {"history", c.ID},
		{"verify", "--skip-read-models"},
	}
	for _, running := range []bool{true, false} {
		if !running {
			must(t, s.stop())
		}
		for _, args := range commands {
			if args[0] == "projections" && args[1] == "rebuild" {
				args = []string{"projections", "rebuild", "--data", dir, "desk"}
			} else {
				args = append(append([]string{}, args...), "--data", dir)
			}
			told += succeed(t, append(args, flags...)...)
		}
		to := filepath.Join(t.TempDir(), "copy")
		copied := succeed(t, append([]string{"backup", "--data", dir, "--to", to}, flags...)...)
		if !strings.Contains(copied, fmt.Sprintf("the database postgres://%s@127.0.0.1:%d/postgres", pgserver.User, people.Port)) {
			t.Errorf("backing up says %s", copied)
		}
		told += copied
	}
	if !strings.Contains(told, "Ani") && !strings.Contains(told, "incident.submitted") {
		t.Error("the history tells nothing")
	}
	if told += s.log.String(); strings.Contains(told, databasePassword) {
		t.Errorf("the password is told: %s", told)
	}
	if exists(filepath.Join(dir, "people")) {
		t.Error("there is a file people")
	}
	restored := filepath.Join(t.TempDir(), "restored")
	to := filepath.Join(t.TempDir(), "copy")
	succeed(t, append([]string{"backup", "--data", dir, "--to", to}, flags...)...)
	out := succeed(t, "restore", "--from", to, "--data", restored, "--people", urlOf(people))
	if !strings.Contains(out, "name it with --people") || strings.Contains(out, databasePassword) {
		t.Errorf("restoring says %s", out)
	}
}

func (s *server) metrics(t *testing.T) string {
	t.Helper()
	got, err := s.send("", http.MethodGet, "/metrics", "", nil)
	must(t, err)
	return string(got.body)
}

// listed is how many items a list has.
func (s *server) listed(t *testing.T, as, path string) int {
	t.Helper()
	var list struct {
		Items []json.RawMessage `json:"items"`
	}
	s.get(as, path, &list)
	return len(list.Items)
}

// While a database is down, what needs it is refused with 503 and a code, the rest
// goes on, and readiness tells so; it comes back by itself.
func TestR44_DatabasesThatAreDown(t *testing.T) {
	rows, people := pgserver.Start(t, ""), pgserver.Start(t, "")
	s := serve(t, t.TempDir(), "--read-models", urlOf(rows), "--people", urlOf(people), "--no-feed")
	c := s.linked(20)
	submit := func(title string) reply {
		got, err := s.send("customer-ani", http.MethodPost, "/v1/incidents", title, request(c.ID, title))
		must(t, err)
		return got
	}
	for round := range 3 {
		must(t, rows.Crash(t.Context()))
		s.becomes(t, "/readyz", "lists-unavailable")
		s.becomes(t, "/v1/me/activity", "lists-unavailable")
		if got := submit(fmt.Sprint("without lists ", round)); got.status != http.StatusCreated {
			t.Errorf("a submission without lists is answered with %d: %s", got.status, got.body)
		}
		must(t, rows.Start(t.Context()))
		s.becomes(t, "/readyz", "ready")
		if n := s.listed(t, "customer-ani", "/v1/me/activity"); n != 2*round+1 {
			t.Errorf("%d incidents are listed, want %d", n, 2*round+1)
		}

		must(t, people.Crash(t.Context()))
		s.becomes(t, "/readyz", "unavailable")
		if got := submit(fmt.Sprint("without people ", round)); got.status != http.StatusServiceUnavailable || !strings.Contains(string(got.body), `"unavailable"`) {
			t.Errorf("a submission without keys of people is answered with %d: %s", got.status, got.body)
		}
		must(t, people.Start(t.Context()))
		s.becomes(t, "/readyz", "ready")
		if got := submit(fmt.Sprint("without people ", round)); got.status != http.StatusCreated { // under the same key
			t.Errorf("a submission afterwards is answered with %d: %s", got.status, got.body)
		}
		s.becomes(t, "/readyz", "ready")
	}
	must(t, s.stop())
}

// becomes asks for something until the answer holds a word, as a status or a code.
func (s *server) becomes(t *testing.T, path, word string) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; <-time.After(10 * time.Millisecond) {
		got, err := s.send("customer-ani", http.MethodGet, path, "", nil)
		must(t, err)
		if strings.Contains(string(got.body), `"`+word+`"`) {
			if (word == "ready") != (got.status == http.StatusOK) {
				t.Errorf("%s is answered with %d: %s", path, got.status, got.body)
			}
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s is still answered with %s\n%s", path, got.body, s.log)
		}
	}
}

// Whatever is wrong with the URLs is said with the flag's name, without the URL.
func TestR44_DatabasesThatAreNone(t *testing.T) {
	p := pgserver.Start(t, "")
	dir := t.TempDir()
	for name, row := range map[string]struct {
		code  int
		words []string
		flags []string
	}{
		"no URL":           {exitUsage, []string{"--read-models"}, []string{"--read-models", "localhost:" + databasePassword}},
		"no port":          {exitUsage, []string{"--people", "port"}, []string{"--people", "postgres://a:" + databasePassword + "@db:x/y"}},
		"the same for two": {exitUsage, []string{"another one"}, []string{"--people", urlOf(p), "--read-models", urlOf(p) + "&search_path=" + url.QueryEscape("rows")}},
		"no such database": {exitFailed, []string{"nowhere"}, []string{"--read-models", strings.Replace(urlOf(p), "/postgres?", "/nowhere?", 1)}},
		"nobody there":     {exitFailed, []string{"cannot be reached"}, []string{"--people", "postgres://a:" + databasePassword + "@127.0.0.1:1/y"}},
	} {
		t.Run(name, func(t *testing.T) {
			args := append([]string{"serve", "--data", dir, "--dev", "--listen", "127.0.0.1:0", "--no-feed"}, row.flags...)
			fail(t, row.code, row.words, args...)
			if _, out, errs := command(args...); strings.Contains(out+errs, databasePassword) {
				t.Errorf("the password is told: %s%s", out, errs)
			}
		})
	}
	// An environment variable is as good as a flag.
	t.Setenv("SUPPORTLEDGER_READ_MODELS", "nonsense "+databasePassword)
	fail(t, exitUsage, []string{"--read-models"}, "verify", "--data", dir)
	if code, out, errs := command("verify", "--data", dir); code != exitUsage || strings.Contains(out+errs, databasePassword) {
		t.Errorf("%d: %s%s", code, out, errs)
	}
}

// Keys of people are never taken for erased because another database was named.
func TestR47_APeopleDatabaseThatIsMissing(t *testing.T) {
	p, empty := pgserver.Start(t, ""), pgserver.Start(t, "")
	dir := t.TempDir()
	s := serve(t, dir, "--people", urlOf(p), "--no-feed")
	s.linked(10)
	must(t, s.stop())
	args := []string{"serve", "--data", dir, "--dev", "--listen", "127.0.0.1:0", "--no-feed", "--people"}
	fail(t, exitFailed, []string{"no keys of people", "--forget-people"}, append(args, urlOf(empty))...)
	other := serve(t, t.TempDir(), "--people", urlOf(empty), "--no-feed")
	must(t, other.stop())
	fail(t, exitFailed, []string{"belong to the installation"}, append(args, urlOf(empty))...)
}

// A ledger whose keys of people lay in its folder goes on with a database, and what
// was sealed before opens.
func TestR47_PeopleAreMoved(t *testing.T) {
	p := pgserver.Start(t, "")
	dir := t.TempDir()
	s := serve(t, dir, "--no-feed")
	c := s.linked(20)
	s.post("customer-ani", "/v1/incidents", request(c.ID, "It stopped"), nil, http.StatusCreated)
	fail(t, exitFailed, []string{"in use"}, "people", "move", "--data", dir, "--people", urlOf(p))
	must(t, s.stop())
	for range 2 {
		out := succeed(t, "people", "move", "--data", dir, "--people", urlOf(p))
		if !strings.Contains(out, "2 keys are in the database") || strings.Contains(out, databasePassword) {
			t.Errorf("moving says %s", out)
		}
	}
	s = serve(t, dir, "--no-feed", "--people", urlOf(p))
	var all string
	for _, e := range s.history(c.ID) {
		all += fmt.Sprint(e.Data)
	}
	if !strings.Contains(all, "Citra") {
		t.Errorf("after moving, texts are %s", all)
	}
	if !strings.Contains(s.log.String(), "remove it when all its keys") {
		t.Errorf("the log does not tell of the file that is left: %s", s.log)
	}
}
