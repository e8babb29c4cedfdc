package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/api/token"
)

type tokenCmd struct {
	Data    string   `type:"path" required:"" placeholder:"DIR" env:"SUPPORTLEDGER_DATA" help:"The ledger's folder, with the built-in issuer's key."`
	Subject string   `required:"" help:"Whose token it is. The same subject is the same account for ever."`
	Role    []string `required:"" help:"What the token allows: customer, engineer, operator, auditor, service, admin. May be given more than once."`
	SignIn  []string `placeholder:"PORTAL" help:"A portal that the subject may sign in at. May be given more than once."`
	Partner string   `placeholder:"ID" help:"The partner that the subject belongs to."`
	Right   []string `placeholder:"PORTAL:CUSTOMER:RIGHT" help:"A right for a customer at a portal. May be given more than once."`
	Scope   []string `help:"A scope of the token: personal lets a subscriber read personal texts. May be given more than once."`
	Expires string   `default:"720h" placeholder:"DURATION" help:"How long the token counts, ${default} if left out; never for a token without end."`
}

var knownRoles = []string{"customer", "engineer", "operator", "auditor", "service", "admin"}

// Run prints a token. It needs the issuer's key only, so that it need not ask a
// running ledger; it makes none, for a token by a key that no ledger has is good
// for nothing.
func (c *tokenCmd) Run(_ context.Context, t *terminal) error {
	claims, err := c.claims(time.Now())
	if err != nil {
		return err
	}
	f := folder(c.Data)
	if !exists(f.tokenKey()) {
		return fmt.Errorf("%s is missing: no ledger was started in %s yet. Name the folder that serve was started with, or start it once; that makes the key",
			f.tokenKey(), c.Data)
	}
	issuer, err := token.OpenIssuer(f.tokenKey())
	if err != nil {
		return err
	}
	raw, err := issuer.Issue(claims, time.Now())
	if err != nil {
		return err
	}
	fmt.Fprintln(t.out, raw)
	return nil
}

func (c *tokenCmd) claims(now time.Time) (token.Claims, error) {
	claims := token.Claims{Subject: c.Subject, ID: uuid.NewString(), Roles: c.Role, SignIns: c.SignIn, PartnerID: c.Partner, Scopes: c.Scope}
	for _, role := range c.Role {
		if !slices.Contains(knownRoles, role) {
			return claims, fmt.Errorf("%w: --role %q is none of %s", errAskedWrongly, role, strings.Join(knownRoles, " "))
		}
	}
	for _, scope := range c.Scope {
		if scope != token.Personal {
			return claims, fmt.Errorf("%w: --scope %q is not %s", errAskedWrongly, scope, token.Personal)
		}
	}
	for _, text := range c.Right {
		parts := strings.Split(text, ":")
		if len(parts) != 3 {
			return claims, fmt.Errorf("%w: --right %q is not PORTAL:CUSTOMER:RIGHT", errAskedWrongly, text)
		}
		claims.Rights = append(claims.Rights, token.Right{Portal: parts[0], OnBehalfOf: parts[1], Right: parts[2]})
	}
	if c.Expires == "never" {
		return claims, nil
	}
	lasts, err := time.ParseDuration(c.Expires)
	if err != nil || lasts <= 0 {
		return claims, fmt.Errorf("%w: --expires %q is neither a duration, such as 720h, nor never", errAskedWrongly, c.Expires)
	}
	claims.Expires = now.Add(lasts)
	return claims, nil
}
