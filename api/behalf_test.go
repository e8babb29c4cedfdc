package api

import (
	"testing"

	"github.com/supportledger/supportledger/api/token"
)

// atAzure is a complete submission at the portal of subscriptions.
func (r *rig) atAzure(payment object) object {
	body, product := r.request(payment), r.product("azure")
	body["portal"], body["product"], body["subscription"], body["service"] = "azure", product.ID, "sub-1", "Virtual Machines"
	body["problem_type"], body["category"] = product.ProblemTypes[0].ID, product.ProblemTypes[0].Categories[0].ID
	return body
}

func TestR33_AtAzureOneOfTwoRightsOnTheSubscriptionIsEnough(t *testing.T) {
	r := newRig(t)
	c := r.register(object{"programme": r.programme("ASFP"), "partner_id": "4648141"})
	r.post(r.operator(), "/v1/contracts/"+c["id"].(string)+"/activate", object{"reason": "asked"}).is(200)
	with := func(right string, signIns ...string) string {
		return r.tokenFor("dewi", []string{"customer"}, signIns, token.Right{Portal: "azure", OnBehalfOf: "sub-1", Right: right})
	}
	admin := with("administrator", "azure")
	body := r.atAzure(pair(c))
	body["on_behalf_of"] = object{"customer": "sub-1"}
	r.post(admin, "/v1/incidents", body).refuses(403, "sign-in-required") // no link on somebody's behalf
	link := pair(c)
	link["portal"] = "azure"
	r.post(with("administrator", "office"), "/v1/links", link).refuses(403, "sign-in-required")
	r.post(admin, "/v1/links", link).is(201)
	body["payment"] = object{"contract": c["id"]}
	for _, right := range []string{"administrator", "write"} {
		r.post(with(right, "azure"), hotPath, body).is(201).equals("on_behalf_of", object{"customer": "sub-1", "right": right}).equals("subscription", "sub-1")
	}
	for _, right := range []string{"read", "delegated-administration", ""} {
		r.post(with(right, "azure"), "/v1/incidents", body).refuses(403, "right-missing")
	}
	delete(body, "on_behalf_of")
	r.post(admin, "/v1/incidents", body).is(201).equals("on_behalf_of", nil)
}
