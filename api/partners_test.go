package api

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
)

func theContact(name string) object {
	return object{"name": name, "email": strings.ToLower(name) + "@example.com", "language": "id"}
}

// partner registers a partner with its headquarters in Jakarta.
func (r *rig) partner(level string, signature bool) string {
	r.t.Helper()
	return r.post(r.operator(), "/v1/partners", object{
		"name": "Contoso", "level": level, "signature": signature, "country": "ID", "time_zone": "Asia/Jakarta", "primary_contact": theContact("Citra"),
	}).is(201).text("id")
}

func (r *rig) renewMembershipOf(id, day string) []any {
	r.t.Helper()
	contracts, _ := r.post(r.operator(), "/v1/partners/"+id+"/membership-renewals", object{"renewed_on": day}).is(201).json()["contracts"].([]any)
	return contracts
}

func (r *rig) setTo(now string) {
	r.t.Helper()
	r.post(r.admin(), "/v1/test-clock", object{"now": now}).is(200)
}

func items(a answer) []any {
	list, _ := a.json()["items"].([]any)
	return list
}

func TestR28_AMembershipYearFromTheRenewalToTheFourthWeek(t *testing.T) {
	r := newRig(t)
	id := r.partner("gold", true)
	contracts := r.renewMembershipOf(id, "2026-03-02")
	if len(contracts) != 2 {
		t.Fatalf("the year is worth %v", contracts)
	}
	for _, c := range contracts {
		if status := c.(object)["status"]; status != "registered" || c.(object)["contract_id"] != nil {
			t.Errorf("registered is %v", c)
		}
	}
	core := contracts[0].(object)["id"].(string)
	r.post(r.operator(), "/v1/partners/"+id+"/membership-renewals", object{"renewed_on": "2026-06-01"}).refuses(409, "already-renewed")
	r.post(r.operator(), "/v1/partners/"+uuid.NewString()+"/membership-renewals", object{"renewed_on": "2026-06-01"}).refuses(404, "partner-not-found")
	r.post(r.operator(), "/v1/partners/"+id+"/membership-renewals", object{"renewed_on": "June"}).refuses(422, "invalid-field")

	signIn := r.partnerToken("dewi", id, "customer")
	for _, row := range items(r.get(signIn, "/v1/me/benefits").is(200)) {
		b := row.(object)
		if b["linked"] != false || b["granted"] != nil || b["used"] != nil || b["remaining"] != nil || b["status"] != "registered" || !strings.Contains(b["label"].(string), "xxxxx") {
			t.Errorf("R35: a blank row is %v", b)
		}
	}
	r.setTo("2026-03-22T16:59:59Z") // a second before 23 March in Jakarta
	r.get(r.operator(), "/v1/contracts/"+core).is(200).equals("status", "registered")
	r.setTo("2026-03-22T17:00:00Z")
	r.get(r.operator(), "/v1/contracts/"+core).is(200).equals("status", "active").equals("starts_on", "2026-03-02").equals("expires_on", "2027-03-01")
	if rows := items(r.get(signIn, "/v1/me/benefits").is(200)); len(rows) != 3 || rows[0].(object)["remaining"] != 20.0 || rows[1].(object)["remaining"] != 3000.0 || rows[2].(object)["unlimited"] != true {
		t.Errorf("R35: the rows are %v", rows)
	}
	history := items(r.get(r.auditor(), "/v1/contracts/"+core+"/history").is(200))
	var types []string
	for _, item := range history {
		types = append(types, strings.TrimSuffix(item.(object)["type"].(string), ".v1"))
	}
	if got, want := strings.Join(types, " "), "contract.registered contract.promised contract.activated grant.added grant.added"; got != want {
		t.Errorf("the history is %s, want %s", got, want)
	}
	if at := history[2].(object)["by"].(object)["role"]; at != "system" {
		t.Errorf("activated by %v", at)
	}
	page := r.get(r.operator(), "/v1/partners/"+id).is(200).json()
	if len(page["contracts"].([]any)) != 2 || page["signature"] != true || page["primary_contact"].(object)["name"] != "Citra" {
		t.Errorf("the partner is %v", page)
	}
}

