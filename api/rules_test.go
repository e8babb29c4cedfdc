package api

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/supportledger/supportledger/api/token"
)

func TestR1EveryDigitOfAnIDCounts(t *testing.T) {
	r := newRig(t)
	op := r.operator()
	body := func(access, contract string) string {
		return `{"programme":"silver","access_id":` + access + `,"contract_id":` + contract + `,"primary_contact":{"name":"C","email":"c@example.com"}}`
	}
	r.post(op, "/v1/contracts", body(`230242323`, `"0098765432"`)).refuses(400, "malformed-id")
	r.post(op, "/v1/contracts", body(`"0230242323"`, `98765432`)).refuses(400, "malformed-id")
	r.post(op, "/v1/contracts", body(`"12345"`, `"0098765432"`)).refuses(400, "malformed-id")
	r.post(op, "/v1/contracts", body(`"0230242323"`, `""`)).refuses(400, "malformed-id")
	first := r.post(op, "/v1/contracts", body(`"02302 42-323"`, `"0098765432"`)).is(201).equals("access_id", "0230242323")
	second := r.post(op, "/v1/contracts", body(`"230242323"`, `"0098765432"`)).is(201).equals("access_id", "230242323")
	if first.text("id") == second.text("id") {
		t.Error("a leading zero was lost")
	}
	r.post(op, "/v1/contracts", body(`"0230242323"`, `"0098765432"`)).refuses(409, "pair-exists")
	p := r.post(r.ani(), "/v1/incidents", `{"payment":{"access_id":230242323,"contract_id":"1"}}`).refuses(400, "malformed-id").problem()
	if p.Errors[0].Name != "payment.access_id" {
		t.Errorf("got %+v", p)
	}
}

func TestR8UnknownAndUnableAreToldAlike(t *testing.T) {
	r := newRig(t)
	blank := r.register(object{"programme": r.programme("SILVER")}) // right IDs, and nothing to spend
	unknown := object{"access_id": "0000000001", "contract_id": "0000000001"}
	said := map[string]bool{}
	for _, ids := range []object{pair(blank), unknown} {
		for _, path := range []string{"/v1/links", "/v1/incidents"} {
			body := object{"access_id": ids["access_id"], "contract_id": ids["contract_id"], "portal": "mpn"}
			if path == "/v1/incidents" {
				body = r.request(ids)
			}
			a := r.post(r.ani(), path, body).refuses(422, "pair-not-valid")
			a.Header.Del("X-Request-Id")
			said[fmt.Sprint(a.Header, string(a.body))] = true
			if !strings.Contains(a.problem().Hint, "leading zeros") {
				t.Errorf("hint: %s", a.body)
			}
		}
	}
	if len(said) != 1 {
		t.Errorf("%d different answers: %v", len(said), said)
	}
}

func TestR8AfterFiveFailuresEvenTheRightPairWaits(t *testing.T) {
	r := newRig(t)
	c := r.contract()
	wrong := object{"access_id": c["access_id"], "contract_id": "0000000001", "portal": "mpn"}
	for range 5 {
		r.post(r.ani(), "/v1/links", wrong).refuses(422, "pair-not-valid")
	}
	r.post(r.ani(), "/v1/links", `{"portal":"mpn","access_id":"x","contract_id":"y"}`).refuses(400, "malformed-id")
	a := r.link(r.ani(), c).refuses(429, "too-many-tries")
	if a.Header.Get("Retry-After") != "900" {
		t.Errorf("Retry-After: %q", a.Header.Get("Retry-After"))
	}
	r.link(r.budi(), c).is(201)
	r.post(r.admin(), "/v1/test-clock", object{"now": start.Add(15 * 60e9)}).is(200)
	r.link(r.ani(), c).is(201)
}

