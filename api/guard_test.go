package api

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/supportledger/supportledger/api/token"
)

func TestWhatIsNoCallIsAProblem(t *testing.T) {
	r := newRig(t)
	r.get("", "/").refuses(404, "not-found")
	r.get("", "/v1//contracts").refuses(404, "not-found")
	r.get("", "/v1/planets").refuses(404, "not-found")
	put := r.do(r.operator(), http.MethodPut, "/v1/contracts", nil).refuses(405, "method-not-allowed")
	if allow := put.Header.Get("Allow"); allow != "GET, POST, HEAD" {
		t.Errorf("Allow: %q", allow)
	}
	gone := r.do("", http.MethodGet, "/v1/links/x", nil).refuses(405, "method-not-allowed")
	if allow := gone.Header.Get("Allow"); allow != "DELETE" {
		t.Errorf("Allow: %q", allow)
	}
}

func TestHeadAnswersLikeGet(t *testing.T) {
	r := newRig(t)
	r.do(r.operator(), http.MethodHead, "/v1/contracts", nil).is(200)
	r.do("", http.MethodHead, "/healthz", nil).is(200)
}

func TestABodyThatIsNotOneIsAProblem(t *testing.T) {
	r := newRig(t)
	op := r.operator()
	for _, path := range []string{"/v1/contracts", "/v1/contracts/x/activate", "/v1/contracts/x/grants"} {
		r.post(op, path, `{`).refuses(400, "malformed-body")
		r.post(op, path, ``).refuses(400, "malformed-body")
		r.post(op, path, `[]`).refuses(400, "malformed-body")
		r.post(op, path, `{"reason":7}`).refuses(400, "malformed-body")
		r.post(op, path, `{"unheard_of":7}`).refuses(400, "malformed-body")
		r.post(op, path, `{"reason":"a","reason":"b"}`).refuses(400, "malformed-body")
		r.post(op, path, "{\"reason\":\"\xff\"}").refuses(400, "malformed-body")
		r.post(op, path, `{}`).refuses(422, "invalid-field")
		r.post(op, path, `{"reason":"x"}`, "Content-Type", "text/plain").refuses(415, "unsupported-media-type")
		r.post(op, path, `{"reason":"x"}`, "Content-Type", "application/json; charset=latin1").refuses(415, "unsupported-media-type")
		r.post(op, path, `{"reason":"`+strings.Repeat("x", MaxBody)+`"}`).refuses(413, "body-too-large")
	}
	p := r.post(op, "/v1/contracts/x/activate", `{"unheard_of":7}`).problem()
	if len(p.Errors) != 1 || p.Errors[0].Name != "unheard_of" {
		t.Errorf("the member is not named: %+v", p)
	}
}

func TestABodyOfUnknownLengthIsBounded(t *testing.T) {
	r := newRig(t)
	for size, want := range map[int]int{100: http.StatusNotFound, MaxBody + 1: http.StatusRequestEntityTooLarge} {
		text := `{"reason":"` + strings.Repeat("x", min(size, 100)) + `"}` + strings.Repeat(" ", max(0, size-100))
		q := httptest.NewRequest(http.MethodPost, "/v1/contracts/x/activate", strings.NewReader(text))
		q.ContentLength = -1
		q.Header.Set("Authorization", "Bearer "+r.operator())
		q.Header.Set("Idempotency-Key", "k")
		w := httptest.NewRecorder()
		r.handler.ServeHTTP(w, q)
		if w.Code != want {
			t.Errorf("%d bytes: %d %s", size, w.Code, w.Body)
		}
	}
}

// cut is a body that breaks off.
type cut struct{ err error }

func (c cut) Read([]byte) (int, error) { return 0, c.err }

type slow struct{ error }

func (slow) Timeout() bool   { return true }
func (slow) Temporary() bool { return true }

