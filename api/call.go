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
	trace   [16]byte
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
		Call: c.route.method + " " + c.route.path, Key: c.key, Body: c.body, Trace: c.trace,
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
		id: requestID(h.Get("X-Request-Id")), trace: traceID(h.Get("Traceparent")),
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

// traceID reads the trace id of a W3C traceparent: "00-<32 hex>-<16 hex>-<2 hex>".
// Zero where there is none.
func traceID(parent string) [16]byte {
	var id [16]byte
	if len(parent) < 55 || parent[2] != '-' || parent[35] != '-' || parent[52] != '-' || parent[:2] == "ff" {
		return id
	}
	if parent[:2] == "00" && len(parent) != 55 {
		return id
	}
	if _, err := hex.Decode(id[:], []byte(parent[3:35])); err != nil {
		return [16]byte{}
	}
	return id
}
