package api

import (
	"net/http"
	"testing"
)

// The story of SPEC section 1: registered, activated, linked, spent, closed as
// non-decrement and credited back, and what everybody sees of it.
func TestTheStoryFromRegisteringToTheCreditBack(t *testing.T) {
	r := newRig(t)
	c := r.linked()
	id := c["id"].(string)
	submitted := r.submit(r.ani(), c).is(201).equals("remaining", 14).equals("counted", true).equals("status", "open").equals("severity", "B")
	number := submitted.text("number")
	r.get(r.ani(), "/v1/incidents/"+number).is(200).equals("description", "The tunnel falls down at noon.").equals("remaining", 14)
	r.post(r.engineer(), "/v1/incidents/"+number+"/comments", object{"text": "On it."}).is(200).equals("response_met", true)
	closed := r.post(r.engineer(), "/v1/incidents/"+number+"/close", object{"closure": "product-defect", "resolution": "A hotfix."}).is(200)
	closed.equals("counted", false).equals("remaining", 15).equals("status", "closed").equals("resolution", "A hotfix.")

	after := "?after=" + closed.Header.Get("Ledger-Position")
	row := only(r.get(r.ani(), "/v1/me/activity"+after).is(200))
	if row["number"] != number || row["counted"] != false || row["closure"] != "product-defect" {
		t.Errorf("activity: %v", row)
	}
	items := r.get(r.ani(), "/v1/me/benefits"+after).is(200).items()
	if len(items) != 2 || items[0]["remaining"] != 15.0 || items[0]["used"] != 0.0 || items[0]["warning"] != nil {
		t.Errorf("benefits: %v", items)
	}
	if row := only(r.get(r.engineer(), "/v1/incidents"+after+"&status=closed").is(200)); row["number"] != number {
		t.Errorf("desk: %v", row)
	}
	r.get(r.auditor(), "/v1/contracts/"+id+"/balance").is(200)
	var types []any
	for _, item := range r.get(r.auditor(), "/v1/contracts/"+id+"/history").is(200).items() {
		types = append(types, item["type"])
	}
	want := []any{
		"contract.registered.v1", "contract.activated.v1", "grant.added.v1", "grant.added.v1", "account.linked.v1", "incident.submitted.v1",
		"incident.deducted.v1", "incident.commented.v1", "incident.closed.v1", "incident.credited-back.v1",
	}
	if !equal(types, want) {
		t.Errorf("history: %v", types)
	}
}

func equal(a, b []any) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// items are the rows of a list.
func (a answer) items() []object {
	a.t.Helper()
	body := a.json()
	if _, ok := body["as_of"].(object); !ok {
		a.t.Fatalf("a list without as_of: %s", a.body)
	}
	var out []object
	for _, item := range body["items"].([]any) {
		out = append(out, item.(object))
	}
	return out
}

func only(a answer) object {
	a.t.Helper()
	items := a.items()
	if len(items) != 1 {
		a.t.Fatalf("%d rows, want one: %s", len(items), a.body)
	}
	return items[0]
}

func TestOperatorsWorkOnAContract(t *testing.T) {
	r := newRig(t)
	op := r.operator()
	c := r.register(object{"programme": r.programme("SILVER"), "partner_id": "4648141"})
	at := "/v1/contracts/" + c["id"].(string)
	if c["status"] != "registered" || len(c["contract_id"].(string)) != 10 || len(c["access_id"].(string)) != 10 {
		t.Fatalf("registered: %v", c)
	}
	r.post(op, at+"/suspend", object{"reason": "too early"}).refuses(409, "not-activated")
	active := r.post(op, at+"/activate", object{"reason": "asked"}).is(200).equals("status", "active").equals("expires_on", "2027-03-01")
	if active.json()["contract_id"] != nil {
		t.Error("a Contract ID is shown whole after registering")
	}
	again := r.post(op, at+"/activate", object{"reason": "asked"}).is(200)
	if again.Header.Get("Ledger-Position") != "" && again.Header.Get("Idempotency-Replayed") != "" {
		t.Error("repeating a state was taken for a repeat of the request")
	}
	r.post(op, at+"/suspend", object{"reason": "unpaid"}).is(200).equals("status", "suspended")
	r.post(op, at+"/resume", object{"reason": "paid"}).is(200).equals("status", "active")
	r.post(op, at+"/grants", object{"unit": "incident", "quantity": 5, "reason": "sorry"}).is(200)
	r.post(op, at+"/adjustments", object{"grant": "g1", "quantity": -16, "reason": "x"}).refuses(409, "below-zero")
	r.post(op, at+"/adjustments", object{"grant": "g1", "quantity": -5, "reason": "x"}).is(200)
	page := r.get(op, at).is(200).json()
	if b := page["balances"].(object)["incident"].(object); b["available"] != 15.0 || b["adjusted"] != -5.0 {
		t.Errorf("balances: %v", b)
	}
	renewed := r.post(op, at+"/renew", object{"reason": "next year"}).is(200).equals("predecessor", c["id"]).equals("status", "waiting")
	if len(renewed.text("contract_id")) != 10 || renewed.text("id") == c["id"] {
		t.Errorf("renewed: %s", renewed.body)
	}
	r.post(op, at+"/renew", object{"reason": "again"}).refuses(409, "already-renewed")
	reissued := r.post(op, at+"/reissue", object{"reason": "leaked"}).is(200)
	if reissued.json()["contract_id"] != nil {
		t.Error("reissuing shows a Contract ID")
	}
	r.post(op, at+"/cancel", object{"reason": "again"}).is(200).equals("status", "cancelled").equals("successor", reissued.text("id"))
	after := "&after=" + reissued.Header.Get("Ledger-Position")
	if rows := r.get(op, "/v1/contracts?status=cancelled"+after).is(200).items(); len(rows) != 1 || rows[0]["id"] != c["id"] {
		t.Errorf("cancelled: %v", rows)
	}
	if rows := r.get(op, "/v1/contracts?partner=4648141&limit=2"+after).is(200); len(rows.items()) != 2 || rows.text("next") == "" {
		t.Errorf("first page: %s", rows.body)
	}
	r.get(op, "/v1/contracts?access_id="+c["access_id"].(string)).is(200)
	r.get(op, "/v1/contracts?access_id=12").refuses(400, "malformed-id")
}

func TestR7LinkAndUnlink(t *testing.T) {
	r := newRig(t)
	c := r.contract()
	r.link(r.ani(), c).is(201).equals("label", c["access_id"].(string)+" - Partner Support Silver 15Pack")
	r.link(r.ani(), c).is(200)
	linked := r.link(r.budi(), c).is(201)
	after := "?after=" + linked.Header.Get("Ledger-Position")
	if row := only(r.get(r.ani(), "/v1/links"+after).is(200)); row["contract"] != c["id"] || row["linked_at"] == nil {
		t.Errorf("links: %v", row)
	}
	at := "/v1/contracts/" + c["id"].(string) + "/links"
	accounts := r.get(r.operator(), at+after).is(200).items()
	if len(accounts) != 2 {
		t.Fatalf("accounts: %v", accounts)
	}
	r.do(r.ani(), http.MethodDelete, "/v1/links/"+c["id"].(string), nil).is(204)
	r.do(r.ani(), http.MethodDelete, "/v1/links/"+c["id"].(string), nil).refuses(404, "link-not-found")
	budi := r.get(r.budi(), "/v1/me").is(200).text("account")
	r.do(r.operator(), http.MethodDelete, at+"/"+budi+"?reason=left", nil).is(204)
	r.submit(r.budi(), c).refuses(404, "contract-not-found")
}
