package api

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/supportledger/supportledger/domain/mail"
)

// A fuzz makes requests out of the API's own description.
type fuzz struct {
	*rig
	doc    *openapi3.T
	random *rand.Rand
	tokens []string
	pool   []string // values that mean something here
	mails  []string // ids of mails

	partner, location string // ids

	pools    int // that were filled
	calls    []fuzzCall
	seen     map[string]int // by operation and status
	events   int            // that came over event streams
	known    map[string]*jsonschema.Schema
	upload   string // the id of one
	digest   string // of a file
	imported string // the id of an import
}

type fuzzCall struct {
	method, path string
	item         *openapi3.PathItem
	*openapi3.Operation
}

// TestTheAPIKeepsItsOwnDescription sends requests made from /openapi.json, right
// and wrong ones, and holds the answers to it: no 5xx (R43), no status and no
// body that it does not describe.
func TestTheAPIKeepsItsOwnDescription(t *testing.T) {
	f := newFuzz(t)
	requests := 1500
	if os.Getenv("CI") == "true" {
		requests = 10_000
	}
	for i := range requests {
		if i%200 == 0 {
			f.fillPool()
		}
		f.send(f.calls[f.random.IntN(len(f.calls))])
	}
	if f.events == 0 {
		t.Error("no event ever came over an event stream")
	}
	succeeded := map[string]bool{}
	for key := range f.seen {
		if id, status, _ := strings.Cut(key, " "); status[0] == '2' {
			succeeded[id] = true
		}
	}
	if len(succeeded) < len(f.calls)*9/10 {
		t.Errorf("only %d of %d calls ever succeeded: the requests are too wild: %v", len(succeeded), len(f.calls), f.seen)
	}
}

func newFuzz(t *testing.T) *fuzz {
	t.Helper()
	r := newRig(t)
	doc, err := openapi3.NewLoader().LoadFromData(r.get("", "/openapi.json").is(200).body)
	must(t, err)
	must(t, doc.Validate(t.Context()))
	for _, kind := range []string{eventStream, "text/plain", "image/png", "text/csv", "application/x-ndjson"} {
		openapi3filter.RegisterBodyDecoder(kind, openapi3filter.PlainBodyDecoder)
	}
	f := &fuzz{rig: r, doc: doc, random: rand.New(rand.NewPCG(7, 7)), seen: map[string]int{}, known: map[string]*jsonschema.Schema{}}
	f.tokens = []string{r.operator(), r.engineer(), r.auditor(), r.admin(), r.ani(), r.budi(), r.token("none"), ""}
	for _, path := range slices.Sorted(maps.Keys(doc.Paths.Map())) {
		item := doc.Paths.Value(path)
		for _, method := range slices.Sorted(maps.Keys(item.Operations())) {
			f.calls = append(f.calls, fuzzCall{method, path, item, item.Operations()[method]})
		}
	}
	return f
}

// fillPool gathers names of things that are there.
func (f *fuzz) fillPool() {
	f.pools++
	c := f.contract()
	f.post(f.operator(), "/v1/contracts/"+c["id"].(string)+"/grants", object{"unit": "incident", "quantity": 1000, "reason": "test"}).is(200)
	f.link(f.all(), c).is(201)
	number := f.submit(f.all(), c).is(201).text("number")
	account := f.get(f.all(), "/v1/me").is(200).text("account")
	advice, question := f.fillPartners(c)
	p := f.postOf(c)
	f.mails = []string{p.givenUp(1, mail.Closed), p.givenUp(2, mail.IDs), p.sent(3, mail.IDs)}
	if a := f.post(f.all(), importsPath, "access_id,contract_id\n", "Content-Type", csvType); a.StatusCode == 202 { // else one is running
		f.imported = a.text("id")
	}
	f.digest = f.uploadFile(f.all(), "fuzz "+number)
	f.upload = f.post(f.all(), uploadsPath, nil, "Upload-Length", "20").is(201).text("id")
	f.pool = []string{
		c["id"].(string), number, advice, question, account, "mpn", "oas", "azure", "office", "windows-8.1", "networking", "vpn", "A", "B", "C", "g1", "g2",
		f.digest, f.upload,
		"incident", "resolved", "product-defect", "duplicate", "silver", "it-professional", "en", "ID", "Asia/Jakarta", "2026-03-02", "2026-12-31",
		f.catalog.Agreement.Version, c["access_id"].(string), c["contract_id"].(string), "1", "5", "active", "open", "-opened_at",
		"2026-03-02T09:00:00Z", "a@example.com", "", "\x00", "%", "' OR 1=1 --", "é\u2028", strings.Repeat("x", 300),
	}
}

