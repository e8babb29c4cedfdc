package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// A partner with all that a back office has of it is imported, verified, exported,
// and imported into another ledger.
func TestPartnersGoFromOneLedgerToAnother(t *testing.T) {
	today := time.Now().UTC().Format(time.DateOnly)
	path := filepath.Join(t.TempDir(), "partners.csv")
	must(t, os.WriteFile(path, []byte(strings.ReplaceAll(`record,partner,partner_name,level,location,location_name,country,time_zone,access_id,contract_id,programme,status,renewed_on,starts_on,competency,reference,contact_name,contact_email
partner,4711,Contoso,gold,,,ID,UTC,,,,,,,,,Citra,citra@example.com
location,4711,,,007,Bandung,ID,UTC,,,,,,,,,Dewi,dewi@example.com
contact,4711,,,007,,ID,,,,,,,,,,Eko,eko@example.com
contract,4711,,,,,ID,UTC,0230242323,0098765432,gold,registered,TODAY,,,,Citra,citra@example.com
contract,4711,,,007,,ID,UTC,0230242324,0098765433,toolkit,active,,TODAY,devices,PO-1,Dewi,dewi@example.com
`, "TODAY", today)), 0o600))
	dir, other := t.TempDir(), t.TempDir()
	for _, each := range []string{dir, other} {
		s := serve(t, each)
		must(t, s.stop())
	}
	if out := succeed(t, "import", "--data", dir, path); !strings.Contains(out, "new: 1 partners, 1 locations, 1 contacts, 2 contracts, 0 balances, 0 links, 1 years; there already: 0, 0, 0, 0, 0, 0, 0") {
		t.Errorf("an import says %q", out)
	}
	succeed(t, "verify", "--data", dir)
	s := serve(t, dir) // whoever finishes what crashes have left out finds nothing
	must(t, s.stop())
	succeed(t, "verify", "--data", dir)
	if out := succeed(t, "export", "--data", dir, "--records", "contract"); strings.Count(out, "\n") != 3 {
		t.Errorf("the contracts are %s", out)
	}
	exported := succeed(t, "export", "--data", dir, "--records", "partner,location,contact")
	must(t, os.WriteFile(path, []byte(exported), 0o600))
	if out := succeed(t, "import", "--data", other, path); !strings.Contains(out, "new: 1 partners, 1 locations, 1 contacts,") {
		t.Errorf("an import of the export says %q:\n%s", out, exported)
	}
	succeed(t, "verify", "--data", other)
}
