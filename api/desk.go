package api

import (
	"context"
	"time"

	"github.com/supportledger/supportledger/projections"
)

// A deskView is an incident on the engineers' desk.
type deskView struct {
	Number          string     `json:"number"`
	Status          string     `json:"status" enum:"open,closed"`
	Severity        string     `json:"severity"`
	Title           string     `json:"title"`
	Product         string     `json:"product"`
	ProblemType     string     `json:"problem_type"`
	Category        string     `json:"category"`
	Portal          string     `json:"portal"`
	Subscription    *string    `json:"subscription"`
	Contract        *string    `json:"contract" doc:"null where nothing is deducted"`
	Counted         *bool      `json:"counted" doc:"null where nothing is deducted"`
	Language        string     `json:"language" doc:"Of the contact"`
	ResponseTime    string     `json:"response_time"`
	ResponseHours   string     `json:"response_hours"`
	ResponseDueAt   time.Time  `json:"response_due_at"`
	FirstResponseAt *time.Time `json:"first_response_at"`
	ResponseMet     *bool      `json:"response_met"`
	OpenedAt        time.Time  `json:"opened_at"`
	ClosedAt        *time.Time `json:"closed_at"`
	Closure         *string    `json:"closure"`
}

type deskInput struct {
	PageInput
	Status     string `query:"status" enum:"open,closed"`
	Severity   string `query:"severity" maxLength:"100"`
	Portal     string `query:"portal" maxLength:"100"`
	Product    string `query:"product" maxLength:"100"`
	Unanswered bool   `query:"unanswered" doc:"Only open ones that await their first response"`
	Text       string `query:"text" maxLength:"200" doc:"In the title or the number, in any case"`
}

func (a *API) listIncidents(ctx context.Context, _ *call, in *deskInput) (*shown[list[deskView]], error) {
	if err := a.wait(ctx, in.After); err != nil {
		return nil, err
	}
	rows, err := a.Projections.Desk.List(ctx, a.Ledger.Now(), projections.DeskFilter{
		Status: in.Status, Severity: in.Severity, Portal: in.Portal, Product: in.Product, Unanswered: in.Unanswered, Text: in.Text,
	}, in.page())
	if err != nil {
		return nil, err
	}
	return render(rows, renderDesk), nil
}

func renderDesk(r *projections.Request) deskView {
	v := deskView{
		Number: r.Number.String(), Status: openOrClosed(r.Open), Severity: r.Severity, Title: r.Title,
		Product: r.Product, ProblemType: r.ProblemType, Category: r.Category, Portal: r.Portal,
		Subscription: orNull(r.Subscription), Contract: idOrNull(r.Contract), Counted: r.Counted, Language: r.Language,
		ResponseTime: r.ResponseTime, ResponseHours: r.ResponseHours, ResponseDueAt: r.ResponseDueAt,
		FirstResponseAt: timeOrNull(r.FirstResponseAt), OpenedAt: r.OpenedAt, ClosedAt: timeOrNull(r.ClosedAt), Closure: orNull(r.Closure),
	}
	if v.FirstResponseAt != nil {
		v.ResponseMet = &r.ResponseMet
	}
	return v
}
