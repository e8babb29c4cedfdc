package catalog_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/supportledger/supportledger/domain/catalog"
)

// shop is a catalogue of a vendor of bicycles and boats.
func shop(t testing.TB) *catalog.Catalog {
	return &catalog.Catalog{
		Families: []catalog.Family{
			{ID: "road"}, {ID: "trail"}, {ID: "boats"}, {ID: "wheels", Of: []string{"road", "trail"}},
		},
		Portals: []catalog.Portal{
			{ID: "front", Address: "shop.example", Families: []string{"road", "trail"}},
			{ID: "back", Address: "yard.example", Families: []string{"trail", "boats"}},
		},
		Products: []catalog.Product{{ID: "tandem", Family: "road", ProblemTypes: []catalog.ProblemType{
			{ID: "brakes", Categories: []catalog.Category{{ID: "squeal"}, {ID: "wear"}}},
		}}},
		Programmes: []catalog.Programme{{ID: "club", Covers: []string{"road"}, Portals: []string{"front"}}},
		Severities: []catalog.Severity{
			{ID: "stranded", Response: duration(t, "PT1H30M")}, {ID: "limping", Response: duration(t, "PT4H")}, {ID: "curious", Response: duration(t, "PT8H")},
		},
		ClosureCodes: []catalog.ClosureCode{{ID: "mended", Decrement: true}, {ID: "our-fault"}},
		Regions:      []catalog.Region{{ID: "islands", Countries: []string{"ID", "PH"}, ResendToAssociated: true}},
		Communities:  []catalog.Community{{Portals: []string{"back"}, Link: catalog.Link{Title: "Sailors"}}},
	}
}

func TestLookupsFindById(t *testing.T) {
	c := shop(t)
	found := map[string]func(id string) bool{
		"front":     func(id string) bool { p, ok := c.Portal(id); return ok && p == &c.Portals[0] },
		"tandem":    func(id string) bool { p, ok := c.Product(id); return ok && p == &c.Products[0] },
		"brakes":    func(id string) bool { p, ok := c.Products[0].ProblemType(id); return ok && p.ID == id },
		"wear":      func(id string) bool { p, ok := c.Products[0].ProblemTypes[0].Category(id); return ok && p.ID == id },
		"club":      func(id string) bool { p, ok := c.Programme(id); return ok && p == &c.Programmes[0] },
		"limping":   func(id string) bool { s, ok := c.Severity(id); return ok && s == &c.Severities[1] },
		"curious":   func(id string) bool { rank, ok := c.SeverityRank(id); return ok && rank == 2 },
		"our-fault": func(id string) bool { code, ok := c.ClosureCode(id); return ok && !code.Decrement },
		"PH":        func(id string) bool { r, ok := c.RegionOf(id); return ok && r.ID == "islands" && r.ResendToAssociated },
		"developer": catalog.KnownUsage,
	}
	for id, lookup := range found {
		if !lookup(id) {
			t.Errorf("%q was not found", id)
		}
		for _, unknown := range []string{"", strings.ToUpper(id) + "x", "none"} {
			if lookup(unknown) {
				t.Errorf("the lookup of %q finds %q", id, unknown)
			}
		}
	}
}

func TestR13_TheRightPortalTakesTheFamily(t *testing.T) {
	c := shop(t)
	for family, want := range map[string][]string{"road": {"front"}, "trail": {"front", "back"}, "boats": {"back"}, "planes": nil} {
		var ids []string
		for _, p := range c.PortalsFor(family) {
			ids = append(ids, p.ID)
		}
		if !slices.Equal(ids, want) {
			t.Errorf("%s is taken by %v, want %v", family, ids, want)
		}
		if p, ok := c.PortalFor(family); ok != (want != nil) || ok && p.ID != want[0] {
			t.Errorf("the right portal for %s is %v", family, p)
		}
	}
}

func TestR11_FamiliesHaveNamesOfTheirOwn(t *testing.T) {
	c := shop(t)
	for name, want := range map[string][]string{
		"boats": {"boats"}, "wheels": {"road", "trail"}, "any": {"road", "trail", "boats"}, "planes": nil, "": nil,
	} {
		if got := c.FamiliesOf(name); !slices.Equal(got, want) {
			t.Errorf("%q stands for %v, want %v", name, got, want)
		}
	}
	club := &c.Programmes[0]
	if !club.CoversFamily("road") || club.CoversFamily("boats") || !club.AcceptsPortal("front") || club.AcceptsPortal("back") {
		t.Errorf("the club pays for the wrong things")
	}
}

func TestCountriesAreThoseOfISO3166(t *testing.T) {
	known := catalog.Countries()
	if len(known) != 249 || !slices.IsSorted(known) {
		t.Errorf("%d countries", len(known))
	}
	for _, code := range known {
		if !catalog.KnownCountry(code) {
			t.Errorf("%s is not known", code)
		}
	}
	for _, code := range []string{"", "I", "id", "IDN", "XX", "UK", "EU", "D ", " A", "\nB", "Z\n", "D A"} {
		if catalog.KnownCountry(code) {
			t.Errorf("%q is known", code)
		}
	}
}

