package transfer

import (
	"context"
	"fmt"
	"strings"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/domain/catalog"
	"github.com/supportledger/supportledger/domain/contract"
	"github.com/supportledger/supportledger/ledger"
)

// contract checks a contract's row against the file, the catalogue and the ledger.
func (c *checking) contract(ctx context.Context, e *entry) error {
	if first := c.contracts[e.contract]; first != nil {
		c.cell(e.row, "access_id", fmt.Sprintf("is the pair of line %d again", first.line), "remove one of the rows")
		return nil
	}
	k := &known{line: e.line, active: e.active()}
	c.contracts[e.contract] = k
	if !c.call(e) {
		return nil
	}
	programme, ok := c.Catalog.Programme(e.text("programme"))
	if !ok {
		c.cell(e.row, "programme", "is not in the catalogue", "take one of those that GET /v1/catalog lists")
		return nil
	}
	k.programme = programme
	c.terms(e, programme, k)
	kept, err := c.lookUp(ctx, e)
	if err != nil {
		return err
	}
	if kept.Exists {
		c.same(e, kept)
		return nil
	}
	wishes := []contract.Command{c.register(e, catalog.Date{}).Wish}
	if e.active() && programme.Activation != catalog.ActivateImmediately {
		wishes = append(wishes, activate(e.contract).Wish)
	}
	if at, refusal := c.Ledger.Rehearse(nil, wishes...); refusal != nil {
		c.refused(e.row, []string{"access_id", "status"}[min(at, 1)], refusal)
	}
	return nil
}

// call notes what the file calls a contract.
func (c *checking) call(e *entry) bool {
	if e.text("contract") == "" {
		return true
	}
	name, _ := uuid.Parse(e.text("contract")) // was checked
	if other, ok := c.called[name]; ok {
		c.cell(e.row, "contract", fmt.Sprintf("is what line %d calls another contract", c.contracts[other].line), "correct one of them, or leave it out")
		return false
	}
	c.called[name] = e.contract
	c.contracts[e.contract].accessID = strings.Clone(e.pair.AccessID) // and not the whole row with it
	return true
}

// terms checks the term that a row gives.
func (c *checking) terms(e *entry, programme *catalog.Programme, k *known) {
	starts, expires := e.starts(), e.date("expires_on")
	immediate := programme.Activation == catalog.ActivateImmediately
	k.active = k.active || immediate
	switch {
	case immediate && e.text("status") == string(contract.StatusRegistered):
		c.cell(e.row, "status", "cannot be: a contract of this programme is active at once", "write active, or leave it out")
	case k.active && starts.IsZero():
		c.cell(e.row, "starts_on", "is missing: an active contract has a first day", "write the first day of its term")
	case starts.IsZero() && !expires.IsZero():
		c.cell(e.row, "expires_on", "is there without starts_on", "write both, or leave it out")
	case !expires.IsZero() && starts.LastOfTerm(programme.GraceDays) != expires:
		c.cell(e.row, "expires_on", "is not the last day of a term that begins on starts_on, which is "+starts.LastOfTerm(programme.GraceDays).String(),
			"correct one of the days, or leave expires_on out")
	}
}

// same checks that the ledger has the contract as the file has it. What has
// become of it since does not matter.
func (c *checking) same(e *entry, kept *ledger.Kept) {
	want, has := e.registration(), kept.Terms
	for _, x := range []struct {
		field   string
		differs bool
	}{
		{"programme", want.Programme != has.Programme},
		{e.names("partner", "partner_id"), want.PartnerID != has.PartnerID},
		{"country", want.Country != has.Country},
		{"time_zone", orElse(want.TimeZone, "UTC") != has.TimeZone},
		{e.names("starts_on", "renewed_on"), want.StartsOn != has.StartsOn},
		{"contact_name", has.Contact.Clear != nil && has.Contact.Clear.Name != want.Contact.Name},
		{"contact_email", has.Contact.Clear != nil && has.Contact.Clear.Email != want.Contact.Email},
		{"contact_language", want.Language != has.Language},
	} {
		if x.differs {
			c.differs(e.row, x.field)
		}
	}
	if e.active() && kept.Status == contract.StatusRegistered {
		if _, refusal := c.Ledger.Rehearse(kept, activate(e.contract).Wish); refusal != nil {
			c.refused(e.row, "status", refusal)
		}
	}
}
