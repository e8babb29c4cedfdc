package api

import (
	"strings"
	"testing"
)

// Time for which there is not enough is refused in words about minutes, with how many are
// left (R32).
func TestR32_TooFewMinutesAreToldAsMinutes(t *testing.T) {
	r := newRig(t)
	c := r.linked()
	r.post(r.operator(), "/v1/contracts/"+c["id"].(string)+"/adjustments", object{"grant": "g2", "quantity": -1150, "reason": "used"}).is(200)
	contact := object{"name": "Ani", "email": "ani@example.com"}
	number := r.post(r.ani(), "/v1/advisory-requests", object{
		"contract": c["id"], "title": "Which one", "description": "Which one fits?", "contact": contact,
	}).is(201).text("number")
	at, wish := "/v1/advisory-requests/"+number+"/time", object{"entry": "e1", "minutes": 51, "text": "talked"}
	p := r.post(r.engineer(), at, wish).refuses(409, "none-available").problem()
	if p.Title != "Not so many minutes are left" || p.Detail != "50 minutes are left on the contract, which is less than 51" ||
		p.Errors[0].Name != "minutes" || !strings.Contains(p.Errors[0].Reason, "50") || strings.Contains(p.Hint, "buy") {
		t.Errorf("the engineer is told %+v", p)
	}
	id := r.post(r.engineer(), at, wish, "Accept-Language", "id").refuses(409, "none-available").problem()
	if !strings.HasPrefix(id.Title, "Menit") || !strings.HasPrefix(id.Detail, "50 ") || strings.Contains(id.Hint, "insiden") {
		t.Errorf("in Indonesian: %+v", id)
	}
	wish["minutes"] = 50
	r.post(r.engineer(), at, wish).is(200).equals("remaining", 0)
}
