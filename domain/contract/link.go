package contract

import (
	"time"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/domain"
	"github.com/supportledger/supportledger/domain/catalog"
)

// Link is an account's wish to use a contract whose two IDs it has shown (R7).
type Link struct {
	Account uuid.UUID
	Portal  string
	Product string // "" asks whether it could pay for any product at the portal (R11)
}

func (c *Link) decide(s *State, m Moment) ([]Event, error) {
	portal, product, err := lookUp(m.Catalog, c.Portal, c.Product)
	if err != nil {
		return nil, err
	}
	if portal.IDs == catalog.IDsNotUsed {
		return nil, refuseIDsNotUsed(portal)
	}
	if s.Linked(c.Account) {
		return nil, nil
	}
	if s.cannotPay(m.At, portal, product) != "" {
		return nil, RefusePair()
	}
	return []Event{&AccountLinked{Account: c.Account, Portal: portal.ID, At: m.At}}, nil
}

// RefusePair is the one answer to a pair that an account has not linked and that
// is unknown or cannot pay (R8, R1): always the same.
func RefusePair() *domain.Refusal {
	return domain.Refuse(PairNotValid,
		"enter both IDs with every digit, leading zeros too",
		"this Access ID and Contract ID are not valid for this request")
}

// PairNotValid is the code of RefusePair.
const PairNotValid = "pair-not-valid"

// AccountLinked says that an account may use the contract.
type AccountLinked struct {
	Account   uuid.UUID `json:"account"`            // the pseudonym of a sign-in
	Portal    string    `json:"portal,omitempty"`   // where it was linked
	Inherited uuid.UUID `json:"inherited,omitzero"` // the predecessor that it was linked to
	At        time.Time `json:"at,omitzero"`        // since when
}

// Name implements Event.
func (*AccountLinked) Name() string { return "account.linked.v1" }

func (e *AccountLinked) evolve(s *State) {
	if s.links == nil {
		s.links = make(map[uuid.UUID]Linked)
	}
	s.links[e.Account] = Linked{e.At, e.Portal}
}

// Linked says how an account came to use a contract.
type Linked struct {
	At     time.Time // since when
	Portal string    // where it was linked; "" where the link was taken over from a predecessor
}

// Unlink is the wish that an account no longer uses the contract (R7). An
// account may always leave, with incidents open or not.
type Unlink struct {
	Account uuid.UUID
	Reason  string
}

func (c *Unlink) decide(s *State, _ Moment) ([]Event, error) {
	if !s.Linked(c.Account) {
		return nil, domain.Refuse("link-not-found", "list the links to see which there are", "the account has not linked this contract")
	}
	return []Event{&AccountUnlinked{Account: c.Account, Reason: c.Reason}}, nil
}

// AccountUnlinked says that an account no longer uses the contract.
type AccountUnlinked struct {
	Account uuid.UUID `json:"account"` // the pseudonym of a sign-in
	Reason  string    `json:"reason,omitempty"`
}

// Name implements Event.
func (*AccountUnlinked) Name() string { return "account.unlinked.v1" }

func (e *AccountUnlinked) evolve(s *State) { delete(s.links, e.Account) }
