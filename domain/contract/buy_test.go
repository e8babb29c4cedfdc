package contract

import "testing"

func buy(changes ...func(*Buy)) *Buy {
	c := &Buy{
		Registration: Register{AccessID: "0230242323", ContractID: []byte("ciphertext"), Programme: "ppi", Contact: theContact},
		Families:     []string{"on-premises"}, Quantity: 3, Reference: "O-1", Submit: *submit(),
	}
	for _, change := range changes {
		change(c)
	}
	return c
}

func TestR34_AnIncidentBoughtNow(t *testing.T) {
	azure := func(c *Buy) { aboutAzure(&c.Submit) }
	all := []string{"contract.registered.v1", "contract.activated.v1", "grant.added.v1", "account.linked.v1", "incident.submitted.v1", "incident.deducted.v1"}
	spec{
		"becomes a contract, active and linked, in one append": {nothing, when(buy()), thenEvents(all...)},
		"also where the programme comes on request": {nothing, when(buy(func(c *Buy) { c.Registration.Programme = "gold" })),
			thenEvents("contract.registered.v1", "contract.activated.v1", "grant.added.v1", "grant.added.v1", "grant.added.v1", "account.linked.v1", "incident.submitted.v1", "incident.deducted.v1")},
		"what was paid for is covered, and no more (R11)": {nothing, when(buy(azure)), refuses("product-not-covered")},
		"at a portal that accepts it (R11)":               {nothing, when(buy(func(c *Buy) { c.Registration.Programme = "msdn"; c.Families = []string{"azure"} }, azure)), refuses("portal-not-accepted")},
		"a reference is spent once":                       {active(2), when(buy()), refuses(ReferenceUsed)},
		"what is wrong with the request spends nothing":   {nothing, when(buy(func(c *Buy) { c.Submit.Category = "none" })), refuses("invalid-field:category")},
		"nor does the agreement":                          {nothing, when(buy(func(c *Buy) { c.Submit.Agreement = "" })), refuses("agreement-required")},
		"nor a portal without IDs (R15)":                  {nothing, when(buy(func(c *Buy) { aboutOffice(&c.Submit) })), refuses("ids-not-used")},
	}.run(t)
	s := stateAfter(must(Decide(new(State), when(buy()).moment, buy())))
	if left, _ := s.Remaining(Incident, instant(now)); left != 2 || !s.Linked(ani) || s.Grants()[0].Source != Bought {
		t.Errorf("of three bought %d are left; grants %+v", left, s.Grants())
	}
	credit := must(Decide(s, when(closing(1, "product-defect")).at(termEndsAYearLater).moment, closing(1, "product-defect")))
	Evolve(s, credit...)
	if left, _ := s.Remaining(Incident, instant(termEndsAYearLater)); left != 3 {
		t.Errorf("R34: on the last day a credit makes it %d", left)
	}
}

const termEndsAYearLater = "2027-03-01T23:59:59Z"

func must(events []Event, err error) facts {
	if err != nil {
		panic(err) // a test's own table is wrong
	}
	return events
}
