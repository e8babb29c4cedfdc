package api

import (
	"context"
	"net/http"
	"time"

	"github.com/supportledger/supportledger/projections"
)

func (a *API) registerDue() {
	register(a, "list-due", http.StatusOK, texts{"Contracts", "What time is about to bring, and what it should have brought",
		"The soonest first: contracts that come to life by themselves, terms that begin and end, grants that lapse, successors that are yet to be registered; " +
			"and contracts that are blank for longer than the catalogue wants, at the moment since when. What is overdue is recorded by itself, within seconds."}, a.listDue)
}

// A dueView is a contract at its next moment.
type dueView struct {
	At          time.Time `json:"at"`
	What        string    `json:"what" enum:"successor,activation,start,grant-end,end,blank" doc:"blank: nobody has activated it, and somebody ought to look"`
	Overdue     bool      `json:"overdue" doc:"The moment has passed"`
	Contract    string    `json:"contract"`
	Label       string    `json:"label"`
	ServiceName string    `json:"service_name"`
	Programme   string    `json:"programme"`
	Status      string    `json:"status" enum:"registered,waiting,active,suspended,expired,cancelled"`
	PartnerID   *string   `json:"partner_id"`
}

type dueInput struct {
	PageInput
	By string `query:"by" maxLength:"40" doc:"RFC 3339: nothing later; 30 days from now if left out" example:"2026-04-01T00:00:00Z"`
}

// dueFor is how far ahead the list looks unless asked otherwise.
const dueFor = 30 * 24 * time.Hour

func (a *API) listDue(ctx context.Context, _ *call, in *dueInput) (*shown[list[dueView]], error) {
	if err := a.wait(ctx, in.After); err != nil {
		return nil, err
	}
	now := a.Ledger.Now()
	by := now.Add(dueFor).Truncate(24 * time.Hour) // the same on every page of a day
	if in.By != "" {
		var err error
		if by, err = time.Parse(time.RFC3339, in.By); err != nil || by.Year() < 1970 || by.Year() > 9999 {
			return nil, aField("malformed-parameter", "by", "must be a time such as 2026-04-01T00:00:00Z", "write it as RFC 3339 says, the plus sign of an offset as %2B")
		}
	}
	watch := time.Duration(a.Catalog.WatchBlankDays) * 24 * time.Hour
	rows, err := a.Projections.Due.List(ctx, now, projections.DuePeriod{By: by, BlankAfter: watch}, in.page())
	if err != nil {
		return nil, err
	}
	return render(rows, func(r *projections.DueRow) dueView {
		return dueView{
			At: r.At, What: r.What, Overdue: !now.Before(r.At), Contract: r.ID.String(), Label: r.Terms.Label(false), ServiceName: r.Terms.ServiceName,
			Programme: r.Terms.Programme, Status: string(r.Status), PartnerID: orNull(r.Terms.PartnerID),
		}
	}), nil
}
