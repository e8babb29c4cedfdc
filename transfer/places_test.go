package transfer

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/domain/contract"
	"github.com/supportledger/supportledger/domain/partner"
	"github.com/supportledger/supportledger/ledger"
)

// A partner as a back office has it, in no order: two years' worth of it runs, a
// location has bought a toolkit.
const backOffice = `record,partner,partner_name,level,signature,location,location_name,access_id,contract_id,programme,country,time_zone,status,starts_on,renewed_on,competency,reference,contact_name,contact_email,contact_language
contact,4711,,,,007,,,,,US,,,,,,,Eko,eko@example.com,en
contract,4711,,,,,,0230242323,0098765432,gold,ID,Asia/Jakarta,active,,2026-01-15,,,Citra,citra@example.com,
contract,4711,,,,,,0230242324,0098765433,scs,ID,Asia/Jakarta,active,2026-01-15,2026-01-15,,,Citra,citra@example.com,
contract,4711,,,,007,,0230242325,0098765434,toolkit,ID,Asia/Jakarta,active,2026-02-01,,devices,PO-1,Dewi,dewi@example.com,
location,4711,,,,007,Bandung,,,,ID,Asia/Jakarta,,,,,,Dewi,dewi@example.com,id
location,4711,,,,8,New York,,,,US,America/New_York,,,,,,Joe,joe@example.com,
contact,4711,,,,,,,,,ID,,,,,,,Fitri,fitri@example.com,id
partner,4711,Contoso,gold,true,,,,,,ID,Asia/Jakarta,,,,,,Citra,citra@example.com,id
partner,4712,Late,silver,false,,,,,,ID,Asia/Jakarta,,,,,,Gita,gita@example.com,id
contract,4712,,,,,,0230242326,0098765435,silver,ID,Asia/Jakarta,,,2026-02-20,,,Gita,gita@example.com,
`

func (r *rig) partner(reference string) *ledger.KeptPartner {
	r.t.Helper()
	k, err := r.Ledger.KeptPartner(r.t.Context(), reference)
	must(r.t, err)
	return k
}

func (r *rig) idOf(accessID, contractID string) uuid.UUID {
	return r.Ledger.ImportID(ledger.Pair{AccessID: accessID, ContractID: contractID})
}

// told is what a partner looks like, without ids.
func told(k *ledger.KeptPartner) []string {
	var all []string
	for _, p := range k.State.Places() {
		all = append(all, fmt.Sprint("place ", p.Title, p.Country, p.TimeZone, p.Primary.Texts.Clear, p.Primary.Language))
		for _, c := range p.Associated {
			all = append(all, fmt.Sprint("contact ", p.Title, c.Country, c.Texts.Clear, c.Language))
		}
	}
	slices.Sort(all)
	return append(all, fmt.Sprint(k.Terms.Company, k.Terms.Level, k.Terms.Signature))
}

