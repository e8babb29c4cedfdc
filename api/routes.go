package api

import (
	"net/http"

	"github.com/supportledger/supportledger/ledger"
)

// A route is one call: where it is, who may use it, and what it needs. What it
// does is found by its id.
type route struct {
	id     string // the operation's, in /openapi.json
	method string
	path   string
	// roles of which one is needed; an actor with several acts under the first.
	// signedIn stands for any token, open for none.
	roles []ledger.Role
	keyed bool // needs an Idempotency-Key
	raw   bool // takes its body as it comes, whatever it is
}

// Stand-ins in the table of routes, never recorded.
const (
	open     ledger.Role = "open"
	signedIn ledger.Role = "signed-in"
)

// Who may use a call.
var (
	everybody = []ledger.Role{open}
	anySignIn = []ledger.Role{signedIn}
	operators = []ledger.Role{ledger.Operator}
	overseers = []ledger.Role{ledger.Operator, ledger.Auditor}
	customers = []ledger.Role{ledger.Customer}
	engineers = []ledger.Role{ledger.Engineer}
	readers   = []ledger.Role{ledger.Engineer, ledger.Operator, ledger.Auditor, ledger.Customer} // customers: their own
	workers   = []ledger.Role{ledger.Engineer, ledger.Customer}                                  // customers: their own
	services  = []ledger.Role{ledger.Service}
	askers    = []ledger.Role{ledger.Operator, ledger.Customer} // customers: their own
	listeners = []ledger.Role{ledger.Service, ledger.Auditor}
	postmen   = []ledger.Role{ledger.Operator, ledger.Admin}
	admins    = []ledger.Role{ledger.Admin}
)

const (
	post  = http.MethodPost
	get   = http.MethodGet
	del   = http.MethodDelete
	patch = http.MethodPatch

	hotRoute  = "submit-incident"
	hotPath   = "/v1/incidents"
	testRoute = "set-test-clock"
)

