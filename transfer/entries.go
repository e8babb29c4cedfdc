package transfer

import (
	"context"
	"encoding/json"
	"strconv"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/domain/catalog"
	"github.com/supportledger/supportledger/domain/contract"
	"github.com/supportledger/supportledger/ledger"
)

// An entry is a row whose fields have the right form.
type entry struct {
	*row
	record    Record
	partnerID string      // of a contract
	pair      ledger.Pair // empty as far as the row does not have it
	contract  uuid.UUID

	contradicts bool // it names another contract by the id than by the two IDs
}

// called are the contracts of a file by what it calls them: ids that they had in the
// ledger from which they come.
type called map[uuid.UUID]uuid.UUID

// entry reads what a row says by itself, and which contract it is about.
func (i *Importer) entry(ctx context.Context, r *row, contracts called) (entry, error) {
	e := entry{row: r, record: r.record(), partnerID: r.text("partner_id")}
	if e.ofPartner() {
		return e, nil
	}
	if reference := r.text("partner"); reference != "" {
		id, err := i.Ledger.ImportPartnerID(ctx, reference)
		if err != nil {
			return e, err
		}
		e.partnerID = id.String()
	}
	e.pair.AccessID, _ = contract.ParseID("access_id", r.text("access_id"))
	if r.text("contract_id") != "" {
		e.pair.ContractID, _ = contract.ParseID("contract_id", r.text("contract_id"))
		e.contract = i.Ledger.ImportID(e.pair)
	}
	if e.record == Contract || r.text("contract") == "" {
		return e, nil
	}
	named, _ := uuid.Parse(r.text("contract")) // was checked
	if own, ok := contracts[named]; ok {
		named = own
	}
	e.contradicts = e.contract != uuid.Nil && e.contract != named
	e.contract = named
	return e, nil
}

// ofPartner says whether a row is about a partner and no contract.
func (e *entry) ofPartner() bool {
	return e.record == Partner || e.record == Location || e.record == Contact
}

func (e *entry) date(field string) catalog.Date {
	d, _ := catalog.ParseDate(e.text(field)) // was checked, or is left out
	return d
}

// active says whether the file says that the contract is active, or will be from its
// first day.
func (e *entry) active() bool {
	status := contract.Status(e.text("status"))
	return status == contract.StatusActive || status == contract.StatusWaiting
}

// endless says whether a balance is one without limit, which the programme gives.
func (e *entry) endless() bool { return e.record == Balance && e.text("remaining") == unlimited }

// registration is a contract as the ledger registers it.
func (e *entry) registration() ledger.Registration {
	return ledger.Registration{
		Programme: e.text("programme"), PartnerID: e.partnerID, Country: e.text("country"), TimeZone: e.text("time_zone"),
		StartsOn: e.starts(), Language: orElse(e.text("contact_language"), "en"),
		Contact: contract.ContactTexts{Name: e.text("contact_name"), Email: e.text("contact_email")},
	}
}

// starts is the first day of a contract's term: of a membership year's contract that
// of the renewal (R28).
func (e *entry) starts() catalog.Date {
	if e.text("starts_on") == "" {
		return e.date("renewed_on")
	}
	return e.date("starts_on")
}

func orElse(text, other string) string {
	if text == "" {
		return other
	}
	return text
}

// register is the act of registering a contract, which comes to life by itself on
// a day where that is promised.
func (i *Importer) register(e *entry, promised catalog.Date) *ledger.Act {
	wish := e.registration()
	return i.Ledger.RegisterAct(e.pair, wish, promised, content(wish))
}

// activate is the act of bringing a contract to life, by the day that its
// registration has.
func activate(id uuid.UUID) *ledger.Act {
	return &ledger.Act{Contract: id, Name: "activate", Wish: &contract.Activate{Reason: ledger.ImportPortal}}
}

// balance is the act of taking over what was left of a unit.
func (e *entry) balance() *ledger.Act {
	remaining, _ := strconv.ParseInt(e.text("remaining"), 10, 64) // was checked
	unit, _ := contract.ParseUnit(e.text("unit"))
	return &ledger.Act{
		Contract: e.contract, Name: "balance " + string(unit), Content: []byte(strconv.FormatInt(remaining, 10)),
		Wish: &contract.OpeningBalance{Unit: unit, Remaining: remaining, Reason: openingReason},
	}
}

const openingReason = "opening balance, imported"

// account is whom a link is for.
func (i *Importer) account(e *entry) uuid.UUID {
	if text := e.text("account"); text != "" {
		account, _ := uuid.Parse(text) // was checked
		return account
	}
	return i.Ledger.AccountOf(e.text("issuer"), e.text("subject"))
}

// link is the act of taking over a link.
func (i *Importer) link(e *entry) *ledger.Act {
	account := i.account(e)
	return &ledger.Act{
		Contract: e.contract, Name: "link " + account.String(), Content: []byte(e.text("portal")),
		Wish: &contract.TakeOverLink{Account: account, Portal: e.text("portal")},
	}
}

// content is what tells two wishes apart.
func content(wish any) []byte {
	text, err := json.Marshal(wish)
	if err != nil {
		panic(err) // a struct of texts and dates
	}
	return text
}