func TestR27_LocationsContactsAndToolkits(t *testing.T) {
	r := newRig(t)
	r.post(r.operator(), "/v1/partners", object{
		"name": "Small", "level": "maps", "signature": true, "country": "ID", "time_zone": "Asia/Jakarta", "primary_contact": theContact("Citra"),
	}).refuses(409, "not-eligible")
	r.post(r.operator(), "/v1/partners", object{
		"name": "Odd", "level": "tin", "country": "ID", "time_zone": "Asia/Jakarta", "primary_contact": theContact("Citra"),
	}).refuses(422, "invalid-field")
	id := r.partner("silver", false)
	at := "/v1/partners/" + id
	adding := []string{"Idempotency-Key", "location"}
	body := object{"name": "Bandung", "country": "ID", "time_zone": "Asia/Jakarta", "primary_contact": theContact("Budi")}
	location := r.post(r.operator(), at+"/locations", body, adding...).is(201).text("id")
	if again := r.post(r.operator(), at+"/locations", body, adding...).is(201); again.text("id") != location || again.Header.Get("Idempotency-Replayed") != "true" {
		t.Errorf("a repeat answers %s", again.body)
	}
	r.post(r.operator(), at+"/contacts", object{"name": "Eka", "email": "eka@example.com", "country": "SG", "language": "en"}).is(201).
		equals("primary", false).equals("location", nil).equals("country", "SG")
	r.post(r.operator(), at+"/contacts", object{"name": "Fajar", "email": "fajar@example.com", "country": "ID", "language": "id", "location": location, "primary": true}).
		is(201).equals("location", location)
	r.post(r.operator(), at+"/contacts", object{"name": "Gita", "email": "gita@example.com", "country": "ID", "language": "id", "location": uuid.NewString()}).
		refuses(422, "invalid-field")
	kit := r.post(r.operator(), at+"/toolkits", object{"location": location, "competency": "devices", "reference": "PO-1"}).is(201)
	kit.equals("status", "registered").equals("programme", "toolkit").equals("partner_id", id)
	r.post(r.operator(), at+"/toolkits", object{"location": location, "competency": "devices", "reference": "PO-1"}).refuses(409, "reference-used")
	r.post(r.operator(), "/v1/contracts/"+kit.text("id")+"/activate", object{"reason": "asked through the RSC"}).is(200).equals("status", "active")
	r.get(r.operator(), "/v1/contracts/"+kit.text("id")).is(200).equals("primary_contact", object{"name": "Fajar", "email": "fajar@example.com", "language": "id"})
	page := r.get(r.operator(), at).is(200).json()
	place := page["locations"].([]any)[0].(object)
	if place["primary_contact"].(object)["name"] != "Fajar" || place["competencies"].([]any)[0] != "devices" || len(page["contacts"].([]any)) != 1 {
		t.Errorf("the partner is %v", page)
	}
}

