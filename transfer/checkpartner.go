package transfer

import (
	"context"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/domain"
	"github.com/supportledger/supportledger/domain/partner"
	"github.com/supportledger/supportledger/ledger"
)

// A place is a partner's headquarters (location "") or a location, as files call
// them.
type place struct{ partner, location string }

// knownPlace is a place that the file has, and the fact by which the ledger will
// know it.
type knownPlace struct {
	line int
	fact partner.Event
}

// keptPartner is a partner of the ledger, and what it would be with what the file
// has of it.
type keptPartner struct {
	*ledger.KeptPartner
	named  *partner.State // with the partner's row of the file, if the ledger has none
	places *partner.State // and with those locations of the file that rows have named
}

// mostKept bounds the partners that are remembered: rows about one need not stand
// together, and what the ledger has of it may be long.
const mostKept = 1024

// keep is what the ledger has of a partner.
func (c *checking) keep(ctx context.Context, reference string) (*keptPartner, error) {
	if kept, ok := c.kept.Get(reference); ok {
		return kept, nil
	}
	kept, err := c.Ledger.KeptPartner(ctx, reference)
	if err != nil {
		return nil, err
	}
	k := &keptPartner{KeptPartner: kept}
	c.kept.Add(reference, k)
	return k, nil
}

// would is the partner as it would be with what the file has of it, and of one of its
// locations; all rows of partners were read before.
func (c *checking) would(kept *keptPartner, at place) *partner.State {
	if kept.named == nil {
		kept.named, kept.places = c.withRow(kept, at), c.withRow(kept, at)
	}
	if at.location == "" {
		return kept.named
	}
	id := c.Ledger.ImportLocationID(kept.KeptPartner, at.location)
	if known := c.places[at]; known != nil && kept.places.Place(id) == nil {
		partner.Evolve(kept.places, known.fact)
	}
	return kept.places
}

func (c *checking) withRow(kept *keptPartner, at place) *partner.State {
	s := new(partner.State)
	partner.Evolve(s, kept.Events...)
	if headquarters := c.places[place{partner: at.partner}]; s.Terms() == nil && headquarters != nil {
		partner.Evolve(s, headquarters.fact)
	}
	return s
}

// partnerRow checks a partner's row against the file, the catalogue and the ledger.
func (c *checking) partnerRow(ctx context.Context, e *entry) error {
	at := place{partner: e.text("partner")}
	if first := c.places[at]; first != nil {
		c.cell(e.row, "partner", fmt.Sprintf("is the partner of line %d again", first.line), "remove one of the rows")
		return nil
	}
	kept, err := c.keep(ctx, at.partner)
	if err != nil {
		return err
	}
	wish, person := e.partner(), domain.Sealed[partner.ContactTexts]{Person: c.Ledger.ContactID(e.text("contact_email"))}
	c.places[at] = &knownPlace{e.line, &partner.Registered{
		Level: wish.Level, Signature: wish.Signature, Country: wish.Country, TimeZone: wish.TimeZone, Contact: person,
	}}
	terms := kept.Terms
	if terms == nil {
		if refusal := c.Ledger.RehearsePartner(new(partner.State), &wish); refusal != nil {
			c.refused(e.row, "level", refusal)
		}
		return nil
	}
	c.theSame(e, "partner", []difference{
		{"partner_name", wish.Company != terms.Company},
		{"level", wish.Level != terms.Level},
		{"signature", wish.Signature != terms.Signature},
		{"country", wish.Country != terms.Country},
		{"time_zone", wish.TimeZone != terms.TimeZone},
	}, partner.Contact{Texts: terms.Contact, Language: terms.Language}, kept.State.Place(uuid.Nil).Primary)
	return nil
}

// locationRow makes a location of the file known.
func (c *checking) locationRow(ctx context.Context, e *entry) error {
	at := place{e.text("partner"), e.text("location")}
	if first := c.places[at]; first != nil {
		c.cell(e.row, "location", fmt.Sprintf("is the location of line %d again", first.line), "remove one of the rows")
		return nil
	}
	kept, err := c.keep(ctx, at.partner)
	if err != nil {
		return err
	}
	c.places[at] = &knownPlace{e.line, &partner.LocationAdded{
		Location: c.Ledger.ImportLocationID(kept.KeptPartner, at.location), Country: e.text("country"), TimeZone: e.text("time_zone"),
		Contact: domain.Sealed[partner.ContactTexts]{Person: c.Ledger.ContactID(e.text("contact_email"))},
	}}
	return nil
}

