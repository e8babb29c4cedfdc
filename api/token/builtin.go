package token

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/supportledger/supportledger/internal/durably"
)

// The built-in issuer's name and audience. Accounts are made from them: they
// never change.
const (
	BuiltIn  = "supportledger"
	Audience = "supportledger"
)

// An Issuer makes tokens with a key of the installation (Ed25519).
type Issuer struct {
	key ed25519.PrivateKey
	kid string
}

// NewIssuer returns an issuer with a key of its own, which nobody keeps.
func NewIssuer() *Issuer {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		panic(err) // crypto/rand never fails: the runtime stops the process first
	}
	return issuerOf(key)
}

// OpenIssuer reads the issuer's key from a file (PEM, PKCS #8), or makes one
// there that only its owner may read. It refuses a file that others may read.
func OpenIssuer(path string) (*Issuer, error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return createIssuer(path)
	}
	if err != nil {
		return nil, fmt.Errorf("open token key: %w", err)
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		return nil, fmt.Errorf("open token key: file %s has mode %04o, so that others may make tokens: run chmod 600 %s", path, mode, path)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("open token key: %w", err)
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, fmt.Errorf("open token key: file %s is not PEM; remove it to have a new key made", path)
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("open token key: file %s holds no PKCS #8 key; remove it to have a new key made", path)
	}
	key, ok := parsed.(ed25519.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("open token key: file %s holds another kind of key than Ed25519", path)
	}
	return issuerOf(key), nil
}

// createIssuer makes a key and links it into place whole, so that of two that
// start at once both use the first.
func createIssuer(path string) (*Issuer, error) {
	i := NewIssuer()
	der, err := x509.MarshalPKCS8PrivateKey(i.key)
	if err != nil {
		return nil, fmt.Errorf("make token key: %w", err)
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
	switch err := durably.Create(path, text); { // a key that a power cut takes makes its tokens count no more
	case errors.Is(err, fs.ErrExist):
		return OpenIssuer(path)
	case err != nil:
		return nil, fmt.Errorf("make token key: %w", err)
	}
	return i, nil
}

func issuerOf(key ed25519.PrivateKey) *Issuer {
	sum := sha256.Sum256(key.Public().(ed25519.PublicKey))
	return &Issuer{key: key, kid: hex.EncodeToString(sum[:8])}
}

// Issue makes a token for what the claims say; Issuer and Account are the
// issuer's own business. A zero Expires makes a token that does not expire.
func (i *Issuer) Issue(c Claims, now time.Time) (string, error) {
	if c.Subject == "" {
		return "", errors.New("issue token: the subject is missing")
	}
	claims := jwt.MapClaims{"iss": BuiltIn, "aud": Audience, "sub": c.Subject, "iat": now.Unix()}
	put := func(name string, value any, there bool) {
		if there {
			claims[name] = value
		}
	}
	put("exp", c.Expires.Unix(), !c.Expires.IsZero())
	put("jti", c.ID, c.ID != "")
	put("roles", c.Roles, len(c.Roles) > 0)
	put("sign_ins", c.SignIns, len(c.SignIns) > 0)
	put("partner_id", c.PartnerID, c.PartnerID != "")
	put("rights", c.Rights, len(c.Rights) > 0)
	put("scope", strings.Join(c.Scopes, " "), len(c.Scopes) > 0)
	t := jwt.NewWithClaims(jwt.SigningMethodEdDSA, claims)
	t.Header["kid"] = i.kid
	raw, err := t.SignedString(i.key)
	if err != nil {
		return "", fmt.Errorf("issue token: %w", err)
	}
	return raw, nil
}

// builtInClaims adds what jwt checks to the claims that are kept.
type builtInClaims struct {
	jwt.RegisteredClaims
	Roles     []string `json:"roles"`
	SignIns   []string `json:"sign_ins"`
	PartnerID string   `json:"partner_id"`
	Rights    []Right  `json:"rights"`
	Scopes    scopes   `json:"scope"`
}

// verify judges a token that says it is the built-in issuer's.
func (i *Issuer) verify(raw string, now func() time.Time) (*Claims, error) {
	var j builtInClaims
	_, err := jwt.ParseWithClaims(raw, &j, func(t *jwt.Token) (any, error) {
		if kid, ok := t.Header["kid"].(string); !ok || kid != i.kid {
			return nil, ErrInvalid
		}
		return i.key.Public(), nil
	}, jwt.WithValidMethods([]string{"EdDSA"}), jwt.WithIssuer(BuiltIn), jwt.WithAudience(Audience),
		jwt.WithTimeFunc(now), jwt.WithStrictDecoding())
	if errors.Is(err, jwt.ErrTokenExpired) {
		return nil, ErrExpired
	}
	if err != nil {
		return nil, ErrInvalid
	}
	var expires time.Time
	if j.ExpiresAt != nil {
		expires = j.ExpiresAt.Time
	}
	kept := claimsJSON{
		Issuer: j.Issuer, Subject: j.Subject, ID: j.ID, Roles: j.Roles,
		SignIns: j.SignIns, PartnerID: j.PartnerID, Rights: j.Rights, Scopes: j.Scopes,
	}
	return kept.claims(expires)
}
