//go:build linux

package faults_test

import (
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// A reply is an answer as it came; err says that none did.
type reply struct {
	status int
	header http.Header
	body   string
	err    error
}

// good says that the request was acknowledged.
func (r reply) good() bool { return r.err == nil && r.status < 300 }

// code is a problem's code.
func (r reply) code() string {
	var p struct{ Code string }
	_ = json.Unmarshal([]byte(r.body), &p)
	return p.Code
}

// read reads the answer.
func (r reply) read(t testing.TB, v any) {
	t.Helper()
	r.must(t)
	must(t, json.Unmarshal([]byte(r.body), v))
}

func (r reply) must(t testing.TB) {
	t.Helper()
	if !r.good() {
		t.Fatalf("status %d: %s, %v", r.status, r.body, r.err)
	}
}

// mustBeOutage holds an answer to what every 503 owes: problem+json with a code
// and Retry-After.
func (r reply) mustBeOutage(t testing.TB, codes ...string) {
	t.Helper()
	if r.err != nil || r.status != http.StatusServiceUnavailable || !slices.Contains(codes, r.code()) ||
		r.header.Get("Content-Type") != "application/problem+json" || r.header.Get("Retry-After") == "" {
		t.Fatalf("want 503 problem+json with Retry-After and one of the codes %v, got %d (%s, Retry-After %q) %s, %v",
			codes, r.status, r.header.Get("Content-Type"), r.header.Get("Retry-After"), r.body, r.err)
	}
}

type fields map[string]any

// post sends a request under an Idempotency-Key.
func (p *program) post(as, path, key string, body any) reply {
	text, err := json.Marshal(body)
	must(p.t, err)
	return p.send(as, http.MethodPost, path, key, string(text))
}

func (p *program) get(as, path string) reply { return p.send(as, http.MethodGet, path, "", "") }

// send sends a request as somebody whom a development ledger knows, or who has a
// token.
func (p *program) send(as, method, path, key, body string) reply {
	r, err := http.NewRequest(method, p.base+path, strings.NewReader(body))
	must(p.t, err)
	if own, known := p.tokens[as]; known {
		as = own
	}
	if as != "" {
		r.Header.Set("Authorization", "Bearer "+as)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if key != "" {
		r.Header.Set("Idempotency-Key", key)
	}
	answer, err := p.client.Do(r)
	if err != nil {
		return reply{err: err}
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	return reply{answer.StatusCode, answer.Header, string(text), err}
}

// registration, link and submission are bodies of requests.
func registration(contact string) fields {
	return fields{
		"programme": "maps", "country": "ID", "time_zone": "Asia/Jakarta",
		"primary_contact": fields{"name": contact, "email": contact + "@example.com"},
	}
}

func link(c contract) fields {
	return fields{"access_id": c.AccessID, "contract_id": c.ContractID, "portal": "mpn"}
}

func submission(contract, title string) fields {
	return fields{
		"portal": "mpn", "product": "windows-8.1", "problem_type": "updates", "category": "after-update",
		"payment": fields{"contract": contract}, "contact": fields{"name": "Ani", "email": "ani@example.com"},
		"severity": "B", "title": title, "description": "It stopped.", "agreement": fields{"version": "2015-07", "accepted": true},
	}
}

// A contract is what registering one answers.
type contract struct {
	ID         string `json:"id"`
	AccessID   string `json:"access_id"`
	ContractID string `json:"contract_id"`
}

type incident struct {
	Number string `json:"number"`
}

// An event is an item of a contract's history.
type event struct {
	Type string         `json:"type"`
	Data map[string]any `json:"data"`
}

// history is all of a contract's events, page by page.
func (p *program) history(id string) []event {
	p.t.Helper()
	return historyOf(p.t, id, func(path string) reply { return p.get("auditor", path) })
}

func historyOf(t testing.TB, id string, get func(path string) reply) (all []event) {
	t.Helper()
	for cursor := ""; ; {
		var page struct {
			Items []event `json:"items"`
			Next  string  `json:"next"`
		}
		get("/v1/contracts/"+id+"/history?limit=1000&cursor="+cursor).read(t, &page)
		all = append(all, page.Items...)
		if cursor = page.Next; cursor == "" {
			return all
		}
	}
}