func TestR11R12PaymentOptionsSayWhatCanBeUsed(t *testing.T) {
	r := newRig(t)
	good, suspended := r.linked(), r.linked()
	r.post(r.operator(), "/v1/contracts/"+suspended["id"].(string)+"/suspend", object{"reason": "unpaid"}).is(200)
	options := r.get(r.ani(), "/v1/payment-options?portal=mpn&product=windows-8.1").is(200).equals("ids_required", true).
		equals("others", []string{"another-contract", "purchase"}).json()["items"].([]any)
	if len(options) != 2 {
		t.Fatalf("options: %v", options)
	}
	first, second := options[0].(object), options[1].(object)
	if first["contract"] != good["id"] || first["usable"] != true || first["remaining"] != 15.0 ||
		first["label"] != good["access_id"].(string)+" - Partner Support Silver 15Pack" || first["service_name"] != "Partner Support Silver 15Pack" {
		t.Errorf("usable: %v", first)
	}
	_, label := second["label"]
	_, name := second["service_name"]
	if label || name || second["usable"] != false || second["reason"] != "suspended" || second["warning"] == nil || second["hint"] == nil {
		t.Errorf("not usable: %v", second)
	}
	r.submit(r.ani(), suspended).refuses(409, "suspended")
	r.get(r.ani(), "/v1/payment-options?portal=mpn&product=azure").refuses(422, "wrong-portal")
	r.get(r.ani(), "/v1/payment-options?portal=nowhere").refuses(422, "invalid-field")
	r.get(r.ani(), "/v1/payment-options?portal=office").is(200).equals("ids_required", false).equals("items", []any{})
}

func TestR12AtAzureAContractIsShownByItsPlan(t *testing.T) {
	r := newRig(t)
	c := r.register(object{"programme": r.programme("SCS"), "partner_id": "4648141", "access_id": "0230242323", "contract_id": "0098765432", "country": ""})
	r.post(r.operator(), "/v1/contracts/"+c["id"].(string)+"/activate", object{"reason": "asked"}).is(200)
	body := pair(c)
	body["portal"] = "azure"
	const label = "26 SCS-4648141-unk (02302xxxxx)"
	linked := r.post(r.ani(), "/v1/links", body).is(201).equals("label", label).equals("service_name", nil).equals("access_id", "02302xxxxx")
	row := only(r.get(r.ani(), "/v1/links?after="+linked.Header.Get("Ledger-Position")).is(200))
	if row["label"] != label || row["service_name"] != nil {
		t.Errorf("link: %v", row)
	}
	option := r.get(r.ani(), "/v1/payment-options?portal=azure").is(200).json()["items"].([]any)[0].(object)
	if option["label"] != label || option["access_id"] != "02302xxxxx" || option["unlimited"] != true || option["remaining"] != nil {
		t.Errorf("option: %v", option)
	}
	if row := r.get(r.ani(), "/v1/me/benefits").is(200).items()[0]; row["label"] != label || row["unlimited"] != true || row["remaining"] != nil {
		t.Errorf("benefit: %v", row)
	}
}

func TestR13TheWrongPortalNamesTheRightOne(t *testing.T) {
	r := newRig(t)
	body := r.request(object{"contract": r.linked()["id"]})
	body["product"], body["problem_type"], body["category"] = "azure", "x", "x"
	p := r.post(r.ani(), "/v1/incidents", body).refuses(422, "wrong-portal").problem()
	if !strings.Contains(p.Hint, "portal.azure.com") {
		t.Errorf("hint: %s", p.Hint)
	}
}

func TestR14R15WhatASubmissionMustNotLack(t *testing.T) {
	r := newRig(t)
	c := r.linked()
	with := func(member string, value any) object {
		body := r.request(object{"contract": c["id"]})
		body[member] = value
		return body
	}
	ani := r.ani()
	send := func(member string, value any) answer { return r.post(ani, "/v1/incidents", with(member, value)) }
	send("agreement", nil).refuses(422, "agreement-required")
	send("agreement", object{"version": "2015-07"}).refuses(422, "agreement-required")
	send("agreement", object{"version": "1999", "accepted": true}).refuses(422, "agreement-required")
	send("payment", nil).refuses(422, "payment-required")
	send("payment", object{}).refuses(422, "payment-required")
	send("payment", object{"contract": "00000000-0000-4000-8000-000000000000"}).refuses(404, "contract-not-found")
	send("payment", object{"contract": "x"}).refuses(404, "contract-not-found")
	send("payment", object{"purchase": object{"reference": "1"}}).refuses(422, "purchase-unknown")
	send("payment", object{"contract": c["id"], "access_id": "0230242323"}).refuses(422, "invalid-field")
	send("title", strings.Repeat("é", 200)).is(201)
	send("title", strings.Repeat("é", 201)).refuses(422, "invalid-field")
	send("description", strings.Repeat("x", 64<<10)).is(201)
	send("description", strings.Repeat("é", 64<<10)).refuses(422, "invalid-field")
	send("attachments", []object{}).is(201)
	send("attachments", []object{{"sha256": "ab", "name": "log.txt"}}).refuses(422, "invalid-field")
	send("on_behalf_of", object{"customer": "contoso"}).refuses(403, "right-missing")
	r.submit(r.budi(), c).refuses(404, "contract-not-found")
}

