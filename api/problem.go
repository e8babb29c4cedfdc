package api

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/supportledger/supportledger/api/token"
	"github.com/supportledger/supportledger/attachments"
	"github.com/supportledger/supportledger/domain"
	"github.com/supportledger/supportledger/eventstore"
	"github.com/supportledger/supportledger/ledger"
	"github.com/supportledger/supportledger/projections"
	"github.com/supportledger/supportledger/vault"
)

// A Problem is the body of every answer with a status of 400 or more (RFC 9457,
// application/problem+json).
type Problem struct {
	Type   string         `json:"type" doc:"Where the code is described, relative to this server" example:"/docs#none-available"`
	Title  string         `json:"title" doc:"What the code means, in a few words"`
	Status int            `json:"status" doc:"The HTTP status again" example:"409"`
	Detail string         `json:"detail" doc:"What is wrong with this request"`
	Code   string         `json:"code" doc:"Stable, for programs" example:"none-available"`
	Hint   string         `json:"hint" doc:"What to do next"`
	Errors []domain.Field `json:"errors" nullable:"false" doc:"The members or parameters at fault, if any are"`

	of         string        // the unit that the sentences speak of; "": the one they do by themselves
	retryAfter time.Duration // for the Retry-After header; zero: none
	cause      error         // for the log; never shown
}

// Error implements error.
func (p *Problem) Error() string { return p.Code + ": " + p.Detail }

// Unwrap is the cause, for the log.
func (p *Problem) Unwrap() error { return p.cause }

// GetStatus implements huma.StatusError.
func (p *Problem) GetStatus() int { return p.Status }

// ContentType implements huma.ContentTypeFilter.
func (p *Problem) ContentType(string) string { return problemType }

const problemType = "application/problem+json"

