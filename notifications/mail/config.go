package mail

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	netmail "net/mail"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"
)

// A Config is what somebody who runs a ledger says about its mails, by flags and
// environment. The zero value writes letters into the ledger's folder.
type Config struct {
	From      string // --mail-from: an address, with a name if wished: "Support <support@example.com>"
	Templates string // --mail-templates: a directory; "" for what comes with the program

	SMTP              string // --smtp: smtp://user@host:587 or smtps://host:465; "" for the folder
	SMTPPasswordFile  string // --smtp-password-file: its first line is the password
	SMTPPassword      string // $SUPPORTLEDGER_SMTP_PASSWORD; the file goes before it
	SMTPCA            string // --smtp-ca: a file of PEM certificates to trust in place of the machine's
	SMTPHello         string // --smtp-hello: the name to greet with; "" for the host of From
	SMTPPlain         bool   // --smtp-plain: no TLS
	SMTPPlainPassword bool   // --smtp-plain-password: the password may travel without TLS
	SMTPPlainIDs      bool   // --smtp-plain-ids: letters with Contract IDs may travel without TLS
}

// settings is a Config that was found right.
type settings struct {
	from      netmail.Address
	templates *Templates
	smtp      *Server // nil: the folder
	warnings  []string
}

// folderFrom is who writes the letters in a folder, if nobody was named.
const folderFrom = "supportledger@localhost"

func (c Config) settings() (settings, error) {
	s := settings{}
	var err error
	if s.from, err = c.sender(); err != nil {
		return s, err
	}
	if s.templates, err = LoadTemplates(c.Templates); err != nil {
		return s, fmt.Errorf("--mail-templates: %w", err)
	}
	if c.SMTP == "" {
		return s, c.unused()
	}
	s.smtp, err = c.server(s.from)
	if err == nil && s.smtp.Plain && !s.smtp.PlainIDs {
		s.warnings = append(s.warnings, "letters with Contract IDs are not sent: "+errPlainIDs.Error())
	}
	return s, err
}

// sender reads --mail-from.
func (c Config) sender() (netmail.Address, error) {
	if c.From == "" {
		if c.SMTP != "" {
			return netmail.Address{}, errors.New("--mail-from is missing: name the address that letters come from, such as support@example.com")
		}
		return netmail.Address{Address: folderFrom}, nil
	}
	from, err := netmail.ParseAddress(c.From)
	if err != nil || !ascii(from.Address) || len(from.Address) > longestAddress {
		return netmail.Address{}, fmt.Errorf("--mail-from %q is not an address such as support@example.com or Support <support@example.com>", c.From)
	}
	return netmail.Address{Name: clip(oneLine(from.Name), longestName), Address: from.Address}, nil
}

// unused refuses settings of a server that is not named: they were meant for
// something.
func (c Config) unused() error {
	for _, setting := range []struct {
		flag string
		set  bool
	}{
		{"--smtp-password-file", c.SMTPPasswordFile != ""},
		{"--smtp-ca", c.SMTPCA != ""},
		{"--smtp-hello", c.SMTPHello != ""},
		{"--smtp-plain", c.SMTPPlain},
		{"--smtp-plain-password", c.SMTPPlainPassword},
		{"--smtp-plain-ids", c.SMTPPlainIDs},
	} {
		if setting.set {
			return fmt.Errorf("%s is given without --smtp: name the server, or leave it out", setting.flag)
		}
	}
	return nil
}

