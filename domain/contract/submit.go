package contract

import (
	"time"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/domain"
	"github.com/supportledger/supportledger/domain/catalog"
)

// Submit is the wish for an incident, which deducts a unit at once where a
// contract pays (R14-R16).
type Submit struct {
	Account      uuid.UUID
	Payment      Payment
	Portal       string
	Product      string
	Usage        string
	ProblemType  string
	Category     string
	Subscription string
	Service      string
	Severity     string
	Title        string
	Texts        domain.Sealed[IncidentTexts]
	Language     string  // of the contact
	Agreement    string  // the version that was accepted; "" for none
	Files        *Files  // to be attached; nil for none
	Behalf       *Behalf // nil: the account asks for itself
}

// Payment says what a request names to pay for it (R15).
type Payment int

// The ways to pay.
const (
	NoPayment      Payment = iota
	LinkedContract         // a contract that the account has linked
	AnotherPair            // a contract by its two IDs, linked in the same append
)

// IncidentTexts are the personal texts of a submission: the contact, and what
// happened.
type IncidentTexts struct {
	Name        string `json:"name"`
	Email       string `json:"email"`
	Phone       string `json:"phone,omitempty"`
	Description string `json:"description"`
}

// Usages are how a product may be used, where it asks (R14).
var Usages = [...]string{"it-professional", "developer", "partner"}

func (c *Submit) decide(s *State, m Moment) ([]Event, error) {
	portal, product, err := c.check(m.Catalog)
	if err != nil {
		return nil, err
	}
	severity, _ := m.Catalog.Severity(c.Severity)
	var out []Event
	country := ""
	if c.Payment == NoPayment && s.version != 0 {
		return nil, domain.Refuse("idempotency-key-reused", "use a new Idempotency-Key for a new request", "this Idempotency-Key was used before")
	}
	if c.Payment != NoPayment {
		if out, err = c.mayPay(s, m, portal, product); err != nil {
			return nil, err
		}
		country = s.terms.Country
	}
	out = append(out, &IncidentSubmitted{
		Number: m.Number, Account: c.Account, Portal: portal.ID, Product: product.ID, Family: product.Family,
		Usage: c.Usage, ProblemType: c.ProblemType, Category: c.Category,
		Subscription: c.Subscription, Service: c.Service, Title: c.Title,
		Severity: severity.ID, Response: m.Catalog.Respond(severity, country, m.At), Country: country,
		Texts: c.Texts, Language: c.Language, Agreement: c.Agreement, OpenedAt: m.At,
	})
	if c.Payment != NoPayment {
		out = append(out, s.deduct(m.Number, m.At))
	}
	out = append(out, c.behalf(m.Number)...)
	return append(out, c.attach(m.Number)...), nil
}

// mayPay refuses where the contract cannot pay, and links it where it is paid by
// its IDs for the first time.
func (c *Submit) mayPay(s *State, m Moment, portal *catalog.Portal, product *catalog.Product) ([]Event, error) {
	reason := ""
	if s.terms != nil {
		reason = s.cannotPay(m.At, portal, product)
	}
	if s.Linked(c.Account) {
		if reason != "" {
			return nil, refusal(reason)
		}
		return nil, nil
	}
	if c.Payment == LinkedContract {
		return nil, RefuseUnknown()
	}
	if c.Behalf != nil {
		return nil, refuseLinkFor(c.Behalf.Customer)
	}
	if s.terms == nil || reason != "" {
		return nil, RefusePair()
	}
	return []Event{&AccountLinked{Account: c.Account, Portal: portal.ID, At: m.At}}, nil
}