// location checks a location's row against its partner, once all of the file are
// known.
func (c *checking) location(ctx context.Context, e *entry) error {
	at := place{partner: e.text("partner")}
	if c.places[place{at.partner, e.text("location")}].line != e.line {
		return nil // the same again, which was noted
	}
	kept, err := c.keep(ctx, at.partner)
	if err != nil || !c.knows(kept, e) {
		return err
	}
	id := c.Ledger.ImportLocationID(kept.KeptPartner, e.text("location"))
	added := kept.Added[id]
	if added == nil {
		if refusal := c.Ledger.RehearsePartner(c.would(kept, at), c.partnerAct(kept.KeptPartner, e).Wish); refusal != nil {
			c.refused(e.row, "location", refusal)
		}
		return nil
	}
	c.theSame(e, "location", []difference{
		{"location_name", e.text("location_name") != added.Title},
		{"country", e.text("country") != added.Country},
		{"time_zone", e.text("time_zone") != added.TimeZone},
	}, partner.Contact{Texts: added.Contact, Language: added.Language}, kept.State.Place(id).Primary)
	return nil
}

// contact checks an associated contact's row against its partner, once all of the
// file are known.
func (c *checking) contact(ctx context.Context, e *entry) error {
	at := place{e.text("partner"), e.text("location")}
	kept, err := c.keep(ctx, at.partner)
	if err != nil || !c.knows(kept, e) {
		return err
	}
	act := c.partnerAct(kept.KeptPartner, e)
	if first := c.again(kept.ID.String()+act.Name, e.line); first > 0 {
		c.cell(e.row, "contact_email", fmt.Sprintf("is the contact of line %d again", first), "remove one of the rows")
		return nil
	}
	if done, otherwise := c.Ledger.PartnerDone(kept.KeptPartner, act); otherwise {
		c.cell(e.row, "contact_email", "was imported before with another name, country or language", "correct the file, or change the contact by a call")
		return nil
	} else if done {
		return nil
	}
	if there := associated(kept.KeptPartner, c.place(kept.KeptPartner, e), c.Ledger.ContactID(act.Contact.Email)); there != nil {
		c.theSame(e, "contact", []difference{{"country", e.text("country") != there.Country}}, *there)
		return nil
	}
	if refusal := c.Ledger.RehearsePartner(c.would(kept, at), act.Wish); refusal != nil {
		c.refused(e.row, "contact_email", refusal)
	}
	return nil
}

// associated is somebody among the associated contacts of a place of the ledger.
func associated(kept *ledger.KeptPartner, id, person uuid.UUID) *partner.Contact {
	at := kept.State.Place(id)
	if at == nil {
		return nil
	}
	for i := range at.Associated {
		if at.Associated[i].Texts.Person == person {
			return &at.Associated[i]
		}
	}
	return nil
}

// knows notes a row whose partner, or whose location unless it is the location's own,
// is in neither the file nor the ledger.
func (c *checking) knows(kept *keptPartner, e *entry) bool {
	at := place{e.text("partner"), e.text("location")}
	switch {
	case kept.Terms == nil && c.places[place{partner: at.partner}] == nil:
		c.cell(e.row, "partner", "names no partner of this file or of the ledger", "add a row for the partner, or correct what it is called")
	case at.location != "" && c.places[at] == nil && kept.Added[c.Ledger.ImportLocationID(kept.KeptPartner, at.location)] == nil:
		c.cell(e.row, "location", "names no location of the partner in this file or in the ledger", "add a row for the location, or correct what it is called")
	default:
		return true
	}
	return false
}

// difference says whether a field is another one in the ledger.
type difference struct {
	field   string
	differs bool
}

// theSame checks that the ledger has what the file has. A contact may be the one
// with which it was recorded, or the one of now; who was forgotten is not compared.
func (c *checking) theSame(e *entry, what string, all []difference, contacts ...partner.Contact) {
	person := e.primary()
	wrong := func(differs func(*partner.Contact) bool) bool {
		return !slices.ContainsFunc(contacts, func(had partner.Contact) bool { return !differs(&had) })
	}
	for _, x := range append(all,
		difference{"contact_name", wrong(func(had *partner.Contact) bool { return had.Texts.Clear != nil && had.Texts.Clear.Name != person.Name })},
		difference{"contact_email", wrong(func(had *partner.Contact) bool {
			return had.Texts.Clear != nil && had.Texts.Clear.Email != person.Email
		})},
		difference{"contact_language", wrong(func(had *partner.Contact) bool { return had.Language != person.Language })}) {
		if x.differs {
			c.cell(e.row, x.field, "is another one in the ledger, which has this "+what+" already", "correct the file, or change the "+what+" by hand")
		}
	}
}
