package catalogfile_test

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/supportledger/supportledger/catalogfile"
	"github.com/supportledger/supportledger/domain/catalog"
)

// The tables below are those of the specification's catalogue, row by row.

func TestMicrosoftPortals(t *testing.T) {
	rows(t, microsoft(t).Portals, func(p catalog.Portal) string {
		return row(p.ID, p.Name, p.Address, list(p.Families), p.SignIn, p.SignInName, p.IDs, list(p.OnBehalfOf))
	}, []string{
		"oas | Online Assisted Support | aka.ms/OAS | on-premises | any | any account | required | -",
		"mpn | Partner portal | aka.ms/mysupport | on-premises | mpn | partner network | required | -",
		"office | Office portal | portal.office.com | online | office | Office | not-used | delegated-administration",
		"azure | Azure portal | portal.azure.com | azure | azure | Azure subscription | required | administrator, write",
	})
	for _, p := range microsoft(t).Portals {
		if atAzure := p.ID == "azure"; p.PlanLabels != atAzure || p.AsksSubscription != atAzure {
			t.Errorf("R12, R14: plan labels at %s %v, subscription asked %v", p.ID, p.PlanLabels, p.AsksSubscription)
		}
	}
}

func TestMicrosoftProgrammes(t *testing.T) {
	rows(t, microsoft(t).Programmes, func(p catalog.Programme) string {
		return row(p.ID, p.ServiceName, p.Short, cmp.Or(p.PlanText, "-"), holds(p), list(p.Covers), list(p.Portals), starts(p))
	}, []string{
		"gold | Partner Support Gold 20Pack | GOLD | - | 20 incident, 3000 minute | on-premises | oas, mpn | after-membership-renewal + 21 days",
		"silver | Partner Support Silver 15Pack | SILVER | - | 15 incident, 1200 minute | on-premises | oas, mpn | after-membership-renewal + 21 days",
		"maps | Action Pack 10Pack | MAPS | - | 10 incident | on-premises | oas, mpn | on-request",
		"scs | Signature Cloud Support | SCS | SCS | unlimited incident | online, azure | azure | with-core-contract",
		"asfp | Advanced Support for Partners | ASFP | Partner Advanced | 30 incident | online, azure | azure | on-request",
		"msdn | MSDN 4Pack | MSDN | - | 4 incident | on-premises | oas, mpn | immediate",
		"bizspark | BizSpark 2Pack | BIZSPARK | - | 2 incident | on-premises | oas, mpn | immediate",
		"toolkit | Location Toolkit 20Pack | TOOLKIT | - | 20 incident | on-premises | oas, mpn | rsc",
		"ppi | Pay per incident | PPI | Pay per incident | what was bought | on-premises, online, azure | oas, mpn, azure | immediate",
	})
	for _, p := range microsoft(t).Programmes {
		if p.GraceDays != 0 {
			t.Errorf("R5: %s has %d days of grace", p.ID, p.GraceDays)
		}
	}
}

func holds(p catalog.Programme) string {
	if p.Bought {
		return "what was bought"
	}
	var units []string
	for _, g := range p.Included {
		quantity := fmt.Sprint(g.Quantity)
		if g.Unlimited {
			quantity = "unlimited"
		}
		units = append(units, quantity+" "+g.Unit)
	}
	return list(units)
}

func starts(p catalog.Programme) string {
	if p.AfterRenewalDays != 0 {
		return fmt.Sprintf("%s + %d days", p.Activation, p.AfterRenewalDays)
	}
	return p.Activation
}

func TestMicrosoftRegions(t *testing.T) {
	rows(t, microsoft(t).Regions, func(r catalog.Region) string {
		return row(r.Name, list(r.Countries[:2]), week(r.Calendar), r.Calendar.Zone.String(), fmt.Sprint(len(r.Calendar.Holidays) > 0), resend(r))
	}, []string{
		"North America | US, CA | Mon-Fri 6-18 | America/Los_Angeles | true | allowed",
		"Latin America | MX, BR | Mon-Fri 8-18 | America/Sao_Paulo | false | allowed",
		"EMEA | AD, AL | Mon-Fri 8-18 | Europe/Dublin | false | allowed",
		"Asia Pacific | ID, JP | Mon-Fri 9-18 | Asia/Jakarta | true | primary contact only",
	})
}

func week(c *catalog.Calendar) string {
	hours := c.Days[time.Monday]
	for day := time.Sunday; day <= time.Saturday; day++ {
		if weekend := day == time.Sunday || day == time.Saturday; weekend != (c.Days[day] == catalog.Hours{}) || !weekend && c.Days[day] != hours {
			return "other days"
		}
	}
	return fmt.Sprintf("Mon-Fri %g-%g", hours.From.Hours(), hours.To.Hours())
}

func resend(r catalog.Region) string {
	if r.ResendToAssociated {
		return "allowed"
	}
	return "primary contact only"
}

func TestMicrosoftCountriesOfEachRegion(t *testing.T) {
	c := microsoft(t)
	for region, countries := range map[string]string{
		"north-america": "US CA",
		"latin-america": "MX BR AR CL CO PE PR",
		"emea":          "GB IE FR NO RU TR IL SA AE EG NG ZA KE",
		"asia-pacific":  "ID JP CN IN AU SG NZ PK KZ",
	} {
		for _, country := range strings.Fields(countries) {
			if r, ok := c.RegionOf(country); !ok || r.ID != region {
				t.Errorf("%s is in %v, want %s", country, r, region)
			}
		}
	}
	assigned := map[string]int{}
	for _, r := range c.Regions {
		for _, country := range r.Countries {
			assigned[country]++
		}
	}
	for _, country := range catalog.Countries() {
		if assigned[country] != 1 {
			t.Errorf("%s is assigned %d times", country, assigned[country])
		}
	}
	if len(assigned) != 249 {
		t.Errorf("%d countries are assigned, want the 249 of ISO 3166-1", len(assigned))
	}
}

