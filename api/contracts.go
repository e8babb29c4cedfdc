package api

import (
	"context"
	"net/http"
	"time"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/domain"
	"github.com/supportledger/supportledger/domain/catalog"
	"github.com/supportledger/supportledger/domain/contract"
	"github.com/supportledger/supportledger/ledger"
)

// ContractInput names a contract in the path.
type ContractInput struct {
	ID string `path:"id" doc:"The contract's id"`
}

// A written is the answer to a request that changed something.
type written[T any] struct {
	Status   int
	Position string `header:"Ledger-Position" doc:"Where it stands in the log; reads take it as ?after="`
	Replayed string `header:"Idempotency-Replayed" doc:"true where this is the first answer to the key again"`
	Body     T
}

func write[T any](status int, receipt ledger.Receipt, body T) *written[T] {
	return &written[T]{status, positionOf(receipt), replayed(receipt), body}
}

// positionOf is the Ledger-Position of an answer; "" where nothing was recorded.
func positionOf(r ledger.Receipt) string {
	if r.Position == 0 {
		return ""
	}
	return r.Position.String()
}

func replayed(r ledger.Receipt) string {
	if r.Replayed {
		return "true"
	}
	return ""
}

func (a *API) registerContracts() {
	const tag = "Contracts"
	register(a, "register-contract", http.StatusCreated, texts{tag, "Register a contract",
		"Answers with both IDs whole. A contract of a programme that is activated immediately is active at once."}, a.registerContract)
	a.registerContractReads(tag)
	change := func(id, summary string, wish func(reason string) contract.Command) {
		register(a, id, http.StatusOK, texts{tag, summary, "Repeating a state that is reached changes nothing."},
			func(ctx context.Context, c *call, in *reasonInput) (*written[ContractView], error) {
				return a.change(ctx, c, in.ID, wish(in.Body.Reason))
			})
	}
	change("activate-contract", "Activate a contract", func(r string) contract.Command { return &contract.Activate{Reason: r} })
	change("suspend-contract", "Suspend a contract", func(r string) contract.Command { return &contract.Suspend{Reason: r} })
	change("resume-contract", "Resume a suspended contract", func(r string) contract.Command { return &contract.Resume{Reason: r} })
	change("cancel-contract", "Cancel a contract for good", func(r string) contract.Command { return &contract.Cancel{Reason: r} })
	register(a, "renew-contract", http.StatusOK, texts{tag, "Renew a contract",
		"Answers with the successor and its own IDs, whole; it starts when this one ends."}, a.renew)
	register(a, "reissue-contract", http.StatusOK, texts{tag, "Replace a leaked pair of IDs",
		"Answers with the replacement, which has new IDs, what was available, and the same end."}, a.reissue)
	register(a, "add-grant", http.StatusOK, texts{tag, "Make units available", "Answers with the grant, whose id an adjustment takes."}, a.addGrant)
	register(a, "adjust-grant", http.StatusOK, texts{tag, "Correct a grant", "A contract lists its grants with their ids; so do its balances and its history."}, a.adjust)
}

// contractID reads a contract's id; what is none names no contract.
func contractID(text string) (uuid.UUID, error) {
	id, err := uuid.Parse(text)
	if err != nil || len(text) != 36 {
		return uuid.Nil, noContract()
	}
	return id, nil
}

func noContract() *Problem {
	return problem("contract-not-found", "there is no such contract", "check the contract's id")
}

type registerInput struct {
	Body registerBody
}

func (a *API) registerContract(ctx context.Context, c *call, in *registerInput) (*written[ContractView], error) {
	b := &in.Body
	wish := ledger.Registration{
		Programme: b.Programme, PartnerID: b.PartnerID, Country: b.Country, TimeZone: b.TimeZone,
		Contact: contract.ContactTexts{Name: b.Contact.Name, Email: b.Contact.Email}, Language: orDefault(b.Contact.Language, "en"),
	}
	var err error
	if wish.StartsOn, err = date("starts_on", b.StartsOn); err != nil {
		return nil, err
	}
	if b.AccessID != "" || b.ContractID != "" {
		if wish.AccessID, wish.ContractID, err = pairOf("", b.AccessID, b.ContractID); err != nil {
			return nil, err
		}
	}
	answer, err := a.Ledger.Register(ctx, c.request(""), wish)
	if err != nil {
		return nil, err
	}
	return write(http.StatusCreated, answer.Receipt, renderContract(&answer)), nil
}

// pairOf reads the two IDs of a contract (R1), members below a prefix.
func pairOf(prefix, accessID, contractID string) (access, id string, err error) {
	if access, err = contract.ParseID(prefix+"access_id", accessID); err != nil {
		return "", "", err
	}
	id, err = contract.ParseID(prefix+"contract_id", contractID)
	return access, id, err
}

// date reads a member that is a day, or left out.
func date(field, text string) (catalog.Date, error) {
	if text == "" {
		return catalog.Date{}, nil
	}
	d, err := catalog.ParseDate(text)
	if err != nil {
		return d, invalid(field, "must be a date such as 2026-03-01")
	}
	return d, nil
}

