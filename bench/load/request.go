package load

import (
	"fmt"
	"strings"
)

// A Target is whom a submission is for: a contract, and the token of an account
// that has linked it.
type Target struct{ Contract, Token string }

// A Wording is what a submission says, but for who pays.
type Wording struct {
	Portal, Product, Usage, ProblemType, Category, Severity, Agreement string

	Name, Email, Phone, Language string // of the contact
	Title, Description           string
}

// OnPremises is a submission that the shipped catalogue accepts.
func OnPremises() Wording {
	return Wording{
		Portal: "mpn", Product: "sql-server-2014", Usage: "it-professional",
		ProblemType: "engine", Category: "performance", Severity: "B", Agreement: "2015-07",
		Name: "Ani Wijaya", Email: "ani.wijaya@partner.example", Phone: "+62 21 555 0100", Language: "id",
		Title: "Nightly report takes four hours since the update",
		Description: "Since the update the nightly report runs for four hours instead of ten minutes. The plan shows " +
			"a scan of the orders table; statistics are fresh. We need it before the month ends.",
	}
}

// nobody stands in a body where the contract is put in later. It is as long as
// any contract's id.
const nobody = "00000000-0000-0000-0000-000000000000"

// Body renders the JSON of a submission, about 600 bytes, paid by a contract.
func (w Wording) Body(contract string) []byte {
	return fmt.Appendf(nil, `{"portal":%q,"product":%q,"usage":%q,"problem_type":%q,"category":%q,`+
		`"payment":{"contract":%q},"contact":{"name":%q,"email":%q,"phone":%q,"language":%q},"severity":%q,`+
		`"title":%q,"description":%q,"agreement":{"version":%q,"accepted": true}}`,
		w.Portal, w.Product, w.Usage, w.ProblemType, w.Category, contract, w.Name, w.Email, w.Phone, w.Language,
		w.Severity, w.Title, w.Description, w.Agreement)
}

// halves are a body's bytes before and after the contract's id.
func (w Wording) halves() (before, after []byte) {
	b, a, _ := strings.Cut(string(w.Body(nobody)), nobody)
	return []byte(b), []byte(a)
}
