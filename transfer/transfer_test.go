package transfer

import (
	"context"
	"errors"
	"io"
	"strings"
	"sync"
	"testing"

	"github.com/supportledger/supportledger/domain/contract"
	"github.com/supportledger/supportledger/ledger"
)

const someContracts = `record,access_id,contract_id,programme,partner_id,country,time_zone,status,starts_on,expires_on,contact_name,contact_email,contact_language,unit,remaining,portal,issuer,subject,account
contract,0230242323,0098765432,gold,4648141,ID,Asia/Jakarta,active,2026-01-15,2027-01-14,Citra,citra@example.com,id,,,,,,
,00000001,00000002,msdn,,,,,2026-02-01,,"Doe, Jane",jane@example.com,,,,,,,
contract,0230242324,0098765433,silver,,US,,registered,,,Dewi,dewi@example.com,,,,,,,
balance,0230242323,0098765432,,,,,,,,,,,incident,14,,,,
balance,0230242323,0098765432,,,,,,,,,,,minute,3000,,,,
link,0230242323,0098765432,,,,,,,,,,,,,mpn,https://login.example.com,8a3d,
link,00000001,00000002,,,,,,,,,,,,,oas,,,7d0f3c1e-6a64-4c0e-9b53-0a4f6c0c1a11
`

const sameAsObjects = `{"access_id": "0230242323", "contract_id": "0098765432", "programme": "gold", "partner_id": "4648141", "country": "ID", "time_zone": "Asia/Jakarta", "status": "active", "starts_on": "2026-01-15", "contact_name": "Citra", "contact_email": "citra@example.com", "contact_language": "id"}

{"record": "balance", "access_id": "0230242323", "contract_id": "0098765432", "unit": "incident", "remaining": 14}
{"record": "link", "access_id": "0230242323", "contract_id": "0098765432", "portal": "mpn", "issuer": "https://login.example.com", "subject": "8a3d"}
`

func TestAnImportTakesOverContractsBalancesAndLinks(t *testing.T) {
	r := newRig(t)
	report := r.imports(CSV, someContracts)
	if report.Contracts.New != 3 || report.Balances.New != 1 || report.Balances.Unchanged != 1 || report.Links.New != 2 || !report.Started {
		t.Errorf("the report is %+v", report)
	}
	k := r.kept("0230242323", "0098765432")
	if !k.Exists || k.Status != contract.StatusActive || k.Terms.Contact.Clear.Name != "Citra" || k.Terms.StartsOn != day("2026-01-15") ||
		k.Balance[contract.Incident].Available != 14 || k.Balance[contract.Minute].Available != 3000 || !k.Linked(r.keys.Account("https://login.example.com", "8a3d")) {
		t.Errorf("the gold contract is %+v %+v", k, k.Terms)
	}
	if k = r.kept("00000001", "00000002"); k.Status != contract.StatusActive || k.Terms.AccessID != "00000001" || k.Terms.Contact.Clear.Name != "Doe, Jane" {
		t.Errorf("R1: the MSDN contract is %+v", k.Terms)
	}
	if k = r.kept("0230242324", "0098765433"); k.Status != contract.StatusRegistered {
		t.Errorf("the silver contract is %s", k.Status)
	}
	if k = r.kept("1", "2"); k.Exists {
		t.Error("R1: leading zeros do not count")
	}
}

// The same file again changes nothing, as often as it comes and however it is
// written: at once, when people have used what was imported, and when repeats are
// forgotten otherwise.
func TestTheSameFileTwiceChangesNothing(t *testing.T) {
	r := newRig(t)
	r.imports(CSV, someContracts)
	id := r.Ledger.ImportID(ledger.Pair{AccessID: "0230242323", ContractID: "0098765432"})
	account := r.keys.Account("https://login.example.com", "8a3d")
	for _, then := range []func(){
		func() {},
		func() { // what was left is used, adjusted and given up
			_, err := r.Ledger.Change(t.Context(), r.by("adjust"), id, &contract.Adjust{Grant: 1, Quantity: -3, Reason: "test"})
			must(t, err)
			_, err = r.Ledger.Unlink(t.Context(), r.by("unlink"), id, account, "left")
			must(t, err)
		},
		func() { must(t, r.clock.Set(start.Add(2*ledger.RememberFor))) },
		func() {
			_, err := r.Ledger.Change(t.Context(), r.by("cancel"), id, &contract.Cancel{Reason: "test"})
			must(t, err)
		},
	} {
		then()
		before := r.head()
		for format, content := range map[Format]string{CSV: someContracts, JSONL: sameAsObjects} {
			report := r.imports(format, content)
			if n := report.Contracts.New + report.Balances.New + report.Links.New; n != 0 || r.head() != before {
				t.Fatalf("%s again changes %+v, %v events", format, report, r.head()-before)
			}
		}
	}
	other := newRig(t)
	other.imports(JSONL, sameAsObjects)
}

func TestADryRunChangesNothing(t *testing.T) {
	r := newRig(t)
	before := r.head()
	report := r.run(CSV, someContracts, true)
	if report.MistakeCount > 0 || report.Contracts.Rows != 3 || report.Balances.Rows != 2 || report.Links.Rows != 2 || report.Started || !report.DryRun {
		t.Errorf("the report is %+v", report)
	}
	if r.head() != before {
		t.Error("a dry run has recorded something")
	}
}

