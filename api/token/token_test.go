package token

import (
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/uuid"
)

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

// A wall is the machine's clock of a test.
type wall struct{ now time.Time }

func (w *wall) Now() time.Time { return w.now }

func accountOf(iss, sub string) uuid.UUID {
	return uuid.NewSHA1(uuid.NameSpaceURL, []byte(iss+" "+sub))
}

func verifier(t *testing.T, c Config) *Verifier {
	t.Helper()
	c.Account = accountOf
	v, err := NewVerifier(c)
	must(t, err)
	return v
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wants(t *testing.T, v *Verifier, raw string, want error) {
	t.Helper()
	if _, err := v.Verify(context.Background(), raw); !errors.Is(err, want) {
		t.Fatalf("got %v, want %v", err, want)
	}
}

func TestATokenSaysWhatItsIssuerWasAskedFor(t *testing.T) {
	i, clock := NewIssuer(), &wall{noon}
	v := verifier(t, Config{BuiltIn: i, Now: clock.Now})
	raw, err := i.Issue(Claims{
		Subject: "ani", ID: "7", Expires: noon.Add(time.Hour), Roles: []string{"customer"}, SignIns: []string{"azure"},
		PartnerID: "4648141", Rights: []Right{{"azure", "contoso", "write"}}, Scopes: []string{"openid", Personal},
	}, noon)
	must(t, err)
	for range 2 { // judged, and then remembered
		c, err := v.Verify(t.Context(), raw)
		must(t, err)
		if !c.Has("customer") || c.Has("operator") || c.SignIns[0] != "azure" || c.PartnerID != "4648141" ||
			c.Rights[0].OnBehalfOf != "contoso" || c.ID != "7" || !c.HasScope(Personal) || c.HasScope("person") || c.Account != accountOf(BuiltIn, "ani") {
			t.Fatalf("got %+v", c)
		}
	}
	clock.now = noon.Add(time.Hour)
	wants(t, v, raw, ErrExpired) // remembered, and over
	wants(t, v, raw, ErrExpired) // judged anew
}

func TestATokenWithoutAnEndDoesNotExpire(t *testing.T) {
	i, clock := NewIssuer(), &wall{noon}
	v := verifier(t, Config{BuiltIn: i, Now: clock.Now})
	raw, err := i.Issue(Claims{Subject: "operator", Roles: []string{"operator"}}, noon)
	must(t, err)
	clock.now = noon.AddDate(50, 0, 0)
	wants(t, v, raw, nil)
}

// forged is a token of one's own making.
func forged(t *testing.T, key any, method jwt.SigningMethod, header, claims map[string]any) string {
	t.Helper()
	token := jwt.NewWithClaims(method, jwt.MapClaims(claims))
	for k, v := range header {
		token.Header[k] = v
	}
	raw, err := token.SignedString(key)
	must(t, err)
	return raw
}

func TestWhatIsNoTokenOfOursDoesNotCount(t *testing.T) {
	i := NewIssuer()
	v := verifier(t, Config{BuiltIn: i, Now: (&wall{noon}).Now})
	good := map[string]any{"iss": BuiltIn, "aud": Audience, "sub": "ani"}
	with := func(name string, value any) map[string]any {
		out := map[string]any{}
		for k, v := range good {
			out[k] = v
		}
		out[name] = value
		return out
	}
	kid := map[string]any{"kid": i.kid}
	public := i.key.Public().(ed25519.PublicKey)
	valid := forged(t, i.key, jwt.SigningMethodEdDSA, kid, good)
	wants(t, v, valid, nil)
	for what, raw := range map[string]string{
		"empty":             "",
		"no JWT":            "ani",
		"another's key":     forged(t, NewIssuer().key, jwt.SigningMethodEdDSA, kid, good),
		"no kid":            forged(t, i.key, jwt.SigningMethodEdDSA, nil, good),
		"unknown kid":       forged(t, i.key, jwt.SigningMethodEdDSA, map[string]any{"kid": "x"}, good),
		"no signature":      forged(t, jwt.UnsafeAllowNoneSignatureType, jwt.SigningMethodNone, kid, good),
		"key as a secret":   forged(t, []byte(public), jwt.SigningMethodHS256, kid, good),
		"another audience":  forged(t, i.key, jwt.SigningMethodEdDSA, kid, with("aud", "elsewhere")),
		"another issuer":    forged(t, i.key, jwt.SigningMethodEdDSA, kid, with("iss", "https://elsewhere")),
		"not before":        forged(t, i.key, jwt.SigningMethodEdDSA, kid, with("nbf", noon.Add(time.Hour).Unix())),
		"no subject":        forged(t, i.key, jwt.SigningMethodEdDSA, kid, with("sub", "")),
		"roles not a list":  forged(t, i.key, jwt.SigningMethodEdDSA, kid, with("roles", "operator")),
		"a long subject":    forged(t, i.key, jwt.SigningMethodEdDSA, kid, with("sub", strings.Repeat("x", maxClaim+1))),
		"too long":          strings.Repeat("x", maxToken+1),
		"altered signature": valid[:len(valid)-4] + "AAAA",
		"altered claims":    altered(valid),
	} {
		t.Run(what, func(t *testing.T) { wants(t, v, raw, ErrInvalid) })
	}
	wants(t, v, forged(t, i.key, jwt.SigningMethodEdDSA, kid, with("exp", noon.Unix())), ErrExpired)
}

// altered gives a token another subject under the old signature.
func altered(raw string) string {
	parts := strings.Split(raw, ".")
	text, _ := base64.RawURLEncoding.DecodeString(parts[1])
	var claims map[string]any
	_ = json.Unmarshal(text, &claims)
	claims["sub"] = "somebody else"
	text, _ = json.Marshal(claims)
	parts[1] = base64.RawURLEncoding.EncodeToString(text)
	return strings.Join(parts, ".")
}

func TestTheKeyStaysInItsFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "token-key.pem")
	first, err := OpenIssuer(path)
	must(t, err)
	second, err := OpenIssuer(path)
	must(t, err)
	if first.kid != second.kid || !first.key.Equal(second.key) {
		t.Fatal("a second start made another key")
	}
	if info, _ := os.Stat(path); info.Mode().Perm() != 0o600 {
		t.Fatalf("the file has mode %v", info.Mode())
	}
	must(t, os.Chmod(path, 0o640))
	if _, err := OpenIssuer(path); err == nil || !strings.Contains(err.Error(), "chmod 600") {
		t.Fatalf("a key that others may read: %v", err)
	}
	must(t, os.Chmod(path, 0o600))
	must(t, os.WriteFile(path, []byte("no key"), 0o600))
	if _, err := OpenIssuer(path); err == nil || !strings.Contains(err.Error(), path) {
		t.Fatalf("a file that is no key: %v", err)
	}
}

