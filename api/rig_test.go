package api

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/supportledger/supportledger/api/token"
	"github.com/supportledger/supportledger/attachments"
	"github.com/supportledger/supportledger/audit"
	"github.com/supportledger/supportledger/catalogfile"
	"github.com/supportledger/supportledger/domain/catalog"
	"github.com/supportledger/supportledger/eventstore/pebblestore"
	"github.com/supportledger/supportledger/ledger"
	"github.com/supportledger/supportledger/projections"
	"github.com/supportledger/supportledger/vault"
)

// A rig is the API over a real ledger in a folder of its own, with a clock that
// stands.
type rig struct {
	*API
	t       testing.TB
	handler http.Handler
	issuer  *token.Issuer
	clock   *ledger.TestClock
	store   *pebblestore.Store
	catalog *catalog.Catalog
	keys    atomic.Int64
	dir     string
	halt    func() // the projections
}

var start = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC) // a Monday

// newRig starts an API; change may alter its configuration before.
func newRig(t testing.TB, change ...func(*Config)) *rig {
	t.Helper()
	dir := t.TempDir()
	r := &rig{t: t, dir: dir, issuer: token.NewIssuer(), clock: ledger.NewTestClock(start)}
	keys := vault.Generate()
	var err error
	r.catalog, err = catalogfile.Builtin(catalogfile.DefaultName)
	must(t, err)
	r.store, err = pebblestore.Open(filepath.Join(dir, "store"), pebblestore.Options{ReserveBytes: 1})
	must(t, err)
	t.Cleanup(func() { _ = r.store.Close() })
	people, err := vault.CreatePeople(filepath.Join(dir, "people"))
	must(t, err)
	t.Cleanup(func() { _ = people.Close() })
	l, err := ledger.New(ledger.Config{Store: r.store, Keys: keys, People: people, Catalog: r.catalog, Clock: r.clock})
	must(t, err)
	auditor, err := audit.New(r.store, r.clock)
	must(t, err)
	tokens, err := token.NewVerifier(token.Config{BuiltIn: r.issuer, Account: keys.Account})
	must(t, err)
	set, halt := project(t, dir, r.store)
	r.halt = halt
	files, err := attachments.Open(attachments.Config{
		Dir: filepath.Join(dir, "attachments"), People: people, Limits: r.catalog.Attachments, Now: l.Now, Reserve: 1,
	})
	must(t, err)
	config := Config{
		Ledger: l, Projections: set, Attachments: files, Auditor: auditor, Catalog: r.catalog, Keys: keys, Tokens: tokens, Store: r.store,
		TestClock: r.clock, Registry: new(Registry), RefusalFloor: time.Millisecond,
		Heartbeat: time.Millisecond,
	}
	for _, c := range change {
		c(&config)
	}
	r.API = New(config)
	t.Cleanup(r.Imports.Close)
	r.handler = r.Handler()
	return r
}

// project runs the projections until they are halted or the test ends.
func project(t testing.TB, dir string, store *pebblestore.Store) (set *projections.Set, halt func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	set, err := projections.Open(ctx, projections.Config{Dir: filepath.Join(dir, "projections"), Store: store})
	must(t, err)
	ended := make(chan error, 1)
	go func() { ended <- set.Run(ctx) }()
	halt = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("projections: %v", err)
		}
	})
	t.Cleanup(func() { halt(); _ = set.Close() })
	return set, halt
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// token makes a token for somebody who may sign in everywhere.
func (r *rig) token(subject string, roles ...string) string {
	r.t.Helper()
	return r.tokenFor(subject, roles, []string{"mpn", "office", "azure"})
}

func (r *rig) tokenFor(subject string, roles, signIns []string, rights ...token.Right) string {
	r.t.Helper()
	raw, err := r.issuer.Issue(token.Claims{Subject: subject, Roles: roles, SignIns: signIns, Rights: rights}, time.Now())
	must(r.t, err)
	return raw
}

// partnerToken makes a token for somebody who is signed in for a partner.
func (r *rig) partnerToken(subject, partner string, roles ...string) string {
	r.t.Helper()
	raw, err := r.issuer.Issue(token.Claims{Subject: subject, Roles: roles, SignIns: []string{"mpn", "office", "azure"}, PartnerID: partner}, time.Now())
	must(r.t, err)
	return raw
}

// The people of the tests.
func (r *rig) operator() string { return r.token("operator", "operator") }
func (r *rig) engineer() string { return r.token("engineer", "engineer") }
func (r *rig) auditor() string  { return r.token("auditor", "auditor") }
func (r *rig) admin() string    { return r.token("admin", "admin") }
func (r *rig) ani() string      { return r.token("ani", "customer") }
func (r *rig) budi() string     { return r.token("budi", "customer") }

// An answer is what came back.
type answer struct {
	*http.Response
	t    testing.TB
	body []byte
}

// do sends a request with a token, and a body that may be a string of JSON, a
// value, or nil. headers are pairs.
func (r *rig) do(as, method, path string, body any, headers ...string) answer {
	r.t.Helper()
	var reader io.Reader
	switch b := body.(type) {
	case nil:
	case string:
		reader = strings.NewReader(b)
	default:
		text, err := json.Marshal(b)
		must(r.t, err)
		reader = bytes.NewReader(text)
	}
	q := httptest.NewRequest(method, path, reader)
	if as != "" {
		q.Header.Set("Authorization", "Bearer "+as)
	}
	if method == http.MethodPost {
		q.Header.Set("Content-Type", "application/json")
		q.Header.Set("Idempotency-Key", fmt.Sprint("key-", r.keys.Add(1)))
	}
	for i := 0; i < len(headers); i += 2 {
		if q.Header.Del(headers[i]); headers[i+1] != "" {
			q.Header.Set(headers[i], headers[i+1])
		}
	}
	ctx, leave := context.WithCancel(q.Context())
	defer leave()
	w := leaver{httptest.NewRecorder(), leave}
	r.handler.ServeHTTP(w, q.WithContext(ctx))
	return answer{w.Result(), r.t, w.Body.Bytes()}
}