// An import that is stopped anywhere goes on where it was: it comes to the same,
// and every act is recorded once.
func TestAnImportGoesOnWhereItWasStopped(t *testing.T) {
	whole := newRig(t)
	whole.imports(CSV, someContracts)
	want := whole.head()
	for stopAfter := 0; ; stopAfter++ {
		r := newRig(t)
		ctx, cancel := context.WithCancel(t.Context())
		seen := 0
		r.Progress = func(stage string, _, _ int64) {
			if stage == "check" {
				return
			}
			if seen++; seen > stopAfter {
				cancel()
			}
		}
		report, err := r.Run(ctx, file(CSV, someContracts), false)
		cancel()
		r.Progress = nil
		if err == nil {
			break
		}
		if !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		_ = report
		r.imports(CSV, someContracts)
		if r.head() != want {
			t.Errorf("stopped after %d steps and gone on with, the log has %v events, want %v", stopAfter, r.head(), want)
		}
	}
}

// A contract that was registered, by hand or by an import that was stopped right
// then, is activated by the file that says so, and its balance is right.
func TestAContractThatIsThereIsActivated(t *testing.T) {
	r := newRig(t)
	_, err := r.Ledger.Register(t.Context(), r.by("register"), ledger.Registration{
		Programme: "gold", AccessID: "0230242323", ContractID: "0098765432", PartnerID: "4648141", Country: "ID", TimeZone: "Asia/Jakarta",
		StartsOn: day("2026-01-15"), Language: "id", Contact: contract.ContactTexts{Name: "Citra", Email: "citra@example.com"},
	})
	must(t, err)
	report := r.imports(CSV, someContracts)
	if report.Contracts.New != 3 || report.Balances.New != 1 || report.Links.New != 2 {
		t.Errorf("the report is %+v", report)
	}
	if k := r.kept("0230242323", "0098765432"); k.Status != contract.StatusActive || k.Balance[contract.Incident].Available != 14 {
		t.Errorf("the contract is %+v", k)
	}
}

func TestWhatSpreadsheetsWrite(t *testing.T) {
	for name, content := range map[string]string{
		"a byte order mark":     "\ufeff" + someContracts,
		"Windows' line ends":    strings.ReplaceAll(someContracts, "\n", "\r\n"),
		"names in capitals":     strings.Replace(someContracts, "access_id", " Access_ID ", 1),
		"semicolons":            strings.ReplaceAll(strings.ReplaceAll(someContracts, ",", ";"), "\"Doe; Jane\"", "\"Doe; Jane\""),
		"escaped cells":         strings.Replace(someContracts, "Citra,", "'=Citra,", 1),
		"spaces and hyphens":    strings.Replace(someContracts, "contract,0230242323", "contract,0230 242-323", 1),
		"no newline at the end": strings.TrimRight(someContracts, "\n"),
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			if report := r.imports(CSV, content); report.Contracts.New != 3 || report.Links.New != 2 {
				t.Errorf("the report is %+v", report)
			}
			if name == "escaped cells" && r.kept("0230242323", "0098765432").Terms.Contact.Clear.Name != "=Citra" {
				t.Error("the apostrophe stays")
			}
		})
	}
}

// What rules allow no more when it is carried out, although it was right when it
// was checked, is reported, and the rest goes on.
func TestWhatChangesInBetweenIsReported(t *testing.T) {
	r := newRig(t)
	id := r.Ledger.ImportID(ledger.Pair{AccessID: "0230242323", ContractID: "0098765432"})
	var once sync.Once
	r.Progress = func(stage string, _, _ int64) {
		if stage != "balances" {
			return
		}
		once.Do(func() {
			if _, err := r.Ledger.Change(context.Background(), r.by("cancel"), id, &contract.Cancel{Reason: "test"}); err != nil {
				t.Error(err)
			}
		})
	}
	report := r.run(CSV, someContracts, false)
	// The balance of 14 and a link of the contract; the other link is new.
	if report.MistakeCount != 2 || report.Links.New != 1 || report.Mistakes[0].Line == 0 || !report.Started {
		t.Errorf("the report is %+v", report)
	}
}

// A file that cannot be read is no mistake in it.
func TestAFileThatCannotBeRead(t *testing.T) {
	r := newRig(t)
	broken := errors.New("the disk is gone")
	_, err := r.Run(t.Context(), File{CSV, 10, func() (io.ReadCloser, error) { return nil, broken }}, false)
	if !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
	_, err = r.Run(t.Context(), File{JSONL, 10, func() (io.ReadCloser, error) {
		return io.NopCloser(io.MultiReader(strings.NewReader(sameAsObjects), failing{broken})), nil
	}}, false)
	if !errors.Is(err, broken) || r.head() != 0 {
		t.Errorf("got %v, and %v events", err, r.head())
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

// A person who was forgotten is not brought back by importing the file again, and
// it is no mistake.
func TestR47_TheForgottenStayForgotten(t *testing.T) {
	r := newRig(t)
	r.imports(CSV, someContracts)
	who := r.keys.Contact("citra@example.com")
	_, err := r.Ledger.Erase(t.Context(), r.by("erase"), who, "asked")
	must(t, err)
	before := r.head()
	r.imports(CSV, someContracts)
	if r.head() != before || r.kept("0230242323", "0098765432").Terms.Contact.Clear != nil {
		t.Error("importing again brings somebody back")
	}
}
