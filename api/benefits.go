package api

import (
	"context"

	"github.com/supportledger/supportledger/domain/catalog"
	"github.com/supportledger/supportledger/domain/contract"
	"github.com/supportledger/supportledger/projections"
)

// A benefitView is one unit of one contract that somebody may use (R35).
type benefitView struct {
	Contract  string  `json:"contract"`
	Label     string  `json:"label"`
	Programme string  `json:"programme"`
	Status    string  `json:"status"`
	Linked    bool    `json:"linked"`
	Unit      string  `json:"unit" enum:"incident,minute"`
	Granted   *int64  `json:"granted" doc:"null where blank, because the contract was never activated, or unlimited"`
	Adjusted  int64   `json:"adjusted"`
	Used      *int64  `json:"used" doc:"null where blank"`
	Lapsed    int64   `json:"lapsed"`
	Remaining *int64  `json:"remaining" doc:"null where blank or unlimited"`
	Unlimited bool    `json:"unlimited"`
	StartsOn  *string `json:"starts_on"`
	ExpiresOn *string `json:"expires_on"`
	Warning   *string `json:"warning" doc:"Why it cannot be used now"`
}

type benefitsInput struct {
	PageInput
	Portal string `query:"portal" maxLength:"100" doc:"Show the contracts as this portal does"`
}

func (a *API) listBenefits(ctx context.Context, c *call, in *benefitsInput) (*shown[list[benefitView]], error) {
	portal, err := a.shownAt(in.Portal)
	if err != nil {
		return nil, err
	}
	if err := a.wait(ctx, in.After); err != nil {
		return nil, err
	}
	rows, err := a.Projections.Benefits.OfSignIn(ctx, a.Ledger.Now(), c.account(), c.claims.PartnerID, in.page())
	if err != nil {
		return nil, err
	}
	return render(rows, func(b *projections.Benefit) benefitView {
		v := renderBenefit(b, c.lang)
		if v.Label = a.showAt(b.Terms, portal).label; !b.Linked {
			v.Label = a.maskedLabel(b.Terms, portal)
		}
		return v
	}), nil
}

// maskedLabel is how a contract is shown to a partner that has not linked it: its
// Access ID is masked everywhere (R35).
func (a *API) maskedLabel(terms *contract.Registered, portal *catalog.Portal) string {
	masked := *terms
	masked.AccessID = contract.MaskAccessID(terms.AccessID)
	if shown := a.showAt(terms, portal); shown.serviceName == nil {
		return shown.label // a plan label is masked as it is
	}
	return masked.Label(false)
}

func renderBenefit(b *projections.Benefit, lang language) benefitView {
	v := benefitView{
		Contract: b.ID.String(), Programme: b.Terms.Programme, Status: string(b.Status), Linked: b.Linked, Unit: string(b.Unit),
		StartsOn: orNull(b.StartsOn.String()), ExpiresOn: orNull(b.ExpiresOn.String()), Warning: warningOf(b, lang),
	}
	if b.Blank {
		return v
	}
	v.Used, v.Adjusted, v.Lapsed, v.Unlimited = &b.Balance.Consumed, b.Balance.Adjusted, b.Balance.Lapsed, b.Unlimited
	if !b.Balance.Unlimited {
		v.Granted = &b.Balance.Granted
	}
	if !b.Unlimited {
		v.Remaining = &b.Remaining
	}
	return v
}

// warningOf says why a unit cannot be used now; nil where it can.
func warningOf(b *projections.Benefit, lang language) *string {
	code := string(b.Status)
	switch {
	case b.Status == contract.StatusRegistered:
		code = "not-activated"
	case b.Status != contract.StatusActive:
	case b.Unlimited || b.Remaining > 0:
		return nil
	case b.Unit == contract.Incident:
		code = "none-available"
	default:
		return nil
	}
	if text := kalimat[code].detail; lang == indonesian && text != "" {
		return &text
	}
	text := sentences[code].detail
	return &text
}