type reasonInput struct {
	ContractInput
	Body reasonBody
}

func (a *API) change(ctx context.Context, c *call, contractText string, wish contract.Command) (*written[ContractView], error) {
	id, err := contractID(contractText)
	if err != nil {
		return nil, err
	}
	answer, err := a.Ledger.Change(ctx, c.request(""), id, wish)
	if err != nil {
		return nil, err
	}
	return write(http.StatusOK, answer.Receipt, renderContract(&answer)), nil
}

func (a *API) renew(ctx context.Context, c *call, in *reasonInput) (*written[ContractView], error) {
	id, err := contractID(in.ID)
	if err != nil {
		return nil, err
	}
	answer, err := a.Ledger.Renew(ctx, c.request(""), id, in.Body.Reason)
	if err != nil {
		return nil, err
	}
	return write(http.StatusOK, answer.Receipt, renderContract(&answer)), nil
}

type reissueInput struct {
	ContractInput
	Body reissueBody
}

func (a *API) reissue(ctx context.Context, c *call, in *reissueInput) (*written[ContractView], error) {
	id, err := contractID(in.ID)
	if err != nil {
		return nil, err
	}
	keep := make([]uuid.UUID, len(in.Body.Keep))
	for i, text := range in.Body.Keep {
		if keep[i], err = uuid.Parse(text); err != nil {
			return nil, invalid("keep_links", "must be ids of accounts, as the contract's links list them")
		}
	}
	answer, err := a.Ledger.Reissue(ctx, c.request(""), id, keep, in.Body.Reason)
	if err != nil {
		return nil, err
	}
	return write(http.StatusOK, answer.Receipt, renderContract(&answer)), nil
}

type grantInput struct {
	ContractInput
	Body grantBody
}

// A grantPage is a contract after something was done to one of its grants.
type grantPage struct {
	ContractView
	Grant    grantView              `json:"grant" doc:"The one that was added or adjusted"`
	Balances map[string]balanceView `json:"balances" doc:"By unit"`
}

func (a *API) changeGrant(ctx context.Context, c *call, contractText string, wish contract.GrantCommand) (*written[grantPage], error) {
	id, err := contractID(contractText)
	if err != nil {
		return nil, err
	}
	answer, err := a.Ledger.ChangeGrant(ctx, c.request(""), id, wish)
	if err != nil {
		return nil, err
	}
	return write(http.StatusOK, answer.Receipt, grantPage{
		renderContract(&answer.ContractAnswer), renderGrant(&answer.Grant), renderBalances(answer.Balances),
	}), nil
}

func (a *API) addGrant(ctx context.Context, c *call, in *grantInput) (*written[grantPage], error) {
	expires, err := date("expires_on", in.Body.ExpiresOn)
	if err != nil {
		return nil, err
	}
	unit, _ := contract.ParseUnit(in.Body.Unit) // an enum, and so known
	return a.changeGrant(ctx, c, in.ID, &contract.AddGrant{
		Unit: unit, Quantity: in.Body.Quantity, ExpiresOn: expires, Reason: in.Body.Reason,
	})
}

type adjustmentInput struct {
	ContractInput
	Body adjustmentBody
}

func (a *API) adjust(ctx context.Context, c *call, in *adjustmentInput) (*written[grantPage], error) {
	var grant contract.GrantID
	if err := grant.UnmarshalText([]byte(in.Body.Grant)); err != nil {
		return nil, invalid("grant", "must be the id of a grant such as g1")
	}
	return a.changeGrant(ctx, c, in.ID, &contract.Adjust{Grant: grant, Quantity: in.Body.Quantity, Reason: in.Body.Reason})
}

// viewed is what is read of a contract as it is now.
type viewed struct {
	exists   bool
	summary  contract.Summary
	grants   []grantView
	balances map[string]balanceView
}

func (a *API) view(ctx context.Context, id uuid.UUID) (viewed, error) {
	var v viewed
	err := a.Ledger.View(ctx, id, func(s *contract.State, at time.Time) {
		if v.exists = s.Exists(); v.exists {
			v.summary, v.grants, v.balances = s.Summary(at), renderGrants(s.GrantsAt(at)), renderBalances(s.Balances(at))
		}
	})
	if err == nil && !v.exists {
		err = noContract()
	}
	return v, err
}

func (a *API) getContract(ctx context.Context, c *call, in *contractReadInput) (*shown[contractPage], error) {
	id, err := contractID(in.ID)
	if err != nil {
		return nil, err
	}
	if _, err := a.position(ctx, in.After); err != nil {
		return nil, err
	}
	v, err := a.view(ctx, id)
	if err != nil {
		return nil, err
	}
	terms := *v.summary.Terms // the state's own is not opened
	if err := a.Ledger.Open(ctx, domain.Event(&terms)); err != nil {
		return nil, err
	}
	return &shown[contractPage]{contractPage{
		ContractView: renderSummary(id, v.summary), Contact: renderContact(&terms), Grants: v.grants, Balances: v.balances,
	}}, nil
}
