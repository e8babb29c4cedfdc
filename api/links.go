package api

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/api/token"
	"github.com/supportledger/supportledger/domain/catalog"
	"github.com/supportledger/supportledger/domain/contract"
	"github.com/supportledger/supportledger/ledger"
	"github.com/supportledger/supportledger/projections"
)

// A LinkView is a contract that an account has linked.
type LinkView struct {
	Contract    string     `json:"contract"`
	Label       string     `json:"label"`
	ServiceName *string    `json:"service_name" doc:"null where portals show plan labels"`
	AccessID    string     `json:"access_id"`
	Programme   string     `json:"programme"`
	Status      string     `json:"status"`
	StartsOn    *string    `json:"starts_on"`
	ExpiresOn   *string    `json:"expires_on"`
	LinkedAt    *time.Time `json:"linked_at,omitzero"`
}

// A linkedView is the answer to linking: a contract, and whether it can pay for
// what it was asked for (R11).
type linkedView struct {
	LinkView
	Inability
}

func (a *API) registerLinks() {
	const tag = "Links"
	register(a, "link-contract", http.StatusCreated, texts{tag, "Link a contract by its two IDs",
		"Done once; later requests only pick the contract. 200 where it is linked already, with a warning where it cannot be used. " +
			"Anything but success is pair-not-valid, whatever the reason."}, a.link)
	register(a, "list-links", http.StatusOK, texts{tag, "List the contracts that the account has linked", ""}, a.listLinks)
	register(a, "remove-link", http.StatusNoContent, texts{tag, "Unlink a contract",
		"Possible at any time; the account goes on reading its own incidents."}, a.removeLink)
	register(a, "list-contract-links", http.StatusOK, texts{"Contracts", "List the accounts that have linked a contract", ""}, a.listContractLinks)
	register(a, "remove-contract-link", http.StatusNoContent, texts{"Contracts", "Unlink an account from a contract", ""}, a.removeContractLink)
}

type linkInput struct {
	Body linkBody
}

func (a *API) link(ctx context.Context, c *call, in *linkInput) (*written[linkedView], error) {
	b := &in.Body
	portal, err := a.portalFor(c.claims, b.Portal)
	if err != nil {
		return nil, err
	}
	access, id, err := pairOf("", b.AccessID, b.ContractID)
	if err != nil {
		return nil, err
	}
	answer, err := a.Ledger.Link(ctx, c.request(b.Portal), ledger.Pair{AccessID: access, ContractID: id}, b.Portal, b.Product)
	if err != nil {
		return nil, a.level(ctx, c, err)
	}
	status := http.StatusCreated
	if !answer.Changed {
		status = http.StatusOK
	}
	return write(status, answer.Receipt, linkedView{a.linkOf(answer.ID, answer.Summary, portal), whyNot(answer.Cannot, c.lang)}), nil
}

func (a *API) linkOf(id uuid.UUID, c contract.Summary, portal *catalog.Portal) LinkView {
	s := a.showAt(c.Terms, portal)
	return LinkView{
		Contract: id.String(), Label: s.label, ServiceName: s.serviceName, AccessID: s.accessID,
		Programme: c.Terms.Programme, Status: string(c.Status),
		StartsOn: orNull(c.StartsOn.String()), ExpiresOn: orNull(c.ExpiresOn.String()),
	}
}

type linksInput struct {
	PageInput
	Portal string `query:"portal" maxLength:"100" doc:"Show the contracts as this portal does"`
}

func (a *API) listLinks(ctx context.Context, c *call, in *linksInput) (*shown[list[LinkView]], error) {
	portal, err := a.shownAt(in.Portal)
	if err != nil {
		return nil, err
	}
	if err := a.wait(ctx, in.After); err != nil {
		return nil, err
	}
	rows, err := a.Projections.Links.OfAccount(ctx, a.Ledger.Now(), c.account(), in.page())
	if err != nil {
		return nil, err
	}
	return render(rows, func(l *projections.Link) LinkView {
		v := a.linkOf(l.ID, l.Summary, portal)
		v.LinkedAt = timeOrNull(l.Since)
		return v
	}), nil
}

