package load

import (
	"fmt"
	"strings"
)

// A Target is whom a submission is for: a contract, and the token of an account
// that has linked it.
type Target struct{ Contract, Token string }

// A Wording is the part of a submission that the catalogue decides.
type Wording struct {
	Portal, Product, Usage, ProblemType, Category, Severity, Agreement string
}

// OnPremises is a submission that the shipped catalogue accepts.
func OnPremises() Wording {
	return Wording{
		Portal: "mpn", Product: "sql-server-2014", Usage: "it-professional",
		ProblemType: "performance", Category: "slow-query", Severity: "B", Agreement: "2015-01",
	}
}

// nobody stands in a body where the contract is put in later. It is as long as
// any contract's id.
const nobody = "00000000-0000-0000-0000-000000000000"

// Body renders the JSON of a submission, about 600 bytes, paid by a contract.
func (w Wording) Body(contract string) []byte {
	return fmt.Appendf(nil, `{"portal":%q,"product":%q,"usage":%q,"problem_type":%q,"category":%q,`+
		`"payment":{"contract":%q},"contact":{"name":"Ani Wijaya","email":"ani.wijaya@partner.example",`+
		`"phone":"+62 21 555 0100","language":"id"},"severity":%q,`+
		`"title":"Nightly report takes four hours since the update","description":"Since the update `+
		`the nightly report runs for four hours instead of ten minutes. The plan shows a scan of the `+
		`orders table; statistics are fresh. We need it before the month ends.",`+
		`"agreement":{"version":%q,"accepted": true}}`,
		w.Portal, w.Product, w.Usage, w.ProblemType, w.Category, contract, w.Severity, w.Agreement)
}

// halves are a body's bytes before and after the contract's id.
func (w Wording) halves() (before, after []byte) {
	b, a, _ := strings.Cut(string(w.Body(nobody)), nobody)
	return []byte(b), []byte(a)
}
