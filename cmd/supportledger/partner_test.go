package main

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// A vendor is a catalogue, and what its words are for the story of a partner.
type vendor struct {
	catalog, level string
	desk, cloud    string // portals
	atDesk         fields // what a request there is about
	atCloud        fields
	severity       string
	response       string
	defect         string // a closure code that does not count
	incidents      int    // that the core contract includes
	activation     string // a second before, and at
	activated      string
	plan           string // how plan labels of the signature contract begin
	address        string // of the portal of subscriptions
}

func vendors() map[string]vendor {
	return map[string]vendor{
		"the programme of 2015": {
			catalog: "microsoft-2015", level: "gold", desk: "oas", cloud: "azure",
			atDesk:   fields{"product": "windows-8.1", "problem_type": "updates", "category": "after-update"},
			atCloud:  fields{"product": "azure", "problem_type": "compute", "category": "virtual-machines", "subscription": "sub-1", "service": "vm"},
			severity: "B", response: "PT4H", defect: "product-defect", incidents: 20,
			activation: "2027-02-04T16:59:59Z", activated: "2027-02-04T17:00:00Z", plan: "27 SCS-", address: "portal.azure.com",
		},
		"a second vendor": {
			catalog: "nusantara-2026", level: "utama", desk: "bantuan", cloud: "konsol",
			atDesk:   fields{"product": "lontar-5", "usage": "developer", "problem_type": "kueri", "category": "lambat"},
			atCloud:  fields{"product": "lontar-layanan", "problem_type": "akses", "category": "masuk", "subscription": "sub-1", "service": "gugus"},
			severity: "tinggi", response: "PT6H", defect: "cacat-produk", incidents: 12,
			activation: "2027-01-24T16:59:59Z", activated: "2027-01-24T17:00:00Z", plan: "27 Mitra-", address: "konsol.nusantara.example",
		},
	}
}

// A partnerStory is what a vendor's partner goes through in a year.
type partnerStory struct {
	*server
	vendor
	partner         string
	core, signature pack
	agreement       string
}

// The story of a partner from end to end, by two vendors' catalogues.
func TestR28_TheStoryOfAPartner(t *testing.T) {
	for name, v := range vendors() {
		t.Run(name, func(t *testing.T) {
			s := &partnerStory{server: serve(t, t.TempDir(), "--catalog", v.catalog, "--test-clock", "2027-01-15T03:00:00Z"), vendor: v}
			var catalog struct{ Agreement struct{ Version string } }
			s.get("customer-ani", "/v1/catalog", &catalog)
			s.agreement = catalog.Agreement.Version
			s.renews()
			s.comesToLife()
			s.links()
			s.asksAndGetsItBack()
			s.isSentToTheRightPortal()
			s.ends()
			must(t, s.stop())
			if said := succeed(t, "verify", "--data", s.dir); !strings.Contains(said, "verify: ok") {
				t.Error(said)
			}
		})
	}
}

func (s *partnerStory) setTo(now string) {
	s.t.Helper()
	s.post("admin", "/v1/test-clock", fields{"now": now}, nil, http.StatusOK)
}

// refused sends a request that must be refused.
func (s *partnerStory) refused(as, path string, body any, status int, code string) (hint string) {
	s.t.Helper()
	var p struct{ Code, Hint string }
	s.post(as, path, body, &p, status)
	if p.Code != code {
		s.t.Errorf("POST %s is refused with %s, want %s", path, p.Code, code)
	}
	return p.Hint
}

func someone(name string) fields {
	return fields{"name": name, "email": strings.ToLower(name) + "@example.com", "language": "en"}
}

// renews registers the partner, which renews its membership in January.
func (s *partnerStory) renews() {
	var id struct{ ID string }
	s.post("operator", "/v1/partners", fields{
		"name": "Contoso", "level": s.level, "signature": true, "country": "ID", "time_zone": "Asia/Jakarta", "primary_contact": someone("Citra"),
	}, &id, http.StatusCreated)
	s.partner = id.ID
	s.post("operator", "/v1/partners/"+s.partner+"/locations", fields{
		"name": "Bandung", "country": "ID", "time_zone": "Asia/Jakarta", "primary_contact": someone("Budi"),
	}, nil, http.StatusCreated)
	var year struct{ Contracts []struct{ pack } }
	s.post("operator", "/v1/partners/"+s.partner+"/membership-renewals", fields{"renewed_on": "2027-01-15"}, &year, http.StatusCreated)
	s.core, s.signature = year.Contracts[0].pack, year.Contracts[1].pack
	s.tokens["partner"] = strings.TrimSpace(succeed(s.t, "token", "create", "--data", s.dir, "--subject", "dewi", "--role", "customer", "--partner", s.partner, "--expires", "never"))
	for _, row := range s.benefits("partner") {
		if row.Linked || row.Granted != nil || row.Status != "registered" || !strings.Contains(row.Label, "xxxxx") {
			s.t.Errorf("a blank row is %+v", row)
		}
	}
}