// shownAt finds the portal that answers are shown as at; nil where none is named.
func (a *API) shownAt(id string) (*catalog.Portal, error) {
	if id == "" {
		return nil, nil
	}
	portal, ok := a.Catalog.Portal(id)
	if !ok {
		return nil, invalid("portal", "is not in the catalogue")
	}
	return portal, nil
}

type contractLinksInput struct {
	ContractInput
	PageInput
}

// An accountLink is an account that has linked a contract.
type accountLink struct {
	Account  string    `json:"account"`
	LinkedAt time.Time `json:"linked_at"`
}

func (a *API) listContractLinks(ctx context.Context, _ *call, in *contractLinksInput) (*shown[list[accountLink]], error) {
	id, err := contractID(in.ID)
	if err != nil {
		return nil, err
	}
	if _, err := a.view(ctx, id); err != nil {
		return nil, err
	}
	if err := a.wait(ctx, in.After); err != nil {
		return nil, err
	}
	rows, err := a.Projections.Links.OfContract(ctx, a.Ledger.Now(), id, in.page())
	if err != nil {
		return nil, err
	}
	return render(rows, func(l *projections.Link) accountLink { return accountLink{l.Account.String(), l.Since} }), nil
}

// level holds back the answer pair-not-valid until a time that does not tell
// what was looked up for it (R8).
func (a *API) level(ctx context.Context, c *call, err error) error {
	if problemOf(err).Code != "pair-not-valid" {
		return err
	}
	taken := time.Since(c.started)
	until := (taken + a.RefusalFloor - 1) / a.RefusalFloor * a.RefusalFloor
	timer := time.NewTimer(until - taken)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
	return err
}

// portalFor finds the portal that a request names, and refuses a sign-in that
// may not use it. An unknown portal is the domain's to refuse.
func (a *API) portalFor(claims *token.Claims, id string) (*catalog.Portal, error) {
	portal, ok := a.Catalog.Portal(id)
	if !ok {
		return nil, invalid("portal", "is not in the catalogue")
	}
	if portal.SignIn != catalog.SignInAny && !slices.Contains(claims.SignIns, portal.SignIn) {
		return nil, problem("sign-in-required", "requests at "+portal.Name+" need its own sign-in: "+portal.SignInName,
			"sign in at "+portal.Address)
	}
	return portal, nil
}

// A gone is the answer to a request that removed something.
type gone struct {
	Position string `header:"Ledger-Position" doc:"Where it stands in the log; reads take it as ?after="`
}

type removeLinkInput struct {
	Contract string `path:"contract" doc:"The contract's id"`
}

func (a *API) removeLink(ctx context.Context, c *call, in *removeLinkInput) (*gone, error) {
	return a.unlink(ctx, c, in.Contract, c.account().String(), "")
}

type removeContractLinkInput struct {
	ContractInput
	Account string `path:"account" doc:"The account's id, as the contract's links list it"`
	Reason  string `query:"reason" maxLength:"2000" doc:"Why; it is recorded"`
}

func (a *API) removeContractLink(ctx context.Context, c *call, in *removeContractLinkInput) (*gone, error) {
	return a.unlink(ctx, c, in.ID, in.Account, in.Reason)
}

func (a *API) unlink(ctx context.Context, c *call, contractText, accountText, reason string) (*gone, error) {
	id, err := uuid.Parse(contractText)
	if err != nil {
		return nil, noLink()
	}
	account, err := uuid.Parse(accountText)
	if err != nil {
		return nil, noLink()
	}
	receipt, err := a.Ledger.Unlink(ctx, c.request(""), id, account, reason)
	if err != nil {
		return nil, err
	}
	return &gone{positionOf(receipt)}, nil
}

func noLink() *Problem {
	return problem("link-not-found", "the account has not linked this contract", "list the links to see which there are")
}
