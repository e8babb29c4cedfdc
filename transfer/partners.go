package transfer

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/domain"
	"github.com/supportledger/supportledger/domain/partner"
	"github.com/supportledger/supportledger/ledger"
)

// partner is a partner as the ledger registers it.
func (e *entry) partner() (partner.Register, ledger.Person) {
	return partner.Register{
			Company: e.text("partner_name"), Level: e.text("level"), Signature: e.text("signature") == "true",
			Country: e.text("country"), TimeZone: e.text("time_zone"),
		}, ledger.Person{
			Name: e.text("contact_name"), Email: e.text("contact_email"), Language: orElse(e.text("contact_language"), "en"),
		}
}

// partnerRow checks a partner's row against the file, the catalogue and the ledger.
func (c *checking) partnerRow(ctx context.Context, e *entry) error {
	reference := e.text("partner")
	if first := c.partners[reference]; first > 0 {
		c.cell(e.row, "partner", fmt.Sprintf("is the partner of line %d again", first), "remove one of the rows")
		return nil
	}
	c.partners[reference] = e.line
	wish, primary := e.partner()
	kept, err := c.Ledger.KeptPartner(ctx, reference)
	if err != nil {
		return err
	}
	if kept == nil {
		if refusal := c.Ledger.RehearsePartner(wish); refusal != nil {
			c.refused(e.row, "level", refusal)
		}
		return nil
	}
	contact := kept.Contact.Clear
	for _, x := range []struct {
		field   string
		differs bool
	}{
		{"partner_name", wish.Company != kept.Company},
		{"level", wish.Level != kept.Level},
		{"signature", wish.Signature != kept.Signature},
		{"country", wish.Country != kept.Country},
		{"time_zone", wish.TimeZone != kept.TimeZone},
		{"contact_name", contact != nil && contact.Name != primary.Name},
		{"contact_email", contact != nil && contact.Email != primary.Email},
		{"contact_language", primary.Language != kept.Language},
	} {
		if x.differs {
			c.cell(e.row, x.field, "is another one in the ledger, which has this partner already", "correct the file, or change the partner by hand")
		}
	}
	return nil
}

// belongs checks that the partner of a contract's row is one of the file or of the
// ledger.
func (c *checking) belongs(ctx context.Context, e *entry) error {
	reference := e.text("partner")
	if reference == "" || c.partners[reference] > 0 {
		return nil
	}
	kept, err := c.Ledger.KeptPartner(ctx, reference)
	if err == nil && kept == nil {
		c.cell(e.row, "partner", "names no partner of this file or of the ledger", "add a row for the partner, or write another partner_id")
	}
	return err
}

// partner writes a partner's row, before those of the first of its contracts.
func (x *exporting) partner(ctx context.Context, partnerID string) error {
	id, err := uuid.Parse(partnerID)
	if err != nil || x.partners[id] {
		return nil // the vendor's own books know it, or it is written already
	}
	x.partners[id] = true
	known, err := x.Ledger.Partner(ctx, id)
	if refusal := new(domain.Refusal); errors.As(err, &refusal) {
		return nil
	}
	if err != nil {
		return err
	}
	terms, contact := known.State.Terms(), known.State.Place(uuid.Nil).Primary
	cells := map[string]any{
		"partner": id.String(), "partner_name": terms.Company, "level": terms.Level, "signature": strconv.FormatBool(terms.Signature),
		"country": terms.Country, "time_zone": terms.TimeZone,
		"contact_name": domain.ErasedText, "contact_email": domain.ErasedText, "contact_language": contact.Language,
	}
	if texts := contact.Texts.Clear; texts != nil {
		cells["contact_name"], cells["contact_email"] = texts.Name, texts.Email
	}
	return x.out.write(Partner, nil, cells)
}
