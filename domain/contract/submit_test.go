package contract

import (
	"testing"

	"github.com/supportledger/supportledger/domain/catalog"
)

func TestR15_PayingForAnIncident(t *testing.T) {
	atOffice := submitted(1, func(e *IncidentSubmitted) { e.Portal, e.Product, e.Family = "office", "office-365", "online" })
	payAtOffice := func(c *Submit) { aboutOffice(c); c.Payment = LinkedContract }
	pairAtOffice := func(c *Submit) { aboutOffice(c); c.Payment = AnotherPair }
	spec{
		"R16: a linked contract: incident and deduction in one append": {given(active(2), linked(ani)), when(submit()), then(submitted(1), deducted(1, 1, 1))},
		"the last one":     {given(active(1), linked(ani)), when(submit()), then(submitted(1), deducted(1, 1, 0))},
		"R16: and no more": {given(active(1), linked(ani, budi), paid(9, 0)), when(submit()), refuses("none-available")},
		"a contract that is not linked is unknown":                 {given(active(2), linked(budi)), when(submit()), refuses("contract-not-found")},
		"another contract by its IDs: linked too":                  {active(2), when(submit(byPair)), then(linked(ani), submitted(1), deducted(1, 1, 1))},
		"by its IDs, though linked already":                        {given(active(2), linked(ani)), when(submit(byPair)), then(submitted(1), deducted(1, 1, 1))},
		"R8: by IDs of a contract that cannot pay: not linked":     {active(0), when(submit(byPair)), refuses("pair-not-valid")},
		"R11: by IDs of a linked contract that cannot pay":         {given(active(0), linked(ani)), when(submit(byPair)), refuses("none-available")},
		"R8: by IDs nobody knows":                                  {nothing, when(submit(byPair)), refuses("pair-not-valid")},
		"nothing where it is needed":                               {given(active(2), linked(ani)), when(submit(func(c *Submit) { c.Payment = NoPayment })), refuses("payment-required:payment")},
		"nothing where IDs are not used: a stream of its own":      {nothing, when(submit(aboutOffice)), then(atOffice)},
		"a contract where IDs are not used":                        {given(active(2), linked(ani)), when(submit(payAtOffice)), refuses("ids-not-used:payment")},
		"IDs where IDs are not used":                               {active(2), when(submit(pairAtOffice)), refuses("ids-not-used:payment")},
		"R18: from the grant that lapses soonest":                  {given(active(2), grantedFrom(Bought, 2, 5, "2026-06-01T00:00:00Z"), linked(ani)), when(submit()), then(submitted(1), deducted(1, 2, 6))},
		"R22: without limit":                                       {given(unlimited(), linked(ani)), when(submit(aboutAzure)), then(submittedAtAzure(), facts{&IncidentDeducted{Number: 1, Grant: 1, Unit: Incident, Quantity: 1, Unlimited: true}})},
		"R5: in the last second":                                   {given(active(2), linked(ani)), when(submit(severityA)).at("2027-02-28T23:59:59Z"), thenEvents("incident.submitted.v1", "incident.deducted.v1")},
		"R5: not when the term is over":                            {given(active(2), linked(ani)), when(submit()).at(termEnds), refuses("expired")},
		"R5: not before the term":                                  {given(waiting(), linked(ani)), when(submit()).at("2026-05-31T23:59:59Z"), refuses("waiting")},
		"R19: a unit credited back can be spent again":             {given(active(1), linked(ani), paid(9, 0), closed(9, "duplicate", now), credited(9, 1, 1)), when(submit()), then(submitted(1), deducted(1, 1, 0))},
		"R4: a unit credited while suspended, once resumed":        {given(active(1), linked(ani), paid(9, 0), suspended(), closed(9, "duplicate", now), credited(9, 1, 1), resumed()), when(submit()), then(submitted(1), deducted(1, 1, 0))},
		"the next incident has the next number":                    {given(active(2), linked(ani), paid(1, 1)), when(submit()).number(2), then(submitted(2), deducted(2, 1, 0))},
		"R23: due by the calendar of the contract's country":       {given(active(2), linked(ani), inIndonesia()), when(submit()), then(submitted(1, dueInJakarta), deducted(1, 1, 1))},
		"R23: around the clock":                                    {given(active(2), linked(ani)), when(submit(severityA)), then(submitted(1, dueInTwoHours), deducted(1, 1, 1))},
		"R23: without a contract by the default calendar":          {nothing, when(submit(aboutOffice)).at("2026-03-06T17:00:00Z"), thenDue("2026-03-09T15:00:00Z")},
		"what is entered is what is recorded, the product's usage": {given(active(2), linked(ani)), when(submit(aboutSQL)), then(submitted(1, sqlRecorded), deducted(1, 1, 1))},
	}.run(t)
}

