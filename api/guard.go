package api

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"strings"

	"github.com/supportledger/supportledger/api/token"
	"github.com/supportledger/supportledger/domain"
	"github.com/supportledger/supportledger/ledger"
)

// MaxBody bounds a request's body, in bytes.
const MaxBody = 1 << 20

// guard lets only those requests through to a call that may use it: it judges
// the token, finds the role to act under, and takes key and body.
func (a *API) guard(rt *route, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := callOf(r.Context())
		c.route = rt
		if err := a.admit(c, r); err != nil {
			c.fail(err)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func (a *API) admit(c *call, r *http.Request) error {
	if c.route.roles[0] != open {
		if err := a.signIn(c, r); err != nil {
			return err
		}
	}
	if c.route.method != post && !c.route.raw {
		return nil
	}
	if c.route.keyed {
		if err := c.takeKey(r); err != nil {
			return err
		}
	}
	if c.route.raw {
		c.upload, c.length = r.Body, r.ContentLength
		return nil
	}
	return c.takeBody(r)
}

// signIn finds out who asks, and whether they may.
func (a *API) signIn(c *call, r *http.Request) error {
	raw, err := bearer(r.Header.Get("Authorization"))
	if err != nil {
		return err
	}
	claims, err := a.Tokens.Verify(r.Context(), raw)
	switch {
	case errors.Is(err, token.ErrExpired):
		return said("token-expired")
	case errors.Is(err, token.ErrInvalid):
		return said("token-invalid")
	case err != nil:
		return err
	}
	c.claims = claims
	if c.role = actsAs(claims, c.route.roles); c.role == "" {
		return roleMissing(c.route.roles)
	}
	if wait, ok := a.limiter.take(claims.Account, c.started); !ok {
		p := said("too-many-requests")
		p.retryAfter = wait
		return p
	}
	return nil
}

// said is a problem about which its code says everything.
func said(code string) *Problem {
	return problem(code, sentences[code].detail, sentences[code].hint)
}

// bearer takes the token out of the header (RFC 6750, section 2.1).
func bearer(header string) (string, error) {
	scheme, raw, ok := strings.Cut(header, " ")
	if header == "" {
		return "", said("token-missing")
	}
	raw = strings.TrimLeft(raw, " ")
	if !ok || !strings.EqualFold(scheme, "Bearer") || raw == "" || strings.ContainsAny(raw, " \t") {
		return "", said("token-invalid")
	}
	return raw, nil
}

// actsAs is the first role that both the call knows and the token carries.
func actsAs(claims *token.Claims, roles []ledger.Role) ledger.Role {
	for _, role := range roles {
		if role == signedIn {
			return ledger.Customer
		}
		if claims.Has(string(role)) {
			return role
		}
	}
	return ""
}

func roleMissing(roles []ledger.Role) *Problem {
	names := make([]string, len(roles))
	for i, role := range roles {
		names[i] = string(role)
	}
	return problem("role-missing", "this call needs the role "+strings.Join(names, " or "), sentences["role-missing"].hint)
}

// takeKey takes the Idempotency-Key: one, of 1 to 255 printable ASCII characters.
func (c *call) takeKey(r *http.Request) error {
	keys := r.Header.Values("Idempotency-Key")
	if len(keys) == 0 || len(keys) == 1 && keys[0] == "" {
		return said("idempotency-key-missing")
	}
	if len(keys) > 1 || len(keys[0]) > 255 {
		return said("idempotency-key-malformed")
	}
	for i := range len(keys[0]) {
		if keys[0][i] < ' ' || keys[0][i] > '~' {
			return said("idempotency-key-malformed")
		}
	}
	c.key = keys[0]
	return nil
}

// takeBody reads the whole body, and leaves it to be read again.
func (c *call) takeBody(r *http.Request) error {
	if contentType := r.Header.Get("Content-Type"); contentType != "" && contentType != "application/json" {
		kind, params, err := mime.ParseMediaType(contentType)
		charset := strings.ToLower(params["charset"])
		if err != nil || kind != "application/json" || charset != "" && charset != "utf-8" {
			return problem("unsupported-media-type", "the body must be application/json", sentences["unsupported-media-type"].hint)
		}
	}
	if r.ContentLength > MaxBody {
		return tooLarge()
	}
	var err error
	if r.ContentLength >= 0 {
		c.body = make([]byte, r.ContentLength)
		_, err = io.ReadFull(r.Body, c.body)
	} else {
		c.body, err = io.ReadAll(io.LimitReader(r.Body, MaxBody+1))
	}
	if err != nil {
		return unread(err)
	}
	if len(c.body) > MaxBody {
		return tooLarge()
	}
	r.Body = io.NopCloser(bytes.NewReader(c.body))
	return nil
}

func tooLarge() *Problem {
	return problem("body-too-large", fmt.Sprintf("the body is longer than %d bytes", MaxBody), sentences["body-too-large"].hint)
}

// unread says why a body did not come whole.
func unread(err error) error {
	if slow, ok := errors.AsType[net.Error](err); ok && slow.Timeout() {
		return said("request-timeout")
	}
	return malformedBody("", "did not come whole")
}

// notFound answers for paths that are no call.
func (a *API) notFound(_ http.ResponseWriter, r *http.Request) {
	callOf(r.Context()).fail(said("not-found"))
}

// methodNotAllowed answers for methods that a path does not have.
func (a *API) methodNotAllowed(w http.ResponseWriter, r *http.Request) {
	allowed := a.methodsAt(r)
	w.Header().Set("Allow", strings.Join(allowed, ", "))
	callOf(r.Context()).fail(problem("method-not-allowed", r.Method+" is not allowed here, only "+strings.Join(allowed, ", "),
		sentences["method-not-allowed"].hint))
}

// invalid is a refusal about a member's content, as the domain words it.
func invalid(field, reason string) error { return domain.RefuseField(field, reason) }