// server reads --smtp and what belongs to it.
func (c Config) server(from netmail.Address) (*Server, error) {
	s, err := c.parseURL()
	if err != nil {
		return nil, err
	}
	s.PlainPassword, s.PlainIDs = c.SMTPPlainPassword, c.SMTPPlainIDs
	if s.Password, err = c.password(s.User); err != nil {
		return nil, err
	}
	switch {
	case s.Implicit && c.SMTPPlain:
		return nil, errors.New("--smtp-plain contradicts smtps:// in --smtp: leave one out")
	case !c.SMTPPlain && (c.SMTPPlainPassword || c.SMTPPlainIDs):
		return nil, errors.New("--smtp-plain-password and --smtp-plain-ids mean nothing without --smtp-plain: leave them out")
	case c.SMTPPlain && s.User != "" && !c.SMTPPlainPassword:
		return nil, errors.New("--smtp names a user, whose password --smtp-plain would show to the network: leave out one of them, or allow it by --smtp-plain-password")
	case c.SMTPPlain && c.SMTPCA != "":
		return nil, errors.New("--smtp-ca means nothing with --smtp-plain: leave one out")
	}
	if s.Plain = c.SMTPPlain; !s.Plain {
		if s.TLS, err = c.tls(s.Host); err != nil {
			return nil, err
		}
	}
	if s.Hello = c.SMTPHello; s.Hello == "" {
		s.Hello = from.Address[strings.LastIndexByte(from.Address, '@')+1:]
	}
	if !ascii(s.Hello) || strings.ContainsAny(s.Hello, " \t") {
		return nil, fmt.Errorf("--smtp-hello %q is not the name of a host", s.Hello)
	}
	return s, nil
}

func (c Config) parseURL() (*Server, error) {
	const example = "such as smtp://user@mail.example.com:587 or smtps://mail.example.com:465"
	u, err := url.Parse(c.SMTP)
	if err != nil { // which would repeat a password
		return nil, errors.New("--smtp is not the address of a server, " + example)
	}
	if _, has := u.User.Password(); has {
		return nil, errors.New("--smtp has a password in it, which everybody on this machine can see: put it into a file and name that by --smtp-password-file")
	}
	s := &Server{Host: u.Hostname(), Port: u.Port(), User: u.User.Username(), Timeouts: usualTimeouts()}
	standard := ""
	switch u.Scheme {
	case "smtp":
		standard = "587"
	case "smtps":
		standard, s.Implicit = "465", true
	}
	if standard == "" || s.Host == "" || u.Opaque != "" || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" {
		return nil, errors.New("--smtp " + strconv.Quote(c.SMTP) + " is not the address of a server, " + example)
	}
	if s.Port == "" {
		s.Port = standard
	}
	if _, err := net.LookupPort("tcp", s.Port); err != nil {
		return nil, fmt.Errorf("--smtp %q: %s is not a port", c.SMTP, s.Port)
	}
	return s, nil
}

// password finds the user's password: in the file, else in the environment.
func (c Config) password(user string) (string, error) {
	password := c.SMTPPassword
	if c.SMTPPasswordFile != "" {
		content, err := os.ReadFile(c.SMTPPasswordFile)
		if err != nil {
			return "", fmt.Errorf("--smtp-password-file: %w", err)
		}
		password, _, _ = strings.Cut(string(content), "\n")
		if password = strings.TrimSuffix(password, "\r"); password == "" {
			return "", fmt.Errorf("--smtp-password-file: the first line of %s is empty", c.SMTPPasswordFile)
		}
	}
	switch {
	case user == "" && c.SMTPPasswordFile != "":
		return "", errors.New("--smtp-password-file is given, and --smtp names no user: write smtp://user@host:587")
	case user != "" && password == "":
		return "", errors.New("--smtp names a user, and there is no password: name a file by --smtp-password-file, or set SUPPORTLEDGER_SMTP_PASSWORD")
	case user == "":
		return "", nil
	}
	return password, nil
}

func (c Config) tls(host string) (*tls.Config, error) {
	config := &tls.Config{ServerName: host, MinVersion: tls.VersionTLS12}
	if c.SMTPCA == "" {
		return config, nil
	}
	pem, err := os.ReadFile(c.SMTPCA)
	if err != nil {
		return nil, fmt.Errorf("--smtp-ca: %w", err)
	}
	config.RootCAs = x509.NewCertPool()
	if !config.RootCAs.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("--smtp-ca: there is no certificate in %s; it must be in PEM", c.SMTPCA)
	}
	return config, nil
}

// usualTimeouts are shorter than RFC 5321 asks for: who waits for minutes for a
// greeting is better off with another try.
func usualTimeouts() Timeouts {
	return Timeouts{Connect: 30 * time.Second, Command: time.Minute, Content: 2 * time.Minute, Accept: 5 * time.Minute, Idle: 30 * time.Second}
}

func ascii(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}