func TestR24_SelfHelpIsBestMatchFirst(t *testing.T) {
	c := &catalog.Catalog{}
	for _, r := range [][4]string{
		{"", "", "", "all"}, {"tandem", "", "", "tandem"}, {"tandem", "brakes", "", "brakes"}, {"tandem", "brakes", "wear", "wear"},
		{"tandem", "brakes", "squeal", "squeal"}, {"tandem", "tyres", "", "tyres"}, {"kayak", "", "", "kayak"}, {"tandem", "brakes", "wear", "wear 2"},
		{"", "", "wear", "any wear"}, {"", "brakes", "", "any brakes"},
	} {
		c.Resources = append(c.Resources, catalog.Resource{Product: r[0], ProblemType: r[1], Category: r[2], Link: catalog.Link{Title: r[3]}})
	}
	for asked, want := range map[[3]string]string{
		{"tandem", "brakes", "wear"}: "wear, wear 2, any wear, brakes, any brakes, tandem, all",
		{"tandem", "brakes", ""}:     "brakes, wear, squeal, wear 2, any brakes, tandem, all, any wear",
		{"tandem", "tyres", ""}:      "tyres, tandem, all, any wear",
		{"tandem", "", ""}:           "tandem, brakes, tyres, wear, squeal, wear 2, all, any wear, any brakes",
		{"kayak", "", ""}:            "kayak, all, any wear, any brakes",
		{"raft", "", ""}:             "all, any wear, any brakes",
	} {
		var titles []string
		for _, r := range c.SelfHelp(asked[0], asked[1], asked[2]) {
			titles = append(titles, r.Title)
		}
		if got := strings.Join(titles, ", "); got != want {
			t.Errorf("%q: %s\nwant %s", asked, got, want)
		}
	}
}

func TestR24_CommunitiesAreShownAtTheirPortals(t *testing.T) {
	c := shop(t)
	if shown := c.CommunitiesFor("back"); len(shown) != 1 || shown[0].Title != "Sailors" {
		t.Errorf("at the back: %v", shown)
	}
	if shown := c.CommunitiesFor("front"); len(shown) != 0 {
		t.Errorf("at the front: %v", shown)
	}
}

func TestDurationsAreHoursAndMinutes(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"PT2H": 2 * time.Hour, "PT90M": 90 * time.Minute, "PT1H30M": 90 * time.Minute, "PT8760H": catalog.MaxDuration, "PT0H1M": time.Minute,
	} {
		if d := duration(t, text); d.Value != want || d.Text != text {
			t.Errorf("%s was read as %v", text, d)
		}
	}
	for _, wrong := range []string{"", "PT", "2H", "PT0H", "PT-2H", "PT2", "P1D", "PT2h", "PT1.5H", "PT8761H", "PT9999999H", " PT2H", "PT2H ", "PT30M1H", "PT2H30S"} {
		if d, err := catalog.ParseDuration(wrong); err == nil {
			t.Errorf("%q was read as %v", wrong, d)
		}
	}
}

func TestACatalogueIsShownInTheAgreedShape(t *testing.T) {
	shown, err := json.Marshal(shop(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`"digest":"`, `"agreement":{"version":"","url":""}`, `"portals":[{"id":"front","name":"","address":"shop.example"`,
		`"products":[{"id":"tandem","name":"","family":"road","asks_usage":false,"problem_types":[{"id":"brakes","name":"","categories":[{"id":"squeal","name":""}`,
		`"programmes":[{"id":"club","name":"","short":""`, `"severities":[{"id":"stranded","name":"","response_time":"PT1H30M","business_hours":false}`,
		`"closure_codes":[{"id":"mended","name":"","decrement":true}`, `"resources":`, `"communities":[{"portals":["back"],"title":"Sailors"`,
	} {
		if !strings.Contains(string(shown), want) {
			t.Errorf("%s is not in\n%s", want, shown)
		}
	}
	var again catalog.Catalog
	if err := json.Unmarshal(shown, &again); err != nil || again.Severities[0].Response.Value != 90*time.Minute {
		t.Errorf("read back: %v, %v", again.Severities, err)
	}
}

func TestR39_FewAreLeftWhenAThresholdIsReached(t *testing.T) {
	c := &catalog.Catalog{FewLeft: []int{5, 1}}
	for _, step := range []struct {
		before, after int64
		threshold     int // 0: none
	}{
		{7, 6, 0}, {6, 5, 5}, {5, 4, 0}, {2, 1, 1}, {1, 0, 0}, {8, 3, 5}, {6, 0, 1}, {5, 1, 1}, {4, 5, 0}, {4, 6, 0}, {5, 5, 0}, {0, 0, 0},
	} {
		if n, few := c.FewLeftAt(step.before, step.after); n != step.threshold || few != (step.threshold > 0) {
			t.Errorf("from %d to %d: few left %v at %d, want %d", step.before, step.after, few, n, step.threshold)
		}
	}
	if n, few := new(catalog.Catalog).FewLeftAt(6, 0); few {
		t.Errorf("without thresholds few are left at %d", n)
	}
}
