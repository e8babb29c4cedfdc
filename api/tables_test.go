package api

import (
	"fmt"
	"strings"
	"testing"
)

// products of each family, by the tables of SPEC section 4.
var ofFamily = map[string][]string{
	"on-premises": {"windows-8.1", "windows-server-2012-r2", "sql-server-2014", "exchange-server-2013"},
	"online":      {"office-365", "dynamics-crm-online"},
	"azure":       {"azure"},
}

// Every row of the table of portals: who may use it, what is taken there, and
// where else one is sent (R13, R15, R33).
func TestEveryPortalOfTheTable(t *testing.T) {
	r := newRig(t)
	for _, row := range []struct {
		portal, takes string
		signIn        bool // of its own
		ids           bool
		address       string
		right         string // one that allows asking for a customer
	}{
		{"oas", "on-premises", false, true, "aka.ms/OAS", ""},
		{"mpn", "on-premises", true, true, "aka.ms/mysupport", ""},
		{"office", "online", true, false, "portal.office.com", "delegated-administration"},
		{"azure", "azure", true, true, "portal.azure.com", "administrator write"},
	} {
		t.Run(row.portal, func(t *testing.T) {
			none, own := r.tokenFor("x", []string{"customer"}, nil), r.tokenFor("x", []string{"customer"}, []string{row.portal})
			at := "/v1/payment-options?portal=" + row.portal
			if row.signIn {
				r.get(none, at).refuses(403, "sign-in-required")
			} else {
				r.get(none, at).is(200)
			}
			r.get(own, at).is(200).equals("ids_required", row.ids)
			for family, products := range ofFamily {
				for _, product := range products {
					a := r.get(own, at+"&product="+product)
					if family == row.takes {
						a.is(200)
						continue
					}
					right := map[string]string{"on-premises": "aka.ms/OAS", "online": "portal.office.com", "azure": "portal.azure.com"}[family]
					if p := a.refuses(422, "wrong-portal").problem(); !strings.Contains(p.Hint, right) {
						t.Errorf("%s at %s is sent on by %q, want to %s", product, row.portal, p.Hint, right)
					}
				}
			}
			for _, p := range r.catalog.Portals {
				if p.ID == row.portal && (p.Address != row.address || strings.Join(p.OnBehalfOf, " ") != row.right) {
					t.Errorf("the catalogue has %+v", p)
				}
			}
		})
	}
}

// Every row of the table of programmes: what a contract has, when it comes to
// life, and what it pays for, where (R11, R28, R34).
func TestEveryProgrammeOfTheTable(t *testing.T) {
	r := newRig(t)
	for _, row := range []struct {
		programme, service, short string
		incidents, minutes        any // nil: without limit
		pays                      string
		immediate                 bool
	}{
		{"gold", "Partner Support Gold 20Pack", "GOLD", 20, 3000, "oas mpn", false},
		{"silver", "Partner Support Silver 15Pack", "SILVER", 15, 1200, "oas mpn", false},
		{"maps", "Action Pack 10Pack", "MAPS", 10, 0, "oas mpn", false},
		{"scs", "Signature Cloud Support", "SCS", nil, 0, "azure", false},
		{"asfp", "Advanced Support for Partners", "ASFP", 30, 0, "azure", false},
		{"msdn", "MSDN 4Pack", "MSDN", 4, 0, "oas mpn", true},
		{"bizspark", "BizSpark 2Pack", "BIZSPARK", 2, 0, "oas mpn", true},
		{"toolkit", "Location Toolkit 20Pack", "TOOLKIT", 20, 0, "oas mpn", false},
	} {
		t.Run(row.programme, func(t *testing.T) {
			c := r.register(object{"programme": row.programme})
			id := c["id"].(string)
			if want := map[bool]string{true: "active", false: "registered"}[row.immediate]; c["status"] != want || c["service_name"] != row.service {
				t.Errorf("registered is %v, want it %s", c, want)
			}
			r.post(r.operator(), "/v1/contracts/"+id+"/activate", object{"reason": "asked"}).is(200).equals("status", "active")
			for unit, want := range map[string]any{"incident": row.incidents, "minute": row.minutes} {
				balance, _ := r.get(r.auditor(), "/v1/contracts/"+id+"/balance").is(200).json()["balances"].(object)[unit].(object)
				if got := balance["granted"]; fmt.Sprint(got) != fmt.Sprint(want) && !(got == nil && want == 0) {
					t.Errorf("%s granted: %v, want %v", unit, got, want)
				}
			}
			who := r.token("of-"+row.programme, "customer")
			link := pair(c)
			link["portal"], _, _ = strings.Cut(row.pays, " ")
			r.post(who, "/v1/links", link).is(201)
			for portal, product := range map[string]string{"oas": "windows-8.1", "mpn": "sql-server-2014", "azure": "azure"} {
				o := onlyWay(t, r.get(who, "/v1/payment-options?portal="+portal+"&product="+product).is(200))
				if pays := strings.Contains(row.pays, portal); o["usable"] != pays || !pays && o["reason"] != "product-not-covered" && o["reason"] != "portal-not-accepted" {
					t.Errorf("%s at %s: %v, want it usable: %v", product, portal, o, pays)
				}
			}
		})
	}
	r.post(r.operator(), "/v1/contracts", object{"programme": "none", "primary_contact": theContact("Citra")}).refuses(422, "invalid-field")
}

