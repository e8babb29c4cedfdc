package api

import (
	"context"
	"net/http"
	"time"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/domain"
	"github.com/supportledger/supportledger/domain/contract"
	"github.com/supportledger/supportledger/ledger"
	"github.com/supportledger/supportledger/projections"
)

func (a *API) registerAdvisories() {
	const tag = "Advisory requests"
	register(a, "open-advisory-request", http.StatusCreated, texts{tag, "Ask for advice",
		"Which takes minutes from the contract as it is given. The contract is one that is linked, or the partner's own."}, a.openAdvisory)
	register(a, "get-advisory-request", http.StatusOK, texts{tag, "An advisory request as it is now",
		"Customers see their own; anything else is advisory-not-found, like a number that never was."}, a.getAdvisory)
	register(a, "record-advisory-time", http.StatusOK, texts{tag, "Take minutes for a request",
		"All of them or none, from as many grants as it needs."}, a.advisoryTime)
	register(a, "credit-advisory-time", http.StatusOK, texts{tag, "Give minutes of a time entry back",
		"To the grants that they came from."}, a.advisoryCredit)
	register(a, "close-advisory-request", http.StatusOK, texts{tag, "End an advisory request", "No more time is taken for it."}, a.closeAdvisory)
}

// AdvisoryInput names an advisory request in the path.
type AdvisoryInput struct {
	Number string `path:"number" doc:"The request's number, 15 digits"`
}

// An advisoryView is an advisory request.
type advisoryView struct {
	Number      string        `json:"number"`
	Status      string        `json:"status" enum:"open,closed"`
	Contract    string        `json:"contract"`
	Title       string        `json:"title"`
	Description string        `json:"description"`
	Contact     submitterView `json:"contact"`
	OpenedAt    time.Time     `json:"opened_at"`
	ClosedAt    *time.Time    `json:"closed_at"`
	Summary     *string       `json:"summary" doc:"What was said when it was closed"`
	Minutes     int64         `json:"minutes" doc:"Taken and not given back"`
	Entries     []timeView    `json:"entries" nullable:"false"`
	Remaining   *int64        `json:"remaining" doc:"Minutes that the contract has left; null where unlimited"`
	Unlimited   bool          `json:"unlimited"`
}

type timeView struct {
	Entry    string    `json:"entry"`
	Minutes  int64     `json:"minutes"`
	Credited int64     `json:"credited"`
	Text     string    `json:"text"`
	At       time.Time `json:"at"`
}

func renderAdvisory(answer *ledger.AdvisoryAnswer) advisoryView {
	v := advisoryView{
		Number: answer.Number.String(), Status: openOrClosed(answer.Open), Contract: answer.Contract.String(), Title: answer.Title,
		OpenedAt: answer.OpenedAt, ClosedAt: timeOrNull(answer.ClosedAt), Minutes: answer.Minutes, Entries: []timeView{},
		Remaining: answer.Remaining, Unlimited: answer.Unlimited, Description: domain.ErasedText,
		Contact: submitterView{Name: domain.ErasedText, Email: domain.ErasedText, Language: answer.Language},
	}
	if t := answer.Texts.Clear; t != nil {
		v.Description = t.Description
		v.Contact = submitterView{Name: t.Name, Email: t.Email, Phone: t.Phone, Language: answer.Language}
	}
	for _, e := range answer.Entries {
		v.Entries = append(v.Entries, timeView{e.Entry, e.Minutes, e.Credited, adviceText(&e.Texts), e.At})
	}
	if answer.Closed != nil {
		v.Summary = orNull(adviceText(&answer.Closed.Texts))
	}
	return v
}

func adviceText(s *domain.Sealed[contract.AdviceTexts]) string {
	if s.Clear == nil {
		return domain.ErasedText
	}
	return s.Clear.Text
}

type advisoryOpenInput struct {
	Body advisoryBody
}

func (a *API) openAdvisory(ctx context.Context, c *call, in *advisoryOpenInput) (*written[advisoryView], error) {
	b := &in.Body
	id, err := contractID(b.Contract)
	if err != nil {
		return nil, err
	}
	if id == uuid.Nil {
		return nil, noContract()
	}
	if len(b.Description) > maxDescription {
		return nil, invalid("description", "must have at most 65536 bytes")
	}
	answer, err := a.Ledger.OpenAdvisory(ctx, c.request(""), id, contract.OpenAdvisory{
		Partner: c.claims.PartnerID, Title: b.Title, Language: b.Contact.Language,
	}, contract.AdvisoryTexts{Name: b.Contact.Name, Email: b.Contact.Email, Phone: b.Contact.Phone, Description: b.Description})
	if err != nil {
		return nil, err
	}
	return write(http.StatusCreated, answer.Receipt, renderAdvisory(&answer)), nil
}

func (a *API) findAdvisory(ctx context.Context, c *call, number string) (ledger.IncidentRef, error) {
	return a.findKind(ctx, c, projections.KindAdvisory, number, contract.RefuseNoAdvisory())
}

type advisoryReadInput struct {
	AdvisoryInput
	AfterInput
}

func (a *API) getAdvisory(ctx context.Context, c *call, in *advisoryReadInput) (*shown[advisoryView], error) {
	if _, err := a.position(ctx, in.After); err != nil { // what is read by key is current
		return nil, err
	}
	ref, err := a.findAdvisory(ctx, c, in.Number)
	if err != nil {
		return nil, err
	}
	answer, err := a.Ledger.Advisory(ctx, ref)
	if err != nil {
		return nil, err
	}
	return &shown[advisoryView]{renderAdvisory(&answer)}, nil
}

func wroteAdvisory(answer *ledger.AdvisoryAnswer, err error) (*written[advisoryView], error) {
	if err != nil {
		return nil, err
	}
	return write(http.StatusOK, answer.Receipt, renderAdvisory(answer)), nil
}

type timeInput struct {
	AdvisoryInput
	Body timeBody
}

func (a *API) advisoryTime(ctx context.Context, c *call, in *timeInput) (*written[advisoryView], error) {
	ref, err := a.findAdvisory(ctx, c, in.Number)
	if err != nil {
		return nil, err
	}
	answer, err := a.Ledger.AdvisoryTime(ctx, c.request(""), ref, in.Body.Entry, in.Body.Minutes, in.Body.Text)
	return wroteAdvisory(&answer, err)
}

type creditInput struct {
	AdvisoryInput
	Body creditBody
}

func (a *API) advisoryCredit(ctx context.Context, c *call, in *creditInput) (*written[advisoryView], error) {
	ref, err := a.findAdvisory(ctx, c, in.Number)
	if err != nil {
		return nil, err
	}
	answer, err := a.Ledger.AdvisoryCredit(ctx, c.request(""), ref, in.Body.Entry, in.Body.Minutes, in.Body.Reason)
	return wroteAdvisory(&answer, err)
}

type adviceCloseInput struct {
	AdvisoryInput
	Body adviceCloseBody
}

func (a *API) closeAdvisory(ctx context.Context, c *call, in *adviceCloseInput) (*written[advisoryView], error) {
	ref, err := a.findAdvisory(ctx, c, in.Number)
	if err != nil {
		return nil, err
	}
	answer, err := a.Ledger.CloseAdvisory(ctx, c.request(""), ref, in.Body.Text)
	return wroteAdvisory(&answer, err)
}