func TestR15AnotherContractPaysByItsIDsAndIsLinked(t *testing.T) {
	r := newRig(t)
	c := r.contract()
	a := r.post(r.ani(), "/v1/incidents", r.request(pair(c))).is(201).equals("contract", c["id"]).equals("remaining", 14)
	if row := only(r.get(r.ani(), "/v1/links?after="+a.Header.Get("Ledger-Position")).is(200)); row["contract"] != c["id"] {
		t.Errorf("links: %v", row)
	}
}

func TestR15AtTheOfficePortalNothingIsDeducted(t *testing.T) {
	r := newRig(t)
	body := r.request(nil)
	product := r.product("online")
	body["portal"], body["product"] = "office", product.ID
	body["problem_type"], body["category"] = product.ProblemTypes[0].ID, product.ProblemTypes[0].Categories[0].ID
	body["payment"] = object{"contract": r.linked()["id"]}
	r.post(r.ani(), "/v1/incidents", body).refuses(422, "ids-not-used")
	delete(body, "payment")
	a := r.post(r.ani(), "/v1/incidents", body).is(201).equals("contract", nil).equals("counted", nil).equals("remaining", nil)
	r.get(r.ani(), "/v1/incidents/"+a.text("number")).is(200).equals("contract", nil)
	row := only(r.get(r.ani(), "/v1/me/activity?after="+a.Header.Get("Ledger-Position")).is(200))
	if row["contract"] != nil || row["portal"] != "office" {
		t.Errorf("activity: %v", row)
	}
	right := r.tokenFor("dewi", []string{"customer"}, []string{"office"}, token.Right{Portal: "office", OnBehalfOf: "contoso", Right: "delegated-administration"})
	body["on_behalf_of"] = object{"customer": "contoso"}
	asked := r.post(right, "/v1/incidents", body).is(201)
	for _, who := range []string{right, r.engineer()} {
		r.get(who, "/v1/incidents/"+asked.text("number")).is(200).equals("on_behalf_of", object{"customer": "contoso", "right": "delegated-administration"})
	}
	if row := only(r.get(right, "/v1/me/activity?after="+asked.Header.Get("Ledger-Position")).is(200)); row["number"] != asked.text("number") {
		t.Errorf("activity: %v", row)
	}
	body["on_behalf_of"] = object{"customer": "fabrikam"}
	r.post(right, "/v1/incidents", body).refuses(403, "right-missing")
}

func TestR16OfManyAskersForTheLastOneExactlyOneGetsIt(t *testing.T) {
	r := newRig(t)
	c := r.linked()
	r.post(r.operator(), "/v1/contracts/"+c["id"].(string)+"/adjustments", object{"grant": "g1", "quantity": -14, "reason": "x"}).is(200)
	ani, body := r.ani(), r.request(object{"contract": c["id"]})
	var all sync.WaitGroup
	answers := make([]answer, 64)
	for i := range answers {
		all.Go(func() { answers[i] = r.post(ani, "/v1/incidents", body) })
	}
	all.Wait()
	won := 0
	for _, a := range answers {
		if a.StatusCode == http.StatusCreated {
			won++
			continue
		}
		a.refuses(409, "none-available")
	}
	if won != 1 {
		t.Errorf("%d of 64 got the last one", won)
	}
}

func TestR5AContractEndsToTheInstant(t *testing.T) {
	r := newRig(t)
	c := r.linked() // until the end of 2027-03-01 in Jakarta
	set := func(now string) { r.post(r.admin(), "/v1/test-clock", object{"now": now}).is(200).equals("now", now) }
	set("2027-03-01T16:59:59Z")
	number := r.submit(r.ani(), c).is(201).text("number")
	set("2027-03-01T17:00:00Z")
	r.submit(r.ani(), c).refuses(409, "expired")
	r.get(r.operator(), "/v1/contracts/"+c["id"].(string)).is(200).equals("status", "expired")
	if rows := r.get(r.operator(), "/v1/contracts?status=expired").is(200).items(); len(rows) != 1 {
		t.Errorf("expired: %v", rows)
	}
	items := r.get(r.auditor(), "/v1/contracts/"+c["id"].(string)+"/history").is(200).items()
	var last []string
	for _, item := range items {
		last = append(last, item["type"].(string))
	}
	if !strings.Contains(strings.Join(last, " "), "contract.expired.v1 grant.lapsed.v1") {
		t.Errorf("the end was not recorded: %v", last)
	}
	r.post(r.engineer(), "/v1/incidents/"+number+"/close", object{"closure": "duplicate"}).is(200).equals("counted", false).equals("remaining", 0)
	r.post(r.admin(), "/v1/test-clock", object{"now": "2027-03-01T16:00:00Z"}).refuses(422, "clock-backwards")
	r.post(r.admin(), "/v1/test-clock", object{"now": "noon"}).refuses(422, "invalid-field")
}