// routes is every call there is. A test walks it with every role.
var routes = []route{
	{id: hotRoute, method: post, path: hotPath, roles: customers, keyed: true},

	{id: "register-contract", method: post, path: "/v1/contracts", roles: operators, keyed: true},
	{id: "list-contracts", method: get, path: "/v1/contracts", roles: overseers},
	{id: "get-contract", method: get, path: "/v1/contracts/{id}", roles: overseers},
	{id: "activate-contract", method: post, path: "/v1/contracts/{id}/activate", roles: operators, keyed: true},
	{id: "suspend-contract", method: post, path: "/v1/contracts/{id}/suspend", roles: operators, keyed: true},
	{id: "resume-contract", method: post, path: "/v1/contracts/{id}/resume", roles: operators, keyed: true},
	{id: "cancel-contract", method: post, path: "/v1/contracts/{id}/cancel", roles: operators, keyed: true},
	{id: "renew-contract", method: post, path: "/v1/contracts/{id}/renew", roles: operators, keyed: true},
	{id: "reissue-contract", method: post, path: "/v1/contracts/{id}/reissue", roles: operators, keyed: true},
	{id: "resend-ids", method: post, path: "/v1/contracts/{id}/resend-ids", roles: operators, keyed: true},
	{id: "add-grant", method: post, path: "/v1/contracts/{id}/grants", roles: operators, keyed: true},
	{id: "adjust-grant", method: post, path: "/v1/contracts/{id}/adjustments", roles: operators, keyed: true},
	{id: "list-contract-links", method: get, path: "/v1/contracts/{id}/links", roles: operators},
	{id: "remove-contract-link", method: del, path: "/v1/contracts/{id}/links/{account}", roles: operators},
	{id: "get-history", method: get, path: "/v1/contracts/{id}/history", roles: overseers},
	{id: "get-statement", method: get, path: "/v1/contracts/{id}/statement", roles: overseers},
	{id: "get-balance", method: get, path: "/v1/contracts/{id}/balance", roles: overseers},

	{id: "begin-import", method: post, path: importsPath, roles: operators, keyed: true, raw: true},
	{id: "get-import", method: get, path: importsPath + "/{id}", roles: operators},
	{id: "export", method: get, path: exportsPath, roles: overseers},

	{id: "link-contract", method: post, path: "/v1/links", roles: customers, keyed: true},
	{id: "list-links", method: get, path: "/v1/links", roles: customers},
	{id: "remove-link", method: del, path: "/v1/links/{contract}", roles: customers},
	{id: "get-me", method: get, path: "/v1/me", roles: customers},
	{id: "list-benefits", method: get, path: "/v1/me/benefits", roles: customers},
	{id: "list-activity", method: get, path: "/v1/me/activity", roles: customers},
	{id: "list-payment-options", method: get, path: "/v1/payment-options", roles: customers},
	{id: "get-catalog", method: get, path: "/v1/catalog", roles: anySignIn},
	{id: "list-self-help", method: get, path: "/v1/catalog/self-help", roles: anySignIn},

	{id: "list-incidents", method: get, path: "/v1/incidents", roles: engineers},
	{id: "get-incident", method: get, path: "/v1/incidents/{number}", roles: readers},
	{id: "comment-incident", method: post, path: "/v1/incidents/{number}/comments", roles: workers, keyed: true},
	{id: "change-severity", method: post, path: "/v1/incidents/{number}/severity", roles: workers, keyed: true},
	{id: "reopen-incident", method: post, path: "/v1/incidents/{number}/reopen", roles: workers, keyed: true},
	{id: "close-incident", method: post, path: "/v1/incidents/{number}/close", roles: engineers, keyed: true},
	{id: "reclassify-incident", method: post, path: "/v1/incidents/{number}/reclassify", roles: engineers, keyed: true},

	{id: "register-partner", method: post, path: "/v1/partners", roles: operators, keyed: true},
	{id: "get-partner", method: get, path: "/v1/partners/{id}", roles: operators},
	{id: "renew-membership", method: post, path: "/v1/partners/{id}/membership-renewals", roles: operators, keyed: true},
	{id: "add-location", method: post, path: "/v1/partners/{id}/locations", roles: operators, keyed: true},
	{id: "change-partner-contact", method: post, path: "/v1/partners/{id}/contacts", roles: operators, keyed: true},
	{id: "buy-toolkit", method: post, path: "/v1/partners/{id}/toolkits", roles: operators, keyed: true},
	{id: "register-purchase", method: post, path: "/v1/purchases", roles: services, keyed: true},

	{id: "open-program-case", method: post, path: "/v1/program-cases", roles: customers, keyed: true},
	{id: "list-program-cases", method: get, path: "/v1/program-cases", roles: askers},
	{id: "get-program-case", method: get, path: "/v1/program-cases/{number}", roles: askers},
	{id: "close-program-case", method: post, path: "/v1/program-cases/{number}/close", roles: operators, keyed: true},
	{id: "open-advisory-request", method: post, path: "/v1/advisory-requests", roles: customers, keyed: true},
	{id: "get-advisory-request", method: get, path: "/v1/advisory-requests/{number}", roles: readers},
	{id: "record-advisory-time", method: post, path: "/v1/advisory-requests/{number}/time", roles: engineers, keyed: true},
	{id: "credit-advisory-time", method: post, path: "/v1/advisory-requests/{number}/credits", roles: engineers, keyed: true},
	{id: "close-advisory-request", method: post, path: "/v1/advisory-requests/{number}/close", roles: engineers, keyed: true},
	{id: "upload-attachment", method: post, path: attachmentsPath, roles: workers, keyed: true, raw: true},
	{id: "get-attachment", method: get, path: attachmentsPath + "/{sha256}", roles: workers},
	{id: "begin-upload", method: post, path: uploadsPath, roles: workers, keyed: true, raw: true},
	{id: "get-upload", method: get, path: uploadsPath + "/{id}", roles: workers},
	{id: "continue-upload", method: patch, path: uploadsPath + "/{id}", roles: workers, raw: true},

	{id: eventsRoute, method: get, path: eventsPath, roles: listeners},
	{id: "list-due", method: get, path: "/v1/due", roles: postmen},
	{id: "list-mails", method: get, path: "/v1/mails", roles: postmen},
	{id: "resend-mail", method: post, path: "/v1/mails/{id}/resend", roles: postmen, keyed: true},

	{id: "erase-person", method: post, path: "/v1/erasures", roles: admins, keyed: true},
	{id: testRoute, method: post, path: "/v1/test-clock", roles: admins},

	{id: "get-health", method: get, path: "/healthz", roles: everybody},
	{id: "get-readiness", method: get, path: "/readyz", roles: everybody},
}

// routeOf finds a route by its id; an unknown one is a mistake in this package.
func routeOf(id string) *route {
	for i := range routes {
		if routes[i].id == id {
			return &routes[i]
		}
	}
	panic("api: no route is called " + id) // a slip of the pen, found by any test
}
