package api

import "testing"

// Somebody who was forgotten stays so, whichever way and key the wish comes back with:
// that changes nothing, and is no error (R4).
func TestR4R47_ForgettingSomebodyAgainChangesNothing(t *testing.T) {
	r := newRig(t)
	c := r.linked()
	r.submit(r.ani(), c).is(201)
	account := r.get(r.ani(), "/v1/me").is(200).text("account")
	erase := func(who object) answer {
		who["reason"] = "asked"
		return r.post(r.admin(), "/v1/erasures", who)
	}
	erase(object{"account": r.get(r.budi(), "/v1/me").is(200).text("account")}).refuses(404, "person-not-found")
	first := erase(object{"account": account}).is(200)
	contact := erase(object{"contract": c["id"]}).is(200)
	head, err := r.store.Head(t.Context())
	must(t, err)
	for _, again := range []struct {
		who  object
		like answer
	}{{object{"account": account}, first}, {object{"contract": c["id"]}, contact}, {object{"email": "citra@example.com"}, contact}} {
		a := erase(again.who).is(200).equals("person", again.like.text("person"))
		if at, want := a.Header.Get("Ledger-Position"), again.like.Header.Get("Ledger-Position"); at != want {
			t.Errorf("%v: forgotten at %s, first at %s", again.who, at, want)
		}
	}
	if after, err := r.store.Head(t.Context()); err != nil || after != head {
		t.Errorf("forgetting again was recorded at %v, after %v (%v)", after, head, err)
	}
	r.submit(r.ani(), c).is(201) // she has come back, with new texts
	back := erase(object{"account": account}).is(200)
	if at := back.Header.Get("Ledger-Position"); at == first.Header.Get("Ledger-Position") {
		t.Errorf("what was kept since is not forgotten: the answer is that of position %s", at)
	}
}