func submittedAtAzure() facts {
	return submitted(1, func(e *IncidentSubmitted) {
		e.Portal, e.Product, e.Family, e.Subscription, e.Service = "azure", "azure", "azure", "sub-1", "vm"
	})
}

func severityA(c *Submit) { c.Severity = "A" }

// inIndonesia is the usual contract registered in Indonesia instead.
func inIndonesia() facts { return registered(func(e *Registered) { e.Country = "ID" }) }

// dueInJakarta is eight business hours from Monday 17:00 in Jakarta, with a
// holiday on Tuesday: one hour on Monday, seven on Wednesday from nine.
func dueInJakarta(e *IncidentSubmitted) {
	e.Country, e.Response.DueAt = "ID", instant("2026-03-04T09:00:00Z")
}

func dueInTwoHours(e *IncidentSubmitted) {
	e.Severity = "A"
	e.Response = catalog.Response{Time: "PT2H", Hours: catalog.ResponseAlways, DueAt: instant("2026-03-02T12:00:00Z")}
}

func aboutSQL(c *Submit) {
	c.Portal, c.Product, c.Usage, c.Category, c.Language = "mpn", "sql", "developer", "upgrade", "id"
}

func sqlRecorded(e *IncidentSubmitted) {
	e.Portal, e.Product, e.Usage, e.Category, e.Language = "mpn", "sql", "developer", "upgrade", "id"
}

func thenDue(due string) outcome {
	return func(t *testing.T, got []Event, err error) {
		t.Helper()
		if err != nil {
			t.Fatalf("refused: %v", err)
		}
		if response := got[0].(*IncidentSubmitted).Response; !response.DueAt.Equal(instant(due)) {
			t.Errorf("due at %v, want %s", response.DueAt, due)
		}
	}
}

