package api

import (
	"time"

	"github.com/supportledger/supportledger/domain"
	"github.com/supportledger/supportledger/domain/contract"
	"github.com/supportledger/supportledger/ledger"
)

// An IncidentView is an incident as every answer about it begins.
type IncidentView struct {
	Number          string         `json:"number" example:"260301123456785"`
	Status          string         `json:"status" enum:"open,closed"`
	Contract        *string        `json:"contract" doc:"null where nothing is deducted"`
	Portal          string         `json:"portal"`
	Product         string         `json:"product"`
	Usage           *string        `json:"usage"`
	ProblemType     string         `json:"problem_type"`
	Category        string         `json:"category"`
	Subscription    *string        `json:"subscription"`
	Service         *string        `json:"service"`
	Severity        string         `json:"severity"`
	ResponseTime    string         `json:"response_time" doc:"ISO 8601 duration" example:"PT4H"`
	ResponseHours   string         `json:"response_hours" enum:"always,business"`
	ResponseDueAt   time.Time      `json:"response_due_at"`
	FirstResponseAt *time.Time     `json:"first_response_at"`
	ResponseMet     *bool          `json:"response_met"`
	Title           string         `json:"title"`
	OpenedAt        time.Time      `json:"opened_at"`
	ClosedAt        *time.Time     `json:"closed_at"`
	Closure         *string        `json:"closure"`
	ReopenUntil     *time.Time     `json:"reopen_until"`
	Counted         *bool          `json:"counted" doc:"Whether the unit stays deducted; null where nothing is deducted"`
	Remaining       *int64         `json:"remaining" doc:"What is left on the contract; null where nothing is deducted, or without limit"`
	Unlimited       bool           `json:"unlimited"`
	OnBehalfOf      *behalfView    `json:"on_behalf_of,omitempty" doc:"Left out where the account asked for itself"`
	Attachments     []attachedView `json:"attachments,omitempty" doc:"Files that were submitted with it"`
}

// An attachedView is a file that hangs on an incident.
type attachedView struct {
	SHA256 string `json:"sha256" doc:"GET /v1/attachments/{sha256} has its content"`
	Name   string `json:"name" doc:"What whoever submitted it called it; 'erased' where the person was forgotten"`
	Type   string `json:"type"`
	Size   int64  `json:"size"`
}

// renderIncident describes an incident by what its events say.
func renderIncident(answer *ledger.IncidentAnswer) IncidentView {
	v := IncidentView{
		Number: answer.Number.String(), Status: openOrClosed(answer.Open), Contract: idOrNull(answer.Contract),
		Portal: answer.Portal, Product: answer.Product, Usage: orNull(answer.Usage),
		ProblemType: answer.ProblemType, Category: answer.Category,
		Subscription: orNull(answer.Subscription), Service: orNull(answer.Service),
		Severity: answer.Severity, ResponseTime: answer.Response.Time, ResponseHours: answer.Response.Hours,
		ResponseDueAt: answer.Response.DueAt, Title: answer.Title, OpenedAt: answer.OpenedAt,
		ClosedAt: timeOrNull(answer.ClosedAt), Closure: orNull(answer.Closure), ReopenUntil: timeOrNull(answer.ReopenUntil),
	}
	if answer.FirstResponse != nil {
		v.FirstResponseAt, v.ResponseMet = &answer.FirstResponse.At, &answer.FirstResponse.Met
	}
	if b := answer.Behalf; b != nil {
		v.OnBehalfOf = &behalfView{b.Customer, b.Right}
	}
	if answer.Attached != nil {
		v.Attachments = renderAttached(answer.Attached)
	}
	if answer.Paid {
		v.Counted, v.Remaining, v.Unlimited = &answer.Counted, answer.Remaining, answer.Unlimited
	}
	return v
}

// A behalfView says for whom an incident was submitted, and by which right.
type behalfView struct {
	Customer string `json:"customer"`
	Right    string `json:"right"`
}

func renderAttached(e *contract.IncidentFilesAttached) []attachedView {
	out := make([]attachedView, len(e.Attachments))
	for i, a := range e.Attachments {
		out[i] = attachedView{a.SHA256, domain.ErasedText, a.Type, a.Size}
		if names := e.Texts.Clear; names != nil && i < len(names.Names) {
			out[i].Name = names.Names[i]
		}
	}
	return out
}

// An incidentPage is an incident with what people wrote about it.
type incidentPage struct {
	IncidentView
	Description string        `json:"description" doc:"'erased' where the person was forgotten"`
	Contact     submitterView `json:"contact"`
	Comments    []commentView `json:"comments" nullable:"false" doc:"Oldest first"`
	Resolution  *string       `json:"resolution"`
}

type submitterView struct {
	Name     string `json:"name"`
	Email    string `json:"email"`
	Phone    string `json:"phone"`
	Language string `json:"language"`
}

type commentView struct {
	Author string    `json:"author" enum:"customer,engineer"`
	At     time.Time `json:"at"`
	Text   string    `json:"text"`
}

func renderIncidentPage(answer *ledger.IncidentAnswer) incidentPage {
	page := incidentPage{IncidentView: renderIncident(answer), Comments: []commentView{}}
	page.Contact, page.Description = renderSubmitter(answer)
	for i, comment := range answer.Comments {
		text := domain.ErasedText
		if comment.Texts.Clear != nil {
			text = comment.Texts.Clear.Text
		}
		page.Comments = append(page.Comments, commentView{comment.Author, answer.CommentedAt[i], text})
	}
	if answer.Resolution != nil {
		text := domain.ErasedText
		if answer.Resolution.Texts.Clear != nil {
			text = answer.Resolution.Texts.Clear.Resolution
		}
		page.Resolution = orNull(text)
	}
	return page
}

func renderSubmitter(answer *ledger.IncidentAnswer) (submitterView, string) {
	texts := answer.Texts.Clear
	if texts == nil {
		const erased = domain.ErasedText
		return submitterView{erased, erased, erased, answer.Language}, erased
	}
	return submitterView{texts.Name, texts.Email, texts.Phone, answer.Language}, texts.Description
}
