package api

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/domain"
	"github.com/supportledger/supportledger/domain/catalog"
	"github.com/supportledger/supportledger/domain/contract"
	"github.com/supportledger/supportledger/projections"
)

// A paymentOption is a linked contract as a way to pay (R11, R12).
type paymentOption struct {
	Contract    string `json:"contract"`
	AccessID    string `json:"access_id"`
	Label       string `json:"label,omitzero" doc:"Absent where it cannot be used"`
	ServiceName string `json:"service_name,omitzero" doc:"Absent where it cannot be used, or where the portal shows plan labels"`
	Remaining   *int64 `json:"remaining" doc:"Incidents, were the contract usable; null where unlimited"`
	Unlimited   bool   `json:"unlimited"`
	Inability
}

// An Inability is whether a linked contract can be used, and, where it cannot, the
// first reason that holds and what to do about it (R11).
type Inability struct {
	Usable  bool    `json:"usable"`
	Reason  *string `json:"reason" doc:"Why it cannot be used, for programs"`
	Warning *string `json:"warning" doc:"Why it cannot be used, for people"`
	Hint    *string `json:"hint" doc:"What to do about it"`
}

// whyNot tells a refusal of the domain; nil where the contract can be used.
func whyNot(cannot *domain.Refusal, lang language) Inability {
	if cannot == nil {
		return Inability{Usable: true}
	}
	p := problemOf(cannot).in(lang)
	warning := unusable[lang] + p.Detail
	return Inability{Reason: &p.Code, Warning: &warning, Hint: &p.Hint}
}

// unusable begins the warning about a contract that cannot be used.
var unusable = [...]string{english: "this contract cannot be used: ", indonesian: "kontrak ini tidak dapat digunakan: "}

// paymentOptions are all ways to pay at a portal.
type paymentOptions struct {
	Items       []paymentOption `json:"items" nullable:"false"`
	IDsRequired bool            `json:"ids_required" doc:"false: requests at this portal carry no payment"`
	Others      []string        `json:"others" nullable:"false" doc:"another-contract: by its two IDs; purchase: an incident that was bought"`
}

type paymentInput struct {
	AfterInput
	Portal  string `query:"portal" required:"true" maxLength:"100"`
	Product string `query:"product" maxLength:"100" doc:"Any of the portal's if left out"`
}

func (a *API) listPaymentOptions(ctx context.Context, c *call, in *paymentInput) (*shown[paymentOptions], error) {
	portal, err := a.portalFor(c.claims, in.Portal)
	if err != nil {
		return nil, err
	}
	product, err := a.productAt(portal, in.Product)
	if err != nil {
		return nil, err
	}
	if _, err := a.position(ctx, in.After); err != nil {
		return nil, err
	}
	out := paymentOptions{Items: []paymentOption{}, Others: []string{}}
	if portal.IDs == catalog.IDsNotUsed {
		return &shown[paymentOptions]{out}, nil
	}
	out.IDsRequired, out.Others = true, []string{"another-contract", "purchase"}
	linked, err := a.linkedNow(ctx, c.account())
	if err != nil {
		return nil, err
	}
	for _, id := range linked {
		option, err := a.option(ctx, c, id, portal, product)
		if err != nil {
			return nil, err
		}
		if option != nil {
			out.Items = append(out.Items, *option)
		}
	}
	return &shown[paymentOptions]{out}, nil
}

// productAt finds a product, and refuses one that the portal does not take (R13).
func (a *API) productAt(portal *catalog.Portal, id string) (*catalog.Product, error) {
	if id == "" {
		return nil, nil
	}
	product, ok := a.Catalog.Product(id)
	if !ok {
		return nil, invalid("product", "is not in the catalogue")
	}
	if portal.Takes(product.Family) {
		return product, nil
	}
	hint := "no portal takes it; ask the vendor"
	if right, ok := a.Catalog.PortalFor(product.Family); ok {
		hint = "ask at the " + right.Name + " (" + right.ID + "): " + right.Address
	}
	return nil, problem("wrong-portal", "requests about "+product.Name+" are not taken at this portal", hint, domain.Field{Name: "portal", Reason: hint})
}

// linkedNow are the contracts that an account has linked, including every link
// that was recorded before.
func (a *API) linkedNow(ctx context.Context, account uuid.UUID) ([]uuid.UUID, error) {
	if err := a.awaitHead(ctx); err != nil {
		return nil, err
	}
	var out []uuid.UUID
	page := projections.Page{Limit: projections.MaxLimit}
	for {
		rows, err := a.Projections.Links.OfAccount(ctx, a.Ledger.Now(), account, page)
		if err != nil {
			return nil, err
		}
		for i := range rows.Items {
			out = append(out, rows.Items[i].ID)
		}
		if page.Cursor = rows.Next; page.Cursor == "" {
			return out, nil
		}
	}
}

// option describes a contract as a way to pay as it is now; nil where it is not
// linked any more.
func (a *API) option(ctx context.Context, c *call, id uuid.UUID, portal *catalog.Portal, product *catalog.Product) (*paymentOption, error) {
	var option *paymentOption
	err := a.Ledger.View(ctx, id, func(s *contract.State, at time.Time) {
		if s.Linked(c.account()) {
			option = a.renderOption(id, s.Terms(), s.Eligibility(at, portal, product), portal, c.lang)
		}
	})
	return option, err
}

func (a *API) renderOption(id uuid.UUID, terms *contract.Registered, e contract.Eligibility, portal *catalog.Portal, lang language) *paymentOption {
	s := a.showAt(terms, portal)
	o := &paymentOption{Contract: id.String(), AccessID: s.accessID, Unlimited: e.Unlimited, Inability: whyNot(e.Refusal, lang)}
	if !e.Unlimited {
		o.Remaining = &e.Remaining
	}
	if !e.Usable {
		return o
	}
	o.Label = s.label
	if s.serviceName != nil {
		o.ServiceName = *s.serviceName
	}
	return o
}
