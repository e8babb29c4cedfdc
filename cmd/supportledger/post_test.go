package main

import (
	"errors"
	"io"
	"io/fs"
	"log"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/emersion/go-smtp"
)

// letters are the letters in the folder, by id.
func (s *server) letters() map[string]string {
	s.t.Helper()
	paths, err := filepath.Glob(filepath.Join(s.dir, "mail", "*.eml"))
	must(s.t, err)
	all := map[string]string{}
	for _, path := range paths {
		body, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue // since its recipient was forgotten
		}
		must(s.t, err)
		all[strings.TrimSuffix(filepath.Base(path), ".eml")] = string(body)
	}
	return all
}

// R17, R29, R40: mails go out by themselves, into the folder where no server is
// named.
func TestR40_MailsLieInTheFolder(t *testing.T) {
	s := serve(t, t.TempDir())
	p := s.linked(10)
	var in incident
	s.post("customer-ani", "/v1/incidents", request(p.ID, "It stopped"), &in, http.StatusCreated)
	s.post("engineer", "/v1/incidents/"+in.Number+"/close", fields{"closure": "resolved", "resolution": "Start it."}, nil, http.StatusOK)
	s.until("four letters", func() bool { return len(s.letters()) == 4 })
	var all strings.Builder
	for _, letter := range s.letters() {
		all.WriteString(letter)
	}
	for _, words := range []string{p.ContractID, in.Number, "Citra", "9 incidents"} {
		if !strings.Contains(all.String(), words) {
			t.Errorf("no letter says %q:\n%s", words, all.String())
		}
	}
	s.until("the records", func() bool { return strings.Count(succeed(t, "mails", "list", "--data", s.dir), " sent ") == 4 })
	must(t, s.stop())
	if said := succeed(t, "verify", "--data", s.dir); !strings.Contains(said, "verify: ok") {
		t.Error(said)
	}
}

// A refuser is an SMTP server that refuses every recipient until it is told not
// to.
type refuser struct {
	address string
	takes   atomic.Bool
	taken   atomic.Int64
}

func newRefuser(t *testing.T) *refuser {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	r := &refuser{address: listener.Addr().String()}
	server := smtp.NewServer(r)
	server.ErrorLog = log.New(io.Discard, "", 0)
	var running sync.WaitGroup
	running.Go(func() { _ = server.Serve(listener) })
	t.Cleanup(func() { server.Close(); running.Wait() })
	return r
}

// NewSession implements smtp.Backend.
func (r *refuser) NewSession(*smtp.Conn) (smtp.Session, error) { return refuserSession{r}, nil }

type refuserSession struct{ *refuser }

// Mail, Reset and Logout implement smtp.Session.
func (refuserSession) Mail(string, *smtp.MailOptions) error { return nil }
func (refuserSession) Reset()                               {}
func (refuserSession) Logout() error                        { return nil }

// Rcpt implements smtp.Session.
func (s refuserSession) Rcpt(to string, _ *smtp.RcptOptions) error {
	if s.takes.Load() {
		return nil
	}
	return &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "<" + to + "> is unknown"}
}

// Data implements smtp.Session.
func (s refuserSession) Data(r io.Reader) error {
	_, err := io.Copy(io.Discard, r)
	s.taken.Add(1)
	return err
}

