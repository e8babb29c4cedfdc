package api

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/supportledger/supportledger/api/token"
	"github.com/supportledger/supportledger/projections"
)

func (a *API) registerMe() {
	const tag = "Me"
	register(a, "get-me", http.StatusOK, texts{tag, "Who I am here",
		"And the contact of my last incident, to be offered for the next one."}, a.getMe)
	register(a, "list-benefits", http.StatusOK, texts{tag, "My benefits", "A row for each contract and unit."}, a.listBenefits)
	register(a, "list-activity", http.StatusOK, texts{tag, "My activity", "My own requests, open and closed."}, a.listActivity)
	register(a, "list-payment-options", http.StatusOK, texts{tag, "What I could pay with",
		"Every contract that I have linked, with the reason where it cannot be used."}, a.listPaymentOptions)
}

// A meView is what the ledger knows of a sign-in.
type meView struct {
	Account   string         `json:"account"`
	Roles     []string       `json:"roles" nullable:"false"`
	SignIns   []string       `json:"sign_ins" nullable:"false"`
	PartnerID *string        `json:"partner_id"`
	Rights    []token.Right  `json:"rights" nullable:"false"`
	Contact   *submitterView `json:"contact,omitzero" doc:"Of the last incident; absent where there is none, or it was erased"`
}

func (a *API) getMe(ctx context.Context, c *call, in *AfterInput) (*shown[meView], error) {
	if err := a.wait(ctx, in.After); err != nil {
		return nil, err
	}
	me := meView{
		Account: c.account().String(), Roles: c.claims.Roles, SignIns: c.claims.SignIns,
		PartnerID: orNull(c.claims.PartnerID), Rights: c.claims.Rights,
	}
	last, found, err := a.Projections.Incidents.LatestOf(ctx, c.account())
	if err != nil || !found {
		return &shown[meView]{me}, err
	}
	answer, err := a.Ledger.Incident(ctx, last)
	if err != nil {
		return nil, err
	}
	if answer.Texts.Clear != nil {
		contact, _ := renderSubmitter(&answer)
		me.Contact = &contact
	}
	return &shown[meView]{me}, nil
}

// An activityView is one request of somebody (SPEC section 5).
type activityView struct {
	Number   string     `json:"number"`
	Kind     string     `json:"kind" enum:"incident,advisory,program-case"`
	Title    string     `json:"title"`
	Product  string     `json:"product"`
	Portal   string     `json:"portal"`
	Severity string     `json:"severity"`
	Status   string     `json:"status" enum:"open,closed"`
	OpenedAt time.Time  `json:"opened_at"`
	ClosedAt *time.Time `json:"closed_at"`
	Closure  *string    `json:"closure"`
	Counted  *bool      `json:"counted" doc:"null where nothing is deducted"`
	Contract *string    `json:"contract" doc:"null where nothing is deducted"`

	Subscription    *string    `json:"subscription"`
	ResponseDueAt   *time.Time `json:"response_due_at" doc:"null where no response is promised"`
	FirstResponseAt *time.Time `json:"first_response_at"`
}

type activityInput struct {
	PageInput
	Status       string `query:"status" enum:"open,closed"`
	Kind         string `query:"kind" enum:"incident,advisory,program-case"`
	Portal       string `query:"portal" maxLength:"100"`
	Subscription string `query:"subscription" maxLength:"200"`
	Text         string `query:"text" maxLength:"200" doc:"In the title or the number, in any case"`
	Sort         string `query:"sort" maxLength:"40" doc:"opened_at, closed_at, number, title, status, severity, product, portal or response_due_at; with - before it the other way round; the newest first if left out"`
}

func (a *API) listActivity(ctx context.Context, c *call, in *activityInput) (*shown[list[activityView]], error) {
	if in.Sort != "" && !slices.Contains(projections.Sorts(), strings.TrimPrefix(in.Sort, "-")) {
		return nil, aField("malformed-parameter", "sort", "must be one of "+strings.Join(projections.Sorts(), ", ")+", perhaps with - before it",
			"compare the parameters with /docs and send the request again")
	}
	if err := a.wait(ctx, in.After); err != nil {
		return nil, err
	}
	rows, err := a.Projections.Activity.Of(ctx, a.Ledger.Now(), c.account(), projections.ActivityFilter{
		Status: in.Status, Kind: in.Kind, Portal: in.Portal, Subscription: in.Subscription, Text: in.Text, Sort: in.Sort,
	}, in.page())
	if err != nil {
		return nil, err
	}
	return render(rows, renderActivity), nil
}

func renderActivity(r *projections.Request) activityView {
	return activityView{
		Number: r.Number.String(), Kind: r.Kind, Title: r.Title, Product: r.Product, Portal: r.Portal, Severity: r.Severity,
		Status: openOrClosed(r.Open), OpenedAt: r.OpenedAt, ClosedAt: timeOrNull(r.ClosedAt), Closure: orNull(r.Closure),
		Counted: r.Counted, Contract: idOrNull(r.Contract), Subscription: orNull(r.Subscription),
		ResponseDueAt: timeOrNull(r.ResponseDueAt), FirstResponseAt: timeOrNull(r.FirstResponseAt),
	}
}

func openOrClosed(open bool) string {
	if open {
		return "open"
	}
	return "closed"
}
