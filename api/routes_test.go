package api

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/supportledger/supportledger/ledger"
)

// everyRole is every role that a token may carry, and "" for a token without any.
var everyRole = []ledger.Role{
	"", ledger.Customer, ledger.Engineer, ledger.Operator, ledger.Auditor, ledger.Service, ledger.Admin, ledger.System, open, signedIn,
}

// matrix is who may use which call, written down a second time: SPEC section 5.
var matrix = map[string]string{
	"POST /v1/contracts": "operator", "GET /v1/contracts": "operator auditor", "GET /v1/contracts/{id}": "operator auditor",
	"POST /v1/contracts/{id}/activate": "operator", "POST /v1/contracts/{id}/suspend": "operator", "POST /v1/contracts/{id}/resume": "operator",
	"POST /v1/contracts/{id}/cancel": "operator", "POST /v1/contracts/{id}/renew": "operator", "POST /v1/contracts/{id}/reissue": "operator",
	"POST /v1/contracts/{id}/grants": "operator", "POST /v1/contracts/{id}/adjustments": "operator",
	"GET /v1/contracts/{id}/links": "operator", "DELETE /v1/contracts/{id}/links/{account}": "operator",
	"GET /v1/contracts/{id}/history": "operator auditor", "GET /v1/contracts/{id}/balance": "operator auditor",
	"GET /v1/contracts/{id}/statement": "operator auditor",
	"POST /v1/links":                   "customer", "GET /v1/links": "customer", "DELETE /v1/links/{contract}": "customer",
	"GET /v1/me": "customer", "GET /v1/me/benefits": "customer", "GET /v1/me/activity": "customer", "GET /v1/payment-options": "customer",
	"GET /v1/catalog": "any", "GET /v1/catalog/self-help": "any",
	"POST /v1/incidents": "customer", "GET /v1/incidents": "engineer", "GET /v1/incidents/{number}": "customer engineer operator auditor",
	"POST /v1/incidents/{number}/comments": "customer engineer", "POST /v1/incidents/{number}/severity": "customer engineer",
	"POST /v1/incidents/{number}/reopen": "customer engineer", "POST /v1/incidents/{number}/close": "engineer",
	"POST /v1/incidents/{number}/reclassify": "engineer",
	"POST /v1/partners":                      "operator", "GET /v1/partners/{id}": "operator", "POST /v1/partners/{id}/membership-renewals": "operator",
	"POST /v1/partners/{id}/locations": "operator", "POST /v1/partners/{id}/contacts": "operator", "POST /v1/partners/{id}/toolkits": "operator",
	"GET /v1/due": "operator admin", "POST /v1/contracts/{id}/resend-ids": "operator",
	"POST /v1/purchases": "service", "POST /v1/program-cases": "customer", "GET /v1/program-cases": "customer operator",
	"GET /v1/program-cases/{number}": "customer operator", "POST /v1/program-cases/{number}/close": "operator",
	"POST /v1/advisory-requests": "customer", "GET /v1/advisory-requests/{number}": "customer engineer operator auditor",
	"POST /v1/advisory-requests/{number}/time": "engineer", "POST /v1/advisory-requests/{number}/credits": "engineer",
	"POST /v1/advisory-requests/{number}/close": "engineer",
	"POST /v1/imports":                          "operator", "GET /v1/imports/{id}": "operator", "GET /v1/exports": "operator auditor",
	"POST /v1/attachments": "customer engineer", "GET /v1/attachments/{sha256}": "customer engineer",
	"POST /v1/attachments/uploads": "customer engineer", "GET /v1/attachments/uploads/{id}": "customer engineer",
	"PATCH /v1/attachments/uploads/{id}": "customer engineer",
	"GET /v1/events":                     "service auditor",
	"GET /v1/mails":                      "operator admin", "POST /v1/mails/{id}/resend": "operator admin",
	"POST /v1/erasures": "admin", "POST /v1/test-clock": "admin",
	"GET /healthz": "open", "GET /readyz": "open", "GET /metrics": "open", "GET /openapi.json": "open", "GET /docs": "open",
}

// Every call with every role, and without a token: who may comes past the guard,
// who may not gets 403 role-missing, nobody gets past without a token.
func TestEveryRouteWithEveryRole(t *testing.T) {
	r := newRig(t)
	for call, roles := range matrix {
		method, path, _ := strings.Cut(call, " ")
		path = strings.NewReplacer("{id}", "x", "{account}", "x", "{contract}", "x", "{number}", "x", "{sha256}", "x").Replace(path)
		if roles != "open" {
			refused := r.do("", method, path, nil).refuses(401, "token-missing")
			if !strings.HasPrefix(refused.Header.Get("WWW-Authenticate"), "Bearer") {
				t.Errorf("%s: no challenge: %v", call, refused.Header)
			}
			r.do("x", method, path, nil).refuses(401, "token-invalid")
		}
		for _, role := range everyRole {
			allowed := roles == "any" || roles == "open" || slices.Contains(strings.Fields(roles), string(role))
			answer := r.do(r.token("somebody", string(role)), method, path, nil)
			if allowed == (answer.StatusCode == http.StatusForbidden) {
				t.Errorf("%s as %q: %d %s", call, role, answer.StatusCode, answer.body)
			}
			if !allowed {
				answer.refuses(403, "role-missing")
			}
		}
	}
}

// The matrix above and the table of routes name the same calls.
func TestTheMatrixIsWhole(t *testing.T) {
	for i := range routes {
		call := routes[i].method + " " + routes[i].path
		if matrix[call] == "" {
			t.Errorf("%s is not in the matrix", call)
		}
	}
	r := newRig(t)
	for call := range matrix {
		method, path, _ := strings.Cut(call, " ")
		if answer := r.do("", method, path, nil); answer.StatusCode == http.StatusNotFound || answer.StatusCode == http.StatusMethodNotAllowed {
			t.Errorf("%s is not served", call)
		}
	}
}

func TestTheTestClockIsThereOnlyWhereConfigured(t *testing.T) {
	r := newRig(t, func(c *Config) { c.TestClock = nil })
	r.post(r.admin(), "/v1/test-clock", object{"now": "2030-01-01T00:00:00Z"}).refuses(404, "not-found")
}

func TestAPortalNeedsItsSignIn(t *testing.T) {
	r := newRig(t)
	c := r.contract()
	raw := r.tokenFor("dewi", []string{"customer"}, nil)
	r.link(raw, c).refuses(403, "sign-in-required")
	r.get(raw, "/v1/payment-options?portal=azure").refuses(403, "sign-in-required")
	r.post(raw, "/v1/incidents", r.request(object{"contract": c["id"]})).refuses(403, "sign-in-required")
	body := pair(c)
	body["portal"] = "oas" // takes any sign-in
	r.post(raw, "/v1/links", body).is(201)
}
