package transfer

import (
	"fmt"
	"strings"
	"testing"

	"github.com/supportledger/supportledger/domain/contract"
	"github.com/supportledger/supportledger/ledger"
)

// A bad is a row of a file, and the one mistake that it has: where, and about
// which field.
type bad struct {
	row    string
	field  string // also that at which the mistake stands, unless at says otherwise
	at     int    // the column
	reason string // a part of it
}

// header begins the file of mistakes.
const header = "record,contract,access_id,contract_id,programme,partner_id,country,time_zone,status,starts_on,expires_on,contact_name,contact_email,contact_language,unit,remaining,portal,issuer,subject,account,partner,partner_name,level,signature,location,location_name,renewed_on,competency,reference"

// a contract's row, with some cells replaced: "country=xx".
func contractRow(n int, cells ...string) string {
	return cellsOf(append([]string{
		"record=contract", fmt.Sprintf("access_id=%010d", n), "contract_id=0098765432", "programme=gold", "country=ID", "time_zone=Asia/Jakarta",
		"status=active", "starts_on=2026-01-15", "contact_name=Citra", "contact_email=citra@example.com", "contact_language=id",
	}, cells...))
}

func partnerRow(cells ...string) string {
	return cellsOf(append([]string{
		"record=partner", "partner=4711", "partner_name=Contoso", "level=gold", "signature=true", "country=ID", "time_zone=Asia/Jakarta",
		"contact_name=Citra", "contact_email=citra@example.com", "contact_language=id",
	}, cells...))
}

func balanceRow(cells ...string) string {
	return cellsOf(append([]string{"record=balance", "access_id=0000000001", "contract_id=0098765432", "unit=incident", "remaining=14"}, cells...))
}

func linkRow(cells ...string) string {
	return cellsOf(append([]string{"record=link", "access_id=0000000001", "contract_id=0098765432", "portal=mpn", "issuer=https://login.example.com", "subject=8a3d"}, cells...))
}

func cellsOf(cells []string) string {
	values := map[string]string{}
	for _, c := range cells {
		name, value, _ := strings.Cut(c, "=")
		values[name] = value
	}
	var row []string
	for _, name := range strings.Split(header, ",") {
		row = append(row, values[name])
	}
	return strings.Join(row, ",")
}

const (
	inLedger = 900 // a contract that the ledger has, without limit in incidents
	blank    = 901 // one that the file registers, and does not activate
	endless  = 902 // one of the file whose incidents are without limit
)

const called1 = "11111111-6a64-4c0e-9b53-0a4f6c0c1a11" // what the file calls its first contract