func TestMicrosoftSeverities(t *testing.T) {
	rows(t, microsoft(t).Severities, func(s catalog.Severity) string {
		return row(s.ID, s.Response.Text, s.Response.Value.String(), fmt.Sprint(s.BusinessHours))
	}, []string{"A | PT2H | 2h0m0s | false", "B | PT4H | 4h0m0s | true", "C | PT8H | 8h0m0s | true"})
}

func TestMicrosoftClosureCodes(t *testing.T) {
	rows(t, microsoft(t).ClosureCodes, func(c catalog.ClosureCode) string { return row(c.ID, fmt.Sprint(c.Decrement)) }, []string{
		"resolved | true", "workaround | true", "no-response | true",
		"product-defect | false", "duplicate | false", "opened-in-error | false",
		"feature-request | false", "vendor-outage | false", "wrong-queue | false",
	})
}

func TestMicrosoftProducts(t *testing.T) {
	rows(t, microsoft(t).Products, func(p catalog.Product) string { return row(p.ID, p.Name, p.Family, fmt.Sprint(p.AsksUsage)) }, []string{
		"windows-8.1 | Windows 8.1 | on-premises | false",
		"windows-server-2012-r2 | Windows Server 2012 R2 | on-premises | true",
		"sql-server-2014 | SQL Server 2014 | on-premises | true",
		"exchange-server-2013 | Exchange Server 2013 | on-premises | false",
		"office-365 | Office 365 | online | false",
		"dynamics-crm-online | Dynamics CRM Online | online | false",
		"azure | Azure | azure | false",
	})
	c := microsoft(t)
	for _, p := range c.Products {
		if len(p.ProblemTypes) < 2 || len(p.ProblemTypes[0].Categories) < 2 {
			t.Errorf("R14: %s offers little to choose from", p.ID)
		}
		if found := c.SelfHelp(p.ID, "", ""); len(found) < 2 || found[0].Product != p.ID {
			t.Errorf("R24: no self-help for %s", p.ID)
		}
	}
	if got := c.FamiliesOf("cloud"); !slices.Equal(got, []string{"online", "azure"}) {
		t.Errorf("cloud stands for %v", got)
	}
}

func TestMicrosoftDaysAndMarks(t *testing.T) {
	c := microsoft(t)
	if c.ReopenDays != 14 || c.ReclassifyDays != 60 {
		t.Errorf("R20: reopened for %d days, reclassified for %d", c.ReopenDays, c.ReclassifyDays)
	}
	if !slices.Equal(c.FewLeft, []int{5, 1}) {
		t.Errorf("R39: few are left at %v", c.FewLeft)
	}
	if c.Agreement.Version == "" || c.Agreement.URL == "" || c.Attachments.MaxBytes == 0 {
		t.Errorf("R14, R26: agreement %v, attachments %v", c.Agreement, c.Attachments)
	}
	if c.DefaultCalendar.Zone.String() != "America/Los_Angeles" {
		t.Errorf("R23: the default calendar is that of %s", c.DefaultCalendar.Zone)
	}
}

func TestR24_MicrosoftTextsAreInTwoLanguages(t *testing.T) {
	seen := map[string]bool{}
	c := microsoft(t)
	for _, r := range c.Resources {
		seen[r.Language+" "+r.Translation] = true
	}
	for _, want := range []string{"en ", "id human", "id machine"} {
		if !seen[want] {
			t.Errorf("no resource is %q", want)
		}
	}
	for _, p := range c.Portals {
		if len(c.CommunitiesFor(p.ID)) == 0 || len(p.Help) == 0 {
			t.Errorf("no community or help at %s", p.ID)
		}
	}
}

func microsoft(t testing.TB) *catalog.Catalog {
	t.Helper()
	c, err := catalogfile.Builtin("")
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// rows compares a list with the lines of a table, one by one.
func rows[T any](t *testing.T, got []T, line func(T) string, want []string) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%d rows, want %d", len(got), len(want))
	}
	for i := range min(len(got), len(want)) {
		if g := line(got[i]); g != want[i] {
			t.Errorf("row %d:\n got %s\nwant %s", i, g, want[i])
		}
	}
}

func row(cells ...string) string { return strings.Join(cells, " | ") }

func list(words []string) string { return cmp.Or(strings.Join(words, ", "), "-") }

func TestR28_MicrosoftMemberships(t *testing.T) {
	c := microsoft(t)
	rows(t, c.Memberships, func(m catalog.Membership) string {
		core, _ := c.Programme(m.Core)
		day := core.ActivatesOn(core, catalog.Date{Year: 2026, Month: 1, Day: 15})
		return row(m.ID, core.ServiceName, cmp.Or(m.Signature, "-"), cmp.Or(m.Toolkit, "-"), cmp.Or(day.String(), "on request"))
	}, []string{
		"gold | Partner Support Gold 20Pack | scs | toolkit | 2026-02-05",
		"silver | Partner Support Silver 15Pack | scs | toolkit | 2026-02-05",
		"maps | Action Pack 10Pack | - | - | on request",
	})
	kit, _ := c.Programme("toolkit")
	if len(kit.InternalUse) == 0 || c.WatchBlankDays == 0 {
		t.Errorf("internal use %v, looked at after %d days", kit.InternalUse, c.WatchBlankDays)
	}
}
