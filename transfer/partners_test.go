package transfer

import (
	"context"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/ledger"
)

const somePartners = `record,partner,partner_name,level,signature,access_id,contract_id,programme,country,time_zone,status,starts_on,contact_name,contact_email
contract,4711,,,,0230242323,0098765432,gold,ID,Asia/Jakarta,active,2026-01-15,Citra,citra@example.com
partner,4711,Contoso,gold,true,,,,ID,Asia/Jakarta,,,Citra,citra@example.com
partner,4712,Small,maps,,,,,US,America/New_York,,,Dan,dan@example.com
`

// Partners are imported before the contracts that name them, wherever they stand,
// once, and stay as they are.
func TestAnImportTakesOverPartners(t *testing.T) {
	r := newRig(t)
	report := r.imports(CSV, somePartners)
	if report.Partners.New != 2 || report.Contracts.New != 1 {
		t.Errorf("the report is %+v", report)
	}
	id, err := r.Ledger.ImportPartnerID(t.Context(), "4711")
	must(t, err)
	p, err := r.Ledger.Partner(t.Context(), id)
	must(t, err)
	if terms := p.State.Terms(); terms.Company != "Contoso" || !terms.Signature || p.State.Place(uuid.Nil).Primary.Texts.Clear.Name != "Citra" {
		t.Errorf("the partner is %+v", terms)
	}
	if k := r.kept("0230242323", "0098765432"); k.Terms.PartnerID != id.String() {
		t.Errorf("the contract belongs to %q, want %s", k.Terms.PartnerID, id)
	}
	before := r.head()
	if again := r.imports(CSV, somePartners); again.Partners.Unchanged != 2 || again.Contracts.Unchanged != 1 || r.head() != before {
		t.Errorf("again the report is %+v", again)
	}
	for field, other := range map[string]string{
		"partner_name": "Contoso,gold,true=Fabrikam,gold,true", "level": "Small,maps=Small,silver", "signature": "gold,true=gold,false", "contact_name": "Dan=Don",
		"country": "US,America=CA,America", "time_zone": "New_York=Toronto",
	} {
		from, to, _ := strings.Cut(other, "=")
		if m := r.run(CSV, strings.Replace(somePartners, from, to, 1), false).Mistakes; len(m) != 1 || m[0].Field != field || !strings.Contains(m[0].Reason, "another one in the ledger") {
			t.Errorf("with another %s the mistakes are %+v", field, m)
		}
	}
}

// An export names a partner before the first of its contracts.
func TestAnExportHasThePartnersOfItsContracts(t *testing.T) {
	r := newRig(t)
	r.imports(CSV, somePartners)
	var out strings.Builder
	x := &Exporter{Ledger: r.Ledger, Directory: listed{r.Ledger.ImportID(ledger.Pair{AccessID: "0230242323", ContractID: "0098765432"})}}
	must(t, x.Write(context.Background(), JSONL, &out))
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(lines) < 2 || !strings.Contains(lines[0], `"record":"partner"`) || !strings.Contains(lines[0], "Contoso") || !strings.Contains(lines[1], `"record":"contract"`) {
		t.Errorf("the export is\n%s", out.String())
	}
}