// The row of what is bought by the incident: as many as were bought, of any family, at
// every portal that uses IDs, at once (R34).
func TestPayPerIncidentOfTheTable(t *testing.T) {
	r := newRig(t)
	for portal, family := range map[string]string{"oas": "on-premises", "mpn": "on-premises", "azure": "azure"} {
		t.Run(portal, func(t *testing.T) {
			who := r.token("buyer-at-"+portal, "customer")
			account := r.get(who, "/v1/me").is(200).text("account")
			r.post(r.service(), "/v1/purchases", object{"reference": "ORDER-" + portal, "account": account, "family": family, "quantity": 3}).is(201)
			payment := object{"purchase": object{"reference": "ORDER-" + portal}}
			body := r.request(payment)
			if body["portal"] = portal; portal == "azure" {
				body = r.atAzure(payment)
			}
			id := r.post(who, "/v1/incidents", body).is(201).equals("remaining", 2).text("contract")
			r.get(r.operator(), "/v1/contracts/"+id).is(200).equals("status", "active").equals("service_name", "Pay per incident")
			o := onlyWay(t, r.get(who, "/v1/payment-options?portal="+portal).is(200))
			if label := fmt.Sprint(o["label"]); o["usable"] != true || o["remaining"] != 2.0 || portal == "azure" != strings.HasPrefix(label, "26 Pay per incident-unk-") {
				t.Errorf("the way to pay is %v", o)
			}
		})
	}
}

// onlyWay is the one way to pay that a list without as_of has.
func onlyWay(t *testing.T, a answer) object {
	t.Helper()
	list, _ := a.json()["items"].([]any)
	if len(list) != 1 {
		t.Fatalf("%d ways to pay, want one: %s", len(list), a.body)
	}
	return list[0].(object)
}

// Every row of the table of regions: whose hours count (R23), and who may be sent
// the IDs again (R30).
func TestEveryRegionOfTheTable(t *testing.T) {
	r := newRig(t) // on Monday, 2 March 2026, 09:00 UTC
	for _, row := range []struct {
		region, country, zone, due string // four hours of business later
		allowed                    bool
	}{
		{"North America", "US", "America/New_York", "2026-03-02T18:00:00Z", true},
		{"Latin America", "BR", "America/Manaus", "2026-03-02T15:00:00Z", true},
		{"EMEA", "ZA", "Africa/Johannesburg", "2026-03-02T13:00:00Z", true},
		{"Asia Pacific", "AU", "Australia/Perth", "2026-03-03T04:00:00Z", false},
	} {
		t.Run(row.region, func(t *testing.T) {
			id := r.post(r.operator(), "/v1/partners", object{
				"name": "Contoso", "level": "maps", "country": row.country, "time_zone": row.zone, "primary_contact": theContact("Citra"),
			}).is(201).text("id")
			core := r.renewMembershipOf(id, "2026-03-02")[0].(object)["id"].(string)
			r.post(r.operator(), "/v1/contracts/"+core+"/activate", object{"reason": "asked"}).is(200)
			for name, country := range map[string]string{"eka": row.country, "fajar": "KR"} {
				r.post(r.operator(), "/v1/partners/"+id+"/contacts", object{"name": name, "email": name + "@example.com", "country": country, "language": "en"}).is(201)
			}
			at := "/v1/contracts/" + core + "/resend-ids"
			r.post(r.operator(), at, object{}).is(200)
			if there := r.post(r.operator(), at, object{"to": "eka@example.com"}); row.allowed {
				there.is(200)
			} else if p := there.refuses(422, "region-policy").problem(); !strings.Contains(p.Detail, row.region) {
				t.Errorf("R30: the policy is not named: %s", p.Detail)
			}
			if p := r.post(r.operator(), at, object{"to": "fajar@example.com"}).refuses(422, "region-policy").problem(); !strings.Contains(p.Detail, row.region) {
				t.Errorf("R30: the policy is not named: %s", p.Detail)
			}
			c := r.register(object{"programme": "msdn", "country": row.country, "time_zone": row.zone})
			who := r.token("in-"+row.country, "customer")
			r.link(who, c).is(201)
			r.submit(who, c).is(201).equals("response_time", "PT4H").equals("response_hours", "business").equals("response_due_at", row.due)
		})
	}
}
