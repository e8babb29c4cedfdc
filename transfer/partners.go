package transfer

import (
	"context"
	"hash/maphash"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/domain"
	"github.com/supportledger/supportledger/domain/partner"
	"github.com/supportledger/supportledger/ledger"
)

// primary is the contact that a row names.
func (e *entry) primary() ledger.Person {
	return ledger.Person{Name: e.text("contact_name"), Email: e.text("contact_email"), Language: orElse(e.text("contact_language"), "en")}
}

// partner is a partner as the ledger registers it.
func (e *entry) partner() partner.Register {
	return partner.Register{
		Company: e.text("partner_name"), Level: e.text("level"), Signature: e.text("signature") == "true",
		Country: e.text("country"), TimeZone: e.text("time_zone"),
	}
}

// place is the location that a row names; Nil where that is the headquarters.
func (i *Importer) place(kept *ledger.KeptPartner, e *entry) uuid.UUID {
	if e.text("location") == "" {
		return uuid.Nil
	}
	return i.Ledger.ImportLocationID(kept, e.text("location"))
}

// partnerAct is what a row does to its partner.
func (i *Importer) partnerAct(kept *ledger.KeptPartner, e *entry) *ledger.PartnerAct {
	act := &ledger.PartnerAct{Partner: kept.ID, Contact: e.primary()}
	person := domain.Sealed[partner.ContactTexts]{Person: i.Ledger.ContactID(act.Contact.Email)}
	place := i.place(kept, e)
	switch e.record {
	case Partner:
		wish := e.partner()
		act.Name, act.Content = "partner", content([]any{wish, act.Contact})
		wish.Contact, act.Wish = person, &wish
	case Location:
		wish := &partner.AddLocation{Location: place, Title: e.text("location_name"), Country: e.text("country"), TimeZone: e.text("time_zone")}
		act.Name, act.Content = "location "+place.String(), content([]any{wish, act.Contact})
		wish.Contact, act.Wish = person, wish
	case Contact:
		wish := &partner.TakeOverContact{Location: place, Country: e.text("country")}
		act.Name, act.Content = "contact "+place.String()+" "+person.Person.String(), content([]any{wish, act.Contact})
		wish.Contact, act.Wish = person, wish
	default: // a toolkit's contract
		act.Contact = ledger.Person{} // that of the contract
		bought := partner.BuyToolkit{Location: place, Competency: e.text("competency"), Reference: e.text("reference"), Contract: e.contract}
		act.Name, act.Content = "toolkit "+e.contract.String(), content(bought)
		act.Wish = &partner.TakeOverToolkit{BuyToolkit: bought, Programme: e.text("programme")}
	}
	return act
}

// ofPartner carries out what a row does to its partner. A partner or a location
// that is there stays as it is.
func (a *applying) ofPartner(ctx context.Context, e *entry) (changed bool, err error) {
	defer a.alone(e.text("partner"))()
	kept, err := a.keep(ctx, e.text("partner"))
	if err != nil {
		return false, err
	}
	if e.record == Partner && kept.Terms != nil || e.record == Location && kept.Added[a.place(kept, e)] != nil {
		return false, nil
	}
	return a.Ledger.ImportPartner(ctx, a.By, kept, a.partnerAct(kept, e))
}

// keep is what the ledger has of a partner, whom nobody else is at work on. It is
// read once for many rows.
func (a *applying) keep(ctx context.Context, reference string) (*ledger.KeptPartner, error) {
	if kept, ok := a.kept.Get(reference); ok {
		return kept, nil
	}
	kept, err := a.Ledger.KeptPartner(ctx, reference)
	if err == nil {
		a.kept.Add(reference, kept)
	}
	return kept, err
}

// alone waits until nobody else is at work on a partner, and returns what lets the
// next one in.
func (a *applying) alone(reference string) (done func()) {
	lock := &a.partners[maphash.String(a.seed, reference)%uint64(len(a.partners))]
	lock.Lock()
	return lock.Unlock
}