// mistakes are one of each kind.
func mistakes() []bad {
	long := func(n int) string { return strings.Repeat("x", n) }
	return []bad{
		{row: contractRow(1) + ",more", at: 116, reason: "has 30 fields"},
		{row: "contract,,0000000001", at: 11, reason: "has 3 fields"},
		{row: `contract,,00"00000001` + strings.Repeat(",", 21), at: 13, reason: "a quote stands within"},
		{row: cellsOf([]string{"record=office"}), field: "record", reason: "is none of partner, location, contact, contract, balance, link"},
		{row: contractRow(2, "contract=7d0f3c1e"), field: "contract", reason: "is no id"},
		{row: contractRow(56, "contract="+called1), field: "contract", reason: "is what line 2 calls another contract"},
		{row: partnerRow("partner=4722", "contract="+called1), field: "contract", reason: "is not for a partner"},
		{row: contractRow(3, "unit=incident"), field: "unit", reason: "is not for a contract"},
		{row: contractRow(4, "portal=mpn"), field: "portal", reason: "is not for a contract"},
		{row: contractRow(5, "access_id="), field: "access_id", reason: "is missing"},
		{row: contractRow(6, "access_id=12345"), field: "access_id", reason: "6 to 20 digits"},
		{row: contractRow(7, "access_id=123456789012345678901"), field: "access_id", reason: "6 to 20 digits"},
		{row: contractRow(8, "access_id=02302O2323"), field: "access_id", reason: "6 to 20 digits"},
		{row: contractRow(9, "access_id=2.30E+09"), field: "access_id", reason: "rounded by a spreadsheet"},
		{row: contractRow(10, "access_id="+strings.Repeat("1-", 33)), field: "access_id", reason: "more than 64 characters"},
		{row: contractRow(11, "contract_id="), field: "contract_id", reason: "is missing"},
		{row: contractRow(12, "contract_id=12-45"), field: "contract_id", reason: "6 to 20 digits"},
		{row: contractRow(13, "contract_id=9.8765E+9"), field: "contract_id", reason: "rounded by a spreadsheet"},
		{row: contractRow(1), field: "access_id", reason: "is the pair of line 2 again"},
		{row: contractRow(14, "programme="), field: "programme", reason: "is missing"},
		{row: contractRow(15, "programme=platinum"), field: "programme", reason: "is not in the catalogue"},
		{row: contractRow(16, "programme="+long(101)), field: "programme", reason: "more than 100 characters"},
		{row: contractRow(17, "partner_id=46 48"), field: "partner_id", reason: "without spaces"},
		{row: contractRow(18, "country=Indonesia"), field: "country", reason: "more than 2 characters"},
		{row: contractRow(19, "country=id"), field: "country", reason: "two capital letters"},
		{row: contractRow(20, "time_zone=Jakarta"), field: "time_zone", reason: "is not an IANA zone"},
		{row: contractRow(21, "status=suspended"), field: "status", reason: "neither registered nor active"},
		{row: contractRow(22, "starts_on=15.01.2026"), field: "starts_on", reason: "is no date"},
		{row: contractRow(23, "starts_on=2026-02-30"), field: "starts_on", reason: "is no date"},
		{row: contractRow(24, "starts_on="), field: "starts_on", reason: "is missing"},
		{row: contractRow(25, "starts_on=2024-01-15"), field: "starts_on", reason: "the term would be over"},
		{row: contractRow(26, "starts_on=9001-01-15"), field: "starts_on", reason: "too far in the future"},
		{row: contractRow(27, "expires_on=2027-01-15"), field: "expires_on", reason: "which is 2027-01-14"},
		{row: contractRow(28, "status=registered", "starts_on=", "expires_on=2027-01-14"), field: "expires_on", reason: "without starts_on"},
		{row: contractRow(29, "programme=msdn", "status=registered"), field: "status", reason: "active at once"},
		{row: contractRow(30, "contact_name="), field: "contact_name", reason: "is missing"},
		{row: contractRow(31, "contact_name="+long(201)), field: "contact_name", reason: "more than 200 characters"},
		{row: contractRow(32, "contact_name=a\x07b"), field: "contact_name", reason: "one line"},
		{row: contractRow(33, "contact_name=a\xffb"), field: "contact_name", reason: "is not UTF-8"},
		{row: contractRow(34, "contact_email="), field: "contact_email", reason: "is missing"},
		{row: contractRow(35, "contact_email=citra at example"), field: "contact_email", reason: "no e-mail address"},
		{row: contractRow(36, "contact_language=Bahasa Indonesia"), field: "contact_language", reason: "no language tag"},
		{row: contractRow(inLedger, "programme=scs", "country=US"), field: "country", reason: "another one in the ledger"},

		{row: contractRow(37, "partner=4712"), field: "partner", reason: "names no partner"},
		{row: contractRow(38, "partner=4711", "partner_id=4648141"), field: "partner", reason: "beside partner_id, and another one"},

		{row: partnerRow(), field: "partner", reason: "is the partner of line 7 again"},
		{row: partnerRow("partner="), field: "partner", reason: "is missing"},
		{row: partnerRow("partner=47 13"), field: "partner", reason: "without spaces"},
		{row: partnerRow("partner=4714", "partner_name="), field: "partner_name", reason: "is missing"},
		{row: partnerRow("partner=4715", "level="), field: "level", reason: "is missing"},
		{row: partnerRow("partner=4716", "level=tin"), field: "level", reason: "must be one of"},
		{row: partnerRow("partner=4717", "level=maps"), field: "level", reason: "cannot have the signature"},
		{row: partnerRow("partner=4718", "signature=yes"), field: "signature", reason: "neither true nor false"},
		{row: partnerRow("partner=4719", "country="), field: "country", reason: "is missing"},
		{row: partnerRow("partner=4720", "time_zone=Jakarta"), field: "time_zone", reason: "is not an IANA zone"},
		{row: partnerRow("partner=4721", "access_id=0000000001"), field: "access_id", reason: "is not for a partner"},

		{row: locationRow(), field: "location", reason: "is the location of line 8 again"},
		{row: locationRow("location="), field: "location", reason: "is missing"},
		{row: locationRow("location=the east"), field: "location", reason: "without spaces"},
		{row: locationRow("location=e1", "partner="), field: "partner", reason: "is missing"},
		{row: locationRow("location=e2", "partner=4799"), field: "partner", reason: "names no partner"},
		{row: locationRow("location=e3", "location_name="), field: "location_name", reason: "is missing"},
		{row: locationRow("location=e4", "country="), field: "country", reason: "is missing"},
		{row: locationRow("location=e5", "time_zone="), field: "time_zone", reason: "is missing"},
		{row: locationRow("location=e6", "time_zone=Jakarta"), field: "time_zone", reason: "is not an IANA zone"},
		{row: locationRow("location=e7", "contact_email="), field: "contact_email", reason: "is missing"},
		{row: locationRow("location=e8", "level=gold"), field: "level", reason: "is not for a location"},

		{row: contactRow(), field: "contact_email", reason: "is the contact of line 9 again"},
		{row: contactRow("contact_email=new@example.com", "partner=4799"), field: "partner", reason: "names no partner"},
		{row: contactRow("contact_email=new@example.com", "location=west"), field: "location", reason: "names no location"},
		{row: contactRow("contact_email=new@example.com", "country="), field: "country", reason: "is missing"},
		{row: contactRow("contact_email=new@example.com", "time_zone=Asia/Jakarta"), field: "time_zone", reason: "is not for a contact"},
		{row: contactRow("contact_email=CITRA@example.com"), field: "contact_email", reason: "is the primary one of the same place"},
		{row: contactRow("contact_email=dewi@example.com", "location=bandung"), field: "contact_email", reason: "is the primary one of the same place"},

		{row: contractRow(40, "renewed_on=2026-01-15"), field: "renewed_on", reason: "is there without partner"},
		{row: contractRow(41, "renewed_on=15.01.2026", "starts_on=", "partner=4711"), field: "renewed_on", reason: "is no date"},
		{row: contractRow(42, "renewed_on=2026-01-16", "partner=4711"), field: "renewed_on", reason: "another day than starts_on"},
		{row: contractRow(43, "renewed_on=2026-01-15", "partner=4711"), field: "renewed_on", reason: "has the core contract of line 10 again"},
		{row: contractRow(44, "renewed_on=2026-02-15", "starts_on=", "partner=4711", "programme=scs"), field: "renewed_on", reason: "another year than that of line 10"},
		{row: contractRow(45, "renewed_on=2026-01-15", "partner=4711", "programme=silver"), field: "renewed_on", reason: "this programme is none of them"},
		{row: contractRow(46, "renewed_on=2026-01-15", "starts_on=", "status=registered", "partner=47first"), field: "renewed_on", reason: "came to life by itself on 2026-02-05"},
		{row: contractRow(47, "renewed_on=2026-01-15", "partner=47second", "programme=scs"), field: "renewed_on", reason: "without the core contract"},
		{row: contractRow(48, "renewed_on=2026-01-15", "partner=4711", "location=bandung", "competency=devices", "reference=PO-9"), field: "renewed_on", reason: "beside location"},
		{row: contractRow(49, "location=bandung", "competency=devices", "reference=PO-9"), field: "partner", reason: "is missing beside the location"},
		{row: toolkitRow(50, "location="), field: "location", reason: "is missing beside the competency"},
		{row: toolkitRow(51, "competency="), field: "competency", reason: "is missing beside the location"},
		{row: toolkitRow(52, "reference="), field: "reference", reason: "is missing beside the location"},
		{row: toolkitRow(53, "location=west"), field: "location", reason: "names no location"},
		{row: toolkitRow(54), field: "reference", reason: "is that of line 11 again"},
		{row: toolkitRow(55, "reference=PO-2", "programme=gold"), field: "location", reason: "not that of the partner's toolkits"},

		{row: balanceRow("access_id=", "contract_id="), field: "access_id", reason: "is missing"},
		{row: balanceRow("access_id="), field: "access_id", reason: "is missing beside the contract_id"},
		{row: balanceRow("contract_id="), field: "contract_id", reason: "is missing beside the access_id"},
		{row: balanceRow("contract=7d0f3c1e-6a64-4c0e-9b53-0a4f6c0c1a11", "unit=minute"), field: "contract", reason: "is another contract than"},
		{row: balanceRow("contract="+called1, "access_id=0000000002", "contract_id=", "unit=minute"), field: "contract", reason: "is another contract than"},
		{row: balanceRow("access_id=", "contract_id=", "contract=7d0f3c1e"), field: "contract", reason: "is no id"},
		{row: balanceRow("contract_id=0098765431"), field: "access_id", reason: "names no contract"},
		{row: balanceRow("unit="), field: "unit", reason: "is missing"},
		{row: balanceRow("unit=hour"), field: "unit", reason: "neither incident nor minute"},
		{row: balanceRow("remaining="), field: "remaining", reason: "is missing"},
		{row: balanceRow("remaining=14.5"), field: "remaining", reason: "no whole number"},
		{row: balanceRow("remaining=-1"), field: "remaining", reason: "no whole number"},
		{row: balanceRow("remaining=1000000001"), field: "remaining", reason: "no whole number"},
		{row: balanceRow("remaining=13"), field: "access_id", reason: "has the balance of line 3 again"},
		{row: balanceRow(fmt.Sprintf("access_id=%010d", endless)), field: "unit", reason: "without limit"},
		{row: balanceRow(fmt.Sprintf("access_id=%010d", 903), "remaining=unlimited"), field: "remaining", reason: "is unlimited, and what"},
		{row: balanceRow(fmt.Sprintf("access_id=%010d", blank)), field: "access_id", reason: "does not activate"},
		{row: balanceRow(fmt.Sprintf("access_id=%010d", inLedger)), field: "remaining", reason: "without limit"},

		{row: linkRow("portal=nowhere"), field: "portal", reason: "is not in the catalogue"},
		{row: linkRow("portal=office"), field: "portal", reason: "uses no IDs"},
		{row: linkRow("portal=azure", "subject=y"), field: "portal", reason: "none that the contract's programme accepts"},
		{row: linkRow("issuer=", "subject="), field: "issuer", reason: "is missing"},
		{row: linkRow("issuer="), field: "issuer", reason: "is missing beside the subject"},
		{row: linkRow("subject="), field: "subject", reason: "is missing beside the issuer"},
		{row: linkRow("account=7d0f3c1e-6a64-4c0e-9b53-0a4f6c0c1a11"), field: "account", reason: "beside issuer and subject"},
		{row: linkRow("issuer=", "subject=", "account=ani"), field: "account", reason: "is no id"},
		{row: linkRow(), field: "access_id", reason: "has the link of line 4 again"},
		{row: linkRow(fmt.Sprintf("access_id=%010d", blank), "subject=x"), field: "access_id", reason: "does not activate"},
		{row: linkRow(fmt.Sprintf("access_id=%010d", inLedger), "portal=oas"), field: "portal", reason: "does not accept"},
	}
}

