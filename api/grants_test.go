package api

import (
	"strings"
	"testing"
)

// An operator who has added units can correct them: the answer names the grant, and so
// do the contract, its balances and its history (R22).
func TestR22_TheAnswerNamesTheGrant(t *testing.T) {
	r := newRig(t)
	c := r.linked()
	at := "/v1/contracts/" + c["id"].(string)
	key := []string{"Idempotency-Key", "grant"}
	wish := object{"unit": "minute", "quantity": 90, "expires_on": "2026-05-31", "reason": "sorry"}
	added := r.post(r.operator(), at+"/grants", wish, key...).is(200)
	grant := added.json()["grant"].(object)
	id := grant["id"].(string)
	if grant["unit"] != "minute" || grant["granted"] != 90.0 || grant["available"] != 90.0 || grant["source"] != "added" || grant["expires_on"] != "2026-05-31" {
		t.Errorf("added is %v", grant)
	}
	adjusted := r.post(r.operator(), at+"/adjustments", object{"grant": id, "quantity": -30, "reason": "too many"}).is(200)
	is := func(where string, grant object) {
		t.Helper()
		if grant["id"] != id || grant["granted"] != 90.0 || grant["adjusted"] != -30.0 || grant["available"] != 60.0 {
			t.Errorf("%s the grant is %v", where, grant)
		}
	}
	is("in the answer", adjusted.json()["grant"].(object))
	adjusted.equals("balances", r.get(r.operator(), at).is(200).json()["balances"])
	for _, where := range []string{at, at + "/balance"} {
		grants := r.get(r.operator(), where).is(200).json()["grants"].([]any)
		is(where, grants[len(grants)-1].(object))
	}
	items := r.get(r.auditor(), at+"/history").is(200).items()
	for _, item := range items[len(items)-2:] {
		if item["data"].(object)["grant"] != id {
			t.Errorf("the history says %v", item)
		}
	}
	before := r.get(r.auditor(), at+"/balance?at="+added.Header.Get("Ledger-Position")).is(200).json()["grants"].([]any)
	if before := before[len(before)-1].(object); before["id"] != id || before["available"] != 90.0 {
		t.Errorf("before it was corrected the grant is %v", before)
	}
	if again := r.post(r.operator(), at+"/grants", wish, key...).is(200); string(again.body) != string(added.body) {
		t.Errorf("a repeat is answered\n%s, and first was\n%s", again.body, added.body)
	}
	r.post(r.admin(), "/v1/test-clock", object{"now": "2026-05-31T17:00:00Z"}).is(200)
	grants := r.get(r.auditor(), at+"/balance").is(200).json()["grants"].([]any)
	if over := grants[len(grants)-1].(object); over["available"] != 0.0 || over["lapsed"] != 60.0 {
		t.Errorf("after its end the grant is %v", over)
	}
}

// An auditor who asks before there was anything gets zeros; and who has not written the
// plus sign as an address wants it learns how.
func TestABalanceIsAskedForAtAnyMoment(t *testing.T) {
	r := newRig(t)
	c := r.contract()
	at := "/v1/contracts/" + c["id"].(string) + "/balance?at="
	for _, moment := range []string{"0", "2020-01-01T00:00:00Z", "2020-01-01T07:00:00%2B07:00"} {
		a := r.get(r.auditor(), at+moment).is(200).equals("grants", []any{})
		if incidents := a.json()["balances"].(object)["incident"].(object); incidents["granted"] != 0.0 || incidents["available"] != 0.0 {
			t.Errorf("at %s: %s", moment, a.body)
		}
	}
	p := r.get(r.auditor(), at+"2026-03-02T16:00:00+07:00").refuses(400, "malformed-moment").problem()
	if want := "%2B"; !strings.Contains(p.Hint, want) || p.Errors[0].Name != "at" {
		t.Errorf("the hint does not say %s: %+v", want, p)
	}
	r.get(r.auditor(), at+"-1").refuses(400, "malformed-moment")
}
