package mail_test

import (
	"crypto/tls"
	"io"
	"log"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

// A post is a real SMTP server that does as its script says, and notes what it
// took.
type post struct {
	host, port string
	script     script
	trust      *trust

	mu       sync.Mutex
	arrived  []arrival
	hellos   []string // of each session, by the name it greeted with
	signedIn []string
	started  []string // senders of transactions, finished or not
	cut      []error  // how reading a letter ended, where it did not end well
	left     chan struct{}
}

// A script says how the server answers. What is nil or empty is answered well.
type script struct {
	tls        bool // TLS from the first byte
	starttls   bool // STARTTLS is offered
	mechanisms []string
	utf8       bool

	mail, rcpt func(address string) error
	begin      func(io.Reader) // before a letter is read
	data       func(content string) error
	drop       func(content string) bool // the line is dropped in place of an answer
}

// An arrival is a letter that the server took.
type arrival struct {
	from, to, content string
	tls, utf8         bool
}

// A session is one client's conversation.
type session struct {
	post *post
	conn *smtp.Conn
	now  arrival
}

// open starts a server on the loopback.
func open(t *testing.T, s script) *post {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	p := &post{script: s, trust: authority(t), left: make(chan struct{}, 100)}
	p.host, p.port, err = net.SplitHostPort(listener.Addr().String())
	must(t, err)
	server := smtp.NewServer(p)
	server.Domain, server.AllowInsecureAuth, server.EnableSMTPUTF8 = "post.example", true, s.utf8
	server.ErrorLog = log.New(io.Discard, "", 0) // lines that are dropped are what the tests are about
	if s.tls || s.starttls {
		server.TLSConfig = p.trust.server
	}
	if s.tls {
		listener = tls.NewListener(listener, server.TLSConfig)
	}
	var running sync.WaitGroup
	running.Go(func() { _ = server.Serve(listener) })
	t.Cleanup(func() { server.Close(); running.Wait() })
	return p
}

// NewSession implements smtp.Backend.
func (p *post) NewSession(c *smtp.Conn) (smtp.Session, error) {
	p.note(func() { p.hellos = append(p.hellos, c.Hostname()) })
	s := &session{post: p, conn: c}
	if len(p.script.mechanisms) == 0 {
		return s, nil
	}
	return authSession{s}, nil
}

func (p *post) note(what func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	what()
}

// letters are those that arrived so far.
func (p *post) letters() []arrival {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]arrival(nil), p.arrived...)
}

func (p *post) sessions() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.hellos)
}

// Mail implements smtp.Session.
func (s *session) Mail(from string, options *smtp.MailOptions) error {
	_, secure := s.conn.TLSConnectionState()
	s.now = arrival{from: from, tls: secure, utf8: options.UTF8}
	s.post.note(func() { s.post.started = append(s.post.started, from) })
	if s.post.script.mail == nil {
		return nil
	}
	return s.post.script.mail(from)
}

// Rcpt implements smtp.Session.
func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.now.to = to
	if s.post.script.rcpt == nil {
		return nil
	}
	return s.post.script.rcpt(to)
}

// Data implements smtp.Session.
func (s *session) Data(r io.Reader) error {
	if s.post.script.begin != nil {
		s.post.script.begin(r)
	}
	content, err := io.ReadAll(r)
	if err != nil {
		s.post.note(func() { s.post.cut = append(s.post.cut, err) })
		return err
	}
	s.now.content = string(content)
	if s.post.script.data != nil {
		if err := s.post.script.data(s.now.content); err != nil {
			return err
		}
	}
	s.post.note(func() { s.post.arrived = append(s.post.arrived, s.now) })
	if s.post.script.drop != nil && s.post.script.drop(s.now.content) {
		s.conn.Conn().Close()
	}
	return nil
}

// Reset implements smtp.Session.
func (s *session) Reset() {}

// Logout implements smtp.Session: the client has left.
func (s *session) Logout() error {
	s.post.left <- struct{}{}
	return nil
}

// An authSession also lets people sign in, as ani with the password "secret".
type authSession struct{ *session }

// AuthMechanisms implements smtp.AuthSession.
func (s authSession) AuthMechanisms() []string { return s.post.script.mechanisms }

// Auth implements smtp.AuthSession.
func (s authSession) Auth(mechanism string) (sasl.Server, error) {
	check := func(user, password string) error {
		if user != "ani" || password != "secret" {
			return smtp.ErrAuthFailed
		}
		s.post.note(func() { s.post.signedIn = append(s.post.signedIn, mechanism) })
		return nil
	}
	if mechanism == sasl.Plain {
		return sasl.NewPlainServer(func(_, user, password string) error { return check(user, password) }), nil
	}
	return &loginServer{check: check}, nil
}

// loginServer asks for a name and then for a password.
type loginServer struct {
	check func(user, password string) error
	heard [][]byte
}

// Next implements sasl.Server.
func (l *loginServer) Next(response []byte) (challenge []byte, done bool, err error) {
	if response != nil {
		l.heard = append(l.heard, response)
	}
	switch len(l.heard) {
	case 0:
		return []byte("Username:"), false, nil
	case 1:
		return []byte("Password:"), false, nil
	}
	return nil, true, l.check(string(l.heard[0]), string(l.heard[1]))
}

// waitFor is what a test waits for at most; far longer than anything takes.
const waitFor = 20 * time.Second

// wait takes from a channel, or fails.
func wait(t *testing.T, what string, c <-chan struct{}) {
	t.Helper()
	select {
	case <-c:
	case <-time.After(waitFor):
		t.Fatalf("%s did not happen within %s", what, waitFor)
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// reply is an SMTP answer of a script.
func reply(code int, words string) error {
	return &smtp.SMTPError{Code: code, EnhancedCode: smtp.EnhancedCode{code / 100, 1, 1}, Message: words}
}
