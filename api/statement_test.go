package api

import (
	"encoding/csv"
	"strings"
	"testing"
)

func TestAStatementComesInThreeForms(t *testing.T) {
	r := newRig(t)
	c := r.linked()
	number := r.submit(r.ani(), c).is(201).text("number")
	path := "/v1/contracts/" + c["id"].(string) + "/statement?from=2026-03-01&to=2026-03-31"
	for _, as := range []string{r.operator(), r.auditor()} {
		s := r.get(as, path).is(200).json()
		movements := s["movements"].([]any)
		last := movements[len(movements)-1].(map[string]any)
		closing := s["closing"].(map[string]any)["incident"].(map[string]any)
		if last["number"] != number || last["change"] != -1.0 || closing["available"] != 14.0 || s["status"] != "active" {
			t.Errorf("the statement is %v", s)
		}
	}
	a := r.get(r.operator(), path+"&format=csv").is(200)
	rows, err := csv.NewReader(strings.NewReader(string(a.body))).ReadAll()
	must(t, err)
	if len(rows) < 4 || !strings.HasPrefix(a.Header.Get("Content-Type"), "text/csv") || !strings.Contains(a.Header.Get("Content-Disposition"), "attachment") {
		t.Errorf("as CSV %v: %s", a.Header, a.body)
	}
	text := r.get(r.operator(), path+"&format=text").is(200)
	if !strings.Contains(string(text.body), number) {
		t.Errorf("as text: %s", text.body)
	}
	for _, body := range [][]byte{a.body, text.body, r.get(r.operator(), path).body} {
		if strings.Contains(string(body), c["contract_id"].(string)) {
			t.Error("R3: a statement shows the Contract ID")
		}
	}
	r.get(r.operator(), path+"&format=pdf").refuses(400, "malformed-parameter")
	r.get(r.operator(), "/v1/contracts/"+c["id"].(string)+"/statement?from=2026-04-01&to=2026-03-01").refuses(422, "invalid-field")
	r.get(r.operator(), "/v1/contracts/"+c["id"].(string)+"/statement?from=1.3.2026").refuses(422, "invalid-field")
	r.get(r.operator(), "/v1/contracts/11111111-1111-4111-8111-111111111111/statement").refuses(404, "contract-not-found")
}
