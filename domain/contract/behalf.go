package contract

import (
	"github.com/google/uuid"

	"github.com/supportledger/supportledger/domain"
)

// Behalf is for whom a submission asks, and the right that it does so by (R33).
type Behalf struct {
	Customer string // as the right names the customer
	Right    string // one of the portal's
}

// behalf is the event that follows a submission for somebody else; none follows
// one for oneself.
func (c *Submit) behalf(n Number) []Event {
	if c.Behalf == nil {
		return nil
	}
	return []Event{&IncidentRightUsed{Number: n, Account: c.Account, Portal: c.Portal, Customer: c.Behalf.Customer, Right: c.Behalf.Right}}
}

// refuseLinkFor is the answer to two IDs that are sent for somebody else: whether
// they are right or not, only a sign-in of the customer's own makes a link (R33).
func refuseLinkFor(customer string) *domain.Refusal {
	r := domain.Refuse("sign-in-required", "link the contract first with a sign-in of the subscription, for yourself, and then name it",
		"a request on behalf of %s cannot link a contract", customer)
	r.Fields = []domain.Field{{Name: "payment", Reason: "must name a contract that is linked"}}
	return r
}

// IncidentRightUsed says for whom an incident was submitted, and by which right
// (R33). It is recorded in the append of the submission.
type IncidentRightUsed struct {
	Number   Number    `json:"number"`
	Account  uuid.UUID `json:"account"`  // that asked, and whose incident it is
	Portal   string    `json:"portal"`   // whose right it is
	Customer string    `json:"customer"` // as the sign-in's right names the customer
	Right    string    `json:"right"`    // an id of the catalogue
}

// Name implements Event.
func (*IncidentRightUsed) Name() string { return "incident.right-used.v1" }

func (e *IncidentRightUsed) evolve(s *State) { s.touch(e.Number) }
