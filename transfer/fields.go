package transfer

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/domain/catalog"
	"github.com/supportledger/supportledger/domain/contract"
	"github.com/supportledger/supportledger/domain/form"
)

// A field is a column of CSV, or a member of an object.
type field struct {
	name     string
	records  []Record // that may have it
	required []Record // that must
	longest  int      // characters
	wrong    func(text string) string
	hint     string
	told     bool // by an export, for people; an import takes no notice of what it says
}

var (
	onPartners  = []Record{Partner}
	onLocations = []Record{Location}
	onPlaces    = []Record{Partner, Location}
	onTheirs    = []Record{Partner, Location, Contact}
	onContracts = []Record{Contract}
	onTimed     = []Record{Partner, Location, Contract}
	onNamed     = []Record{Partner, Location, Contact, Contract}
	onLocated   = []Record{Location, Contact, Contract}
	onPairs     = []Record{Contract, Balance, Link}
	onBalances  = []Record{Balance}
	onLinks     = []Record{Link}
)

// fields are all there are. docs/import.md says what each means; a test keeps the
// two together.
var fields = []field{
	{name: "record", records: records, longest: 20, wrong: isRecord, hint: "write partner, location, contact, contract, balance or link"},
	{name: "contract", records: onPairs, longest: 36, wrong: isUUID, hint: "write the contract's id as the ledger shows it"},
	{name: "access_id", records: onPairs, required: onContracts, longest: 64, wrong: isID, hint: "write every digit, leading zeros too"},
	{name: "contract_id", records: onPairs, required: onContracts, longest: 64, wrong: isID, hint: "write every digit, leading zeros too"},

	{name: "partner", records: onNamed, required: onTheirs, longest: 64, wrong: isWord, hint: "write what your own books call the partner, without spaces"},
	{name: "location", records: onLocated, required: onLocations, longest: 64, wrong: isWord, hint: "write what your own books call the location, without spaces"},
	{name: "location_name", records: onLocations, required: onLocations, longest: 200, wrong: isLine, hint: "write one line of text"},
	{name: "partner_name", records: onPartners, required: onPartners, longest: 200, wrong: isLine, hint: "write one line of text"},
	{name: "level", records: onPartners, required: onPartners, longest: 100, wrong: isLine, hint: "write a membership's id, as the catalogue has it"},
	{name: "signature", records: onPartners, longest: 5, wrong: isTruth, hint: "write true or false"},

	{name: "programme", records: onContracts, required: onContracts, longest: 100, wrong: isLine, hint: "write a programme's id, as the catalogue has it"},
	{name: "partner_id", records: onContracts, longest: 64, wrong: isWord, hint: "write printable ASCII without spaces"},
	{name: "country", records: onNamed, required: onTheirs, longest: 2, wrong: isCountry, hint: "write two capital letters (ISO 3166-1)"},
	{name: "time_zone", records: onTimed, required: onPlaces, longest: 64, wrong: isLine, hint: "write an IANA name such as Asia/Jakarta"},
	{name: "status", records: onContracts, longest: 20, wrong: isStatus, hint: "write registered, waiting or active; suspend by a call, and leave out what is over"},
	{name: "starts_on", records: onContracts, longest: 10, wrong: isDate, hint: "write a date such as 2026-03-01"},
	{name: "expires_on", records: onContracts, longest: 10, wrong: isDate, hint: "write a date such as 2027-02-28, or leave it out"},
	{name: "renewed_on", records: onContracts, longest: 10, wrong: isDate, hint: "write the day on which the membership was renewed, such as 2026-01-15"},
	{name: "competency", records: onContracts, longest: 100, wrong: isLine, hint: "write one line of text"},
	{name: "reference", records: onContracts, longest: 200, wrong: isLine, hint: "write one line of text, that of the toolkit's purchase"},
	{name: "contact_name", records: onNamed, required: onNamed, longest: 200, wrong: isLine, hint: "write one line of text"},
	{name: "contact_email", records: onNamed, required: onNamed, longest: 254, wrong: isAddress, hint: "write an e-mail address"},
	{name: "contact_language", records: onNamed, longest: 35, wrong: isTag, hint: "write a language tag such as en or id"},

	{name: "unit", records: onBalances, required: onBalances, longest: 20, wrong: isUnit, hint: "write incident or minute"},
	{name: "remaining", records: onBalances, required: onBalances, longest: 20, wrong: isQuantity, hint: "write a whole number from 0 to 1000000000, or unlimited"},

	{name: "portal", records: onLinks, longest: 100, wrong: isLine, hint: "write a portal's id, as the catalogue has it"},
	{name: "issuer", records: onLinks, longest: 500, wrong: isLine, hint: "write the iss of the account's tokens"},
	{name: "subject", records: onLinks, longest: 255, wrong: isLine, hint: "write the sub of the account's tokens"},
	{name: "account", records: onLinks, longest: 36, wrong: isUUID, hint: "write the account's id as the ledger shows it"},

	{name: "service_name", told: true, records: onContracts},
	{name: "registered_on", told: true, records: onContracts},
	{name: "predecessor", told: true, records: onContracts},
	{name: "successor", told: true, records: onContracts},
	{name: "granted", told: true, records: onBalances},
	{name: "adjusted", told: true, records: onBalances},
	{name: "consumed", told: true, records: onBalances},
	{name: "lapsed", told: true, records: onBalances},
	{name: "moved", told: true, records: onBalances},
	{name: "linked_at", told: true, records: onLinks},
}

