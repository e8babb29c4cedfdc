package transfer

import (
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
	pair      ledger.Pair // zero where the contract is named by its id
	contract  uuid.UUID
}

// entry reads what a row says by itself.
func (i *Importer) entry(r *row) entry {
	e := entry{row: r, record: r.record(), partnerID: r.text("partner_id")}
	if reference := r.text("partner"); reference != "" {
		e.partnerID = i.Ledger.ImportPartnerID(reference).String()
	}
	if e.record == Partner {
		return e
	}
	if r.text("contract") != "" {
		e.contract, _ = uuid.Parse(r.text("contract")) // was checked
		return e
	}
	e.pair.AccessID, _ = contract.ParseID("access_id", r.text("access_id"))
	e.pair.ContractID, _ = contract.ParseID("contract_id", r.text("contract_id"))
	e.contract = i.Ledger.ImportID(e.pair)
	return e
}

func (e *entry) date(field string) catalog.Date {
	d, _ := catalog.ParseDate(e.text(field)) // was checked, or is left out
	return d
}

// active says whether the file says that the contract is active.
func (e *entry) active() bool { return e.text("status") == string(contract.StatusActive) }

// registration is a contract as the ledger registers it.
func (e *entry) registration() ledger.Registration {
	return ledger.Registration{
		Programme: e.text("programme"), PartnerID: e.partnerID, Country: e.text("country"), TimeZone: e.text("time_zone"),
		StartsOn: e.date("starts_on"), Language: orElse(e.text("contact_language"), "en"),
		Contact: contract.ContactTexts{Name: e.text("contact_name"), Email: e.text("contact_email")},
	}
}

func orElse(text, other string) string {
	if text == "" {
		return other
	}
	return text
}

// register is the act of registering a contract.
func (i *Importer) register(e *entry) *ledger.Act {
	wish := e.registration()
	return i.Ledger.RegisterAct(e.pair, wish, content(wish))
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
