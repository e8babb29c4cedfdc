package api

import "testing"

// A customer may lower the severity, an engineer change it both ways: raising it is not
// a matter of the incident's state but of who asks (R23).
func TestR23_RaisingTheSeverityIsAnEngineersRight(t *testing.T) {
	r := newRig(t)
	c := r.linked()
	number := r.submit(r.ani(), c).is(201).equals("severity", "B").text("number")
	at := "/v1/incidents/" + number + "/severity"
	p := r.post(r.ani(), at, object{"severity": "A", "reason": "worse"}).refuses(403, "severity-not-raised").problem()
	if p.Title != "Only an engineer raises the severity" || p.Hint != "ask for it in a comment; an engineer can raise it" {
		t.Errorf("the customer is told %+v", p)
	}
	r.post(r.ani(), at, object{"severity": "C", "reason": "a way around"}).is(200).equals("severity", "C")
	r.post(r.ani(), at, object{"severity": "B", "reason": "it came back"}).refuses(403, "severity-not-raised")
	r.post(r.engineer(), at, object{"severity": "A", "reason": "everybody is down"}).is(200).equals("severity", "A")
	r.post(r.engineer(), "/v1/incidents/"+number+"/close", object{"closure": "resolved"}).is(200)
	r.post(r.ani(), at, object{"severity": "A", "reason": "still"}).refuses(409, "incident-closed")
}