// columnOf is where a field of a row begins.
func columnOf(row, field string) int {
	column := 1
	for i, name := range strings.Split(header, ",") {
		if name == field {
			return column
		}
		column += len(strings.Split(row, ",")[i]) + 1
	}
	return 0
}

// withAnEndless is a ledger that has a contract without limit.
func withAnEndless(t *testing.T) *rig {
	t.Helper()
	r := newRig(t)
	_, err := r.Ledger.Register(t.Context(), r.by("register"), ledger.Registration{
		Programme: "scs", AccessID: fmt.Sprintf("%010d", inLedger), ContractID: "0098765432", Country: "ID", TimeZone: "Asia/Jakarta",
		StartsOn: day("2026-01-15"), Language: "id", Contact: contract.ContactTexts{Name: "Citra", Email: "citra@example.com"},
	})
	must(t, err)
	_, err = r.Ledger.Change(t.Context(), r.by("activate"), r.Ledger.ImportID(ledger.Pair{AccessID: fmt.Sprintf("%010d", inLedger), ContractID: "0098765432"}),
		&contract.Activate{Reason: "test"})
	must(t, err)
	return r
}

// A file with more than fifty kinds of mistakes: all are reported, each with its
// line and column, and nothing is imported.
func TestEveryKindOfMistakeIsReportedWithItsPlace(t *testing.T) {
	r := withAnEndless(t)
	right := []string{
		contractRow(1, "contract="+called1), balanceRow(), linkRow(), contractRow(blank, "status=registered"),
		contractRow(endless, "programme=scs"), partnerRow(), locationRow(), contactRow(),
		contractRow(903, "partner=4711", "renewed_on=2026-01-15"), toolkitRow(904),
		partnerRow("partner=47first"), partnerRow("partner=47second"),
	}
	kinds := mistakes()
	if len(kinds) < 50 {
		t.Fatalf("only %d kinds", len(kinds))
	}
	lines := append([]string{header}, right...)
	for _, k := range kinds {
		lines = append(lines, k.row)
	}
	before := r.head()
	report := r.run(CSV, strings.Join(lines, "\n")+"\n", false)
	if report.MistakeCount != int64(len(kinds)) {
		t.Errorf("%d mistakes are reported of %d", report.MistakeCount, len(kinds))
	}
	byLine := map[int][]Mistake{}
	for _, m := range report.Mistakes {
		byLine[m.Line] = append(byLine[m.Line], m)
	}
	for i, k := range kinds {
		line := 2 + len(right) + i
		want := k.at
		if want == 0 {
			want = columnOf(k.row, k.field)
		}
		got := byLine[line]
		if len(got) != 1 || got[0].Column != want || got[0].Field != k.field || !strings.Contains(got[0].Reason, k.reason) {
			t.Errorf("line %d %q:\ngot  %+v\nwant column %d, field %q: %s", line, k.row, got, want, k.field, k.reason)
		}
		delete(byLine, line)
	}
	for line, more := range byLine {
		t.Errorf("line %d is right, and reported: %+v", line, more)
	}
	if report.Started || r.head() != before {
		t.Errorf("%v events were recorded of a file with mistakes", r.head()-before)
	}
	for _, m := range report.Mistakes {
		if strings.Contains(fmt.Sprint(m), "0098765432") || strings.Contains(fmt.Sprint(m), "citra") {
			t.Errorf("a mistake quotes the file: %+v", m)
		}
	}
}

