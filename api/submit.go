package api

import (
	"context"
	"net/http"
	"slices"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/api/token"
	"github.com/supportledger/supportledger/domain/catalog"
	"github.com/supportledger/supportledger/domain/contract"
	"github.com/supportledger/supportledger/ledger"
)

// maxDescription bounds a description, in bytes.
const maxDescription = 64 << 10

type submitInput struct {
	Body submitBody
}

// submitThroughHuma is what submitFast must equal; it describes the call, and
// serves it in the test that compares the two.
func (a *API) submitThroughHuma(ctx context.Context, c *call, in *submitInput) (*written[IncidentView], error) {
	receipt, view, err := a.submit(ctx, c, &in.Body)
	if err != nil {
		return nil, err
	}
	return write(http.StatusCreated, receipt, view), nil
}

// submit submits an incident whose members have the right form.
func (a *API) submit(ctx context.Context, c *call, b *submitBody) (ledger.Receipt, IncidentView, error) {
	wish, err := a.submission(c.claims, b)
	if err != nil {
		return ledger.Receipt{}, IncidentView{}, err
	}
	if len(b.Attachments) > 0 {
		release, err := a.attach(ctx, c, wish, b.Attachments)
		if err != nil {
			return ledger.Receipt{}, IncidentView{}, err
		}
		defer release()
	}
	answer, err := a.Ledger.Submit(ctx, c.request(b.Portal), wish)
	if err != nil {
		return ledger.Receipt{}, IncidentView{}, a.level(ctx, c, err)
	}
	return answer.Receipt, renderIncident(&answer), nil
}

// submission is a body as the ledger's wish.
func (a *API) submission(claims *token.Claims, b *submitBody) (*ledger.Submission, error) {
	if len(b.Description) > maxDescription {
		return nil, invalid("description", "must have at most 65536 bytes")
	}
	portal, err := a.portalFor(claims, b.Portal)
	if err != nil {
		return nil, err
	}
	wish := &ledger.Submission{
		Submit: contract.Submit{
			Portal: b.Portal, Product: b.Product, Usage: b.Usage, ProblemType: b.ProblemType, Category: b.Category,
			Subscription: b.Subscription, Service: b.Service, Severity: b.Severity, Title: b.Title, Language: b.Contact.Language,
		},
		Texts: contract.IncidentTexts{
			Name: b.Contact.Name, Email: b.Contact.Email, Phone: b.Contact.Phone, Description: b.Description,
		},
	}
	if b.Agreement != nil && b.Agreement.Accepted {
		wish.Agreement = b.Agreement.Version
	}
	if b.OnBehalfOf != nil {
		if wish.Behalf, err = onBehalfOf(claims, portal, b.OnBehalfOf.Customer); err != nil {
			return nil, err
		}
	}
	return wish, pay(wish, b.Payment)
}

// pay takes over what a request names to pay with (R15).
func pay(wish *ledger.Submission, p *paymentBody) error {
	if p == nil {
		return nil
	}
	byPair := p.AccessID != "" || p.ContractID != ""
	switch {
	case p.Contract != "" && byPair, p.Purchase != nil && (byPair || p.Contract != ""):
		return invalid("payment", "must name one of a linked contract, another contract's IDs, and a purchase")
	case p.Purchase != nil:
		wish.Purchase = p.Purchase.Reference
	case byPair:
		access, id, err := pairOf("payment.", p.AccessID, p.ContractID)
		if err != nil {
			return err
		}
		wish.Pair = &ledger.Pair{AccessID: access, ContractID: id}
	case p.Contract != "":
		id, err := contractID(p.Contract)
		if err != nil {
			return err
		}
		if id == uuid.Nil {
			return noContract()
		}
		wish.Contract = id
	}
	return nil
}

// onBehalfOf is for whom a request asks, and the right that allows it (R33).
func onBehalfOf(claims *token.Claims, portal *catalog.Portal, customer string) (*contract.Behalf, error) {
	for _, r := range claims.Rights {
		if r.Portal == portal.ID && r.OnBehalfOf == customer && slices.Contains(portal.OnBehalfOf, r.Right) {
			return &contract.Behalf{Customer: customer, Right: r.Right}, nil
		}
	}
	return nil, problem("right-missing", "this sign-in has no right to ask for that customer at "+portal.Name, sentences["right-missing"].hint)
}