func TestABodyThatBreaksOffIsNoFaultOfOurs(t *testing.T) {
	r := newRig(t)
	for code, err := range map[string]error{
		"malformed-body": errors.New("connection reset"), "request-timeout": slow{errors.New("i/o timeout")},
	} {
		q := httptest.NewRequest(http.MethodPost, "/v1/incidents", cut{err})
		q.ContentLength = 10
		q.Header.Set("Authorization", "Bearer "+r.ani())
		q.Header.Set("Idempotency-Key", "k")
		w := httptest.NewRecorder()
		r.handler.ServeHTTP(w, q)
		answer{w.Result(), t, w.Body.Bytes()}.refuses(statuses[code], code)
	}
}

func TestTheIdempotencyKeyIsNeededAndChecked(t *testing.T) {
	r := newRig(t)
	for i := range routes {
		rt := &routes[i]
		if !rt.keyed {
			continue
		}
		as := r.token("x", string(rt.roles[0]))
		r.post(as, rt.path, `{}`, "Idempotency-Key", "").refuses(400, "idempotency-key-missing")
		r.post(as, rt.path, `{}`, "Idempotency-Key", strings.Repeat("x", 256)).refuses(400, "idempotency-key-malformed")
		r.post(as, rt.path, `{}`, "Idempotency-Key", "caf\xc3\xa9").refuses(400, "idempotency-key-malformed")
		if answer := r.post(as, rt.path, `{}`, "Idempotency-Key", strings.Repeat("~", 255)); answer.StatusCode >= 400 && strings.HasPrefix(answer.problem().Code, "idempotency") {
			t.Errorf("%s: %s", rt.path, answer.body)
		}
	}
}

func TestARepeatIsTheFirstAnswerAgain(t *testing.T) {
	r := newRig(t)
	c := r.linked()
	for what, send := range map[string]func(key string, more string) answer{
		"submitting": func(key, more string) answer {
			body := r.request(object{"contract": c["id"]})
			body["title"] = "No way in" + more
			return r.post(r.ani(), "/v1/incidents", body, "Idempotency-Key", key)
		},
		"registering": func(key, more string) answer {
			return r.post(r.operator(), "/v1/contracts", object{"programme": "silver",
				"primary_contact": object{"name": "C" + more, "email": "c@example.com"}}, "Idempotency-Key", key)
		},
		"granting": func(key, more string) answer {
			return r.post(r.operator(), "/v1/contracts/"+c["id"].(string)+"/grants",
				object{"unit": "incident", "quantity": 1, "reason": "x" + more}, "Idempotency-Key", key)
		},
	} {
		first, again := send(what, ""), send(what, "")
		if first.StatusCode/100 != 2 || again.StatusCode != first.StatusCode || !bytes.Equal(first.body, again.body) ||
			again.Header.Get("Ledger-Position") != first.Header.Get("Ledger-Position") || first.Header.Get("Ledger-Position") == "" {
			t.Errorf("%s: %d %s, then %d %s", what, first.StatusCode, first.body, again.StatusCode, again.body)
		}
		if first.Header.Get("Idempotency-Replayed") != "" || again.Header.Get("Idempotency-Replayed") != "true" {
			t.Errorf("%s: Idempotency-Replayed is %q, then %q", what, first.Header.Get("Idempotency-Replayed"), again.Header.Get("Idempotency-Replayed"))
		}
		send(what, "!").refuses(422, "idempotency-key-reused")
	}
}

// A panic is answered with a problem, logged with the request's id, and the next
// request is served.
func TestAPanicReachesNobody(t *testing.T) {
	var logged bytes.Buffer
	r := newRig(t, func(c *Config) { c.Logger = slog.New(slog.NewJSONHandler(&logged, nil)) })
	r.plain("panic", "/panic", http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("oh") })) // on purpose
	a := r.get("", "/panic", "X-Request-Id", "request-7").refuses(500, "internal")
	if strings.Contains(string(a.body), "oh") || a.Header.Get("X-Request-Id") != "request-7" {
		t.Errorf("got %v %s", a.Header, a.body)
	}
	if !strings.Contains(logged.String(), `"panic":"oh"`) || !strings.Contains(logged.String(), "request-7") {
		t.Errorf("log: %s", &logged)
	}
	r.get("", "/healthz").is(200)
}

