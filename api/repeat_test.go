package api

import (
	"net/http"
	"testing"
)

// A repeat is answered with the bytes of the first answer, whether the account
// has unlinked the contract since, or linked it again (R36).
func TestR36_ARepeatIsTheFirstAnswerWhateverBecameOfTheLink(t *testing.T) {
	r := newRig(t)
	c := r.linked()
	number := r.submit(r.ani(), c).is(201).text("number")
	link := "/v1/links/" + c["id"].(string)
	r.link(r.budi(), c).is(201)
	r.do(r.budi(), http.MethodDelete, link, nil).is(204)
	at := "/v1/incidents/" + number
	asked := []struct {
		call string
		body object
	}{
		{"/comments", object{"text": "Still down."}},
		{"/severity", object{"severity": "C", "reason": "a way around"}},
		{"/reopen", object{"reason": "it came back"}},
		{"/comments", object{"text": "Down again."}},
	}
	first := make([]answer, len(asked))
	ask := func(i int) answer {
		return r.post(r.ani(), at+asked[i].call, asked[i].body, "Idempotency-Key", "key-of-"+string('a'+rune(i))).is(200)
	}
	same := func(when string, upTo int) {
		t.Helper()
		for i := range upTo {
			a := ask(i)
			if string(a.body) != string(first[i].body) || a.Header.Get("Idempotency-Replayed") != "true" || a.Header.Get("Ledger-Position") != first[i].Header.Get("Ledger-Position") {
				t.Errorf("%s %s is answered\n%s, and first was\n%s", when, asked[i].call, a.body, first[i].body)
			}
		}
	}
	first[0], first[1] = ask(0).equals("remaining", 14), ask(1).equals("remaining", 14)
	r.post(r.engineer(), at+"/close", object{"closure": "duplicate"}).is(200)
	first[2] = ask(2).equals("remaining", 14)
	same("while linked,", 3)
	r.do(r.ani(), http.MethodDelete, link, nil).is(204)
	same("after unlinking,", 3)
	first[3] = ask(3).equals("remaining", nil)
	same("while not linked,", 4)
	r.link(r.budi(), c).is(201)
	r.link(r.ani(), c).is(201)
	same("after linking again,", 4)
}
