package api

import (
	"context"
	"net/http"
	"time"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/domain"
	"github.com/supportledger/supportledger/domain/contract"
	"github.com/supportledger/supportledger/domain/programcase"
	"github.com/supportledger/supportledger/ledger"
	"github.com/supportledger/supportledger/projections"
	"github.com/supportledger/supportledger/vault"
)

func (a *API) registerCases() {
	const tag = "Program cases"
	register(a, "open-program-case", http.StatusCreated, texts{tag, "Ask the regional service center",
		"For sign-ins of partners. Needs no IDs and deducts nothing."}, a.openCase)
	register(a, "list-program-cases", http.StatusOK, texts{tag, "Program cases", "One's own; to operators, all. The open ones first. The order is as of as_of; what each says is current."}, a.listCases)
	register(a, "get-program-case", http.StatusOK, texts{tag, "A program case as it is now",
		"Customers see their own; anything else is case-not-found, like a number that never was."}, a.getCase)
	register(a, "close-program-case", http.StatusOK, texts{tag, "Answer a program case", ""}, a.closeCase)
}

// CaseInput names a program case in the path.
type CaseInput struct {
	Number string `path:"number" doc:"The case's number, 15 digits"`
}

// A caseView is a program support case.
type caseView struct {
	Number    string     `json:"number"`
	Kind      string     `json:"kind" enum:"request-ids,request-activation,other"`
	Status    string     `json:"status" enum:"open,closed"`
	PartnerID string     `json:"partner_id"`
	Contract  *string    `json:"contract"`
	Text      string     `json:"text"`
	OpenedAt  time.Time  `json:"opened_at"`
	ClosedAt  *time.Time `json:"closed_at"`
	Outcome   *string    `json:"outcome"`
	Answer    *string    `json:"answer"`
}

func renderCase(answer *ledger.CaseAnswer) caseView {
	opened, closed := answer.State.Opened(), answer.State.Closed()
	v := caseView{
		Number: opened.Number.String(), Kind: string(opened.Kind), Status: openOrClosed(closed == nil), PartnerID: opened.Partner,
		Contract: idOrNull(opened.Contract), OpenedAt: opened.OpenedAt, Text: domain.ErasedText,
	}
	if opened.Texts.Clear != nil {
		v.Text = opened.Texts.Clear.Text
	}
	if closed == nil {
		return v
	}
	text := domain.ErasedText
	if closed.Texts.Clear != nil {
		text = closed.Texts.Clear.Text
	}
	v.ClosedAt, v.Outcome, v.Answer = &closed.ClosedAt, &closed.Outcome, orNull(text)
	return v
}

type caseInput struct {
	Body caseBody
}

func (a *API) openCase(ctx context.Context, c *call, in *caseInput) (*written[caseView], error) {
	wish := ledger.CaseWish{Partner: c.claims.PartnerID, Kind: programcase.Kind(in.Body.Kind), Text: in.Body.Text}
	if in.Body.Contract != "" {
		var err error
		if wish.Contract, err = contractID(in.Body.Contract); err != nil {
			return nil, err
		}
	}
	answer, err := a.Ledger.OpenCase(ctx, c.request(""), wish)
	if err != nil {
		return nil, err
	}
	return write(http.StatusCreated, answer.Receipt, renderCase(&answer)), nil
}

type casesInput struct {
	PageInput
	Status string `query:"status" enum:"open,closed"`
}

func (a *API) listCases(ctx context.Context, c *call, in *casesInput) (*shown[list[caseView]], error) {
	if err := a.wait(ctx, in.After); err != nil {
		return nil, err
	}
	account := c.account()
	if c.role == ledger.Operator {
		account = uuid.Nil // of all accounts
	}
	rows, err := a.Projections.Activity.Cases(ctx, a.Ledger.Now(), account, in.Status, in.page())
	if err != nil {
		return nil, err
	}
	cases := make(map[contract.Number]caseView, len(rows.Items))
	for i := range rows.Items {
		answer, err := a.Ledger.Case(ctx, refOf(&rows.Items[i]))
		if err != nil {
			return nil, err
		}
		cases[rows.Items[i].Number] = renderCase(&answer)
	}
	return render(rows, func(r *projections.Request) caseView { return cases[r.Number] }), nil
}

func refOf(r *projections.Request) ledger.IncidentRef {
	return ledger.IncidentRef{Number: r.Number, Stream: r.Stream, Owner: r.Account}
}

type caseReadInput struct {
	CaseInput
	AfterInput
}

func (a *API) getCase(ctx context.Context, c *call, in *caseReadInput) (*shown[caseView], error) {
	if _, err := a.position(ctx, in.After); err != nil { // what is read by key is current
		return nil, err
	}
	ref, err := a.findKind(ctx, c, projections.KindCase, in.Number, programcase.RefuseUnknown())
	if err != nil {
		return nil, err
	}
	answer, err := a.Ledger.Case(ctx, ref)
	if err != nil {
		return nil, err
	}
	return &shown[caseView]{renderCase(&answer)}, nil
}

type caseCloseInput struct {
	CaseInput
	Body caseCloseBody
}

func (a *API) closeCase(ctx context.Context, c *call, in *caseCloseInput) (*written[caseView], error) {
	ref, err := a.findKind(ctx, c, projections.KindCase, in.Number, programcase.RefuseUnknown())
	if err != nil {
		return nil, err
	}
	answer, err := a.Ledger.CloseCase(ctx, c.request(""), ref, in.Body.Outcome, in.Body.Text)
	if err != nil {
		return nil, err
	}
	return write(http.StatusOK, answer.Receipt, renderCase(&answer)), nil
}

// findKind finds a request of a kind that the caller may see, like find.
func (a *API) findKind(ctx context.Context, c *call, kind, text string, unknown *domain.Refusal) (ledger.IncidentRef, error) {
	n, ok := vault.CheckNumber(text)
	if !ok {
		return ledger.IncidentRef{}, unknown
	}
	for try := 0; ; try++ {
		ref, found, err := a.Projections.Incidents.FindKind(ctx, kind, contract.Number(n))
		if found = found && (c.role != ledger.Customer || ref.Owner == c.account()); err != nil || found {
			return ref, err
		}
		if try > 0 {
			return ref, unknown
		}
		if err := a.awaitHead(ctx); err != nil { // R37
			return ref, err
		}
	}
}
