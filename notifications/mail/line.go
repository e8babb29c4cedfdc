package mail

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	netmail "net/mail"
	"time"

	"github.com/wneessen/go-mail/smtp"
)

// A line is an open connection to a server that has greeted us and let us in.
type line struct {
	conn     net.Conn // the bare connection: its deadline bounds each step
	client   *smtp.Client
	timeouts Timeouts
	letters  int  // sent over it
	broken   bool // where the conversation stands is not known
}

// The steps of sending that end in errors by these names.
const (
	stepConnect  = "connect"
	stepGreeting = "greeting"
	stepHello    = "EHLO"
	stepTLS      = "STARTTLS"
	stepSignIn   = "AUTH"
	stepReset    = "RSET"
	stepSender   = "MAIL FROM"
	stepRcpt     = "RCPT TO"
	stepData     = "DATA"
	stepContent  = "send content"
	stepAccept   = "end of DATA"
)

// dial reaches the server, secures the line, and signs in.
func dial(ctx context.Context, server *Server) (*line, error) {
	reach, cancel := context.WithTimeout(ctx, server.Timeouts.Connect)
	defer cancel()
	conn, err := new(net.Dialer).DialContext(reach, "tcp", server.address())
	if err != nil {
		return nil, &Error{Step: stepConnect, Cause: causeOf(ctx, err)}
	}
	l := &line{conn: conn, timeouts: server.Timeouts}
	if err := l.open(ctx, server); err != nil {
		l.cut()
		return nil, err
	}
	return l, nil
}

func (l *line) open(ctx context.Context, server *Server) error {
	defer l.attend(ctx)()
	err := l.step(ctx, stepGreeting, l.timeouts.Command, func() (err error) {
		conn := l.conn
		if server.Implicit {
			conn = tls.Client(conn, server.TLS)
		}
		l.client, err = smtp.NewClient(conn, server.Host)
		return err
	})
	if err != nil {
		return err
	}
	if err := l.step(ctx, stepHello, l.timeouts.Command, func() error { return l.client.Hello(server.Hello) }); err != nil {
		return err
	}
	if !server.Plain && !server.Implicit {
		if err := l.step(ctx, stepTLS, l.timeouts.Command, func() error { return l.secure(server.TLS) }); err != nil {
			return err
		}
	}
	if server.User == "" {
		return nil
	}
	return l.step(ctx, stepSignIn, l.timeouts.Command, func() error {
		return l.client.Auth(&signIn{user: server.User, password: server.Password, host: server.Host, plain: server.PlainPassword})
	})
}

func (l *line) secure(config *tls.Config) error {
	if offered, _ := l.client.Extension("STARTTLS"); !offered {
		return errors.New("the server does not offer it: use smtps:// if it speaks TLS at once, or give up TLS by --smtp-plain")
	}
	return l.client.StartTLS(config)
}

// send hands one message over. The line can be used again unless it is broken.
func (l *line) send(ctx context.Context, m *Message) error {
	defer l.attend(ctx)()
	l.letters++
	if err := l.address(ctx, m); err != nil {
		return err
	}
	var content interface {
		Write([]byte) (int, error)
		Close() error
	}
	err := l.step(ctx, stepData, l.timeouts.Command, func() (err error) { content, err = l.client.Data(); return err })
	if err != nil {
		return about(err, m)
	}
	err = l.step(ctx, stepContent, l.timeouts.Content, func() error { _, err := content.Write(m.content); return err })
	if err == nil {
		err = l.step(ctx, stepAccept, l.timeouts.Accept, content.Close)
	}
	return about(err, m)
}

// address says who writes to whom.
func (l *line) address(ctx context.Context, m *Message) error {
	international := !ascii(m.To)
	if offered, _ := l.client.Extension("SMTPUTF8"); international && !offered {
		return &Error{Verdict: Permanent, Step: stepRcpt, Cause: errors.New("the server takes no address with characters beyond ASCII (SMTPUTF8)")}
	}
	l.client.SkipSMTPUTF8(!international) // what needs it not should also pass servers that have it not
	bare := func(address string) string { return (&netmail.Address{Address: address}).String() }
	err := l.step(ctx, stepSender, l.timeouts.Command, func() error { return l.client.Mail(bare(m.From)) })
	if err == nil {
		err = l.step(ctx, stepRcpt, l.timeouts.Command, func() error { return l.client.Rcpt(bare(m.To)) })
	}
	return about(err, m)
}

// reset begins anew on a line that was used, and finds out whether it is alive.
func (l *line) reset(ctx context.Context) error {
	defer l.attend(ctx)()
	return l.step(ctx, stepReset, l.timeouts.Command, l.client.Reset)
}

// step does one thing within its time, and judges how it ended.
func (l *line) step(ctx context.Context, name string, limit time.Duration, do func() error) error {
	err := l.conn.SetDeadline(time.Now().Add(limit))
	if err == nil {
		err = do()
	}
	if err == nil {
		return nil
	}
	judged := judge(name, err)
	if judged.Code == 0 || judged.Code == codeClosing {
		l.broken = true
	}
	if judged.Code == 0 {
		judged.Cause = causeOf(ctx, judged.Cause)
	}
	return judged
}

// attend cuts the line when the context ends; the function that it returns ends
// that, and must be called.
func (l *line) attend(ctx context.Context) (end func()) {
	stop := context.AfterFunc(ctx, l.cut)
	return func() {
		if !stop() {
			l.broken = true // by now or in a moment
		}
	}
}

// cut ends the connection without a word: before a QUIT in the middle of a letter
// the letter would be ended, and the server take what it has of it.
func (l *line) cut() { _ = l.conn.Close() } // nothing that was sent depends on it

// quit says goodbye and closes.
func (l *line) quit() {
	_ = l.step(context.Background(), "QUIT", goodbye, l.client.Quit) // every letter was answered before
	l.cut()
}

// goodbye is how long a server has to answer QUIT.
const goodbye = 2 * time.Second

// causeOf is why something ended: the context's reason if that is over.
func causeOf(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}
