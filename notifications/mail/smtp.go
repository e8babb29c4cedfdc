package mail

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"time"
)

// A Server is an SMTP server that takes letters, and how to speak to it.
type Server struct {
	Host, Port string
	Hello      string // the name to greet it with

	User     string // "" does not sign in
	Password string

	Implicit bool        // TLS from the first byte; else STARTTLS, which the server must offer
	TLS      *tls.Config // names the host; not looked at where Plain

	Plain         bool // no TLS at all
	PlainPassword bool // the password may travel without TLS
	PlainIDs      bool // letters with Contract IDs may travel without TLS

	Timeouts Timeouts
}

// Timeouts bound each step of sending.
type Timeouts struct {
	Connect time.Duration // reaching the server
	Command time.Duration // each command and its answer, and TLS
	Content time.Duration // handing over the letter
	Accept  time.Duration // the server's answer to it; too short a time sends letters twice
	Idle    time.Duration // after a letter, before the connection is closed
}

// SMTP delivers to a server, one letter at a time, several over one connection.
type SMTP struct {
	server Server
	turn   chan struct{} // holds one value; whoever has it owns what is below
	line   *line         // nil: none is open
	idle   *time.Timer   // closes the line that nobody uses
	closed bool
}

// NewSMTP connects to nobody yet.
func NewSMTP(server Server) *SMTP {
	s := &SMTP{server: server, turn: make(chan struct{}, 1)}
	s.turn <- struct{}{}
	return s
}

// errPlainIDs says how to get letters with Contract IDs on their way.
var errPlainIDs = errors.New("a Contract ID must not be read on its way (R3): leave --smtp-plain out, or allow it by --smtp-plain-ids")

var errClosed = errors.New("the mailer was closed")

// Send implements Transport.
func (s *SMTP) Send(ctx context.Context, m *Message) error {
	if m.Secret && s.server.Plain && !s.server.PlainIDs {
		return &Error{Verdict: Configuration, Step: "send a letter with a Contract ID without TLS", Cause: errPlainIDs}
	}
	if ctx.Err() != nil {
		return &Error{Step: "send letter", Cause: context.Cause(ctx)}
	}
	select {
	case <-s.turn:
		defer s.release()
	case <-ctx.Done():
		return &Error{Step: "wait for other letters", Cause: context.Cause(ctx)}
	}
	if s.closed {
		return &Error{Step: "send letter", Cause: errClosed}
	}
	if err := s.ready(ctx); err != nil {
		return err
	}
	err := s.line.send(ctx, m)
	switch {
	case s.line.broken:
		s.line.cut()
		s.line = nil
	case s.line.letters >= lettersPerLine:
		s.hangUp()
	}
	return err
}

// lettersPerLine ends a connection before servers do that count.
const lettersPerLine = 20

// ready opens a line, unless the open one still answers.
func (s *SMTP) ready(ctx context.Context) error {
	if s.idle != nil {
		s.idle.Stop()
	}
	if s.line != nil {
		if s.line.reset(ctx) == nil {
			return nil
		}
		s.line.cut()
		s.line = nil
	}
	line, err := dial(ctx, &s.server)
	s.line = line
	return err
}

// release gives the turn back, and sees to it that the line is closed when
// nobody needs it for a while.
func (s *SMTP) release() {
	if s.line != nil {
		s.idle = time.AfterFunc(s.server.Timeouts.Idle, func() {
			<-s.turn
			s.hangUp()
			s.turn <- struct{}{}
		})
	}
	s.turn <- struct{}{}
}

// hangUp closes the line as a polite client does.
func (s *SMTP) hangUp() {
	if s.line != nil {
		s.line.quit()
		s.line = nil
	}
}

// Close implements Transport. It waits for the letter that is being sent; end
// its context to be quick.
func (s *SMTP) Close() error {
	<-s.turn
	if s.idle != nil {
		s.idle.Stop()
	}
	s.hangUp()
	s.closed = true
	s.turn <- struct{}{}
	return nil
}

// address is where the server listens.
func (s *Server) address() string { return net.JoinHostPort(s.Host, s.Port) }