func fieldOf(name string) *field {
	for i := range fields {
		if fields[i].name == name {
			return &fields[i]
		}
	}
	return nil
}

func fieldNames() string {
	names := make([]string, len(fields))
	for i, f := range fields {
		names[i] = f.name
	}
	return strings.Join(names, ", ")
}

// reason says what is wrong with a text in a field; "" where nothing is.
func (f *field) reason(text string) string {
	switch {
	case f.told:
		return ""
	case !utf8.ValidString(text):
		return "is not UTF-8"
	case utf8.RuneCountInString(text) > f.longest:
		return "has more than " + strconv.Itoa(f.longest) + " characters"
	}
	return f.wrong(text)
}

func unless(ok bool, reason string) string {
	if ok {
		return ""
	}
	return reason
}

func isRecord(s string) string {
	return unless(slices.Contains(records, Record(s)), "is none of "+strings.Join(Records(), ", "))
}

func isTruth(s string) string {
	return unless(s == "true" || s == "false", "is neither true nor false")
}

func isUUID(s string) string {
	_, err := uuid.Parse(s)
	return unless(err == nil && len(s) == 36, "is no id")
}

// rounded is what a spreadsheet makes of an ID that it takes for a number.
var rounded = regexp.MustCompile(`^[0-9]+([.,][0-9]+)?[eE]\+?[0-9]+$`)

func isID(s string) string {
	if rounded.MatchString(s) {
		return "was rounded by a spreadsheet that took it for a number; its digits are lost"
	}
	_, err := contract.ParseID("", s)
	return unless(err == nil, "must be 6 to 20 digits")
}

func isLine(s string) string { return unless(form.IsLine(s), "must be one line of text") }

func isWord(s string) string {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' {
			return "must be printable ASCII without spaces"
		}
	}
	return ""
}

func isCountry(s string) string {
	return unless(catalog.KnownCountry(s), "must be two capital letters, a country's")
}

// taken are the states in which contracts are imported. One that waits is one that is
// active from a day to come.
var taken = []contract.Status{contract.StatusRegistered, contract.StatusWaiting, contract.StatusActive}

func isStatus(s string) string {
	return unless(slices.Contains(taken, contract.Status(s)), "is neither registered nor active")
}

func isDate(s string) string {
	_, err := catalog.ParseDate(s)
	return unless(err == nil, "is no date")
}

func isAddress(s string) string { return unless(form.IsAddress(s), "is no e-mail address") }

func isTag(s string) string { return unless(form.IsTag(s), "is no language tag") }

func isUnit(s string) string {
	_, ok := contract.ParseUnit(s)
	return unless(ok, "is neither incident nor minute")
}

// unlimited is what remains of a unit without limit.
const unlimited = "unlimited"

func isQuantity(s string) string {
	n, err := strconv.ParseInt(s, 10, 64)
	return unless(s == unlimited || err == nil && n >= 0 && n <= contract.MaxQuantity && s[0] != '+', "is no whole number from 0 to 1000000000")
}
