package mail

import (
	"errors"
	"slices"
	"strings"

	"github.com/wneessen/go-mail/smtp"
)

// signIn is whichever of PLAIN and LOGIN the server offers.
type signIn struct {
	user, password, host string
	plain                bool // the password may travel without TLS

	smtp.Auth // the one that was chosen
}

// Start implements smtp.Auth.
func (a *signIn) Start(server *smtp.ServerInfo) (mechanism string, first []byte, err error) {
	if !server.TLS && !a.plain {
		return "", nil, errors.New("the password does not travel without TLS, unless --smtp-plain-password allows it")
	}
	offers := func(mechanism string) bool {
		return slices.ContainsFunc(server.Auth, func(offered string) bool { return strings.EqualFold(offered, mechanism) })
	}
	switch {
	case offers("PLAIN"):
		a.Auth = smtp.PlainAuth("", a.user, a.password, a.host, a.plain)
	case offers("LOGIN"):
		a.Auth = smtp.LoginAuth(a.user, a.password, a.host, a.plain)
	default:
		return "", nil, errors.New("the server offers neither PLAIN nor LOGIN: leave the user out of --smtp if it needs none")
	}
	return a.Auth.Start(server)
}