func TestMistakesOfAHeader(t *testing.T) {
	for name, x := range map[string]struct {
		content string
		column  int
		reason  string
	}{
		"nothing":         {"", 1, "is empty"},
		"another name":    {"record,accessid,contract_id\n", 8, "no field has the name"},
		"a name twice":    {"access_id,contract_id,access_id\n", 23, "is there twice"},
		"a broken quote":  {"access_id,\"contract\"_id\n", 20, "does not end"},
		"an unnamed one":  {"access_id,,contract_id\n1,2,3\n", 11, "no field has the name"},
		"only a mark":     {"\ufeff", 1, "is empty"},
		"a missing field": {"access_id,contract_id\n0230242323,0098765432\n", 1, "is missing"},
	} {
		t.Run(name, func(t *testing.T) {
			report := newRig(t).run(CSV, x.content, false)
			if report.MistakeCount == 0 || report.Mistakes[0].Column != x.column || !strings.Contains(report.Mistakes[0].Reason, x.reason) {
				t.Errorf("reported are %+v", report.Mistakes)
			}
		})
	}
}

func TestMistakesOfObjects(t *testing.T) {
	right := `{"access_id": "0230242323", "contract_id": "0098765432", "programme": "gold", "status": "active", "starts_on": "2026-01-15", "contact_name": "Citra", "contact_email": "citra@example.com"`
	for name, x := range map[string]struct {
		line   string
		column int
		field  string
		reason string
	}{
		"no JSON":                  {`{"access_id": 0230242323}`, 15, "access_id", "not a number: every digit counts"},
		"cut off":                  {`{"access_id": "0230`, 20, "", "is not JSON"},
		"a number for an ID":       {strings.Replace(right, `"0230242323"`, `230242323`, 1) + "}", 15, "access_id", "not a number: every digit counts"},
		"a truth value":            {right + `, "country": true}`, len(right) + 14, "country", "must be a text"},
		"an object":                {right + `, "country": {"x": 1}}`, len(right) + 14, "country", "must be a text"},
		"a member twice":           {right + `, "programme": "gold"}`, len(right) + 3, "programme", "is there twice"},
		"an unknown member":        {right + `, "contact": "x"}`, len(right) + 3, "", "no field has this name"},
		"another form of object":   {`["0230242323"]`, 1, "", "is no JSON object"},
		"something behind it":      {right + `} {}`, len(right) + 3, "", "something follows"},
		"not UTF-8":                {strings.Replace(right, "Citra", "C\xff", 1) + "}", 1, "", "is not UTF-8"},
		"too long":                 {right + `, "country": "` + strings.Repeat("x", longest) + `"}`, longest + 1, "", "longer than"},
		"a mistake of content":     {strings.Replace(right, "gold", "platinum", 1) + "}", strings.Index(right, `"gold"`) + 1, "programme", "is not in the catalogue"},
		"a missing one":            {strings.Replace(right, `"Citra"`, `null`, 1) + "}", strings.Index(right, `"Citra"`) + 1, "contact_name", "is missing"},
		"a quantity of two halves": {`{"record": "balance", "access_id": "0230242323", "contract_id": "0098765432", "unit": "incident", "remaining": 1.5}`, 112, "remaining", "no whole number"},
	} {
		t.Run(name, func(t *testing.T) {
			report := newRig(t).run(JSONL, "\n"+x.line+"\n", false)
			if len(report.Mistakes) != 1 {
				t.Fatalf("reported are %+v", report.Mistakes)
			}
			m := report.Mistakes[0]
			if m.Line != 2 || m.Column != x.column || m.Field != x.field || !strings.Contains(m.Reason, x.reason) {
				t.Errorf("reported is %+v", m)
			}
		})
	}
}