type benefit struct {
	Contract, Label, Status, Unit string
	Linked                        bool
	Granted, Remaining            *int
	Unlimited                     bool
}

func (s *partnerStory) benefits(as string) []benefit {
	s.t.Helper()
	var rows struct{ Items []benefit }
	s.get(as, "/v1/me/benefits", &rows)
	return rows.Items
}

func (s *partnerStory) status(id string) (status, expiresOn string) {
	s.t.Helper()
	var c struct {
		Status    string
		ExpiresOn string `json:"expires_on"`
	}
	s.get("operator", "/v1/contracts/"+id, &c)
	return c.Status, c.ExpiresOn
}

var idsOf = regexp.MustCompile(`Access ID: +(\d+)\s+Contract ID: +(\d+)`)

// comesToLife waits for the day after which both contracts come to life, and the
// IDs go to whoever is the headquarters' contact then.
func (s *partnerStory) comesToLife() {
	s.post("operator", "/v1/partners/"+s.partner+"/contacts", fields{"name": "Eka", "email": "eka@example.com", "country": "ID", "language": "en", "primary": true}, nil, http.StatusCreated)
	s.setTo(s.activation)
	for _, c := range []pack{s.core, s.signature} {
		if status, _ := s.status(c.ID); status != "registered" {
			s.t.Errorf("a second before it is %s", status)
		}
	}
	if n := len(s.letters()); n != 0 {
		s.t.Errorf("%d letters were sent too early", n)
	}
	s.setTo(s.activated)
	s.until("the IDs", func() bool { return len(s.letters()) == 2 })
	for _, c := range []*pack{&s.core, &s.signature} {
		if status, last := s.status(c.ID); status != "active" || last != "2028-01-14" {
			s.t.Errorf("it is %s until %s", status, last)
		}
	}
	for _, letter := range s.letters() {
		if !strings.Contains(letter, "eka@example.com") {
			s.t.Errorf("the IDs went to somebody else:\n%s", letter)
		}
		ids := idsOf.FindStringSubmatch(letter)
		if ids == nil {
			s.t.Fatalf("a letter without IDs:\n%s", letter)
		}
		for _, c := range []*pack{&s.core, &s.signature} {
			if c.AccessID == ids[1] {
				c.ContractID = ids[2]
			}
		}
	}
}

type payment struct {
	Contract, Label, Reason, Warning string
	ServiceName                      string `json:"service_name"`
	Usable, Unlimited                bool
	Remaining                        *int
}

// links lets somebody at the location link both: what each is good for.
func (s *partnerStory) links() {
	link := func(p pack, portal string) fields {
		return fields{"access_id": p.AccessID, "contract_id": p.ContractID, "portal": portal}
	}
	wrong := link(s.signature, s.desk)
	wrong["product"] = s.atDesk["product"]
	s.refused("customer-ani", "/v1/links", wrong, http.StatusUnprocessableEntity, "pair-not-valid")
	s.post("customer-ani", "/v1/links", link(s.core, s.desk), nil, http.StatusCreated)
	s.post("customer-ani", "/v1/links", link(s.signature, s.cloud), nil, http.StatusCreated)
	s.until("the news of links", func() bool { return len(s.letters()) == 4 })
	var options struct{ Items []payment }
	s.get("customer-ani", "/v1/payment-options?portal="+s.desk+"&product="+s.atDesk["product"].(string), &options)
	for _, o := range options.Items {
		switch {
		case o.Contract == s.core.ID && o.Usable && o.Remaining != nil && *o.Remaining == s.incidents && o.Label == s.core.AccessID+" - "+o.ServiceName:
		case o.Contract == s.signature.ID && !o.Usable && o.Reason == "product-not-covered" && o.Warning != "" && o.ServiceName == "" && o.Label == "":
		default:
			s.t.Errorf("an option is %+v", o)
		}
	}
	s.get("customer-ani", "/v1/payment-options?portal="+s.cloud+"&product="+s.atCloud["product"].(string), &options)
	label := s.plan + s.partner + "-ID (" + s.signature.AccessID[:5] + "xxxxx)"
	if i := slices.IndexFunc(options.Items, func(o payment) bool { return o.Usable }); i < 0 || options.Items[i].Label != label || !options.Items[i].Unlimited {
		s.t.Errorf("R12: the options are %+v, want the label %s", options.Items, label)
	}
}