func TestR32_AdviceOverHTTP(t *testing.T) {
	r := newRig(t)
	id := r.partner("silver", false)
	contract := r.renewMembershipOf(id, "2026-03-02")[0].(object)["id"].(string)
	signIn := r.partnerToken("dewi", id, "customer")
	ask := object{"contract": contract, "title": "Which one", "description": "Which one fits?", "contact": object{"name": "Dewi", "email": "dewi@example.com"}}
	r.post(signIn, "/v1/advisory-requests", ask).refuses(409, "not-activated")
	r.setTo("2026-03-23T00:00:00Z")
	r.post(r.ani(), "/v1/advisory-requests", ask).refuses(404, "contract-not-found")
	number := r.post(signIn, "/v1/advisory-requests", ask).is(201).equals("minutes", 0).equals("remaining", float64(1200)).text("number")
	at := "/v1/advisory-requests/" + number
	take := func(entry string, minutes int) answer {
		return r.post(r.engineer(), at+"/time", object{"entry": entry, "minutes": minutes, "text": "Looked at it."})
	}
	take("e1", 1200).is(200).equals("remaining", 0)
	if p := take("e2", 1).refuses(409, "none-available").problem(); !strings.Contains(p.Detail, "0 minutes") {
		t.Errorf("R32: the refusal does not say what is left: %s", p.Detail)
	}
	take("e2", 1441).refuses(422, "invalid-field")
	take("e1", 7).refuses(409, "entry-used")
	r.post(r.engineer(), at+"/credits", object{"entry": "e1", "minutes": 200, "reason": "too much"}).is(200).equals("remaining", 200).equals("minutes", 1000)
	r.post(r.engineer(), at+"/credits", object{"entry": "e1", "minutes": 1001, "reason": "too much"}).refuses(409, "below-zero")
	r.get(r.budi(), at).refuses(404, "advisory-not-found")
	r.get(signIn, "/v1/incidents/"+number).refuses(404, "incident-not-found")
	r.post(r.engineer(), at+"/close", object{"text": "That is all."}).is(200).equals("status", "closed").equals("summary", "That is all.")
	take("e3", 1).refuses(409, "advisory-closed")
	r.get(signIn, at).is(200).equals("status", "closed").equals("description", "Which one fits?")
	row := items(r.get(signIn, "/v1/me/activity?kind=advisory").is(200))[0].(object)
	if row["number"] != number || row["status"] != "closed" || row["contract"] != contract || row["counted"] != nil {
		t.Errorf("R35: the row of activity is %v", row)
	}
	balances := r.get(r.auditor(), "/v1/contracts/"+contract+"/balance").is(200).json()["balances"].(object)
	if minutes := balances["minute"].(object); minutes["consumed"] != 1000.0 || minutes["available"] != 200.0 {
		t.Errorf("R22: the balance is %v", minutes)
	}
}

func TestR31_ProgramCasesOverHTTP(t *testing.T) {
	r := newRig(t)
	id := r.partner("maps", false)
	contract := r.renewMembershipOf(id, "2026-03-02")[0].(object)["id"].(string)
	signIn := r.partnerToken("dewi", id, "customer")
	ask := object{"kind": "request-activation", "contract": contract, "text": "Please."}
	r.post(r.ani(), "/v1/program-cases", ask).refuses(403, "not-a-partner")
	r.post(r.partnerToken("eka", "4648141", "customer"), "/v1/program-cases", ask).refuses(403, "not-a-partner")
	r.post(signIn, "/v1/program-cases", object{"kind": "refund", "text": "Please."}).refuses(422, "invalid-field")
	number := r.post(signIn, "/v1/program-cases", ask).is(201).equals("status", "open").equals("contract", contract).text("number")
	if rows := items(r.get(r.operator(), "/v1/program-cases?status=open").is(200)); len(rows) != 1 || rows[0].(object)["number"] != number {
		t.Errorf("the operator's list is %v", rows)
	}
	if rows := items(r.get(r.budi(), "/v1/program-cases").is(200)); len(rows) != 0 {
		t.Errorf("R36: somebody else sees %v", rows)
	}
	r.get(r.budi(), "/v1/program-cases/"+number).refuses(404, "case-not-found")
	r.post(r.operator(), "/v1/contracts/"+contract+"/activate", object{"reason": "asked for"}).is(200)
	r.post(r.operator(), "/v1/program-cases/"+number+"/close", object{"outcome": "activated", "text": "It is."}).is(200).equals("answer", "It is.")
	r.post(r.operator(), "/v1/program-cases/"+number+"/close", object{"outcome": "refused", "text": "It is not."}).refuses(409, "already-closed")
	r.get(signIn, "/v1/program-cases/"+number).is(200).equals("outcome", "activated").equals("status", "closed")
	row := items(r.get(signIn, "/v1/me/activity?kind=program-case").is(200))[0].(object)
	if row["number"] != number || row["closure"] != "activated" || row["response_due_at"] != nil {
		t.Errorf("R35: the row of activity is %v", row)
	}
}