// A report holds the first thousand, and counts all.
func TestManyMistakesAreCounted(t *testing.T) {
	var content strings.Builder
	content.WriteString(header + "\n")
	for i := range 5000 {
		content.WriteString(contractRow(i, "country=x") + "\n")
	}
	report := newRig(t).run(CSV, content.String(), false)
	if report.MistakeCount != 5000 || len(report.Mistakes) != mostMistakes || report.Mistakes[0].Line != 2 || report.Mistakes[999].Line != 1001 {
		t.Errorf("%d mistakes, %d reported, the last of line %d", report.MistakeCount, len(report.Mistakes), report.Mistakes[len(report.Mistakes)-1].Line)
	}
}

// FuzzRows: whatever a file holds, it is read to its end or refused, and every
// mistake has a place in it.
func FuzzRows(f *testing.F) {
	f.Add(someContracts, true)
	f.Add(sameAsObjects, false)
	f.Fuzz(func(t *testing.T, content string, asCSV bool) {
		format := JSONL
		if asCSV {
			format = CSV
		}
		lines := strings.Count(content, "\n") + 1
		all, _, done, err := file(format, content).open(func(m Mistake) {
			if m.Line < 1 || m.Line > lines+1 || m.Column < 1 || m.Column > len(content)+1 || m.Reason == "" {
				t.Errorf("a mistake outside of the file: %+v", m)
			}
		})
		if err != nil {
			return
		}
		for {
			if _, err := all.next(); err != nil {
				break
			}
		}
		must(t, done())
	})
}
