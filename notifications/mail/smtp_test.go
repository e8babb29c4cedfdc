package mail_test

import (
	"crypto/x509"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/supportledger/supportledger/notifications/mail"
)

// transport speaks to a server by its host and port; change alters how.
func transport(t *testing.T, host, port string, change func(*mail.Server)) *mail.SMTP {
	t.Helper()
	server := mail.Server{
		Host: host, Port: port, Hello: "ledger.example", Timeouts: mail.Timeouts{
			Connect: waitFor, Command: waitFor, Content: waitFor, Accept: waitFor, Idle: waitFor,
		},
	}
	if change != nil {
		change(&server)
	}
	s := mail.NewSMTP(server)
	t.Cleanup(func() { must(t, s.Close()) })
	return s
}

func plain(s *mail.Server) { s.Plain = true }

// trusting speaks TLS and trusts the server's own authority.
func (p *post) trusting(s *mail.Server) { s.TLS = p.trust.client }

// signingIn is trusting, and signs in.
func (p *post) signingIn(s *mail.Server) {
	p.trusting(s)
	s.User, s.Password = "ani", "secret"
}

// wantError fails unless err is an *Error of the verdict, at the step, with the
// code, and says some words.
func wantError(t *testing.T, err error, verdict mail.Verdict, step string, code int, words string) {
	t.Helper()
	e, ok := errors.AsType[*mail.Error](err)
	if !ok || e.Verdict != verdict || e.Step != step || e.Code != code || !strings.Contains(e.Error(), words) {
		t.Fatalf("got %#v\n(%v)\nwant %s at %q with %d, saying %q", err, err, verdict, step, code, words)
	}
	if mail.VerdictOf(err) != verdict {
		t.Errorf("its verdict is %s", mail.VerdictOf(err))
	}
	for _, secret := range []string{contractID, "secret", "ani@example.com", "Wijaya"} {
		if strings.Contains(err.Error(), secret) {
			t.Errorf("the error has %q in it: %v", secret, err)
		}
	}
}

func TestR40_ALetterArrivesOverTLS(t *testing.T) {
	for title, c := range map[string]struct {
		script   script
		implicit bool
		by       string // how it signed in
	}{
		"STARTTLS, nobody signs in":            {script{starttls: true}, false, ""},
		"STARTTLS, PLAIN before LOGIN":         {script{starttls: true, mechanisms: []string{"LOGIN", "PLAIN"}}, false, "PLAIN"},
		"TLS at once, LOGIN if it is offered":  {script{tls: true, mechanisms: []string{"CRAM-MD5", "LOGIN"}}, true, "LOGIN"},
		"TLS at once, PLAIN if it is offered":  {script{tls: true, mechanisms: []string{"PLAIN"}}, true, "PLAIN"},
		"a server that takes UTF-8 everywhere": {script{starttls: true, utf8: true}, false, ""},
	} {
		t.Run(title, func(t *testing.T) {
			p := open(t, c.script)
			s := transport(t, p.host, p.port, func(s *mail.Server) {
				p.trusting(s)
				if s.Implicit = c.implicit; c.by != "" {
					p.signingIn(s)
				}
			})
			m := rendered(t, idsLetter())
			must(t, s.Send(t.Context(), m))
			got, want := p.letters(), arrival{"support@example.com", "ani@example.com", string(m.Content()), true, false}
			if len(got) != 1 || got[0] != want {
				t.Errorf("%+v arrived, want %+v", got, want)
			}
			if by := strings.Join(p.signedIn, " "); by != c.by || p.hellos[0] != "ledger.example" {
				t.Errorf("%s signed in by %q, want ledger.example by %q", p.hellos[0], by, c.by)
			}
		})
	}
}

func TestR40_NothingIsSentWhereTLSOrSigningInFails(t *testing.T) {
	strange := authority(t)
	for title, c := range map[string]struct {
		script script
		change func(*post, *mail.Server)
		step   string
		code   int
		words  string
	}{
		"an authority that nobody trusts": {script{starttls: true}, func(_ *post, s *mail.Server) { s.TLS = strange.client }, "STARTTLS", 0, "certificate"},
		"and with TLS at once":            {script{tls: true}, func(_ *post, s *mail.Server) { s.TLS, s.Implicit = strange.client, true }, "greeting", 0, "certificate"},
		"a certificate of somebody else": {script{starttls: true}, func(p *post, s *mail.Server) {
			s.TLS = p.trust.client.Clone()
			s.TLS.ServerName = "other.example"
		}, "STARTTLS", 0, "other.example"},
		"no STARTTLS":                    {script{}, (*post).trusting, "STARTTLS", 0, "--smtp-plain"},
		"a wrong password":               {script{starttls: true, mechanisms: []string{"PLAIN"}}, func(p *post, s *mail.Server) { p.signingIn(s); s.Password = "mistaken" }, "AUTH", 535, "Authentication failed"},
		"and by LOGIN":                   {script{starttls: true, mechanisms: []string{"LOGIN"}}, func(p *post, s *mail.Server) { p.signingIn(s); s.Password = "mistaken" }, "AUTH", 535, "Authentication failed"},
		"no way to sign in that we know": {script{starttls: true, mechanisms: []string{"CRAM-MD5"}}, (*post).signingIn, "AUTH", 0, "neither PLAIN nor LOGIN"},
		"no signing in at all":           {script{starttls: true}, (*post).signingIn, "AUTH", 0, "neither PLAIN nor LOGIN"},
		"a password without TLS": {script{mechanisms: []string{"PLAIN"}}, func(p *post, s *mail.Server) {
			p.signingIn(s)
			s.Plain = true
		}, "AUTH", 0, "--smtp-plain-password"},
	} {
		t.Run(title, func(t *testing.T) {
			p := open(t, c.script)
			s := transport(t, p.host, p.port, func(s *mail.Server) { c.change(p, s) })
			err := s.Send(t.Context(), rendered(t, fewLeftLetter(1)))
			wantError(t, err, mail.Passing, c.step, c.code, c.words)
			if len(p.started) != 0 || len(p.signedIn) != 0 {
				t.Errorf("%v were told, %v signed in", p.started, p.signedIn)
			}
		})
	}
}