func TestR27_AnImportTakesOverLocationsAndContacts(t *testing.T) {
	r := newRig(t)
	report := r.imports(CSV, backOffice)
	if report.Partners.New != 2 || report.Locations.New != 2 || report.Contacts.New != 2 || report.Contracts.New != 4 || report.Years.New != 2 {
		t.Errorf("the report is %+v", report)
	}
	want := []string{
		"contact ID&{Fitri fitri@example.com}id", "contact BandungUS&{Eko eko@example.com}en",
		"place BandungIDAsia/Jakarta&{Dewi dewi@example.com}id", "place IDAsia/Jakarta&{Citra citra@example.com}id", "place New YorkUSAmerica/New_York&{Joe joe@example.com}en",
	}
	slices.Sort(want)
	if got := told(r.partner("4711")); fmt.Sprint(got) != fmt.Sprint(append(want, "Contosogoldtrue")) {
		t.Errorf("the partner is\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// Once, whatever has become of it: somebody else is primary contact, and whoever
// was associated is no contact any more.
func TestAPartnersFileTwiceChangesNothing(t *testing.T) {
	r := newRig(t)
	r.imports(CSV, backOffice)
	id := r.partner("4711").ID
	for _, then := range []func(){
		func() {},
		func() { must(t, r.clock.Set(start.Add(2*ledger.RememberFor))) },
		func() {
			for _, who := range []string{"Fitri", "Hadi"} { // Fitri comes and goes
				_, err := r.Ledger.ChangeContact(t.Context(), r.by("contact"), id, partner.ChangeContact{Primary: true, Country: "ID"},
					ledger.Person{Name: who, Email: strings.ToLower(who) + "@example.com", Language: "id"})
				must(t, err)
			}
		},
		func() {
			_, err := r.Ledger.Erase(t.Context(), r.by("erase"), r.keys.Contact("dewi@example.com"), "asked")
			must(t, err)
		},
		func() {
			must(t, r.clock.Set(time.Date(2027, 1, 20, 9, 0, 0, 0, time.UTC)))
			_, err := r.Ledger.RenewMembership(t.Context(), r.by("renew"), id, day("2027-01-15"))
			must(t, err)
		},
	} {
		then()
		before := r.head()
		report := r.imports(CSV, backOffice)
		if n := report.Partners.New + report.Locations.New + report.Contacts.New + report.Contracts.New + report.Years.New; n != 0 || r.head() != before {
			t.Fatalf("again %d are new, %v events: %+v", n, r.head()-before, report)
		}
	}
	for field, other := range map[string]string{
		"location_name": "Bandung,=Bandung 2,", "country": "8,New York,,,,US=8,New York,,,,CA", "time_zone": "America/New_York=America/Toronto",
		"contact_name": "Joe=Jo", "contact_email": "Fitri,fitri=Fitria,fitri", "reference": "PO-1=PO-2",
	} {
		from, to, _ := strings.Cut(other, "=")
		if m := r.run(CSV, strings.Replace(backOffice, from, to, 1), false).Mistakes; len(m) != 1 || m[0].Field != field {
			t.Errorf("with another %s the mistakes are %+v", field, m)
		}
	}
}

// An import of a partner that is stopped anywhere goes on where it was.
func TestAPartnersImportGoesOnWhereItWasStopped(t *testing.T) {
	whole := newRig(t)
	whole.imports(CSV, backOffice)
	for stopAfter := 0; ; stopAfter++ {
		r := newRig(t)
		ctx, cancel := context.WithCancel(t.Context())
		seen := 0
		r.Progress = func(stage string, _, _ int64) {
			if seen++; stage != "check" && seen > stopAfter+30 {
				cancel()
			}
		}
		_, err := r.Run(ctx, file(CSV, backOffice), false)
		cancel()
		r.Progress = nil
		if err == nil {
			return
		}
		if !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		r.imports(CSV, backOffice)
		if r.head() != whole.head() {
			t.Fatalf("stopped after %d steps and gone on with, the log has %v events, want %v", stopAfter, r.head(), whole.head())
		}
	}
}

// The year that runs is known: what is blank comes to life by itself, and the next
// year's contracts are successors, with the links of those before.
func TestR28_AnImportedYearIsFollowed(t *testing.T) {
	r := newRig(t)
	r.imports(CSV, backOffice)
	if k := r.kept("0230242326", "0098765435"); k.Status != contract.StatusRegistered || k.Promise().ActivatesOn != day("2026-03-13") {
		t.Errorf("the blank one is %s, promised %+v", k.Status, k.Promise())
	}
	must(t, r.clock.Set(time.Date(2026, 3, 12, 17, 0, 0, 0, time.UTC)))
	if k := r.kept("0230242326", "0098765435"); k.Status != contract.StatusActive {
		t.Errorf("when its day begins, the blank one is %s", k.Status)
	}
	before := r.head()
	must(t, r.Ledger.TouchPartner(t.Context(), r.partner("4711").ID))
	if r.head() != before {
		t.Error("contracts are made of what was imported, which has them")
	}
	must(t, r.clock.Set(time.Date(2027, 1, 20, 9, 0, 0, 0, time.UTC)))
	last := map[string]uuid.UUID{"gold": r.idOf("0230242323", "0098765432"), "scs": r.idOf("0230242324", "0098765433")}
	next, err := r.Ledger.RenewMembership(t.Context(), r.by("renew"), r.partner("4711").ID, day("2027-01-15"))
	must(t, err)
	if len(next.Contracts) != 2 {
		t.Fatalf("the next year has %d contracts", len(next.Contracts))
	}
	for _, c := range next.Contracts {
		if want := last[c.Terms.Programme]; c.Terms.Predecessor != want || want == uuid.Nil {
			t.Errorf("the predecessor of next year's %s is %s, want %s", c.Terms.Programme, c.Terms.Predecessor, want)
		}
	}
	kit := r.partner("4711").State
	if place := kit.PlaceOf(r.idOf("0230242325", "0098765434")); place.Title != "Bandung" || len(place.Competencies) != 1 || len(kit.Toolkits()[0].InternalUse) == 0 {
		t.Errorf("the toolkit is that of %+v", place)
	}
}

// A contract that belongs to a year may come in a file of its own, and one that
// does not say what the ledger has is refused.
func TestAYearIsTakenOverOnce(t *testing.T) {
	r := newRig(t)
	r.imports(CSV, backOffice)
	lines := strings.SplitAfter(backOffice, "\n")
	before := r.head()
	if r.imports(CSV, lines[0]+lines[3]); r.head() != before { // the signature contract alone
		t.Error("a part of the year changes something")
	}
	other := strings.Replace(lines[2], "0230242323", "0230242399", 1)
	if m := r.run(CSV, lines[0]+other, false).Mistakes; len(m) != 1 || m[0].Field != "renewed_on" || !strings.Contains(m[0].Reason, "recorded before") {
		t.Errorf("another core contract of the year is %+v", m)
	}
}

// An export of partners is a file for an empty ledger, and for the same one.
func TestAnExportOfPartnersCanBeImported(t *testing.T) {
	for _, format := range []Format{CSV, JSONL} {
		r := newRig(t)
		r.imports(CSV, backOffice)
		_, err := r.Ledger.ChangeContact(t.Context(), r.by("contact"), r.partner("4711").ID, partner.ChangeContact{Primary: true, Country: "ID"},
			ledger.Person{Name: "Hadi", Email: "hadi@example.com", Language: "id"})
		must(t, err)
		x := &Exporter{Ledger: r.Ledger, Records: []Record{Partner, Location, Contact}, Directory: listed{r.idOf("0230242323", "0098765432"), r.idOf("0230242326", "0098765435")}}
		var out strings.Builder
		must(t, x.Write(t.Context(), format, &out))
		before := r.head()
		if report := r.imports(format, out.String()); r.head() != before || report.Contacts.Unchanged != 2 {
			t.Errorf("in the same ledger the export changes %+v", report)
		}
		other := newRig(t)
		if report := other.imports(format, out.String()); report.Partners.New != 2 || report.Locations.New != 2 || report.Contacts.New != 2 {
			t.Errorf("in another one the report is %+v", report)
		}
		for _, reference := range []string{"4711", "4712"} {
			was := r.partner(reference)
			if got, want := told(other.partner(was.ID.String())), told(was); fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("imported is\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
			}
		}
		x.Records, x.Directory = []Record{Contract}, listed{r.idOf("0230242323", "0098765432"), r.idOf("0230242325", "0098765434")}
		out.Reset()
		must(t, x.Write(t.Context(), JSONL, &out))
		if text := out.String(); !strings.Contains(text, `"renewed_on":"2026-01-15"`) || !strings.Contains(text, `"reference":"PO-1"`) || strings.Count(text, "\n") != 2 {
			t.Errorf("contracts are\n%s", text)
		}
	}
}