// R39: what a server refuses for good stands in the list, and is sent again when
// somebody asks for it.
func TestR39_WhatWasGivenUpIsSentAgainWhenAsked(t *testing.T) {
	server := newRefuser(t)
	s := serve(t, t.TempDir(), "--mail-from", "Support <support@example.com>", "--smtp", "smtp://"+server.address, "--smtp-plain", "--smtp-plain-ids")
	p := s.linked(10)
	s.post("customer-ani", "/v1/incidents", request(p.ID, "It stopped"), nil, http.StatusCreated)
	var list struct {
		Items []struct{ ID, Status, Reason string }
	}
	s.until("three refusals", func() bool { s.get("operator", "/v1/mails?status=given-up", &list); return len(list.Items) == 3 })
	server.takes.Store(true)
	for _, given := range list.Items {
		if given.Reason != "refused" {
			t.Errorf("given up for the reason %q", given.Reason)
		}
		s.post("operator", "/v1/mails/"+given.ID+"/resend", fields{"reason": "mended"}, nil, http.StatusOK)
	}
	s.until("three letters", func() bool { s.get("operator", "/v1/mails?status=sent", &list); return len(list.Items) == 3 })
	if n := server.taken.Load(); n != 3 {
		t.Errorf("%d letters arrived", n)
	}
	if said := s.log.String(); strings.Contains(said, "@example.com") || strings.Contains(said, p.ContractID) {
		t.Errorf("the log names addresses or IDs:\n%s", said)
	}
	must(t, s.stop())
	if said := succeed(t, "verify", "--data", s.dir); !strings.Contains(said, "verify: ok") {
		t.Error(said)
	}
}

// R5, R39: with a test clock, too, the end of a contract is told in time; what
// happened while mails were off is told once they are on again.
func TestR39_MailsFollowTheTestClock(t *testing.T) {
	dir := t.TempDir()
	s := serve(t, dir, "--test-clock", "2026-03-02T09:00:00Z")
	p := s.linked(10)
	s.until("the first letters", func() bool { return len(s.letters()) == 2 })
	must(t, s.stop())
	s = serve(t, dir, "--no-mails", "--test-clock", "2026-03-03T09:00:00Z")
	s.post("customer-ani", "/v1/incidents", request(p.ID, "It stopped"), nil, http.StatusCreated)
	must(t, s.stop())
	s = serve(t, dir, "--test-clock", "2026-03-04T09:00:00Z")
	s.until("the third", func() bool { return len(s.letters()) == 3 })
	for n, now := range []string{"2027-01-31T12:00:00Z", "2027-02-25T12:00:00Z", "2027-03-05T12:00:00Z"} {
		s.post("admin", "/v1/test-clock", fields{"now": now}, nil, http.StatusOK)
		s.until("another", func() bool { return len(s.letters()) == 4+n })
	}
	must(t, s.stop())
}

// The demo's story begins in a folder that has none yet.
func TestTheDemoLeavesALedgerAlone(t *testing.T) {
	dir := t.TempDir()
	must(t, serve(t, dir).stop())
	fail(t, exitUsage, []string{dir, "holds a ledger already", "--data"}, "demo", "--data", dir)
}

func TestFlagsOfMailsThatDoNotGoTogether(t *testing.T) {
	for _, c := range []struct {
		words []string
		args  []string
	}{
		{[]string{"--no-mails", "--smtp"}, []string{"--no-mails", "--smtp", "smtp://mail.example.com", "--mail-from", "a@example.com"}},
		{[]string{"--no-feed", "--mail-from"}, []string{"--no-feed", "--mail-from", "a@example.com"}},
	} {
		fail(t, exitUsage, c.words, append([]string{"serve", "--dev", "--data", t.TempDir(), "--listen", "127.0.0.1:0"}, c.args...)...)
	}
	for _, c := range []struct {
		words []string
		args  []string
	}{
		{[]string{"--mail-from is missing"}, []string{"--smtp", "smtp://mail.example.com"}},
		{[]string{"--smtp-plain", "without --smtp"}, []string{"--smtp-plain"}},
		{[]string{"--mail-templates"}, []string{"--mail-templates", t.TempDir() + "/none"}},
	} {
		fail(t, exitFailed, c.words, append([]string{"serve", "--dev", "--data", t.TempDir(), "--listen", "127.0.0.1:0"}, c.args...)...)
	}
}

func TestTheDemoShowsWhatOthersWereTold(t *testing.T) {
	said := succeed(t, "demo")
	for _, words := range []string{"Message-ID: <", "Sisa insiden:", "ledger.events.incident.credited-back.", "in the fourth week both come to life", "a second later: expired", "credited back: 20 left", "verify: ok"} {
		if !strings.Contains(said, words) {
			t.Errorf("the demo does not show %q:\n%s", words, said)
		}
	}
}
