package postoffice_test

import (
	"io"
	"log"
	"net"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/emersion/go-smtp"

	"github.com/supportledger/supportledger/notifications/mail"
)

// A post is a real SMTP server that does as its script says, and notes what it
// took.
type post struct {
	address string
	script  func(to string, try int) error // by the address and the number of its tries; nil takes
	quit    chan struct{}                  // closed when the test ends

	mu      sync.Mutex
	tries   map[string]int
	arrived []arrival
}

// What a script may answer beside SMTP errors.
type special string

func (s special) Error() string { return string(s) }

const (
	stall special = "stall"           // nothing is answered any more
	drop  special = "drop after DATA" // the letter is taken and the line dropped
)

// An arrival is a letter that the server took.
type arrival struct{ to, id, content string }

func newPost(t *testing.T, script func(to string, try int) error) *post {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	p := &post{address: listener.Addr().String(), script: script, quit: make(chan struct{}), tries: map[string]int{}}
	server := smtp.NewServer(p)
	server.Domain, server.ErrorLog = "post.example", log.New(io.Discard, "", 0) // dropped lines are what the tests are about
	var running sync.WaitGroup
	running.Go(func() { _ = server.Serve(listener) })
	t.Cleanup(func() { close(p.quit); server.Close(); running.Wait() })
	return p
}

// config is what sends to the server.
func (p *post) config() mail.Config {
	return mail.Config{From: "Support <support@example.com>", SMTP: "smtp://" + p.address, SMTPPlain: true, SMTPPlainIDs: true}
}

// letters are those that arrived so far.
func (p *post) letters() []arrival {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]arrival(nil), p.arrived...)
}

// tried is how often somebody's letters were tried.
func (p *post) tried(to string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.tries[to]
}

// NewSession implements smtp.Backend.
func (p *post) NewSession(c *smtp.Conn) (smtp.Session, error) { return &session{post: p, conn: c}, nil }

// A session is one client's conversation.
type session struct {
	post *post
	conn *smtp.Conn
	to   string
	end  error // what the script says after the letter
}

// Mail implements smtp.Session.
func (s *session) Mail(string, *smtp.MailOptions) error { return nil }

// Rcpt implements smtp.Session.
func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.post.mu.Lock()
	s.post.tries[to]++
	try := s.post.tries[to]
	s.post.mu.Unlock()
	s.to, s.end = to, nil
	if s.post.script != nil {
		s.end = s.post.script(to, try)
	}
	if refusal, ok := s.end.(*smtp.SMTPError); ok && strings.HasPrefix(refusal.Message, "rcpt") {
		return refusal
	}
	return nil
}

// Data implements smtp.Session.
func (s *session) Data(r io.Reader) error {
	content, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	switch s.end {
	case nil, drop:
		s.post.mu.Lock()
		s.post.arrived = append(s.post.arrived, arrival{s.to, messageID(string(content)), string(content)})
		s.post.mu.Unlock()
		if s.end == drop {
			return s.conn.Conn().Close()
		}
		return nil
	case stall:
		<-s.post.quit
	}
	return s.end
}

func messageID(content string) string {
	return regexp.MustCompile(`(?m)^Message-ID: (<[^>]+>)\r?$`).FindStringSubmatch(content)[1]
}

// Reset implements smtp.Session.
func (s *session) Reset() {}

// Logout implements smtp.Session.
func (s *session) Logout() error { return nil }

// reply is an SMTP answer; to the recipient where its words begin so.
func reply(code int, words string) error {
	return &smtp.SMTPError{Code: code, EnhancedCode: smtp.EnhancedCode{code / 100, 1, 1}, Message: words}
}
