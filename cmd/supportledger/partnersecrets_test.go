package main

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

const (
	secretContact = "Citra Lestariningsih"
	secretAddress = "citra.lestariningsih@example.com"
)

// A partnerLife is what happens at a partner, with secrets in every text.
type partnerLife struct {
	partner, advice, question string
	core                      pack
	in                        incident
	account                   string
}

func (s *search) partnerLife(from *server) (l partnerLife) {
	s.t.Helper()
	contact := fields{"name": secretContact, "email": secretAddress, "language": "en"}
	const zone = "America/New_York"
	var id struct{ ID string }
	from.post("operator", "/v1/partners", fields{
		"name": "Contoso", "level": "maps", "country": "US", "time_zone": zone, "primary_contact": contact,
	}, &id, http.StatusCreated)
	l.partner = id.ID
	from.post("operator", "/v1/partners/"+l.partner+"/locations", fields{"name": "Branch", "country": "US", "time_zone": zone, "primary_contact": contact}, nil, http.StatusCreated)
	from.post("operator", "/v1/partners/"+l.partner+"/contacts", fields{"name": secretContact, "email": "x." + secretAddress, "country": "US", "language": "en"}, nil, http.StatusCreated)
	from.tokens["partner"] = strings.TrimSpace(succeed(s.t, "token", "create", "--data", from.dir, "--subject", "dewi", "--role", "customer", "--sign-in", "mpn", "--partner", l.partner, "--expires", "never"))
	var year struct{ Contracts []pack }
	from.post("operator", "/v1/partners/"+l.partner+"/membership-renewals", fields{"renewed_on": from.today(zone)}, &year, http.StatusCreated)
	l.core = year.Contracts[0]
	var question, advice struct{ Number string }
	from.post("partner", "/v1/program-cases", fields{"kind": "request-activation", "contract": l.core.ID, "text": secretText}, &question, http.StatusCreated)
	from.post("operator", "/v1/contracts/"+l.core.ID+"/activate", fields{"reason": "asked"}, nil, http.StatusOK)
	from.post("operator", "/v1/contracts/"+l.core.ID+"/grants", fields{"unit": "minute", "quantity": 90, "reason": "goodwill"}, nil, http.StatusOK)
	from.post("operator", "/v1/program-cases/"+question.Number+"/close", fields{"outcome": "activated", "text": secretText}, nil, http.StatusOK)
	from.post("operator", "/v1/contracts/"+l.core.ID+"/resend-ids", fields{}, nil, http.StatusOK)
	from.until("the IDs, twice", func() bool { return len(from.letters()) == 2 })
	for _, letter := range from.letters() {
		told := idsOf.FindStringSubmatch(letter)
		l.core.AccessID, l.core.ContractID = told[1], told[2]
	}
	person := fields{"name": secretName, "email": secretMail}
	from.post("partner", "/v1/advisory-requests", fields{"contract": l.core.ID, "title": "Which edition", "description": secretText, "contact": person}, &advice, http.StatusCreated)
	number := "/v1/advisory-requests/" + advice.Number
	from.post("engineer", number+"/time", fields{"entry": "e1", "minutes": 60, "text": secretText}, nil, http.StatusOK)
	from.post("engineer", number+"/credits", fields{"entry": "e1", "minutes": 10, "reason": "too much"}, nil, http.StatusOK)
	from.post("engineer", number+"/close", fields{"text": secretText}, nil, http.StatusOK)
	l.advice, l.question = advice.Number, question.Number
	var me struct{ Account string }
	from.get("partner", "/v1/me", &me)
	l.account = me.Account
	from.post("service", "/v1/purchases", fields{"reference": "ORDER-1", "account": l.account, "family": "on-premises", "quantity": 2}, nil, http.StatusCreated)
	body := request(l.core.ID, "It stopped")
	body["payment"], body["contact"], body["description"] = fields{"purchase": fields{"reference": "ORDER-1"}}, person, secretText
	from.post("partner", "/v1/incidents", body, &l.in, http.StatusCreated)
	return l
}

// today is the day by the ledger's clock, in a zone.
func (s *server) today(zone string) string {
	s.t.Helper()
	var list struct {
		AsOf struct{ Time time.Time } `json:"as_of"`
	}
	s.get("operator", "/v1/contracts", &list)
	where, err := time.LoadLocation(zone)
	must(s.t, err)
	return list.AsOf.Time.In(where).Format(time.DateOnly)
}

// lookAtPartner asks for everything that can be read of a partner.
func (s *search) lookAtPartner(from *server, l partnerLife) {
	s.t.Helper()
	s.look(from, l.core, l.in)
	for _, as := range []string{"operator", "auditor", "engineer", "partner", "customer-budi", "service"} {
		for _, path := range []string{
			"/v1/partners/" + l.partner, "/v1/program-cases", "/v1/program-cases/" + l.question, "/v1/advisory-requests/" + l.advice,
			"/v1/contracts?partner=" + l.partner, "/v1/me/benefits", "/v1/me/activity", "/v1/incidents/" + l.in.Number, "/v1/exports", "/v1/exports?format=jsonl",
			"/v1/contracts/" + l.core.ID + "/statement",
		} {
			s.keep(from, as, http.MethodGet, path, nil)
		}
	}
}

// R3, R47: the same search over a partner, its cases, its advice and what was
// bought: no Contract ID but in the letters that deliver it; after its people were
// forgotten, nothing of what they have said.
func TestR3_R47_SearchOfThePartnersSide(t *testing.T) {
	dir := t.TempDir()
	from := serve(t, dir, "--log-level", "debug", "--log", "json", "--nats-listen", "127.0.0.1:0")
	s := &search{t: t, said: make(map[string]string)}
	l := s.partnerLife(from)
	from.until("the letters", func() bool { return len(from.letters()) == 6 && from.metric("supportledger_mails_waiting") == "0" })
	s.lookAtPartner(from, l)
	if page := s.said["GET /v1/partners/"+l.partner+" as operator"]; !strings.Contains(page, secretAddress) {
		t.Errorf("before the erasure the partner is %s", page)
	}
	must(t, from.stop())
	s.said["log"] = from.log.String()
	if deliveries, letters := s.keepFiles(dir); deliveries != 3 || letters != 3 {
		t.Errorf("%d letters deliver IDs, %d others were searched", deliveries, letters)
	}
	s.texts = []string{l.core.ContractID}
	s.mustFindNone("R3")

	from2 := serve(t, dir, "--log-level", "debug", "--nats-listen", "127.0.0.1:0")
	from2.tokens["partner"] = from.tokens["partner"]
	for _, whom := range []fields{{"account": l.account}, {"email": secretAddress}, {"email": "x." + secretAddress}, {"email": secretMail}} {
		whom["reason"] = "asked"
		from2.post("admin", "/v1/erasures", whom, nil, http.StatusOK)
	}
	from2.until("the letters to go", func() bool { return len(from2.letters()) == 0 })
	s.said = map[string]string{}
	s.lookAtPartner(from2, l)
	must(t, from2.stop())
	s.said["second log"] = from2.log.String()
	s.keepFiles(dir)
	s.texts = append(s.texts, secretText, secretName, secretMail, secretContact, secretAddress)
	s.mustFindNone("R47")
	if said := succeed(t, "verify", "--data", dir); !strings.Contains(said, "verify: ok") {
		t.Error(said)
	}
}
