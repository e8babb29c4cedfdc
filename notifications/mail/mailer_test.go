package mail_test

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/supportledger/supportledger/notifications/mail"
)

func mailer(t *testing.T, c mail.Config, ledger string) *mail.Mailer {
	t.Helper()
	m, err := mail.Open(c, ledger)
	must(t, err)
	t.Cleanup(func() { must(t, m.Close()) })
	return m
}

// file makes a file with some content and returns its path.
func file(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	must(t, os.WriteFile(path, []byte(content), 0o600))
	return path
}

func TestR40_WithoutSettingsLettersGoIntoTheFolder(t *testing.T) {
	dir := t.TempDir()
	m := mailer(t, mail.Config{}, dir)
	must(t, m.Send(t.Context(), idsLetter(), time.Now()))
	content, err := os.ReadFile(eml(dir, rendered(t, idsLetter())))
	must(t, err)
	if !strings.Contains(string(content), contractID) || !strings.Contains(string(content), "From: <supportledger@localhost>\r\n") ||
		!strings.Contains(string(content), "Message-ID: "+m.MessageID(idsLetter().ID)+"\r\n") {
		t.Errorf("the letter is\n%s", content)
	}
}

func TestR40_SettingsReachTheServer(t *testing.T) {
	for title, c := range map[string]struct {
		script   script
		url      string
		config   mail.Config
		secret   string // the password file's content; "" for none
		signedIn int
		hello    string
	}{
		"STARTTLS, password file":        {script{starttls: true, mechanisms: []string{"PLAIN"}}, "smtp://ani@127.0.0.1:%s", mail.Config{}, "secret\r\nnotes\n", 1, "example.com"},
		"TLS, password from environment": {script{tls: true, mechanisms: []string{"LOGIN"}}, "smtps://ani@127.0.0.1:%s/", mail.Config{SMTPPassword: "secret"}, "", 1, "example.com"},
		"the file before the other":      {script{tls: true, mechanisms: []string{"LOGIN"}}, "smtps://ani@localhost:%s", mail.Config{SMTPPassword: "old", SMTPHello: "ledger.example"}, "secret", 1, "ledger.example"},
		"everything in the clear": {script{mechanisms: []string{"LOGIN"}}, "smtp://ani@localhost:%s", mail.Config{
			SMTPPassword: "secret", SMTPPlain: true, SMTPPlainPassword: true, SMTPPlainIDs: true,
		}, "", 1, "example.com"},
		"nobody signs in": {script{starttls: true}, "smtp://localhost:%s", mail.Config{SMTPPassword: "left over"}, "", 0, "example.com"},
	} {
		t.Run(title, func(t *testing.T) {
			p := open(t, c.script)
			c.config.SMTP, c.config.From = fmt.Sprintf(c.url, p.port), "Dukungan Çontoh <support@example.com>"
			if !c.config.SMTPPlain {
				c.config.SMTPCA = file(t, string(p.trust.pem))
			}
			if c.secret != "" {
				c.config.SMTPPasswordFile = file(t, c.secret)
			}
			m := mailer(t, c.config, t.TempDir())
			must(t, m.Send(t.Context(), idsLetter(), time.Now()))
			if letters := p.letters(); len(letters) != 1 || letters[0].from != "support@example.com" || len(p.signedIn) != c.signedIn || p.hellos[0] != c.hello {
				t.Errorf("%d letters arrived from %v, %v signed in", len(letters), p.hellos, p.signedIn)
			}
			if len(m.Warnings()) != 0 {
				t.Errorf("warnings: %q", m.Warnings())
			}
		})
	}
}