func TestR14_WhatASubmissionMustSay(t *testing.T) {
	past := given(active(2), linked(ani))
	with := func(change func(*Submit)) wish { return when(submit(change)) }
	atAzure := func(change func(*Submit)) wish { return when(submit(aboutAzure, change)) }
	spec{
		"a portal of the catalogue":                   {past, with(func(c *Submit) { c.Portal = "xbox" }), refuses("invalid-field:portal")},
		"a product":                                   {past, with(func(c *Submit) { c.Product = "" }), refuses("invalid-field:product")},
		"a product of the catalogue":                  {past, with(func(c *Submit) { c.Product = "xbox" }), refuses("invalid-field:product")},
		"how it is used, where the product asks":      {past, with(func(c *Submit) { c.Product = "sql" }), refuses("invalid-field:usage")},
		"one of the usages":                           {past, with(func(c *Submit) { c.Product, c.Usage = "sql", "hobby" }), refuses("invalid-field:usage")},
		"no nonsense where it does not ask":           {past, with(func(c *Submit) { c.Usage = "hobby" }), refuses("invalid-field:usage")},
		"a problem type of the product":               {past, with(func(c *Submit) { c.ProblemType = "mood" }), refuses("invalid-field:problem_type")},
		"a problem type":                              {past, with(func(c *Submit) { c.ProblemType = "" }), refuses("invalid-field:problem_type")},
		"a category of the problem type":              {past, with(func(c *Submit) { c.Category = "mood" }), refuses("invalid-field:category")},
		"a severity of the catalogue":                 {past, with(func(c *Submit) { c.Severity = "Z" }), refuses("invalid-field:severity")},
		"a subscription at azure":                     {past, atAzure(func(c *Submit) { c.Subscription = "" }), refuses("invalid-field:subscription")},
		"a service at azure":                          {past, atAzure(func(c *Submit) { c.Service = "" }), refuses("invalid-field:service")},
		"acceptance of the agreement":                 {past, with(func(c *Submit) { c.Agreement = "" }), refuses("agreement-required:agreement")},
		"of the current one":                          {past, with(func(c *Submit) { c.Agreement = "2025-01" }), refuses("agreement-required:agreement")},
		"content is looked at before payment":         {nothing, when(submit(byPair, func(c *Submit) { c.Severity = "Z" })), refuses("invalid-field:severity")},
		"content is looked at where nothing is paid":  {nothing, when(submit(aboutOffice, func(c *Submit) { c.Category = "mood" })), refuses("invalid-field:category")},
		"the agreement is asked for at every portal":  {nothing, when(submit(aboutOffice, func(c *Submit) { c.Agreement = "" })), refuses("agreement-required:agreement")},
		"R13: the right portal, for Azure":            {past, with(func(c *Submit) { c.Product = "azure" }), refuses("wrong-portal:portal")},
		"R13: the right portal, for Windows":          {past, atAzure(func(c *Submit) { c.Product = "windows" }), refuses("wrong-portal:portal")},
		"R13: the right portal, though nothing is":    {past, with(func(c *Submit) { *c = Submit{Portal: "oas", Product: "office-365"} }), refuses("wrong-portal:portal")},
		"R11: product not covered, by a linked one":   {past, when(submit(aboutAzure)), refuses("product-not-covered")},
		"R11: portal not accepted, by a linked one":   {given(notAtOAS(), linked(ani)), when(submit()), refuses("portal-not-accepted")},
		"R8: product not covered, by its IDs":         {active(2), when(submit(aboutAzure, byPair)), refuses("pair-not-valid")},
		"a usage that was not asked for is not wrong": {past, with(func(c *Submit) { c.Usage = "partner" }), thenEvents("incident.submitted.v1", "incident.deducted.v1")},
	}.run(t)
}

func TestR14_EveryUsageIsTaken(t *testing.T) {
	for _, usage := range Usages {
		got, err := answer(given(active(2), linked(ani)), when(submit(func(c *Submit) { c.Product, c.Usage = "sql", usage })))
		thenEvents("incident.submitted.v1", "incident.deducted.v1")(t, got, err)
	}
}

func TestR13_TheWrongPortalNamesTheRightOneAndItsAddress(t *testing.T) {
	for product, c := range map[string]struct{ at, hint string }{
		"azure":      {"oas", "ask at the Azure portal (azure): https://azure.example.com"},
		"windows":    {"azure", "ask at the Online Assisted Support (oas): https://oas.example.com"},
		"office-365": {"oas", "ask at the Office portal (office): https://office.example.com"},
	} {
		_, err := answer(active(2), when(&Link{Account: ani, Portal: c.at, Product: product}))
		refusal := asRefusal(t, err)
		if refusal.Code != "wrong-portal" || refusal.Hint != c.hint || refusal.Fields[0].Reason != c.hint {
			t.Errorf("%s at %s: %s, %q, %v", product, c.at, refusal.Code, refusal.Hint, refusal.Fields)
		}
	}
}

func TestR13_AProductThatNoPortalTakesIsRefusedToo(t *testing.T) {
	orphaned := *vendor()
	orphaned.Portals = orphaned.Portals[:1]
	w := when(&Link{Account: ani, Portal: "oas", Product: "azure"})
	w.moment.Catalog = &orphaned
	got, err := answer(active(2), w)
	refuses("wrong-portal")(t, got, err)
}
