package audit

import (
	"slices"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/domain"
	"github.com/supportledger/supportledger/domain/partner"
	"github.com/supportledger/supportledger/domain/programcase"
	"github.com/supportledger/supportledger/domain/purchase"
	"github.com/supportledger/supportledger/ledger"
	"github.com/supportledger/supportledger/vault"
)

// aside holds the history of something beside the contracts against its laws: of
// a partner, of a purchase, of a program support case.
type aside interface {
	step(r *recorded, e domain.Event) *wrong
	bytes() int64 // of memory, by estimate
}

// asideOf is what a stream must be, by its name; nil for streams of another kind.
func asideOf(stream string) aside {
	if _, ok := ledger.PartnerOf(stream); ok {
		return new(partnerCheck)
	}
	if _, ok := ledger.PurchaseOf(stream); ok {
		return new(purchaseCheck)
	}
	if _, ok := ledger.CaseOf(stream); ok {
		return new(caseCheck)
	}
	return nil
}

// partnerCheck is one partner.
type partnerCheck struct{ state partner.State }

func (c *partnerCheck) bytes() int64 { return c.state.Weight() }

func (c *partnerCheck) step(r *recorded, fact domain.Event) *wrong {
	e, ok := fact.(partner.Event)
	if !ok {
		return breaks(LawStream, "%s stands in a partner's stream", r.Type)
	}
	if _, registers := e.(*partner.Registered); registers != (r.Revision == 0) {
		return breaks(LawPartner, "%s stands at revision %v of a partner", r.Type, r.Revision)
	}
	if w := c.allows(e); w != nil {
		return w
	}
	partner.Evolve(&c.state, e)
	return nil
}

func (c *partnerCheck) allows(e partner.Event) *wrong {
	switch e := e.(type) {
	case *partner.LocationAdded:
		if e.Location == uuid.Nil || c.state.Place(e.Location) != nil {
			return breaks(LawPartner, "location %s was added before", e.Location)
		}
	case *partner.ContactChanged:
		place := c.state.Place(e.Location)
		if place == nil {
			return breaks(LawPartner, "there is no location %s", e.Location)
		}
		if was := place.Primary.Texts.Person; e.Primary && e.Previous != was || !e.Primary && e.Contact.Person == was {
			return breaks(LawPartner, "the primary contact was %s, and not %s", was, e.Previous)
		}
	case *partner.MembershipRenewed:
		return c.allowsRenewal(e)
	case *partner.ToolkitBought:
		if c.state.Place(e.Location) == nil || e.Location == uuid.Nil {
			return breaks(LawPartner, "there is no location %s", e.Location)
		}
		if slices.ContainsFunc(c.state.Toolkits(), func(t *partner.ToolkitBought) bool { return t.Reference == e.Reference || t.Contract == e.Contract }) {
			return breaks(LawPartner, "the toolkit of reference %q was bought before", e.Reference)
		}
	}
	return nil
}

// allowsRenewal holds that a year is renewed once, that its contracts are of
// different kinds, and follow those of the year before.
func (c *partnerCheck) allowsRenewal(e *partner.MembershipRenewed) *wrong {
	before := c.state.Renewals()
	if n := len(before); n > 0 && e.RenewedOn.Compare(before[n-1].RenewedOn.AddYear()) < 0 {
		return breaks(LawPartner, "the membership was renewed on %v, and again on %v", before[n-1].RenewedOn, e.RenewedOn)
	}
	kinds := make(map[partner.Kind]bool)
	for _, contract := range e.Contracts {
		last := uuid.Nil
		for _, year := range before {
			if of, ok := year.Contract(contract.Kind); ok {
				last = of.Contract
			}
		}
		switch {
		case kinds[contract.Kind] || contract.Contract == uuid.Nil:
			return breaks(LawPartner, "the year has two %s contracts, or one without an id", contract.Kind)
		case contract.Predecessor != last:
			return breaks(LawPartner, "the %s contract of the year before was %s, and not %s", contract.Kind, last, contract.Predecessor)
		case !contract.ActivatesOn.IsZero() && contract.ActivatesOn.Compare(e.RenewedOn) < 0:
			return breaks(LawPartner, "the %s contract comes to life on %v, before its year", contract.Kind, contract.ActivatesOn)
		}
		kinds[contract.Kind] = true
	}
	if !kinds[partner.KindCore] {
		return breaks(LawPartner, "the year has no core contract")
	}
	return nil
}

// purchaseCheck is one purchase.
type purchaseCheck struct{ state purchase.State }

func (c *purchaseCheck) bytes() int64 { return asideBytes }

const asideBytes = 512

func (c *purchaseCheck) step(r *recorded, fact domain.Event) *wrong {
	e, ok := fact.(purchase.Event)
	terms := c.state.Terms()
	switch e := e.(type) {
	case *purchase.Registered:
		if terms != nil || e.Quantity < 1 || e.Account == uuid.Nil || e.Contract == uuid.Nil {
			return breaks(LawPurchase, "%d incidents are registered for account %s; something was before: %t", e.Quantity, e.Account, terms != nil)
		}
	case *purchase.Spent:
		switch {
		case terms == nil || c.state.Spent() != nil:
			return breaks(LawPurchase, "the purchase is spent, and is unknown or was spent before")
		case e.Account != terms.Account || e.Contract != terms.Contract:
			return breaks(LawPurchase, "account %s spends into contract %s what account %s has bought as contract %s", e.Account, e.Contract, terms.Account, terms.Contract)
		}
	}
	if !ok {
		return breaks(LawStream, "%s stands in a purchase's stream", r.Type)
	}
	purchase.Evolve(&c.state, e)
	return nil
}

// caseCheck is one program support case.
type caseCheck struct{ state programcase.State }

func (c *caseCheck) bytes() int64 { return asideBytes }

func (c *caseCheck) step(r *recorded, fact domain.Event) *wrong {
	e, ok := fact.(programcase.Event)
	opened := c.state.Opened()
	switch e := e.(type) {
	case *programcase.Opened:
		if _, valid := vault.CheckNumber(e.Number.String()); !valid {
			return breaks(LawNumber, "%v has another check digit", e.Number)
		}
		if opened != nil || e.Account == uuid.Nil || e.Partner == "" {
			return breaks(LawCase, "case %v is opened by account %s for partner %q; it was before: %t", e.Number, e.Account, e.Partner, opened != nil)
		}
	case *programcase.Closed:
		if opened == nil || c.state.Closed() != nil || e.Number != opened.Number {
			return breaks(LawCase, "case %v is closed, and is not open", e.Number)
		}
	}
	if !ok {
		return breaks(LawStream, "%s stands in a case's stream", r.Type)
	}
	programcase.Evolve(&c.state, e)
	return nil
}