func TestR44_SettingsThatCannotWorkAreNamed(t *testing.T) {
	good := mail.Config{SMTP: "smtp://ani@mail.example.com:587", From: "support@example.com", SMTPPassword: "secret"}
	for title, c := range map[string]struct {
		change func(*mail.Config)
		words  string
	}{
		"no address":              {func(c *mail.Config) { c.From = "" }, "--mail-from is missing"},
		"a wrong one":             {func(c *mail.Config) { c.From = "support" }, `--mail-from "support"`},
		"two":                     {func(c *mail.Config) { c.From = "a@example.com, b@example.com" }, "--mail-from"},
		"one beyond ASCII":        {func(c *mail.Config) { c.From = "dükungan@example.com" }, "--mail-from"},
		"one without an end":      {func(c *mail.Config) { c.From = strings.Repeat("a", 250) + "@example.com" }, "--mail-from"},
		"no templates":            {func(c *mail.Config) { c.Templates = "/nowhere" }, "--mail-templates"},
		"another protocol":        {func(c *mail.Config) { c.SMTP = "http://mail.example.com" }, `--smtp "http://mail.example.com"`},
		"no protocol":             {func(c *mail.Config) { c.SMTP = "mail.example.com:587" }, "--smtp"},
		"no host":                 {func(c *mail.Config) { c.SMTP = "smtp://ani@:587" }, "--smtp"},
		"a path":                  {func(c *mail.Config) { c.SMTP += "/inbox" }, "--smtp"},
		"a query":                 {func(c *mail.Config) { c.SMTP += "?tls=no" }, "--smtp"},
		"a port beyond":           {func(c *mail.Config) { c.SMTP = "smtp://mail.example.com:99999" }, "99999 is not a port"},
		"no URL":                  {func(c *mail.Config) { c.SMTP = "smtp://ani:secret@mail example" }, "--smtp is not the address"},
		"a password to be seen":   {func(c *mail.Config) { c.SMTP = "smtp://ani:secret@mail.example.com" }, "--smtp-password-file"},
		"no password":             {func(c *mail.Config) { c.SMTPPassword = "" }, "SUPPORTLEDGER_SMTP_PASSWORD"},
		"a password file, absent": {func(c *mail.Config) { c.SMTPPasswordFile = "/nowhere" }, "--smtp-password-file"},
		"a password file, empty":  {func(c *mail.Config) { c.SMTPPasswordFile = file(t, "\nsecret") }, "--smtp-password-file: the first line"},
		"a password for nobody":   {func(c *mail.Config) { c.SMTP, c.SMTPPasswordFile = "smtp://mail.example.com", file(t, "secret") }, "names no user"},
		"an authority, absent":    {func(c *mail.Config) { c.SMTPCA = "/nowhere" }, "--smtp-ca"},
		"an authority, no PEM":    {func(c *mail.Config) { c.SMTPCA = file(t, "secret") }, "--smtp-ca: there is no certificate"},
		"a greeting in two words": {func(c *mail.Config) { c.SMTPHello = "our ledger" }, `--smtp-hello "our ledger"`},
		"a greeting in two lines": {func(c *mail.Config) { c.SMTPHello = "our\r\nQUIT" }, "--smtp-hello"},
		"plain TLS":               {func(c *mail.Config) { c.SMTP, c.SMTPPlain = "smtps://mail.example.com", true }, "--smtp-plain contradicts"},
		"a plain password":        {func(c *mail.Config) { c.SMTPPlain = true }, "--smtp-plain-password"},
		"plain IDs only":          {func(c *mail.Config) { c.SMTPPlainIDs = true }, "mean nothing without --smtp-plain"},
		"a plain password only":   {func(c *mail.Config) { c.SMTPPlainPassword = true }, "mean nothing without --smtp-plain"},
		"an authority for plain":  {func(c *mail.Config) { c.SMTP, c.SMTPPlain, c.SMTPCA = "smtp://mail.example.com", true, "/nowhere" }, "--smtp-ca means nothing"},
		"a password file alone":   {func(c *mail.Config) { *c = mail.Config{SMTPPasswordFile: "f"} }, "--smtp-password-file is given without --smtp"},
		"an authority alone":      {func(c *mail.Config) { *c = mail.Config{SMTPCA: "f"} }, "--smtp-ca is given without --smtp"},
		"a greeting alone":        {func(c *mail.Config) { *c = mail.Config{SMTPHello: "f"} }, "--smtp-hello is given without --smtp"},
		"plain alone":             {func(c *mail.Config) { *c = mail.Config{SMTPPlain: true} }, "--smtp-plain is given without --smtp"},
		"plain IDs alone":         {func(c *mail.Config) { *c = mail.Config{SMTPPlainIDs: true} }, "--smtp-plain-ids is given without --smtp"},
		"plain password alone":    {func(c *mail.Config) { *c = mail.Config{SMTPPlainPassword: true} }, "--smtp-plain-password is given without --smtp"},
	} {
		t.Run(title, func(t *testing.T) {
			config := good
			c.change(&config)
			m, err := mail.Open(config, t.TempDir())
			if err == nil {
				m.Close()
			}
			if err == nil || !strings.Contains(err.Error(), c.words) || strings.Contains(err.Error(), "secret") {
				t.Errorf("got %v, want it to say %q", err, c.words)
			}
		})
	}
	must(t, mailer(t, good, t.TempDir()).Close()) // or they are all refused for something else
}

func TestR40_WhoGivesUpTLSIsTold(t *testing.T) {
	m := mailer(t, mail.Config{SMTP: "smtp://localhost", From: "support@example.com", SMTPPlain: true}, t.TempDir())
	if w := m.Warnings(); len(w) != 1 || !strings.Contains(w[0], "--smtp-plain-ids") {
		t.Errorf("warnings: %q", w)
	}
}

func TestR39_ALetterThatCannotBeWrittenIsJudged(t *testing.T) {
	m := mailer(t, mail.Config{}, t.TempDir())
	for words, change := range map[string]func(*mail.Letter){
		"no kind of letter":             func(l *mail.Letter) { l.Kind = "bill" },
		"has no id":                     func(l *mail.Letter) { l.ID = [16]byte{} },
		"carries both IDs":              func(l *mail.Letter) { l.ContractID = "" },
		"must not carry the Contract":   func(l *mail.Letter) { l.Kind = mail.Expired },
		"recipient's address is malfor": func(l *mail.Letter) { l.To.Email = "ani" },
	} {
		l := idsLetter()
		change(&l)
		err := m.Send(t.Context(), l, time.Now())
		if mail.VerdictOf(err) != mail.Permanent || !strings.Contains(err.Error(), words) {
			t.Errorf("got %v, want it to say %q", err, words)
		}
	}
	if mail.VerdictOf(errors.New("anything")) != mail.Passing {
		t.Error("what nobody judged is not passing")
	}
}

// R3: whatever somebody prints of a letter, the Contract ID is not in it.
func TestR3_ALetterIsPrintedWithoutItsContent(t *testing.T) {
	letter, message := idsLetter(), rendered(t, idsLetter())
	var out strings.Builder
	for _, v := range []any{letter, &letter, message, []any{letter, message}} {
		fmt.Fprintf(&out, "%v %+v %#v %s\n", v, v, v, v)
	}
	for _, handler := range []slog.Handler{slog.NewTextHandler(&out, nil), slog.NewJSONHandler(&out, nil)} {
		slog.New(handler).Info("sent", "letter", letter, "pointer", &letter, "message", message)
	}
	if strings.Contains(out.String(), contractID) || strings.Contains(out.String(), "Ani") || !strings.Contains(out.String(), letter.ID.String()) {
		t.Errorf("printed: %s", out.String())
	}
}