func TestR40_AWrongCertificateIsToldByItsType(t *testing.T) {
	p := open(t, script{tls: true})
	s := transport(t, p.host, p.port, func(s *mail.Server) { s.TLS, s.Implicit = authority(t).client, true })
	err := s.Send(t.Context(), rendered(t, fewLeftLetter(1)))
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); !ok {
		t.Errorf("the cause is lost: %v", err)
	}
}

func TestR40_APasswordTravelsInTheClearWhereThatIsAllowed(t *testing.T) {
	p := open(t, script{mechanisms: []string{"LOGIN"}})
	s := transport(t, p.host, p.port, func(s *mail.Server) { p.signingIn(s); s.Plain, s.PlainPassword = true, true })
	must(t, s.Send(t.Context(), rendered(t, fewLeftLetter(1))))
	if letters := p.letters(); len(letters) != 1 || letters[0].tls {
		t.Errorf("%+v arrived", letters)
	}
}

func TestR40_AContractIDTravelsOverTLSOnly(t *testing.T) {
	r := recite(t, nil)
	careful := transport(t, r.host, r.port, plain)
	wantError(t, careful.Send(t.Context(), rendered(t, idsLetter())), mail.Configuration, "send a letter with a Contract ID without TLS", 0, "--smtp-plain-ids")
	if r.said("EHLO") != 0 {
		t.Error("the server was called")
	}
	must(t, careful.Send(t.Context(), rendered(t, fewLeftLetter(1)))) // others may go

	allowed := transport(t, r.host, r.port, func(s *mail.Server) { s.Plain, s.PlainIDs = true, true })
	must(t, allowed.Send(t.Context(), rendered(t, idsLetter())))
}

func TestR39_AnAnswerIsPermanentIfItIsForThisLetterAndForGood(t *testing.T) {
	for title, c := range map[string]struct {
		verb, line string
		verdict    mail.Verdict
		step       string
		code       int
	}{
		"not now, at the door":         {"", "421 4.3.2 later", mail.Passing, "greeting", 421},
		"never, at the door":           {"", "554 5.7.1 go away", mail.Passing, "greeting", 554},
		"nonsense at the door":         {"", "HTTP/1.1 400 Bad Request", mail.Passing, "greeting", 0},
		"dropped at the door":          {"", hangUp, mail.Passing, "greeting", 0},
		"neither EHLO nor HELO":        {"EHLO", hangUp, mail.Passing, "EHLO", 0},
		"a sender, not now":            {"MAIL", "451 4.3.0 try later", mail.Passing, "MAIL FROM", 451},
		"a sender, never":              {"MAIL", "550 5.7.1 who are you", mail.Passing, "MAIL FROM", 550},
		"a recipient, not now":         {"RCPT", "450 4.2.1 greylisted", mail.Passing, "RCPT TO", 450},
		"a recipient, never":           {"RCPT", "550 5.1.1 no such user", mail.Permanent, "RCPT TO", 550},
		"a recipient, since closing":   {"RCPT", "421 4.3.2 closing", mail.Passing, "RCPT TO", 421},
		"a recipient, until signed in": {"RCPT", "530 5.7.0 sign in first", mail.Passing, "RCPT TO", 530},
		"a recipient, out of order":    {"RCPT", "503 5.5.1 MAIL first", mail.Passing, "RCPT TO", 503},
		"a recipient, dropped":         {"RCPT", hangUp, mail.Passing, "RCPT TO", 0},
		"a letter's beginning, later":  {"DATA", "452 4.3.1 disk full", mail.Passing, "DATA", 452},
		"a letter's beginning, never":  {"DATA", "554 5.5.1 no valid recipients", mail.Permanent, "DATA", 554},
		"a letter, not now":            {".", "451 4.3.0 virus scanner is out", mail.Passing, "end of DATA", 451},
		"a letter, never":              {".", "552 5.3.4 too big", mail.Permanent, "end of DATA", 552},
		"a letter, dropped":            {".", hangUp, mail.Passing, "end of DATA", 0},
		"a letter, nonsense":           {".", "what?", mail.Passing, "end of DATA", 0},
	} {
		t.Run(title, func(t *testing.T) {
			r := recite(t, map[string]string{c.verb: c.line})
			s := transport(t, r.host, r.port, plain)
			err := s.Send(t.Context(), rendered(t, fewLeftLetter(1)))
			wantError(t, err, c.verdict, c.step, c.code, "")
			e, _ := errors.AsType[*mail.Error](err)
			if c.code != 0 && (e.Enhanced != c.line[4:9] || !strings.HasSuffix(e.Error(), c.line[3:9]+": "+c.line[10:])) {
				t.Errorf("%q became %q (%s)", c.line, e, e.Enhanced)
			}
		})
	}
}