func TestARevokedTokenDoesNotCount(t *testing.T) {
	path := filepath.Join(t.TempDir(), "revoked")
	must(t, os.WriteFile(path, []byte("# nobody\n"), 0o600))
	i, clock := NewIssuer(), &wall{noon}
	v := verifier(t, Config{BuiltIn: i, Now: clock.Now, Revoked: path})
	issue := func(sub, id string) string {
		raw, err := i.Issue(Claims{Subject: sub, ID: id}, noon)
		must(t, err)
		return raw
	}
	one, two, other := issue("ani", "1"), issue("ani", "2"), issue("budi", "3")
	for _, raw := range []string{one, two, other} {
		wants(t, v, raw, nil)
	}
	must(t, os.WriteFile(path, []byte("jti 1\nsub "+BuiltIn+" budi\n"), 0o600))
	clock.now = noon.Add(lookAgain)
	wants(t, v, one, ErrInvalid)
	wants(t, v, two, nil)
	wants(t, v, other, ErrInvalid)

	must(t, os.WriteFile(path, []byte("what is this\n"), 0o600)) // keeps the list before in force
	clock.now = noon.Add(2 * lookAgain)
	wants(t, v, one, ErrInvalid)
	must(t, os.Remove(path))
	clock.now = noon.Add(3 * lookAgain)
	wants(t, v, one, ErrInvalid)
	if _, err := NewVerifier(Config{Revoked: path}); err == nil {
		t.Fatal("started without its list of revoked tokens")
	}
}

// Whatever a subject or an id is made of, it can be revoked, and old lists still
// say what they said.
func TestTheListOfRevokedTokensCarriesEverySubject(t *testing.T) {
	names := []string{"ani", "Ani Wijaya", " ani ", "#ani", `{"ani"}`, `"ani"`, "a\nb", "ańi\u2028", `\`, "sub x y"}
	var list strings.Builder
	list.WriteString("# by hand\n\n  jti 7\nsub https://a ani\n\tsub\thttps://a\t\"x\"  \r\n")
	for _, name := range names {
		line, err := json.Marshal(map[string]string{"iss": "https://b c", "sub": name})
		must(t, err)
		list.Write(append(line, '\n'))
		line, err = json.Marshal(map[string]string{"jti": name})
		must(t, err)
		list.Write(append(line, '\n'))
	}
	ids, subs, err := parseRevoked([]byte(list.String()))
	must(t, err)
	for _, name := range names {
		if !ids[name] || !subs[[2]string{"https://b c", name}] {
			t.Errorf("%q is not revoked", name)
		}
	}
	if !ids["7"] || !subs[[2]string{"https://a", "ani"}] || !subs[[2]string{"https://a", `"x"`}] || len(ids) != len(names)+1 || len(subs) != len(names)+2 {
		t.Errorf("read %v and %v", ids, subs)
	}
}

func TestRevokedNamesTheLineThatIsWrong(t *testing.T) {
	for _, wrong := range []string{
		"sub x", "sub x Ani Wijaya", "jti", "what is this", "{", `{"jti": 7}`, `{"jti": ""}`, `{"sub": "ani"}`, `{"iss": "x"}`,
		`{"jti": "1", "iss": "x", "sub": "ani"}`, `{"jit": "1"}`, `{"jti": "1"} {"jti": "2"}`, `{"jti": "1"} x`, `["jti", "1"]`,
	} {
		if _, _, err := parseRevoked([]byte("jti 1\n\n" + wrong + "\n")); err == nil || !strings.Contains(err.Error(), "line 3") {
			t.Errorf("%s: got %v", wrong, err)
		}
	}
}