// A grant with an end of its own ends on the same day under the new IDs, and says
// so in the same members.
func TestR10_AReplacementsGrantsEndOnTheSameDay(t *testing.T) {
	r := newRig(t)
	c := r.contract()
	at := "/v1/contracts/" + c["id"].(string)
	r.post(r.operator(), at+"/grants", object{"unit": "incident", "quantity": 5, "expires_on": "2026-05-31", "reason": "sorry"}).is(200)
	ends := func(id string) (pages, events []string) {
		for _, g := range r.get(r.operator(), "/v1/contracts/"+id).is(200).json()["grants"].([]any) {
			g := g.(object)
			pages = append(pages, fmt.Sprintf("%v %v %v", g["unit"], g["expires_on"], g["ends_at"]))
		}
		for _, item := range r.get(r.auditor(), "/v1/contracts/"+id+"/history").is(200).items() {
			if data := item["data"].(object); item["type"] == "grant.added.v1" {
				events = append(events, fmt.Sprintf("%v %v %v", data["unit"], data["expires_on"], data["ends_at"]))
			}
		}
		return pages, events
	}
	pages, events := ends(c["id"].(string))
	if got := fmt.Sprint(pages); !strings.Contains(got, "2026-05-31 2026-05-31T17:00:00Z") {
		t.Errorf("the grants end as %s", got)
	}
	replacement := r.post(r.operator(), at+"/reissue", object{"reason": "leaked"}).is(200).text("id")
	newPages, newEvents := ends(replacement)
	if fmt.Sprint(newPages, newEvents) != fmt.Sprint(pages, events) {
		t.Errorf("the grants were\n%v %v\nand are\n%v %v", pages, events, newPages, newEvents)
	}
}

func TestR36WhatIsAnothersIsToldLikeWhatIsUnknown(t *testing.T) {
	r := newRig(t)
	c := r.linked()
	r.link(r.budi(), c).is(201)
	number := r.submit(r.ani(), c).is(201).text("number")
	unknown := "260302000000003"
	wrongDigit := number[:14] + string('0'+(number[14]-'0'+1)%10)
	said := map[string]bool{}
	note := func(a answer) {
		a.refuses(404, "incident-not-found")
		a.Header.Del("X-Request-Id")
		said[fmt.Sprint(a.Header, string(a.body))] = true
	}
	for _, n := range []string{number, unknown, wrongDigit, "x", "00"} {
		note(r.get(r.budi(), "/v1/incidents/"+n))
		note(r.post(r.budi(), "/v1/incidents/"+n+"/comments", object{"text": "Mine?"}))
		note(r.post(r.budi(), "/v1/incidents/"+n+"/severity", object{"severity": "C", "reason": "x"}))
		note(r.post(r.budi(), "/v1/incidents/"+n+"/reopen", object{"reason": "x"}))
	}
	if len(said) != 1 {
		t.Errorf("%d different answers: %v", len(said), said)
	}
	for _, as := range []string{r.engineer(), r.operator(), r.auditor()} {
		r.get(as, "/v1/incidents/"+number).is(200)
	}
}

func TestR36AfterUnlinkingAnAccountStillHasItsIncidents(t *testing.T) {
	r := newRig(t)
	c := r.linked()
	number := r.submit(r.ani(), c).is(201).text("number")
	r.do(r.ani(), http.MethodDelete, "/v1/links/"+c["id"].(string), nil).is(204)
	r.get(r.ani(), "/v1/incidents/"+number).is(200).equals("remaining", nil).equals("counted", true)
	r.post(r.ani(), "/v1/incidents/"+number+"/comments", object{"text": "Still there?"}).is(200).equals("remaining", nil)
	r.get(r.engineer(), "/v1/incidents/"+number).is(200).equals("remaining", 14)
}

