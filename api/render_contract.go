package api

import (
	"time"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/domain"
	"github.com/supportledger/supportledger/domain/catalog"
	"github.com/supportledger/supportledger/domain/contract"
	"github.com/supportledger/supportledger/ledger"
)

// A ContractView is a contract as operators and auditors see it.
type ContractView struct {
	ID          string  `json:"id"`
	AccessID    string  `json:"access_id" example:"0230242323"`
	ContractID  string  `json:"contract_id,omitzero" doc:"In the answers to registering and renewing only"`
	Label       string  `json:"label" example:"0230242323 - Partner Support Gold 20Pack"`
	ServiceName string  `json:"service_name"`
	Programme   string  `json:"programme"`
	Status      string  `json:"status" enum:"registered,waiting,active,suspended,expired,cancelled"`
	StartsOn    *string `json:"starts_on"`
	ExpiresOn   *string `json:"expires_on" doc:"Last day of the term, grace included"`
	Predecessor *string `json:"predecessor"`
	Successor   *string `json:"successor"`
	PartnerID   *string `json:"partner_id"`
	Country     *string `json:"country"`
	TimeZone    string  `json:"time_zone"`
}

// renderContract describes a contract after a command.
func renderContract(answer *ledger.ContractAnswer) ContractView {
	v := renderSummary(answer.ID, answer.Summary)
	v.ContractID = answer.ContractID
	return v
}

func renderSummary(id uuid.UUID, s contract.Summary) ContractView {
	return ContractView{
		ID: id.String(), AccessID: s.Terms.AccessID, Label: s.Terms.Label(false),
		ServiceName: s.Terms.ServiceName, Programme: s.Terms.Programme, Status: string(s.Status),
		StartsOn: orNull(s.StartsOn.String()), ExpiresOn: orNull(s.ExpiresOn.String()),
		Predecessor: idOrNull(s.Terms.Predecessor), Successor: idOrNull(s.Successor()),
		PartnerID: orNull(s.Terms.PartnerID), Country: orNull(s.Terms.Country), TimeZone: s.Terms.TimeZone,
	}
}

func orNull(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func idOrNull(id uuid.UUID) *string {
	if id == uuid.Nil {
		return nil
	}
	return orNull(id.String())
}

func timeOrNull(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// A contractPage is a contract with what an operator needs to work on it.
type contractPage struct {
	ContractView
	Contact  contactView            `json:"primary_contact"`
	Grants   []grantView            `json:"grants" nullable:"false"`
	Balances map[string]balanceView `json:"balances" doc:"By unit"`
}

type contactView struct {
	Name     string `json:"name"`
	Email    string `json:"email"`
	Language string `json:"language"`
}

type grantView struct {
	ID        string     `json:"id" example:"g1"`
	Unit      string     `json:"unit"`
	Source    string     `json:"source" doc:"included, bought or added"`
	Granted   *int64     `json:"granted" doc:"null where unlimited"`
	Adjusted  int64      `json:"adjusted"`
	Available *int64     `json:"available" doc:"null where unlimited"`
	Consumed  int64      `json:"consumed"`
	Lapsed    int64      `json:"lapsed"`
	Moved     int64      `json:"moved" doc:"Taken over by a replacement"`
	Unlimited bool       `json:"unlimited"`
	ExpiresOn *string    `json:"expires_on" doc:"Its own last day; null where it ends with the contract"`
	EndsAt    *time.Time `json:"ends_at" doc:"When that day ends in the contract's zone"`
}

// A balanceView is one unit of a contract (R22).
type balanceView struct {
	Granted   *int64 `json:"granted" doc:"null where unlimited"`
	Adjusted  int64  `json:"adjusted"`
	Available *int64 `json:"available" doc:"null where unlimited"`
	Consumed  int64  `json:"consumed"`
	Lapsed    int64  `json:"lapsed"`
	Moved     int64  `json:"moved" doc:"Taken over by a replacement"`
	Unlimited bool   `json:"unlimited"`
}

func renderBalances(all map[contract.Unit]contract.Balance) map[string]balanceView {
	out := make(map[string]balanceView, len(all))
	for unit, b := range all {
		out[string(unit)] = renderBalance(b)
	}
	return out
}

func renderBalance(b contract.Balance) balanceView {
	v := balanceView{
		Granted: &b.Granted, Adjusted: b.Adjusted, Available: &b.Available,
		Consumed: b.Consumed, Lapsed: b.Lapsed, Moved: b.Moved, Unlimited: b.Unlimited,
	}
	if b.Unlimited {
		v.Granted, v.Available = nil, nil
	}
	return v
}

func renderGrants(grants []contract.Grant) []grantView {
	out := make([]grantView, len(grants))
	for i, g := range grants {
		out[i] = renderGrant(&g)
	}
	return out
}

// renderGrant describes a grant as it is now; what is given is the view's own from
// then on.
func renderGrant(g *contract.Grant) grantView {
	v := grantView{
		ID: g.ID.String(), Unit: string(g.Unit), Source: string(g.Source), Granted: &g.Granted, Adjusted: g.Adjusted,
		Available: &g.Available, Consumed: g.Consumed, Lapsed: g.Lapsed, Moved: g.Moved, Unlimited: g.Unlimited,
		ExpiresOn: orNull(g.ExpiresOn.String()), EndsAt: timeOrNull(g.EndsAt),
	}
	if g.Unlimited {
		v.Granted, v.Available = nil, nil
	}
	return v
}

// renderContact shows a contact that was opened, or forgotten (R47).
func renderContact(terms *contract.Registered) contactView {
	switch {
	case terms.Contact.Erased:
		return contactView{domain.ErasedText, domain.ErasedText, terms.Language}
	case terms.Contact.Clear != nil:
		return contactView{terms.Contact.Clear.Name, terms.Contact.Clear.Email, terms.Language}
	}
	return contactView{Language: terms.Language}
}

// A shownContract is how customers see a contract at a portal (R12).
type shownContract struct {
	label, accessID string
	serviceName     *string // nil where portals show plan labels
}

// showAt writes a contract the way a portal does; a nil portal the way most of
// those do that its programme accepts.
func (a *API) showAt(terms *contract.Registered, portal *catalog.Portal) shownContract {
	plan := false
	if portal != nil {
		plan = portal.PlanLabels
	} else {
		plan = a.onlyPlanLabels(terms.Portals)
	}
	if plan {
		return shownContract{terms.Label(true), contract.MaskAccessID(terms.AccessID), nil}
	}
	return shownContract{terms.Label(false), terms.AccessID, &terms.ServiceName}
}

// onlyPlanLabels says whether all of some portals show plan labels.
func (a *API) onlyPlanLabels(portals []string) bool {
	for _, id := range portals {
		if portal, ok := a.Catalog.Portal(id); ok && !portal.PlanLabels {
			return false
		}
	}
	return len(portals) > 0
}
