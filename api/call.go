package api

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/api/token"
	"github.com/supportledger/supportledger/ledger"
)

// A call is one request on its way: who asks, for what, and what was answered.
// It is also the response writer, which notes the status, and the request's
// context: one value instead of three on every request.
type call struct {
	http.ResponseWriter
	context.Context
	started time.Time
	id      string // X-Request-Id
	from    string // the client's address, where a trusted proxy states it
	trace   traceparent
	span    span // nil where there are no traces
	lang    language

	route  *route // nil until matched
	claims *token.Claims
	role   ledger.Role
	key    string
	body   []byte
	head   bool      // only the headers are asked for
	upload io.Reader // the body of a raw route
	length int64     // of the upload; -1 where it is not said

	status  int
	refused string // the code that the request was refused with
	cause   error  // for the log
}

type callKey struct{}

// callOf finds the call that a context belongs to.
func callOf(ctx context.Context) *call { return ctx.Value(callKey{}).(*call) }

// Value implements context.Context.
func (c *call) Value(key any) any {
	if key == (callKey{}) {
		return c
	}
	return c.Context.Value(key)
}

// WriteHeader implements http.ResponseWriter.
func (c *call) WriteHeader(status int) {
	if c.status == 0 {
		c.status = status
		c.ResponseWriter.WriteHeader(status)
	}
}

// Write implements http.ResponseWriter.
func (c *call) Write(b []byte) (int, error) {
	if c.status == 0 {
		c.status = http.StatusOK
	}
	return c.ResponseWriter.Write(b)
}

// Unwrap lets http.ResponseController reach the connection.
func (c *call) Unwrap() http.ResponseWriter { return c.ResponseWriter }

// account is who asks; Nil where nobody signed in.
func (c *call) account() uuid.UUID {
	if c.claims == nil {
		return uuid.Nil
	}
	return c.claims.Account
}

// request is the call as the ledger knows it. portal is where the request comes
// from, if it says so.
func (c *call) request(portal string) ledger.Request {
	return ledger.Request{
		By:   ledger.Actor{Account: c.claims.Account, Role: c.role, Portal: portal},
		Call: c.route.method + " " + c.route.path, Key: c.key, Body: c.body, Address: c.from,
		Trace: c.trace.id, Sampled: c.trace.sampled,
	}
}

// refuse notes what the call ends in, and puts it in the caller's language.
func (c *call) refuse(err error) *Problem {
	p := problemOf(err)
	c.refused, c.cause = p.Code, p.cause
	return p.in(c.lang)
}

// fail ends the call with a problem.
func (c *call) fail(err error) { c.refuse(err).write(c) }

// begin notes what a request says about itself.
func begin(ctx context.Context, w http.ResponseWriter, r *http.Request) *call {
	h := r.Header
	return &call{
		ResponseWriter: w, Context: ctx, started: time.Now(), lang: languageOf(h.Get("Accept-Language")),
		id: requestID(h.Get("X-Request-Id")), trace: parseTraceparent(h.Get("Traceparent")),
	}
}

// requestID is the id that a proxy gave, if it is harmless, or a new one.
func requestID(given string) string {
	if given != "" && len(given) <= 64 && strings.IndexFunc(given, notInID) < 0 {
		return given
	}
	var id [12]byte
	rand.Read(id[:]) // never fails: the runtime stops the process first
	return hex.EncodeToString(id[:])
}

func notInID(r rune) bool {
	return !('0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || strings.ContainsRune("-_.:", r))
}

// A traceparent says which trace a request belongs to, and where in it (W3C Trace
// Context). The zero value belongs to none.
type traceparent struct {
	id      [16]byte
	span    [8]byte
	sampled bool
}

// parseTraceparent reads "00-<32 hex>-<16 hex>-<2 hex>"; later versions may add
// something behind another hyphen. What is anything else belongs to no trace.
func parseTraceparent(text string) traceparent {
	var t traceparent
	var version, flags [1]byte
	if len(text) < 55 || len(text) > 55 && (text[:2] == "00" || text[55] != '-') {
		return t
	}
	ok := unhex(version[:], text[:2]) && unhex(t.id[:], text[3:35]) && unhex(t.span[:], text[36:52]) && unhex(flags[:], text[53:55])
	if !ok || text[2] != '-' || text[35] != '-' || text[52] != '-' || version[0] == 0xff || t.id == [16]byte{} || t.span == [8]byte{} {
		return traceparent{}
	}
	t.sampled = flags[0]&1 != 0
	return t
}

// unhex reads lower-case hex, the only one there is in a traceparent.
func unhex(to []byte, text string) bool {
	for i := range len(text) {
		if 'A' <= text[i] && text[i] <= 'F' {
			return false
		}
	}
	_, err := hex.Decode(to, []byte(text))
	return err == nil
}