// A leaver is a client that leaves a stream when nothing new comes: it has seen
// what there was.
type leaver struct {
	*httptest.ResponseRecorder
	leave context.CancelFunc
}

// Flush implements http.Flusher.
func (l leaver) Flush() {
	l.ResponseRecorder.Flush()
	if bytes.Contains(l.Body.Bytes(), []byte("\n\n: ")) {
		l.leave()
	}
}

func (r *rig) get(as, path string, headers ...string) answer {
	r.t.Helper()
	return r.do(as, http.MethodGet, path, nil, headers...)
}

func (r *rig) post(as, path string, body any, headers ...string) answer {
	r.t.Helper()
	return r.do(as, http.MethodPost, path, body, headers...)
}

// is fails unless the answer has a status.
func (a answer) is(status int) answer {
	a.t.Helper()
	if a.StatusCode != status {
		a.t.Fatalf("got %d, want %d: %s", a.StatusCode, status, a.body)
	}
	return a
}

// refuses fails unless the answer is a problem with a status and a code.
func (a answer) refuses(status int, code string) answer {
	a.t.Helper()
	p := a.problem()
	if a.StatusCode != status || p.Code != code {
		a.t.Fatalf("got %d %s, want %d %s: %s", a.StatusCode, p.Code, status, code, a.body)
	}
	return a
}

// problem reads the answer as problem+json, and fails where it is none.
func (a answer) problem() (p Problem) {
	a.t.Helper()
	if kind := a.Header.Get("Content-Type"); kind != problemType {
		a.t.Fatalf("got %d with Content-Type %q, want a problem: %s", a.StatusCode, kind, a.body)
	}
	must(a.t, json.Unmarshal(a.body, &p))
	if p.Status != a.StatusCode || p.Title == "" || p.Type == "" || p.Detail == "" || p.Code == "" || p.Hint == "" || p.Errors == nil {
		a.t.Fatalf("an incomplete problem with status %d: %s", a.StatusCode, a.body)
	}
	namesOnce(a.t, &p)
	return p
}

// json reads the answer's body.
func (a answer) json() (v map[string]any) {
	a.t.Helper()
	if err := json.Unmarshal(a.body, &v); err != nil {
		a.t.Fatalf("%v: %s", err, a.body)
	}
	return v
}

// text is a member of the answer that is a string.
func (a answer) text(member string) string {
	a.t.Helper()
	s, ok := a.json()[member].(string)
	if !ok {
		a.t.Fatalf("%s is not a string: %s", member, a.body)
	}
	return s
}

// equals fails unless a member of the answer has a value.
func (a answer) equals(member string, want any) answer {
	a.t.Helper()
	got, _ := json.Marshal(a.json()[member])
	if text, _ := json.Marshal(want); !bytes.Equal(got, text) {
		a.t.Fatalf("%s is %s, want %s: %s", member, got, text, a.body)
	}
	return a
}

// contract registers and activates a Silver contract (15 incidents).
func (r *rig) contract() (c object) {
	r.t.Helper()
	c = r.register(object{"programme": r.programme("SILVER")})
	r.post(r.operator(), "/v1/contracts/"+c["id"].(string)+"/activate", object{"reason": "asked"}).is(200)
	return c
}

func (r *rig) register(more object) object {
	r.t.Helper()
	body := object{
		"country": "ID", "time_zone": "Asia/Jakarta",
		"primary_contact": object{"name": "Citra", "email": "citra@example.com", "language": "id"},
	}
	for k, v := range more {
		body[k] = v
	}
	return r.post(r.operator(), "/v1/contracts", body).is(201).json()
}

func (r *rig) programme(short string) string {
	for _, p := range r.catalog.Programmes {
		if p.Short == short {
			return p.ID
		}
	}
	r.t.Fatalf("no programme %s", short)
	return ""
}

func pair(c object) object {
	return object{"access_id": c["access_id"], "contract_id": c["contract_id"]}
}

// linked is an active contract that ani has linked.
func (r *rig) linked() object {
	r.t.Helper()
	c := r.contract()
	r.link(r.ani(), c).is(201)
	return c
}

func (r *rig) link(as string, c object) answer {
	r.t.Helper()
	body := pair(c)
	body["portal"] = "mpn"
	return r.post(as, "/v1/links", body)
}

// request is a complete submission at the partner portal.
func (r *rig) request(payment object) object {
	return object{
		"portal": "mpn", "product": "windows-8.1", "problem_type": "networking", "category": "vpn",
		"payment": payment, "severity": "B", "title": "No way in", "description": "The tunnel falls down at noon.",
		"contact":   object{"name": "Ani Wijaya", "email": "ani@example.com", "phone": "+62 21 555", "language": "id"},
		"agreement": object{"version": r.catalog.Agreement.Version, "accepted": true},
	}
}

func (r *rig) submit(as string, c object) answer {
	r.t.Helper()
	return r.post(as, "/v1/incidents", r.request(object{"contract": c["id"]}))
}

func (r *rig) product(family string) *catalog.Product {
	for i := range r.catalog.Products {
		if r.catalog.Products[i].Family == family {
			return &r.catalog.Products[i]
		}
	}
	r.t.Fatalf("no product of family %s", family)
	return nil
}
