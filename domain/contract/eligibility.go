package contract

import (
	"slices"
	"time"

	"github.com/supportledger/supportledger/domain"
	"github.com/supportledger/supportledger/domain/catalog"
)

// The reasons for which a linked contract cannot pay that are not states (R11).
const (
	reasonNotActivated = "not-activated"
	reasonProduct      = "product-not-covered"
	reasonPortal       = "portal-not-accepted"
	reasonNone         = "none-available"
)

// cannotPay is the first reason for which the contract cannot pay for an
// incident of a product, or, without one, of any product at the portal (R11);
// "" where it can.
func (s *State) cannotPay(at time.Time, portal *catalog.Portal, product *catalog.Product) string {
	switch status := s.Status(at); status {
	case "":
		return string(StatusCancelled) // never shown: an unknown contract is refused before
	case StatusRegistered:
		return reasonNotActivated
	case StatusActive:
	default:
		return string(status)
	}
	switch {
	case !s.covers(portal, product):
		return reasonProduct
	case !slices.Contains(s.terms.Portals, portal.ID):
		return reasonPortal
	case s.payer(Incident, at) == nil:
		return reasonNone
	}
	return ""
}

func (s *State) covers(portal *catalog.Portal, product *catalog.Product) bool {
	if product != nil {
		return slices.Contains(s.terms.Covers, product.Family)
	}
	return slices.ContainsFunc(portal.Families, func(family string) bool {
		return slices.Contains(s.terms.Covers, family)
	})
}

// An Eligibility is a contract as a way to pay (R11, R12).
type Eligibility struct {
	Usable    bool
	Remaining int64 // incidents, were the contract active
	Unlimited bool
	// Refusal says why it cannot be used, with what to do about it; nil where
	// it can.
	Refusal *domain.Refusal
}

// Eligibility says whether a linked contract can pay for a product, or, where
// product is nil, for any at the portal.
func (s *State) Eligibility(at time.Time, portal *catalog.Portal, product *catalog.Product) Eligibility {
	n, unlimited := s.Remaining(Incident, at)
	e := Eligibility{Remaining: n, Unlimited: unlimited}
	reason := s.cannotPay(at, portal, product)
	if e.Usable = reason == ""; !e.Usable {
		e.Refusal = refusal(reason)
	}
	return e
}

// refusal is the sentence that belongs to a reason.
func refusal(reason string) *domain.Refusal {
	text := reasons[reason]
	return domain.Refuse(reason, text.hint, "%s", text.detail)
}

var reasons = map[string]struct{ detail, hint string }{
	string(StatusCancelled): {"the contract was cancelled", "use another contract"},
	string(StatusExpired):   {"the contract's term is over", "renew it, or use another contract"},
	reasonNotActivated:      {"the contract has not been activated", "ask the contract operator to activate it"},
	string(StatusWaiting):   {"the contract's term has not started", "wait for its start, or use another contract"},
	string(StatusSuspended): {"the contract is suspended", "ask the contract operator, or use another contract"},
	reasonProduct:           {"the contract's programme does not cover this product", "use a contract that covers it"},
	reasonPortal:            {"the contract's programme does not accept requests at this portal", "use a portal that it accepts, or another contract"},
	reasonNone:              {"no incident is left on the contract", "use another contract, or buy an incident"},
}
