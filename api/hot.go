package api

import (
	"net/http"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/supportledger/supportledger/domain"
	"github.com/supportledger/supportledger/domain/form"
)

// submitFast is POST /v1/incidents by hand: the same body, the same rules and
// the same answer as through huma, at a fraction of the cost. A test holds the
// two together.
func (a *API) submitFast(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	c := callOf(ctx)
	var body submitBody
	if p := decode(c.body, &body); p != nil {
		c.fail(p)
		return
	}
	if wrong := body.wrong(); len(wrong) > 0 {
		c.fail(misfit(wrong))
		return
	}
	receipt, view, err := a.submit(ctx, c, &body)
	if err != nil {
		c.fail(err)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Ledger-Position", positionOf(receipt))
	if receipt.Replayed {
		h.Set("Idempotency-Replayed", "true")
	}
	w.WriteHeader(http.StatusCreated)
	if err := encode(w, &view); err != nil {
		panic(err) // a view is made of strings, numbers and times
	}
}

// rules collects the members that do not fit; it is what the tags of the body
// say, in code.
type rules struct{ wrong []domain.Field }

func (r *rules) add(name, reason string) {
	r.wrong = append(r.wrong, domain.Field{Name: name, Reason: reason})
}

// length holds a text to so many characters.
func (r *rules) length(name, text string, shortest, longest int) {
	if len(text) >= shortest && len(text) <= longest && shortest <= 1 {
		return // no text has more characters than bytes
	}
	switch n := utf8.RuneCountInString(text); {
	case n < shortest && text == "":
		r.add(name, "is missing")
	case n < shortest:
		r.add(name, "must have at least so many characters: "+strconv.Itoa(shortest))
	case n > longest:
		r.add(name, "must have at most so many characters: "+strconv.Itoa(longest))
	}
}

// fits holds a text to a form, unless it is left out.
func (r *rules) fits(name, text string, ok func(string) bool, form string) {
	if text != "" && !ok(text) {
		r.add(name, "must be "+form)
	}
}

const (
	anID   = 100 // characters of an id of the catalogue
	aLine  = "one line of text"
	aText  = "text without NUL characters"
	anAddr = "an e-mail address"
	aTag   = "a language tag such as en or id"
)

func (b *submitBody) wrong() []domain.Field {
	var r rules
	r.length("portal", b.Portal, 1, anID)
	r.length("product", b.Product, 1, anID)
	r.length("usage", b.Usage, 0, anID)
	r.length("problem_type", b.ProblemType, 1, anID)
	r.length("category", b.Category, 1, anID)
	r.length("subscription", b.Subscription, 0, 200)
	r.fits("subscription", b.Subscription, form.IsLine, aLine)
	r.length("service", b.Service, 0, 200)
	r.fits("service", b.Service, form.IsLine, aLine)
	r.payment(b.Payment)
	r.contact(&b.Contact)
	r.length("severity", b.Severity, 1, anID)
	r.length("title", b.Title, 1, 200)
	r.fits("title", b.Title, form.IsLine, aLine)
	r.length("description", b.Description, 1, 65536)
	r.fits("description", b.Description, isText, aText)
	r.attachments(b.Attachments)
	if b.Agreement != nil {
		r.length("agreement.version", b.Agreement.Version, 0, 100)
	}
	if b.OnBehalfOf != nil {
		r.length("on_behalf_of.customer", b.OnBehalfOf.Customer, 1, 200)
	}
	return r.wrong
}

func (r *rules) payment(p *paymentBody) {
	if p == nil {
		return
	}
	r.length("payment.contract", p.Contract, 0, 64)
	r.length("payment.access_id", p.AccessID, 0, 64)
	r.length("payment.contract_id", p.ContractID, 0, 64)
	if p.Purchase != nil {
		r.length("payment.purchase.reference", p.Purchase.Reference, 1, 200)
	}
}

func (r *rules) contact(c *submitterBody) {
	r.length("contact.name", c.Name, 1, 200)
	r.fits("contact.name", c.Name, form.IsLine, aLine)
	r.length("contact.email", c.Email, 3, 254)
	r.fits("contact.email", c.Email, form.IsAddress, anAddr)
	r.length("contact.phone", c.Phone, 0, 50)
	r.fits("contact.phone", c.Phone, form.IsLine, aLine)
	r.length("contact.language", c.Language, 0, 35)
	r.fits("contact.language", c.Language, form.IsTag, aTag)
}

func (r *rules) attachments(list []attachmentBody) {
	if len(list) > 1000 { // the catalogue may take fewer
		r.add("attachments", "must have at most so many entries: 1000")
	}
	for i, file := range list {
		name := "attachments[" + strconv.Itoa(i) + "]"
		r.length(name+".sha256", file.SHA256, 0, 64)
		r.length(name+".name", file.Name, 0, 255)
	}
}

func isText(s string) bool { return strings.IndexByte(s, 0) < 0 }
