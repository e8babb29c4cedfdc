package api

import "testing"

func TestFirst(t *testing.T) {
	r := newRig(t)
	c := r.linked()
	a := r.submit(r.ani(), c).is(201)
	t.Logf("%s", a.body)
	t.Log(a.Header)
	t.Logf("%s", r.get(r.operator(), "/v1/contracts/"+c["id"].(string)).body)
	t.Logf("%s", r.get(r.auditor(), "/v1/contracts/"+c["id"].(string)+"/history").body)
	t.Logf("%s", r.get(r.ani(), "/nothing").body)
	t.Logf("%s", r.post(r.ani(), "/v1/incidents", `{"portal":1}`).body)
	t.Logf("%s", r.post(r.ani(), "/v1/incidents", `{"portal":"mpn"}`).body)
	t.Logf("%s", r.post(r.ani(), "/v1/links", `{"portal":"mpn"}`).body)
	t.Logf("%s", r.post(r.ani(), "/v1/links", `{"portal":"mpn","access_id":123456}`, "Accept-Language", "id").body)
	t.Logf("%s", r.do(r.ani(), "PUT", "/v1/links", nil).body)
	t.Logf("%s", r.get(r.ani(), "/v1/catalog").body[:500])
}