// statuses is the one table from codes to HTTP status: about state or quantity
// 409, about content 422, malformed 400, wrong role 403, not one's own 404, too
// many 429, not now 503.
var statuses = map[string]int{
	"malformed-body":            http.StatusBadRequest,
	"malformed-id":              http.StatusBadRequest,
	"malformed-moment":          http.StatusBadRequest,
	"malformed-parameter":       http.StatusBadRequest,
	"malformed-cursor":          http.StatusBadRequest,
	"unknown-position":          http.StatusBadRequest,
	"idempotency-key-missing":   http.StatusBadRequest,
	"idempotency-key-malformed": http.StatusBadRequest,

	"token-missing": http.StatusUnauthorized,
	"token-invalid": http.StatusUnauthorized,
	"token-expired": http.StatusUnauthorized,

	"role-missing":     http.StatusForbidden,
	"sign-in-required": http.StatusForbidden,
	"right-missing":    http.StatusForbidden,
	"not-a-partner":    http.StatusForbidden,

	"severity-not-raised": http.StatusForbidden,

	"not-found":            http.StatusNotFound,
	"contract-not-found":   http.StatusNotFound,
	"incident-not-found":   http.StatusNotFound,
	"link-not-found":       http.StatusNotFound,
	"mail-not-found":       http.StatusNotFound,
	"person-not-found":     http.StatusNotFound,
	"partner-not-found":    http.StatusNotFound,
	"case-not-found":       http.StatusNotFound,
	"advisory-not-found":   http.StatusNotFound,
	"attachment-erased":    http.StatusNotFound,
	"attachment-not-found": http.StatusNotFound,
	"import-not-found":     http.StatusNotFound,
	"upload-not-found":     http.StatusNotFound,

	"method-not-allowed":     http.StatusMethodNotAllowed,
	"request-timeout":        http.StatusRequestTimeout,
	"attachment-too-large":   http.StatusRequestEntityTooLarge,
	"tus-version":            http.StatusPreconditionFailed,
	"body-too-large":         http.StatusRequestEntityTooLarge,
	"unsupported-media-type": http.StatusUnsupportedMediaType,

	"active":                    http.StatusConflict,
	"advisory-closed":           http.StatusConflict,
	"already-closed":            http.StatusConflict,
	"already-renewed":           http.StatusConflict,
	"already-sent":              http.StatusConflict,
	"below-zero":                http.StatusConflict,
	"beyond-head":               http.StatusConflict,
	"cancelled":                 http.StatusConflict,
	"case-exists":               http.StatusConflict,
	"contact-erased":            http.StatusConflict,
	"credit-too-late":           http.StatusConflict,
	"entry-used":                http.StatusConflict,
	"expired":                   http.StatusConflict,
	"grant-lapsed":              http.StatusConflict,
	"incident-closed":           http.StatusConflict,
	"location-exists":           http.StatusConflict,
	"membership-withdrawn":      http.StatusConflict,
	"none-available":            http.StatusConflict,
	"not-eligible":              http.StatusConflict,
	"not-activated":             http.StatusConflict,
	"not-closed":                http.StatusConflict,
	"not-yet":                   http.StatusConflict,
	"pair-exists":               http.StatusConflict,
	"contract-promised":         http.StatusConflict,
	"partner-exists":            http.StatusConflict,
	"primary-contact":           http.StatusConflict,
	"programme-withdrawn":       http.StatusConflict,
	"reclassify-too-late":       http.StatusConflict,
	"reference-used":            http.StatusConflict,
	"reopen-too-late":           http.StatusConflict,
	"suspended":                 http.StatusConflict,
	"unlimited":                 http.StatusConflict,
	"waiting":                   http.StatusConflict,
	"attachment-quota-exceeded": http.StatusConflict,
	"import-running":            http.StatusConflict,
	"imported-otherwise":        http.StatusConflict,
	"upload-busy":               http.StatusConflict,
	"upload-offset":             http.StatusConflict,

	"agreement-required":     http.StatusUnprocessableEntity,
	"clock-backwards":        http.StatusUnprocessableEntity,
	"idempotency-key-reused": http.StatusUnprocessableEntity,
	"ids-not-used":           http.StatusUnprocessableEntity,
	"invalid-field":          http.StatusUnprocessableEntity,
	"pair-not-valid":         http.StatusUnprocessableEntity,
	"payment-required":       http.StatusUnprocessableEntity,
	"portal-not-accepted":    http.StatusUnprocessableEntity,
	"product-not-covered":    http.StatusUnprocessableEntity,
	"purchase-unknown":       http.StatusUnprocessableEntity,
	"region-policy":          http.StatusUnprocessableEntity,
	"wrong-portal":           http.StatusUnprocessableEntity,

	"attachment-type-not-taken": http.StatusUnprocessableEntity,
	"attachment-unknown":        http.StatusUnprocessableEntity,

	"too-many-requests": http.StatusTooManyRequests,
	"too-many-tries":    http.StatusTooManyRequests,

	"internal": http.StatusInternalServerError,

	"busy":               http.StatusServiceUnavailable,
	"issuer-unavailable": http.StatusServiceUnavailable,
	"lists-unavailable":  http.StatusServiceUnavailable,
	"files-unavailable":  http.StatusServiceUnavailable,
	"not-ready":          http.StatusServiceUnavailable,
	"numbers-exhausted":  http.StatusServiceUnavailable,
	"outcome-unknown":    http.StatusServiceUnavailable,
	"storage-full":       http.StatusServiceUnavailable,
	"timeout":            http.StatusServiceUnavailable,
	"too-many-streams":   http.StatusServiceUnavailable,
	"unavailable":        http.StatusServiceUnavailable,
}

// problem makes a problem of a code of the table, in English.
func problem(code, detail, hint string, fields ...domain.Field) *Problem {
	if fields == nil {
		fields = []domain.Field{}
	}
	p := &Problem{
		Type: "/docs#" + code, Title: sentences[code].title, Status: statuses[code],
		Detail: detail, Code: code, Hint: hint, Errors: fields,
	}
	if p.Status == 0 { // a code that the table lacks: a test keeps this from happening
		p.Status, p.Title = http.StatusUnprocessableEntity, http.StatusText(http.StatusUnprocessableEntity)
	}
	if p.Status == http.StatusServiceUnavailable {
		p.retryAfter = time.Second
	}
	return p
}

