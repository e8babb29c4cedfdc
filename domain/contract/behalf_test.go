package contract

import "testing"

func forContoso(c *Submit) { c.Behalf = &Behalf{Customer: "contoso", Right: "administrator"} }

func TestR33_AskingForACustomer(t *testing.T) {
	used := func(portal string) facts {
		return facts{&IncidentRightUsed{Number: 1, Account: ani, Portal: portal, Customer: "contoso", Right: "administrator"}}
	}
	spec{
		"is recorded with the right, in the append of the submission": {given(unlimited(), linked(ani)), when(submit(aboutAzure, forContoso)), then(submittedAtAzure(), facts{&IncidentDeducted{Number: 1, Grant: 1, Unit: Incident, Quantity: 1, Unlimited: true}}, used("azure"))},
		"where nothing is deducted, too":                              {nothing, when(submit(aboutOffice, forContoso)), thenEvents("incident.submitted.v1", "incident.right-used.v1")},
		"before the files":                                            {given(unlimited(), linked(ani)), when(submit(aboutAzure, forContoso, withFiles)), thenEvents("incident.submitted.v1", "incident.deducted.v1", "incident.right-used.v1", "incident.files-attached.v1")},
		"links no contract, whose IDs are right":                      {unlimited(), when(submit(aboutAzure, byPair, forContoso)), refuses("sign-in-required:payment")},
		"nor says whether IDs are right":                              {nothing, when(submit(aboutAzure, byPair, forContoso)), refuses("sign-in-required:payment")},
		"though by the IDs of one that is linked already":             {given(unlimited(), linked(ani)), when(submit(aboutAzure, byPair, forContoso)), then(submittedAtAzure(), facts{&IncidentDeducted{Number: 1, Grant: 1, Unit: Incident, Quantity: 1, Unlimited: true}}, used("azure"))},
	}.run(t)
}

// A case knows for whom it is.
func TestR33_ACaseKnowsForWhomItIs(t *testing.T) {
	var c Case
	for _, e := range given(paid(1, 1), facts{&IncidentRightUsed{Number: 1, Customer: "contoso"}}) {
		c.Apply(e, instant(now))
	}
	if c.Behalf == nil || c.Behalf.Customer != "contoso" {
		t.Errorf("the case is for %+v", c.Behalf)
	}
}