func TestR34_AnIncidentBoughtNow(t *testing.T) {
	r := newRig(t)
	account := r.get(r.ani(), "/v1/me").is(200).text("account")
	buy := object{"reference": "ORDER-1", "account": account, "family": "on-premises", "quantity": 2}
	r.post(r.service(), "/v1/purchases", buy).is(201).equals("quantity", 2)
	r.post(r.service(), "/v1/purchases", buy).is(201)
	r.post(r.service(), "/v1/purchases", object{"reference": "ORDER-1", "account": account, "family": "azure", "quantity": 2}).refuses(409, "reference-used")
	r.post(r.service(), "/v1/purchases", object{"reference": "ORDER-2", "account": "ani", "family": "azure", "quantity": 2}).refuses(422, "invalid-field")
	pay := r.request(object{"purchase": object{"reference": "ORDER-1"}})
	r.post(r.budi(), "/v1/incidents", pay).refuses(422, "purchase-unknown")
	first := r.post(r.ani(), "/v1/incidents", pay, "Idempotency-Key", "first").is(201).equals("remaining", 1)
	if again := r.post(r.ani(), "/v1/incidents", pay, "Idempotency-Key", "first").is(201); again.text("number") != first.text("number") || again.Header.Get("Idempotency-Replayed") != "true" {
		t.Errorf("a repeat answers %s", again.body)
	}
	r.post(r.ani(), "/v1/incidents", pay).refuses(409, "reference-used")
	r.post(r.ani(), "/v1/incidents", r.request(object{"contract": first.text("contract")})).is(201).equals("remaining", 0)
	r.post(r.engineer(), "/v1/incidents/"+first.text("number")+"/close", object{"closure": "product-defect"}).is(200).equals("counted", false)
	options := items(r.get(r.ani(), "/v1/payment-options?portal=mpn&product=windows-8.1").is(200))
	if o := options[0].(object); o["usable"] != true || o["remaining"] != 1.0 || o["service_name"] != "Pay per incident" {
		t.Errorf("R34: what was credited back can be spent again: %v", o)
	}
	row := items(r.get(r.ani(), "/v1/me/benefits").is(200))[0].(object)
	if row["programme"] != "ppi" || row["linked"] != true {
		t.Errorf("R35: the row is %v", row)
	}
}

func TestR30_TheIDsAreSentAgainWhereTheRegionAllows(t *testing.T) {
	r := newRig(t)
	id := r.partner("maps", false)
	core := r.renewMembershipOf(id, "2026-03-02")[0].(object)["id"].(string)
	at := "/v1/contracts/" + core + "/resend-ids"
	r.post(r.operator(), at, object{}).refuses(409, "not-activated")
	r.post(r.operator(), "/v1/contracts/"+core+"/activate", object{"reason": "asked"}).is(200)
	r.post(r.operator(), "/v1/partners/"+id+"/contacts", object{"name": "Eka", "email": "eka@example.com", "country": "ID", "language": "en"}).is(201)
	again := []string{"Idempotency-Key", "ids"}
	first := r.post(r.operator(), at, object{}, again...).is(200).equals("kind", "ids").equals("cause", nil).equals("status", "requested").
		equals("recipient", object{"email": "citra@example.com", "name": "Citra"})
	if repeat := r.post(r.operator(), at, object{}, again...).is(200); string(repeat.body) != string(first.body) || repeat.Header.Get("Idempotency-Replayed") != "true" {
		t.Errorf("a repeat answers %s, want %s", repeat.body, first.body)
	}
	r.post(r.operator(), at, object{"to": "citra@example.com"}, again...).refuses(422, "idempotency-key-reused")
	p := r.post(r.operator(), at, object{"to": "eka@example.com"}).refuses(422, "region-policy").problem()
	if !strings.Contains(p.Detail, "Asia Pacific") || len(p.Errors) != 1 || p.Errors[0].Name != "to" {
		t.Errorf("R30: the policy is not named: %+v", p)
	}
	r.post(r.operator(), at, object{"to": "eka"}).refuses(422, "invalid-field")
	r.post(r.operator(), "/v1/contracts/"+uuid.NewString()+"/resend-ids", object{}).refuses(404, "contract-not-found")
	rows := items(r.get(r.operator(), "/v1/mails?contract="+core+"&after="+first.Header.Get("Ledger-Position")).is(200))
	if len(rows) != 1 || rows[0].(object)["id"] != first.text("id") || rows[0].(object)["status"] != "requested" {
		t.Errorf("the mails are %v", rows)
	}
	r.post(r.admin(), "/v1/erasures", object{"email": "citra@example.com", "reason": "asked"}).is(200)
	r.post(r.operator(), at, object{}).refuses(409, "contact-erased")
}