// fillPartners makes a partner that somebody with every role is signed in for, with
// a location, an advisory request and a program case.
func (f *fuzz) fillPartners(c object) (advice, question string) {
	contact := object{"name": "Citra", "email": "citra@example.com"}
	f.partner = f.post(f.operator(), "/v1/partners", object{
		"name": "Contoso", "level": "gold", "country": "ID", "time_zone": "Asia/Jakarta", "primary_contact": contact,
	}).is(201).text("id")
	f.location = f.post(f.operator(), "/v1/partners/"+f.partner+"/locations", object{
		"name": "Bandung", "country": "ID", "time_zone": "Asia/Jakarta", "primary_contact": contact,
	}).is(201).text("id")
	advice = f.post(f.all(), "/v1/advisory-requests", object{
		"contract": c["id"], "title": "Which one", "description": "Which one fits?", "contact": contact,
	}).is(201).text("number")
	question = f.post(f.all(), "/v1/program-cases", object{"kind": "other", "text": "Please."}).is(201).text("number")
	return advice, question
}

// all is somebody with every role, and another one for each pool: who guesses
// IDs is soon refused everything.
func (f *fuzz) all() string {
	return f.partnerToken(fmt.Sprint("all-", f.pools), f.partner, "customer", "engineer", "operator", "auditor", "admin", "service")
}

// send sends one request, mostly a right one.
func (f *fuzz) send(call fuzzCall) {
	path, query := call.path, url.Values{}
	headers := []string{}
	for _, p := range call.Parameters {
		value := f.word(p.Value.Schema.Value, p.Value.Name)
		switch p.Value.In {
		case "path":
			switch {
			case strings.HasPrefix(call.path, "/v1/partners/") && f.chance(90):
				value = f.partner
			case strings.HasPrefix(call.path, "/v1/mails/") && f.chance(90):
				value = f.mails[f.random.IntN(len(f.mails))]
			case strings.HasPrefix(call.path, uploadsPath) && f.chance(90):
				value = f.upload
			case strings.HasPrefix(call.path, importsPath) && f.chance(90):
				value = f.imported
			case p.Value.Name == "sha256" && f.chance(90):
				value = f.digest
			}
			path = strings.ReplaceAll(path, "{"+p.Value.Name+"}", url.PathEscape(orDefault(value, "x")))
		case "query":
			if p.Value.Required || f.chance(30) {
				query.Set(p.Value.Name, value)
			}
		case "header":
			if p.Value.Name != "Idempotency-Key" && (p.Value.Required || f.chance(20)) {
				headers = append(headers, p.Value.Name, value)
			}
		}
	}
	if f.chance(3) {
		headers = append(headers, "Idempotency-Key", fmt.Sprint("again-", f.random.IntN(20)))
	}
	var body any
	if call.RequestBody != nil {
		body = f.body(call)
		if kind := kindOf(call); kind != "application/json" {
			headers = append(headers, "Content-Type", kind)
		}
	}
	target := path
	if len(query) > 0 {
		target += "?" + query.Encode()
	}
	as := f.all()
	if f.chance(25) {
		as = f.tokens[f.random.IntN(len(f.tokens))]
	}
	a := f.do(as, call.method, target, body, headers...)
	f.judge(call, target, body, a)
}

// body is a body by its schema; now and then one that is none.
func (f *fuzz) body(call fuzzCall) string {
	if f.chance(3) {
		return []string{"", "{", "null", "[]", `{"x":`, `"x"`, "\xff"}[f.random.IntN(7)]
	}
	if call.OperationID == "begin-import" {
		return "access_id,contract_id,programme,contact_name,contact_email\n" + fmt.Sprintf("%08d,00000001,silver,Citra,citra@example.com\n", f.random.IntN(100))
	}
	if kindOf(call) != "application/json" {
		return f.pick() + "\n"
	}
	schema := call.RequestBody.Value.Content["application/json"].Schema.Value
	wild := 0
	if f.chance(30) {
		wild = 20
	}
	text, err := json.Marshal(f.value(schema, "", wild))
	must(f.t, err)
	return string(text)
}

// kindOf is what a call takes.
func kindOf(call fuzzCall) string {
	return slices.Sorted(maps.Keys(call.RequestBody.Value.Content))[0]
}

// value is a value by a schema; wild is how often in a hundred it is another one.
func (f *fuzz) value(s *openapi3.Schema, name string, wild int) any {
	if f.chance(wild) {
		return []any{nil, "", "x", 7, -1.5, true, []any{}, object{}, []any{nil}, f.pick()}[f.random.IntN(10)]
	}
	switch {
	case s.Type.Includes("object"):
		out := object{}
		for _, member := range slices.Sorted(maps.Keys(s.Properties)) {
			required, often := slices.Contains(s.Required, member), 20
			switch {
			case required:
				often = 100 - wild
			case member == "payment" || member == "agreement":
				often = 95
			}
			if f.chance(often) {
				out[member] = f.value(s.Properties[member].Value, member, wild)
			}
		}
		return f.sensible(name, out)
	case s.Type.Includes("array"):
		return []any{}
	case s.Type.Includes("integer"):
		return f.random.IntN(20) - 3
	case s.Type.Includes("boolean"):
		return f.chance(50)
	}
	return f.word(s, name)
}

// sensible makes those objects right of which only whole ones are.
func (f *fuzz) sensible(name string, out object) object {
	switch name {
	case "payment":
		return object{"contract": f.pool[2]}
	case "agreement":
		return object{"version": f.catalog.Agreement.Version, "accepted": true}
	}
	return out
}

