package api

import (
	"net/http"
	"strings"
	"testing"
)

// Who links a contract again that cannot pay any more is told so: the link stands, with
// the first reason that holds, a warning, and what to do (R11).
func TestR11_LinkingAgainTellsWhatTheContractCannotDo(t *testing.T) {
	r := newRig(t)
	c := r.contract()
	at := "/v1/contracts/" + c["id"].(string)
	key := []string{"Idempotency-Key", "first"}
	body := pair(c)
	body["portal"] = "mpn"
	first := r.post(r.ani(), "/v1/links", body, key...).is(201).
		equals("usable", true).equals("reason", nil).equals("warning", nil).equals("hint", nil)
	number := r.submit(r.ani(), c).is(201).text("number")
	r.link(r.ani(), c).is(200).equals("usable", true).equals("reason", nil)

	cannot := func(reason string) {
		t.Helper()
		a := r.link(r.ani(), c).is(200).equals("usable", false).equals("reason", reason).equals("contract", c["id"]).equals("label", first.json()["label"])
		if warning := a.text("warning"); !strings.HasPrefix(warning, "this contract cannot be used: ") || a.text("hint") == "" {
			t.Errorf("%s: %s", reason, a.body)
		}
		option := r.get(r.ani(), "/v1/payment-options?portal=mpn").is(200).json()["items"].([]any)[0].(object)
		for _, member := range []string{"usable", "reason", "warning", "hint"} {
			a.equals(member, option[member])
		}
		r.link(r.budi(), c).refuses(422, "pair-not-valid") // who has not linked it learns nothing (R8)
	}
	r.post(r.operator(), at+"/adjustments", object{"grant": "g1", "quantity": -14, "reason": "x"}).is(200)
	cannot("none-available")
	r.post(r.operator(), at+"/suspend", object{"reason": "unpaid"}).is(200)
	cannot("suspended")
	r.post(r.operator(), at+"/resume", object{"reason": "paid"}).is(200)
	body["portal"] = "azure"
	r.post(r.ani(), "/v1/links", body).is(200).equals("usable", false).equals("reason", "product-not-covered")
	r.post(r.operator(), at+"/cancel", object{"reason": "over"}).is(200)
	cannot("cancelled")
	id := r.do(r.ani(), http.MethodPost, "/v1/links", pairAt(c, "mpn"), "Accept-Language", "id").is(200)
	if !strings.HasPrefix(id.text("warning"), "kontrak ini tidak dapat digunakan: ") {
		t.Errorf("in Indonesian: %s", id.body)
	}
	body["portal"] = "mpn"
	if again := r.post(r.ani(), "/v1/links", body, key...).is(201); string(again.body) != string(first.body) || again.Header.Get("Idempotency-Replayed") != "true" {
		t.Errorf("a repeat is answered\n%s, and first was\n%s", again.body, first.body)
	}
	r.get(r.ani(), "/v1/incidents/"+number).is(200)
}

func pairAt(c object, portal string) object {
	body := pair(c)
	body["portal"] = portal
	return body
}