func TestR28_OperatorsSeeWhatIsDue(t *testing.T) {
	r := newRig(t)
	gold := r.renewMembershipOf(r.partner("gold", false), "2026-03-02")[0].(object)["id"].(string)
	maps := r.renewMembershipOf(r.partner("maps", false), "2026-03-02")[0].(object)["id"].(string)
	seen := func(query string) string {
		var all []string
		for _, row := range items(r.get(r.operator(), "/v1/due"+query).is(200)) {
			of := map[string]string{gold: "gold", maps: "maps"}[row.(object)["contract"].(string)]
			overdue := map[any]string{true: " overdue", false: ""}[row.(object)["overdue"]]
			all = append(all, of+" "+row.(object)["what"].(string)+" "+row.(object)["at"].(string)+overdue)
		}
		return strings.Join(all, ", ")
	}
	const far = "?by=2028-01-01T00:00:00Z"
	if got, want := seen(""), "gold activation 2026-03-22T17:00:00Z"; got != want {
		t.Errorf("due is %q, want %q", got, want)
	}
	if got := seen("?by=2026-03-22T16:59:59Z"); got != "" {
		t.Errorf("due a second before is %q", got)
	}
	r.setTo("2026-03-22T17:00:00Z") // two weeks after the registrations have passed
	if got, want := seen(far), "maps blank 2026-03-16T09:00:00Z overdue, gold end 2027-03-01T17:00:00Z"; got != want {
		t.Errorf("due is %q, want %q", got, want)
	}
	a := r.post(r.operator(), "/v1/contracts/"+maps+"/activate", object{"reason": "asked"}).is(200)
	if got := seen(far + "&after=" + a.Header.Get("Ledger-Position")); strings.Count(got, " end 2027-03-01T17:00:00Z") != 2 || strings.Contains(got, "blank") {
		t.Errorf("due is %q, want both ends", got)
	}
	r.get(r.operator(), "/v1/due?by=tomorrow").refuses(400, "malformed-parameter")
}

// What a jump of the clock makes due is recorded at its own moments, in order, over
// all contracts.
func TestR5_AJumpOfTheClockStopsAtEveryMoment(t *testing.T) {
	r := newRig(t)
	var ids []string
	for _, day := range []string{"2026-03-02", "2026-02-20", "2026-02-25"} {
		ids = append(ids, r.renewMembershipOf(r.partner("gold", false), day)[0].(object)["id"].(string))
	}
	r.setTo("2027-03-10T00:00:00Z")
	var got []string
	for i, id := range ids {
		for _, item := range items(r.get(r.auditor(), "/v1/contracts/"+id+"/history").is(200)) {
			if e := item.(object); e["type"] == "contract.activated.v1" || e["type"] == "contract.expired.v1" {
				got = append(got, fmt.Sprintf("%06.0f %v %s %v", e["position"], e["recorded_at"], strings.TrimSuffix(e["type"].(string), ".v1"), i))
			}
		}
	}
	slices.Sort(got)
	for i := range got {
		_, got[i], _ = strings.Cut(got[i], " ")
	}
	want := []string{
		"2026-03-12T17:00:00Z contract.activated 1", "2026-03-17T17:00:00Z contract.activated 2", "2026-03-22T17:00:00Z contract.activated 0",
		"2027-02-19T17:00:00Z contract.expired 1", "2027-02-24T17:00:00Z contract.expired 2", "2027-03-01T17:00:00Z contract.expired 0",
	}
	if !slices.Equal(got, want) {
		t.Errorf("recorded were\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