// known are values that fit members and parameters of a name.
var known = map[string][]string{
	"portal": {"mpn", "oas", "azure"}, "product": {"windows-8.1"}, "problem_type": {"networking"}, "category": {"vpn"},
	"severity": {"A", "B", "C"}, "closure": {"resolved", "product-defect"}, "programme": {"silver", "gold"}, "usage": {"developer"},
	"email": {"a@example.com"}, "language": {"en", "id"}, "country": {"ID"}, "time_zone": {"Asia/Jakarta"}, "grant": {"g1", "g3"},
	"starts_on": {"2026-03-02"}, "expires_on": {"2026-12-31"}, "after": {"1", "3"}, "limit": {"1", "50"}, "from": {"2026-03-01"}, "to": {"2026-03-31"}, "by": {"2027-03-31T00:00:00Z"}, "at": {"1", "2026-03-02T09:00:00Z"},
	"types": {"incident", "contract.registered.v1", "account,incident.submitted.v1,link"}, "Last-Event-ID": {"0", "5", "100000"},
	"level": {"gold", "maps"}, "renewed_on": {"2026-03-02", "2027-03-02", "2028-03-02"}, "family": {"on-premises", "any"}, "entry": {"e1", "e2", "e3"},
	"outcome": {"sent"}, "sort": {"-title", "severity"}, "now": {"2026-03-02T09:00:00Z", "2026-03-02T10:00:00Z"}, "access_id": {"0230242323"}, "contract_id": {"0098765432"},
	"Upload-Length": {"5", "20", "1000000000000"}, "Upload-Offset": {"0", "2"}, "Tus-Resumable": {"1.0.0"}, "sha256": {strings.Repeat("0", 64)},
}

func (f *fuzz) word(s *openapi3.Schema, name string) string {
	switch {
	case f.chance(10):
		return f.pick()
	case len(s.Enum) > 0:
		return fmt.Sprint(s.Enum[f.random.IntN(len(s.Enum))])
	case name == "id" || name == "contract":
		return f.pool[0]
	case name == "number":
		return f.pool[1+f.random.IntN(3)]
	case name == "location":
		return f.location
	case name == "account":
		return f.pool[4]
	case known[name] != nil:
		return known[name][f.random.IntN(len(known[name]))]
	}
	return fmt.Sprint("word ", f.random.IntN(1000))
}

func (f *fuzz) pick() string { return f.pool[f.random.IntN(len(f.pool))] }

func (f *fuzz) chance(percent int) bool { return f.random.IntN(100) < percent }

// judge holds an answer to the description.
func (f *fuzz) judge(call fuzzCall, target string, body any, a answer) {
	f.seen[fmt.Sprint(call.OperationID, " ", a.StatusCode)]++
	if a.StatusCode >= http.StatusInternalServerError {
		f.t.Errorf("%s %s %v: %d %s", call.method, target, body, a.StatusCode, a.body)
		return
	}
	input := &openapi3filter.ResponseValidationInput{
		RequestValidationInput: &openapi3filter.RequestValidationInput{
			Request: httptest.NewRequest(call.method, call.path, nil),
			Route:   &routers.Route{Spec: f.doc, Path: call.path, PathItem: call.item, Method: call.method, Operation: call.Operation},
		},
		Status: a.StatusCode, Header: a.Header, Options: &openapi3filter.Options{IncludeResponseStatus: true},
	}
	if err := openapi3filter.ValidateResponse(f.t.Context(), input.SetBodyBytes(a.body)); err != nil {
		f.t.Errorf("%s %s %v: %d %s\n%v", call.method, target, body, a.StatusCode, a.body, err)
	}
	switch {
	case a.StatusCode >= http.StatusBadRequest:
		a.problem()
	case call.OperationID == eventsRoute:
		f.judgeEvents(call, target, a)
	}
}

// judgeEvents holds what came over an event stream to the description of an Event.
func (f *fuzz) judgeEvents(call fuzzCall, target string, a answer) {
	for _, m := range messages(f.t, a.body) {
		if m.event == "" {
			continue
		}
		f.events++
		var data any
		must(f.t, json.Unmarshal([]byte(m.data), &data))
		var shown struct{ Data any }
		must(f.t, json.Unmarshal([]byte(m.data), &shown))
		if err := f.schema(m.event).Validate(shown.Data); err != nil {
			f.t.Errorf("%s %s: %s: %v", call.method, target, m.data, err)
		}
		if err := f.doc.ValidateSchemaJSON(f.doc.Components.Schemas["Event"].Value, data); err != nil {
			f.t.Errorf("%s %s: %s: %v", call.method, target, m.data, err)
		}
	}
}

// schema is what subscribers are told about a type of events.
func (f *fuzz) schema(eventType string) *jsonschema.Schema {
	f.t.Helper()
	if f.known[eventType] == nil {
		var err error
		f.known[eventType], err = jsonschema.NewCompiler().Compile("../docs/schemas/" + eventType + ".json")
		must(f.t, err)
	}
	return f.known[eventType]
}