// check looks at what needs no contract: the request against the catalogue.
func (c *Submit) check(cat *catalog.Catalog) (*catalog.Portal, *catalog.Product, error) {
	portal, product, err := lookUp(cat, c.Portal, c.Product)
	if err != nil {
		return nil, nil, err
	}
	if product == nil {
		return nil, nil, domain.RefuseField("product", "is missing")
	}
	if err := c.checkContent(cat, portal, product); err != nil {
		return nil, nil, err
	}
	if c.Files != nil && len(c.Files.Unknown) > 0 {
		return nil, nil, c.refuseAttachments()
	}
	if c.Agreement != cat.Agreement.Version {
		r := domain.Refuse("agreement-required", "accept version "+cat.Agreement.Version+" of the agreement at "+cat.Agreement.URL,
			"the current services agreement must be accepted")
		r.Fields = []domain.Field{{Name: "agreement", Reason: "must accept version " + cat.Agreement.Version}}
		return nil, nil, r
	}
	switch {
	case portal.IDs == catalog.IDsNotUsed && c.Payment != NoPayment:
		return nil, nil, refuseIDsNotUsed(portal)
	case portal.IDs != catalog.IDsNotUsed && c.Payment == NoPayment:
		r := domain.Refuse("payment-required", "name a linked contract, another contract's IDs, or an incident that was bought",
			"requests at %s are paid for", portal.Name)
		r.Fields = []domain.Field{{Name: "payment", Reason: "is missing"}}
		return nil, nil, r
	}
	return portal, product, nil
}

func (c *Submit) checkContent(cat *catalog.Catalog, portal *catalog.Portal, product *catalog.Product) error {
	switch {
	case product.AsksUsage && !isUsage(c.Usage):
		return domain.RefuseField("usage", "must be it-professional, developer or partner for this product")
	case !product.AsksUsage && c.Usage != "" && !isUsage(c.Usage):
		return domain.RefuseField("usage", "must be it-professional, developer or partner, or left out")
	case portal.AsksSubscription && c.Subscription == "":
		return domain.RefuseField("subscription", "is missing; requests at this portal name one")
	case portal.AsksSubscription && c.Service == "":
		return domain.RefuseField("service", "is missing; requests at this portal name one")
	}
	problem, ok := product.ProblemType(c.ProblemType)
	if !ok {
		return domain.RefuseField("problem_type", "is not one of the product's problem types")
	}
	if _, ok := problem.Category(c.Category); !ok {
		return domain.RefuseField("category", "is not one of the problem type's categories")
	}
	if _, ok := cat.Severity(c.Severity); !ok {
		return domain.RefuseField("severity", "is not in the catalogue")
	}
	return nil
}

func isUsage(s string) bool {
	for _, u := range Usages {
		if s == u {
			return true
		}
	}
	return false
}

func refuseIDsNotUsed(portal *catalog.Portal) *domain.Refusal {
	r := domain.Refuse("ids-not-used", "leave the payment out", "requests at %s carry no IDs and deduct nothing", portal.Name)
	r.Fields = []domain.Field{{Name: "payment", Reason: "is not used at this portal"}}
	return r
}

// IncidentSubmitted says that somebody asked for help.
type IncidentSubmitted struct {
	Number       Number                       `json:"number"`
	Account      uuid.UUID                    `json:"account"` // whose incident it is
	Portal       string                       `json:"portal"`  // where it was submitted
	Product      string                       `json:"product"`
	Family       string                       `json:"family"`          // the product's
	Usage        string                       `json:"usage,omitempty"` // one of it-professional, developer, partner
	ProblemType  string                       `json:"problem_type"`
	Category     string                       `json:"category"`
	Subscription string                       `json:"subscription,omitempty"` // where the portal asks for one
	Service      string                       `json:"service,omitempty"`      // of the subscription
	Title        string                       `json:"title"`
	Severity     string                       `json:"severity"`          // an id of the catalogue
	Response     catalog.Response             `json:"response"`          // the first response that was promised
	Country      string                       `json:"country,omitempty"` // whose calendar counts
	Texts        domain.Sealed[IncidentTexts] `json:"texts"`
	Language     string                       `json:"language,omitempty"` // of the contact
	Agreement    string                       `json:"agreement"`          // the version that was accepted
	OpenedAt     time.Time                    `json:"opened_at"`
}

// Name implements Event.
func (*IncidentSubmitted) Name() string { return "incident.submitted.v1" }

func (e *IncidentSubmitted) evolve(s *State) {
	if s.incidents == nil {
		s.incidents = make(map[Number]*incident)
	}
	in := &incident{account: e.Account, dueAt: e.Response.DueAt.UnixMicro(), severity: e.Severity, country: e.Country}
	in.revisions = append(in.first[:0], s.version)
	s.incidents[e.Number] = in
}