func TestR37ReadsWaitForWhatWasWritten(t *testing.T) {
	r := newRig(t, func(c *Config) { c.AwaitTimeout = 1 })
	c := r.linked()
	position := r.submit(r.ani(), c).is(201).Header.Get("Ledger-Position")
	for _, after := range []string{"0", "x", "-1", "01", "999999", "18446744073709551616", "+1"} {
		for _, path := range []string{"/v1/links", "/v1/me", "/v1/me/benefits", "/v1/me/activity"} {
			r.get(r.ani(), path+"?after="+strings.ReplaceAll(after, "+", "%2B")).refuses(400, "unknown-position")
		}
	}
	for range 100 { // in a nanosecond the lists may have come so far or not
		a := r.get(r.ani(), "/v1/links?after="+position)
		if a.StatusCode != http.StatusOK {
			a.refuses(409, "not-yet")
		}
	}
	r.AwaitTimeout = 10e9
	list := r.get(r.ani(), "/v1/links?after="+position).is(200).json()["as_of"].(object)
	if fmt.Sprint(list["position"]) < position {
		t.Errorf("as of %v, asked for %s", list["position"], position)
	}
}

func TestListsAreRead(t *testing.T) {
	r := newRig(t)
	c := r.rich()
	var last answer
	for range 7 {
		last = r.submit(r.ani(), c).is(201)
	}
	seen := map[any]bool{}
	cursor, after := "", "&after="+last.Header.Get("Ledger-Position")
	for range 4 {
		page := r.get(r.ani(), "/v1/me/activity?limit=2"+after+cursor).is(200)
		for _, row := range page.items() {
			seen[row["number"]] = true
		}
		next, _ := page.json()["next"].(string)
		cursor = "&cursor=" + next
	}
	if len(seen) != 7 || cursor != "&cursor=" {
		t.Errorf("%d rows, then %q", len(seen), cursor)
	}
	for _, query := range []string{"limit=0", "limit=1001", "limit=x", "cursor=x", "status=lost", "sort=colour", "kind=x"} {
		if a := r.get(r.ani(), "/v1/me/activity?"+query); a.StatusCode != http.StatusBadRequest || a.problem().Status != 400 {
			t.Errorf("%s: %s", query, a.body)
		}
	}
	at := "/v1/contracts/" + c["id"].(string) + "/history?limit=3"
	first := r.get(r.auditor(), at).is(200)
	second := r.get(r.auditor(), at+"&cursor="+first.text("next")).is(200).items()
	if second[0]["revision"] != 3.0 {
		t.Errorf("second page: %v", second[0])
	}
	r.get(r.auditor(), at+"&cursor=3").refuses(400, "malformed-cursor")
}

func TestR47AnErasedPersonsTextsShowAsErased(t *testing.T) {
	r := newRig(t)
	c := r.linked()
	submitted := r.submit(r.ani(), c).is(201)
	number := submitted.text("number")
	ani := r.get(r.ani(), "/v1/me?after="+submitted.Header.Get("Ledger-Position")).is(200)
	if contact := ani.json()["contact"].(object); contact["name"] != "Ani Wijaya" {
		t.Errorf("the last contact is not offered: %v", contact)
	}
	r.post(r.admin(), "/v1/erasures", object{"reason": "asked"}).refuses(422, "invalid-field")
	r.post(r.admin(), "/v1/erasures", object{"account": ani.text("account"), "reason": "asked"}).is(200)
	r.post(r.admin(), "/v1/erasures", object{"contract": c["id"], "reason": "asked"}).is(200)
	r.post(r.admin(), "/v1/erasures", object{"email": "nobody@example.com", "reason": "asked"}).refuses(404, "person-not-found")
	page := r.get(r.engineer(), "/v1/incidents/"+number).is(200).equals("description", "erased")
	if page.json()["contact"].(object)["email"] != "erased" {
		t.Errorf("contact: %s", page.body)
	}
	if contact := r.get(r.operator(), "/v1/contracts/"+c["id"].(string)).is(200).json()["primary_contact"].(object); contact["email"] != "erased" {
		t.Errorf("primary contact: %v", contact)
	}
	if _, there := r.get(r.ani(), "/v1/me").is(200).json()["contact"]; there {
		t.Error("an erased contact is offered")
	}
}