func TestWhatTakesTooLongIsGivenUp(t *testing.T) {
	r := newRig(t, func(c *Config) { c.RequestTimeout = time.Nanosecond })
	a := r.get(r.auditor(), "/v1/contracts").refuses(503, "timeout")
	if a.Header.Get("Retry-After") == "" {
		t.Error("503 without Retry-After")
	}
}

func TestAnAccountIsHeldToItsRate(t *testing.T) {
	r := newRig(t, func(c *Config) { c.Rate, c.Burst = 0.001, 2 })
	ani := r.ani()
	r.get(ani, "/v1/me").is(200)
	r.get(ani, "/v1/me").is(200)
	a := r.get(ani, "/v1/me").refuses(429, "too-many-requests")
	if a.Header.Get("Retry-After") == "" {
		t.Error("429 without Retry-After")
	}
	r.get(r.budi(), "/v1/me").is(200)
}

func TestATokenThatIsOverSaysSo(t *testing.T) {
	r := newRig(t)
	raw, err := r.issuer.Issue(token.Claims{Subject: "ani", Roles: []string{"customer"}, Expires: time.Now().Add(-time.Hour)}, time.Now())
	must(t, err)
	r.get(raw, "/v1/me").refuses(401, "token-expired")
	r.get("", "/v1/me", "Authorization", "Basic YTpi").refuses(401, "token-invalid")
	r.get("", "/v1/me", "Authorization", "Bearer").refuses(401, "token-invalid")
	r.get("", "/v1/me?access_token="+r.ani()).refuses(401, "token-missing")
}

func TestProblemsSpeakTheCallersLanguage(t *testing.T) {
	r := newRig(t)
	p := r.get("", "/v1/me", "Accept-Language", "id-ID, en;q=0.5").refuses(401, "token-missing").problem()
	if p.Title != kalimat["token-missing"].title || p.Hint != kalimat["token-missing"].hint {
		t.Errorf("got %+v", p)
	}
	if p := r.get(r.ani(), "/v1/payment-options", "Accept-Language", "id").refuses(400, "malformed-parameter").problem(); p.Title != kalimat[p.Code].title {
		t.Errorf("got %+v", p)
	}
}

func TestRequestIDsAndTraces(t *testing.T) {
	r := newRig(t)
	if id := r.get("", "/healthz", "X-Request-Id", "bad id\n").Header.Get("X-Request-Id"); len(id) != 24 {
		t.Errorf("a harmful id came back as %q", id)
	}
	const trace, zeros = "4bf92f3577b34da6a3ce929d0e0e4736", "00000000000000000000000000000000"
	for parent, want := range map[string]string{
		"00-" + trace + "-00f067aa0ba902b7-01":                  "sampled",
		"00-" + trace + "-00f067aa0ba902b7-00":                  "not sampled",
		"00-" + trace + "-00f067aa0ba902b7-03":                  "sampled",
		"01-" + trace + "-00f067aa0ba902b7-01-extra":            "sampled",
		"01-" + trace + "-00f067aa0ba902b7-01extra":             "none",
		"00-" + trace + "-00f067aa0ba902b7-01-extra":            "none",
		"ff-" + trace + "-00f067aa0ba902b7-01":                  "none",
		"00-" + strings.ToUpper(trace) + "-00f067aa0ba902b7-01": "none",
		"00-" + zeros + "-00f067aa0ba902b7-01":                  "none",
		"00-" + trace + "-" + zeros[:16] + "-01":                "none",
		"00-" + trace:                                           "none",
		"":                                                      "none",
		strings.Repeat("-", 55):                                 "none",
		strings.Repeat("\xff", 55):                              "none",
	} {
		have, p := "none", parseTraceparent(parent)
		if p != (traceparent{}) {
			have = map[bool]string{true: "sampled", false: "not sampled"}[p.sampled]
			if fmt.Sprintf("%x-%x", p.id, p.span) != trace+"-00f067aa0ba902b7" {
				t.Errorf("%q: read %x-%x", parent, p.id, p.span)
			}
		}
		if have != want {
			t.Errorf("%q: is %s, want %s", parent, have, want)
		}
	}
}