// about is a request about something at a portal.
func (s *partnerStory) about(portal string, what fields, p pack) fields {
	body := fields{
		"portal": portal, "payment": fields{"contract": p.ID}, "contact": someone("Ani"), "severity": s.severity,
		"title": "It stopped", "description": "It stopped.", "agreement": fields{"version": s.agreement, "accepted": true},
	}
	for name, value := range what {
		body[name] = value
	}
	return body
}

// submitted is what the answer to a submission says.
type submitted struct {
	Number       string
	Severity     string
	ResponseTime string `json:"response_time"`
	DueAt        string `json:"response_due_at"`
	Remaining    *int
	Unlimited    bool
	Counted      bool
}

func (s *partnerStory) asksAndGetsItBack() {
	s.setTo("2027-03-01T03:00:00Z")
	before := len(s.letters())
	var in submitted
	s.post("customer-ani", "/v1/incidents", s.about(s.desk, s.atDesk, s.core), &in, http.StatusCreated)
	if in.Severity != s.severity || in.ResponseTime != s.response || in.DueAt == "" || in.Remaining == nil || *in.Remaining != s.incidents-1 {
		s.t.Errorf("R17: the answer is %+v", in)
	}
	s.until("the same by mail", func() bool { return len(s.letters()) == before+1 })
	told := false
	for _, letter := range s.letters() {
		told = told || strings.Contains(letter, in.Number) && strings.Contains(letter, fmt.Sprint(s.incidents-1)+" incidents") && strings.Contains(letter, "ani@example.com")
	}
	if !told {
		s.t.Error("R17: no letter tells of the incident")
	}
	var closed submitted
	s.post("engineer", "/v1/incidents/"+in.Number+"/close", fields{"closure": s.defect, "resolution": "A hotfix."}, &closed, http.StatusOK)
	if closed.Counted || *closed.Remaining != s.incidents {
		s.t.Errorf("R19: closed as a product defect it is %+v", closed)
	}
	s.until("the news of it", func() bool { return len(s.letters()) == before+2 })
}

func (s *partnerStory) isSentToTheRightPortal() {
	wrong := s.about(s.desk, s.atCloud, s.signature)
	if hint := s.refused("customer-ani", "/v1/incidents", wrong, http.StatusUnprocessableEntity, "wrong-portal"); !strings.Contains(hint, s.address) {
		s.t.Errorf("R13: the hint is %q, want the address %s", hint, s.address)
	}
	var in submitted
	s.post("customer-ani", "/v1/incidents", s.about(s.cloud, s.atCloud, s.signature), &in, http.StatusCreated)
	if in.Remaining != nil || !in.Unlimited {
		s.t.Errorf("at %s the answer is %+v", s.cloud, in)
	}
}

// ends looks at the last second, and at the one after it.
func (s *partnerStory) ends() {
	s.setTo("2028-01-14T16:59:59Z")
	if status, _ := s.status(s.core.ID); status != "active" {
		s.t.Errorf("R5: in its last second it is %s", status)
	}
	var in submitted
	s.post("customer-ani", "/v1/incidents", s.about(s.desk, s.atDesk, s.core), &in, http.StatusCreated)
	s.setTo("2028-01-14T17:00:00Z")
	if status, _ := s.status(s.core.ID); status != "expired" {
		s.t.Errorf("R5: after it, it is %s", status)
	}
	s.refused("customer-ani", "/v1/incidents", s.about(s.desk, s.atDesk, s.core), http.StatusConflict, "expired")
	s.post("engineer", "/v1/incidents/"+in.Number+"/close", fields{"closure": s.defect}, nil, http.StatusOK)
	history := s.history(s.core.ID)
	var last []string
	for _, e := range history {
		if !strings.HasPrefix(e.Type, "mail.") {
			last = append(last, strings.TrimSuffix(e.Type, ".v1"))
		}
	}
	if got, want := strings.Join(last[len(last)-3:], " "), "incident.closed incident.credited-back grant.lapsed"; got != want {
		s.t.Errorf("R19: the history ends with %s, want %s", got, want)
	}
	var balance struct {
		Balances map[string]struct{ Granted, Available, Consumed, Lapsed int }
	}
	s.get("auditor", "/v1/contracts/"+s.core.ID+"/balance", &balance)
	if b := balance.Balances["incident"]; b.Granted != s.incidents || b.Available != 0 || b.Consumed != 0 || b.Lapsed != s.incidents {
		s.t.Errorf("R22: the balance is %+v", b)
	}
	var year struct {
		Contracts []struct{ ID, Predecessor, Status string }
	}
	s.post("operator", "/v1/partners/"+s.partner+"/membership-renewals", fields{"renewed_on": "2028-01-15"}, &year, http.StatusCreated)
	if next := year.Contracts[0]; next.Predecessor != s.core.ID || next.Status != "registered" {
		s.t.Errorf("R28: the next year's contract is %+v", next)
	}
}
