// Package token issues and judges bearer tokens: JWTs of the built-in issuer and
// of configured OpenID Connect issuers.
//
// Promises. A token counts only with a signature by a key of its issuer, under
// an algorithm that is allowed for that issuer, with a key id, the right
// audience, and before its end. What a token asserts beyond what its issuer was
// allowed to assert is ignored. Tokens are judged by the machine's clock, never
// by a test clock. A token that was verified is remembered until it ends, so
// that the next time costs a digest and a look-up; a revocation counts at once
// all the same. Everything here may be used by many goroutines at once, and no
// error quotes a token.
package token

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
)

// Claims are what a verified token says, cut down to what its issuer may say.
type Claims struct {
	Account   uuid.UUID // the pseudonym of Issuer and Subject
	Issuer    string
	Subject   string
	ID        string    // jti; "" where there is none
	Expires   time.Time // zero: never
	Roles     []string
	SignIns   []string // portals
	PartnerID string
	Rights    []Right
	Scopes    []string // what the token was narrowed or widened to, as Personal
}

// Personal is the scope of tokens whose bearers may read personal texts in feeds
// (R47).
const Personal = "personal"

// A Right is what somebody may do for a customer at a portal (R33).
type Right struct {
	Portal     string `json:"portal"`
	OnBehalfOf string `json:"on_behalf_of"`
	Right      string `json:"right"`
}

// Has says whether the token carries a role.
func (c *Claims) Has(role string) bool { return slices.Contains(c.Roles, role) }

// HasScope says whether the token carries a scope.
func (c *Claims) HasScope(scope string) bool { return slices.Contains(c.Scopes, scope) }

// Errors of Verify.
var (
	// ErrInvalid says that a token is none, or none of ours.
	ErrInvalid = errors.New("the token is not valid")
	// ErrExpired says that a token was valid once.
	ErrExpired = errors.New("the token has expired")
	// ErrUnavailable says that the issuer's keys cannot be had now.
	ErrUnavailable = errors.New("the token's issuer cannot be reached")
)

// A Policy says what an issuer may assert; the rest of its tokens is ignored.
// "*" allows everything of a kind.
type Policy struct {
	Roles   []string
	Portals []string // sign-ins, and the portals of rights
	Rights  []string
	Scopes  []string
}

// Everything allows all roles, portals, rights and scopes.
func Everything() Policy {
	return Policy{Roles: []string{all}, Portals: []string{all}, Rights: []string{all}, Scopes: []string{all}}
}

const all = "*"

func allows(list []string, what string) bool {
	return slices.Contains(list, what) || slices.Contains(list, all)
}

// cut keeps what the policy allows.
func (p Policy) cut(c *Claims) {
	c.Roles = kept(c.Roles, func(role string) bool { return allows(p.Roles, role) })
	c.SignIns = kept(c.SignIns, func(portal string) bool { return allows(p.Portals, portal) })
	c.Rights = kept(c.Rights, func(r Right) bool { return allows(p.Portals, r.Portal) && allows(p.Rights, r.Right) })
	c.Scopes = kept(c.Scopes, func(scope string) bool { return allows(p.Scopes, scope) })
}

func kept[T any](list []T, keep func(T) bool) []T {
	return slices.DeleteFunc(list, func(v T) bool { return !keep(v) })
}

// claimsJSON are the claims in a token.
type claimsJSON struct {
	Issuer    string   `json:"iss"`
	Subject   string   `json:"sub"`
	ID        string   `json:"jti"`
	Roles     []string `json:"roles"`
	SignIns   []string `json:"sign_ins"`
	PartnerID string   `json:"partner_id"`
	Rights    []Right  `json:"rights"`
	Scopes    scopes   `json:"scope"`
}

// scopes are written as one text with spaces in between (RFC 8693, section 4.2).
// Issuers that write something else there mean nothing by it here.
type scopes []string

// UnmarshalJSON implements json.Unmarshaler.
func (s *scopes) UnmarshalJSON(b []byte) error {
	var text string
	if json.Unmarshal(b, &text) == nil {
		*s = strings.Fields(text)
	}
	return nil
}

// maxClaim bounds the texts of a token that are kept and recorded.
const maxClaim = 1024

func (j *claimsJSON) claims(expires time.Time) (*Claims, error) {
	if j.Subject == "" || len(j.Subject) > maxClaim || len(j.ID) > maxClaim || len(j.PartnerID) > maxClaim {
		return nil, ErrInvalid
	}
	return &Claims{
		Issuer: j.Issuer, Subject: j.Subject, ID: j.ID, Expires: expires,
		Roles: j.Roles, SignIns: j.SignIns, PartnerID: j.PartnerID, Rights: j.Rights, Scopes: j.Scopes,
	}, nil
}
