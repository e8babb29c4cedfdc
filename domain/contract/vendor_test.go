package contract

import (
	"sync"
	"time"
	_ "time/tzdata"

	"github.com/supportledger/supportledger/domain/catalog"
)

// vendor is a small catalogue with one of everything that decisions look at.
var vendor = sync.OnceValue(func() *catalog.Catalog {
	return &catalog.Catalog{
		Agreement:  catalog.Agreement{Version: "2026-01", URL: "https://example.com/agreement"},
		Portals:    vendorPortals(),
		Products:   vendorProducts(),
		Programmes: vendorProgrammes(),
		Severities: []catalog.Severity{
			{ID: "A", Response: catalog.Duration{Text: "PT2H", Value: 2 * time.Hour}},
			{ID: "B", Response: catalog.Duration{Text: "PT4H", Value: 4 * time.Hour}, BusinessHours: true},
			{ID: "C", Response: catalog.Duration{Text: "PT8H", Value: 8 * time.Hour}, BusinessHours: true},
		},
		ClosureCodes:    vendorClosureCodes(),
		DefaultCalendar: weekdays("UTC", 8, 18),
		CountryCalendars: map[string]*catalog.Calendar{
			"ID": weekdays("Asia/Jakarta", 9, 18, catalog.Date{Year: 2026, Month: 3, Day: 3}),
		},
		ReopenDays: 14, ReclassifyDays: 60,
	}
})

func vendorPortals() []catalog.Portal {
	return []catalog.Portal{
		{ID: "oas", Name: "Online Assisted Support", Address: "https://oas.example.com", Families: []string{"on-premises"}, IDs: catalog.IDsRequired},
		{ID: "mpn", Name: "Partner portal", Address: "https://mpn.example.com", Families: []string{"on-premises"}, IDs: catalog.IDsRequired},
		{ID: "office", Name: "Office portal", Address: "https://office.example.com", Families: []string{"online"}, IDs: catalog.IDsNotUsed},
		{
			ID: "azure", Name: "Azure portal", Address: "https://azure.example.com", Families: []string{"azure"},
			IDs: catalog.IDsRequired, PlanLabels: true, AsksSubscription: true,
		},
	}
}

func vendorProducts() []catalog.Product {
	setup := []catalog.ProblemType{{ID: "setup", Categories: []catalog.Category{{ID: "install"}, {ID: "upgrade"}}}}
	return []catalog.Product{
		{ID: "windows", Name: "Windows 8.1", Family: "on-premises", ProblemTypes: setup},
		{ID: "sql", Name: "SQL Server 2014", Family: "on-premises", AsksUsage: true, ProblemTypes: setup},
		{ID: "office-365", Name: "Office 365", Family: "online", ProblemTypes: setup},
		{ID: "azure", Name: "Azure", Family: "azure", ProblemTypes: setup},
	}
}

func vendorProgrammes() []catalog.Programme {
	onPremises, twoPortals := []string{"on-premises"}, []string{"oas", "mpn"}
	incidents := []catalog.Included{{Unit: catalog.UnitIncident, Quantity: 20}}
	return []catalog.Programme{
		{
			ID: "gold", ServiceName: "Partner Support Gold 20Pack", Short: "GOLD", Covers: onPremises, Portals: twoPortals,
			Included: append(incidents[:1:1], catalog.Included{Unit: catalog.UnitMinute, Quantity: 3000}), Activation: catalog.ActivateOnRequest,
		},
		{
			ID: "graceful", ServiceName: "Pack with grace", Short: "GRACE", Covers: onPremises, Portals: twoPortals,
			Included: incidents, Activation: catalog.ActivateOnRequest, GraceDays: 30,
		},
		{
			ID: "cloud", ServiceName: "Signature Cloud Support", Short: "SCS", PlanText: "SCS", Covers: []string{"online", "azure"}, Portals: []string{"azure"},
			Included: []catalog.Included{{Unit: catalog.UnitIncident, Unlimited: true}}, Activation: catalog.ActivateOnRequest,
		},
		{
			ID: "msdn", ServiceName: "MSDN 4Pack", Short: "MSDN", Covers: onPremises, Portals: twoPortals,
			Included: []catalog.Included{{Unit: catalog.UnitIncident, Quantity: 4}}, Activation: catalog.ActivateImmediately,
		},
		{
			ID: "ppi", ServiceName: "Pay per incident", Short: "PPI", PlanText: "Pay per incident", Bought: true,
			Covers: []string{"on-premises", "azure"}, Portals: []string{"oas", "mpn", "azure"}, Activation: catalog.ActivateImmediately,
		},
	}
}

func vendorClosureCodes() []catalog.ClosureCode {
	var codes []catalog.ClosureCode
	for _, id := range decrementing {
		codes = append(codes, catalog.ClosureCode{ID: id, Decrement: true})
	}
	for _, id := range crediting {
		codes = append(codes, catalog.ClosureCode{ID: id})
	}
	return codes
}

// The closure codes of SPEC section 4.
var (
	decrementing = []string{"resolved", "workaround", "no-response"}
	crediting    = []string{"product-defect", "duplicate", "opened-in-error", "feature-request", "vendor-outage", "wrong-queue"}
)

func weekdays(name string, from, to int, holidays ...catalog.Date) *catalog.Calendar {
	c := &catalog.Calendar{ID: name, Zone: zone(name), Holidays: make(map[catalog.Date]string)}
	for day := time.Monday; day <= time.Friday; day++ {
		c.Days[day] = catalog.Hours{From: time.Duration(from) * time.Hour, To: time.Duration(to) * time.Hour}
	}
	for _, day := range holidays {
		c.Holidays[day] = "a holiday"
	}
	return c
}

// zones are those that many histories look up, read once.
var zones = sync.OnceValue(func() map[string]*time.Location {
	read := make(map[string]*time.Location)
	for _, name := range []string{"UTC", "Asia/Jakarta", "America/Los_Angeles", "Europe/Berlin"} {
		read[name], _ = time.LoadLocation(name)
	}
	return read
})

// zone is what a Moment finds zones with.
func zone(name string) *time.Location {
	if location := zones()[name]; location != nil {
		return location
	}
	location, err := time.LoadLocation(name)
	if err != nil {
		return nil
	}
	return location
}
