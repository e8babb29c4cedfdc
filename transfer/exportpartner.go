package transfer

import (
	"context"
	"errors"
	"maps"
	"strconv"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/domain"
	"github.com/supportledger/supportledger/domain/partner"
)

// partner writes a partner's rows, with its locations and associated contacts, as
// it is now, before those of the first of its contracts.
func (x *exporting) partner(ctx context.Context, partnerID string) error {
	id, err := uuid.Parse(partnerID)
	if _, looked := x.partners[id]; err != nil || looked {
		return nil // the vendor's own books know it, or it is written already
	}
	x.partners[id] = false
	known, err := x.Ledger.Partner(ctx, id)
	if refusal := new(domain.Refusal); errors.As(err, &refusal) {
		return nil
	}
	if err != nil {
		return err
	}
	x.partners[id] = true
	same := map[string]any{"partner": id.String()}
	for _, place := range known.State.Places() {
		if err := x.place(same, known.State.Terms(), place); err != nil {
			return err
		}
	}
	for _, place := range known.State.Places() {
		if err := x.contacts(same, place); err != nil {
			return err
		}
	}
	x.promised(known.State)
	return nil
}

// place writes a headquarters, which is the partner's row, or a location.
func (x *exporting) place(same map[string]any, terms *partner.Registered, place *partner.Place) error {
	cells := contactCells(&place.Primary)
	cells["country"], cells["time_zone"] = place.Country, place.TimeZone
	record := Location
	if place.ID == uuid.Nil {
		record = Partner
		cells["partner_name"], cells["level"], cells["signature"] = terms.Company, terms.Level, strconv.FormatBool(terms.Signature)
	} else {
		cells["location"], cells["location_name"] = place.ID.String(), place.Title
	}
	if !x.wants(record) {
		return nil
	}
	return x.out.write(record, same, cells)
}

// contacts writes the associated contacts of a place.
func (x *exporting) contacts(same map[string]any, place *partner.Place) error {
	if !x.wants(Contact) {
		return nil
	}
	for i := range place.Associated {
		cells := contactCells(&place.Associated[i])
		cells["country"], cells["location"] = place.Associated[i].Country, idOrEmpty(place.ID)
		if err := x.out.write(Contact, same, cells); err != nil {
			return err
		}
	}
	return nil
}

func contactCells(c *partner.Contact) map[string]any {
	cells := map[string]any{"contact_name": domain.ErasedText, "contact_email": domain.ErasedText, "contact_language": c.Language}
	if texts := c.Texts.Clear; texts != nil {
		cells["contact_name"], cells["contact_email"] = texts.Name, texts.Email
	}
	return cells
}

// promised remembers what contracts are to a partner until their rows are written.
func (x *exporting) promised(s *partner.State) {
	for _, year := range s.Renewals() {
		for _, of := range year.Contracts {
			x.theirs[of.Contract] = map[string]any{"renewed_on": year.RenewedOn.String()}
		}
	}
	for _, t := range s.Toolkits() {
		x.theirs[t.Contract] = map[string]any{"location": t.Location.String(), "competency": t.Competency, "reference": t.Reference}
	}
	if !x.wants(Contract) {
		maps.DeleteFunc(x.theirs, func(uuid.UUID, map[string]any) bool { return true })
	}
}