func TestR3_ErrorsTellNothingOfWhomOrWhat(t *testing.T) {
	rude := func(words string) script {
		return script{
			starttls: true,
			rcpt:     func(string) error { return reply(550, words) },
		}
	}
	p := open(t, rude("<Ani@Example.com>: no such user ANI, wijaya? see https://example.com/?q=ani%40example.com now"))
	err := transport(t, p.host, p.port, p.trusting).Send(t.Context(), rendered(t, idsLetter()))
	wantError(t, err, mail.Permanent, "RCPT TO", 550, "5.1.1: [...] no such user [...] [...] see [...] now")

	p = open(t, script{starttls: true, data: func(string) error { return reply(554, "I do not like "+contractID+" and 009-876 5432") }})
	err = transport(t, p.host, p.port, p.trusting).Send(t.Context(), rendered(t, idsLetter()))
	wantError(t, err, mail.Permanent, "end of DATA", 554, "5.1.1")
	if !strings.HasSuffix(err.Error(), "554 5.1.1") {
		t.Errorf("the server's words about a secret letter are told: %v", err)
	}

	r := recite(t, map[string]string{".": "I do not like " + contractID})
	err = transport(t, r.host, r.port, func(s *mail.Server) { s.Plain, s.PlainIDs = true, true }).Send(t.Context(), rendered(t, idsLetter()))
	wantError(t, err, mail.Passing, "end of DATA", 0, "does not speak SMTP")

	p = open(t, script{starttls: true, data: func(string) error { return reply(554, strings.Repeat("word ", 300)) }})
	err = transport(t, p.host, p.port, p.trusting).Send(t.Context(), rendered(t, fewLeftLetter(1)))
	if len(err.Error()) > 300 {
		t.Errorf("a server that talks is repeated in %d bytes", len(err.Error()))
	}
}

func TestR39_AnAddressBeyondASCIINeedsAServerThatTakesIt(t *testing.T) {
	letter := fewLeftLetter(1)
	letter.To.Email = "ąni@例え.jp"
	p := open(t, script{})
	err := transport(t, p.host, p.port, plain).Send(t.Context(), rendered(t, letter))
	wantError(t, err, mail.Permanent, "RCPT TO", 0, "SMTPUTF8")
	if len(p.started) != 0 {
		t.Error("it was begun")
	}
	p = open(t, script{utf8: true})
	must(t, transport(t, p.host, p.port, plain).Send(t.Context(), rendered(t, letter)))
	if letters := p.letters(); len(letters) != 1 || letters[0].to != letter.To.Email || !letters[0].utf8 {
		t.Errorf("%+v arrived", letters)
	}
}

func TestR39_ALetterWhoseAnswerWasLostIsTheSameTheNextTime(t *testing.T) {
	tries := 0
	p := open(t, script{starttls: true, drop: func(string) bool { tries++; return tries == 1 }})
	s := transport(t, p.host, p.port, p.trusting)
	m := rendered(t, idsLetter())
	wantError(t, s.Send(t.Context(), m), mail.Passing, "end of DATA", 0, "")
	must(t, s.Send(t.Context(), rendered(t, idsLetter())))
	letters := p.letters()
	if len(letters) != 2 || letters[0].content != letters[1].content || !strings.Contains(letters[0].content, "Message-ID: <"+m.ID.String()+"@example.com>") {
		t.Errorf("%d letters arrived: %+v", len(letters), letters)
	}
}

func TestR39_NobodyIsThere(t *testing.T) {
	r := recite(t, nil)
	s := transport(t, r.host, "1", plain)
	wantError(t, s.Send(t.Context(), rendered(t, fewLeftLetter(1))), mail.Passing, "connect", 0, "refused")
	s = transport(t, "no-such-host.invalid", r.port, func(s *mail.Server) { plain(s); s.Timeouts.Connect = time.Second })
	wantError(t, s.Send(t.Context(), rendered(t, fewLeftLetter(1))), mail.Passing, "connect", 0, "")
}