// aField is a problem about one member or parameter.
func aField(code, name, reason, hint string) *Problem {
	return problem(code, name+" "+reason, hint, domain.Field{Name: name, Reason: reason})
}

// problemOf makes a problem of any error that a call can end in.
func problemOf(err error) *Problem {
	if p, ok := errors.AsType[*Problem](err); ok {
		return p
	}
	if r, ok := errors.AsType[*domain.Refusal](err); ok {
		return problemOfRefusal(r, err)
	}
	if errors.Is(err, projections.ErrCursor) {
		return malformedCursor()
	}
	if building, ok := errors.AsType[*projections.BuildingError](err); ok {
		return problem("not-ready", building.Error(), sentences["not-ready"].hint)
	}
	switch {
	case errors.Is(err, attachments.ErrUnknown):
		return said("attachment-not-found")
	case errors.Is(err, attachments.ErrErased):
		return said("attachment-erased")
	}
	for _, known := range outages {
		if errors.Is(err, known.err) {
			p := problem(known.code, sentences[known.code].detail, sentences[known.code].hint)
			p.cause = err
			return p
		}
	}
	p := problem("internal", sentences["internal"].detail, sentences["internal"].hint)
	p.cause = err
	return p
}

func problemOfRefusal(r *domain.Refusal, err error) *Problem {
	hint := r.Hint
	if hint == "" {
		hint = sentences[r.Code].hint
	}
	p := problem(r.Code, r.Detail, hint, r.Fields...)
	if r.Of != "" {
		p.of, p.Title = r.Of, sentences[r.Code+" "+r.Of].title
	}
	if wait, ok := ledger.RetryAfter(err); ok {
		p.retryAfter = wait
	}
	return p
}

// outages are the errors that pass by themselves.
var outages = []struct {
	err  error
	code string
}{
	{eventstore.ErrFull, "storage-full"},
	{eventstore.ErrUnknown, "outcome-unknown"},
	{eventstore.ErrUnavailable, "unavailable"},
	{eventstore.ErrClosed, "unavailable"},
	{vault.ErrFull, "storage-full"},
	{vault.ErrUnavailable, "unavailable"},
	{attachments.ErrFull, "storage-full"},
	{attachments.ErrUnavailable, "files-unavailable"},
	{vault.ErrFailed, "unavailable"},
	{vault.ErrClosed, "unavailable"},
	{ledger.ErrBusy, "busy"},
	{projections.ErrStopped, "unavailable"},
	{projections.ErrUnavailable, "lists-unavailable"},
	{token.ErrUnavailable, "issuer-unavailable"},
	{context.DeadlineExceeded, "timeout"},
	{context.Canceled, "timeout"},
}

// write answers with the problem.
func (p *Problem) write(w http.ResponseWriter) {
	h := w.Header()
	h.Set("Content-Type", problemType)
	p.headers(h)
	w.WriteHeader(p.Status)
	_ = encode(w, p)
}

// headers sets what belongs to a problem besides its body.
func (p *Problem) headers(h http.Header) {
	if p.retryAfter > 0 {
		h.Set("Retry-After", strconv.FormatInt(int64((p.retryAfter+time.Second-1)/time.Second), 10))
	}
	if p.Status == http.StatusUnauthorized {
		challenge := `Bearer realm="supportledger"`
		if p.Code != "token-missing" {
			challenge += `, error="invalid_token"`
		}
		h.Set("WWW-Authenticate", challenge)
	}
}

// GetHeaders implements huma.HeadersError.
func (p *Problem) GetHeaders() http.Header {
	h := make(http.Header)
	p.headers(h)
	return h
}

func fieldAt(name, reason string) domain.Field { return domain.Field{Name: name, Reason: reason} }
