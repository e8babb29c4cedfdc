package api

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/supportledger/supportledger/api/events"
	"github.com/supportledger/supportledger/api/token"
)

// A message is one of an event stream: an event, or, without a name, what only
// moves the id on.
type message struct{ id, event, data string }

// messages reads an event stream as a browser does; what was cut off at its end
// is no message. A line that a browser would not know fails the test.
func messages(t testing.TB, stream []byte) (all []message) {
	t.Helper()
	blocks := strings.SplitAfter(string(stream), "\n\n")
	for _, block := range blocks[:len(blocks)-1] {
		var m message
		for line := range strings.Lines(strings.TrimSuffix(block, "\n")) {
			name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
			switch name {
			case "id":
				m.id = value
			case "event":
				m.event = value
			case "data":
				m.data += value
			case "", "retry":
			default:
				t.Errorf("the stream has a line %q", line)
			}
		}
		all = append(all, m)
	}
	return all
}

// events are the events of an answer, by what they were called and their
// positions.
func (a answer) events() (all []events.Event) {
	a.t.Helper()
	a.is(200)
	if kind := a.Header.Get("Content-Type"); kind != eventStream {
		a.t.Fatalf("the stream has the Content-Type %q", kind)
	}
	for _, m := range messages(a.t, a.body) {
		if m.event == "" {
			continue
		}
		var e events.Event
		must(a.t, json.Unmarshal([]byte(m.data), &e))
		if e.Type != m.event || fmt.Sprint(e.Position) != m.id {
			a.t.Errorf("the message %+v carries %+v", m, e)
		}
		all = append(all, e)
	}
	return all
}

// names are the types of events without their version.
func names(all []events.Event) string {
	var types []string
	for _, e := range all {
		types = append(types, strings.TrimSuffix(e.Type, ".v1"))
	}
	return strings.Join(types, " ")
}

func (r *rig) service() string { return r.token("service", "service") }

// personal is a subscriber that may read personal texts.
func (r *rig) personal() string {
	r.t.Helper()
	raw, err := r.issuer.Issue(token.Claims{Subject: "crm", Roles: []string{"service"}, Scopes: []string{token.Personal}}, time.Now())
	must(r.t, err)
	return raw
}

func TestR38_TheStreamTellsEverythingThatIsPublished(t *testing.T) {
	r := newRig(t)
	c := r.linked()
	number := r.submit(r.ani(), c).is(201).text("number")
	r.link(r.budi(), object{"access_id": "0123456789", "contract_id": "0123456789"}).is(422)
	all := r.get(r.service(), "/v1/events?after=0").events()
	if got := names(all); got != "contract.registered contract.activated grant.added account.linked incident.submitted incident.deducted link.refused" &&
		got != "contract.registered contract.activated grant.added grant.added account.linked incident.submitted incident.deducted link.refused" {
		t.Fatalf("got %s", got)
	}
	for i, e := range all {
		if ofContract := e.Contract != nil; ofContract != (e.Type != "link.refused.v1") || ofContract && (e.Contract.String() != c["id"] || e.Stream != *e.Contract || e.Revision != int64(i)) {
			t.Errorf("%+v", e)
		}
		if e.By.Account == nil || e.By.Role == "" || e.RecordedAt.IsZero() {
			t.Errorf("%s does not say who: %+v", e.Type, e.By)
		}
	}
	if data := string(all[len(all)-3].Data); !strings.Contains(data, `"number":"`+number+`"`) || strings.Contains(data, "texts") {
		t.Errorf("the submission is %s", data)
	}
	unpaid := r.request(nil)
	delete(unpaid, "payment")
	online := r.product("online")
	unpaid["portal"], unpaid["product"] = "office", online.ID
	unpaid["problem_type"], unpaid["category"] = online.ProblemTypes[0].ID, online.ProblemTypes[0].Categories[0].ID
	r.post(r.ani(), "/v1/incidents", unpaid).is(201)
	last := r.get(r.service(), "/v1/events?types=incident.submitted&after="+fmt.Sprint(all[len(all)-1].Position)).events()
	if len(last) != 1 || last[0].Contract != nil || last[0].Revision != 0 {
		t.Errorf("an incident that no contract pays for: %+v", last)
	}
}

func TestAStreamBeginsWhereItIsAskedTo(t *testing.T) {
	r := newRig(t)
	r.linked()
	all := r.get(r.service(), "/v1/events?after=0").events()
	third, rest := fmt.Sprint(all[2].Position), names(all[3:])
	for path, headers := range map[string][]string{
		"/v1/events?after=" + third: nil,
		"/v1/events":                {"Last-Event-ID", third},
		"/v1/events?after=0":        {"Last-Event-ID", third}, // a browser connects again with the address it has
	} {
		if got := names(r.get(r.service(), path, headers...).events()); got != rest {
			t.Errorf("%s %v: got %s, want %s", path, headers, got, rest)
		}
	}
	if got := r.get(r.service(), "/v1/events", "Last-Event-ID", "0").events(); len(got) != len(all) {
		t.Errorf("from the beginning: %d events of %d", len(got), len(all))
	}
	now := r.get(r.service(), "/v1/events")
	if got := now.events(); len(got) > 0 {
		t.Errorf("from now on: %s", names(got))
	}
	head, err := r.store.Head(t.Context())
	must(t, err)
	if first := messages(t, now.body)[0]; first.id != head.String() {
		t.Errorf("the first message is %+v, want the id %d", first, head)
	}
	beyond := fmt.Sprint(head + 1)
	r.get(r.service(), "/v1/events?after="+beyond).refuses(409, "beyond-head")
	r.get(r.service(), "/v1/events", "Last-Event-ID", beyond).refuses(409, "beyond-head")
	for _, malformed := range []string{"x", "-1", "007", "1.5", "99999999999999999999", " "} {
		p := r.get(r.service(), "/v1/events", "Last-Event-ID", malformed).refuses(400, "unknown-position").problem()
		if len(p.Errors) != 1 || p.Errors[0].Name != "Last-Event-ID" {
			t.Errorf("%q: %+v", malformed, p.Errors)
		}
	}
	r.get(r.service(), "/v1/events?after=x").refuses(400, "unknown-position")
}

func TestAStreamIsFiltered(t *testing.T) {
	r := newRig(t)
	c, other := r.linked(), r.contract()
	r.submit(r.ani(), c).is(201)
	for query, want := range map[string]string{
		"types=incident":                                           "incident.submitted incident.deducted",
		"types=incident.deducted":                                  "incident.deducted",
		"types=incident.submitted.v1":                              "incident.submitted",
		"types=account,%20incident.submitted":                      "account.linked incident.submitted",
		"types=purchase":                                           "",
		"types=account&contract=" + other["id"].(string):           "",
		"types=contract&contract=" + other["id"].(string):          "contract.registered contract.activated",
		"contract=" + c["id"].(string) + "&types=incident,account": "account.linked incident.submitted incident.deducted",
	} {
		if got := names(r.get(r.service(), "/v1/events?after=0&"+query).events()); got != want {
			t.Errorf("%s: got %s, want %s", query, got, want)
		}
	}
	for _, unknown := range []string{"incidents", "incident.submitted.v2", "mail", "person.erased.v1", "numbers", "incident,", "inc", "*"} {
		p := r.get(r.service(), "/v1/events?types="+unknown).refuses(400, "malformed-parameter").problem()
		name := strings.TrimPrefix(unknown, "incident,")
		if p.Errors[0].Name != "types" || !strings.Contains(p.Detail, fmt.Sprintf("%q", name)) || !strings.Contains(p.Hint, "program-case") {
			t.Errorf("%s: %+v", unknown, p)
		}
	}
	r.get(r.service(), "/v1/events?contract=00000000-0000-4000-8000-000000000000").refuses(404, "contract-not-found")
	r.get(r.service(), "/v1/events?contract=x").refuses(404, "contract-not-found")
}

func TestR47_TheStreamCarriesPersonalTextsToThoseWhoMayReadThem(t *testing.T) {
	r := newRig(t)
	r.submit(r.ani(), r.linked()).is(201)
	show := func(as string) string {
		t.Helper()
		return string(r.get(as, "/v1/events?after=0").is(200).body)
	}
	for _, as := range []string{r.service(), r.auditor()} {
		if got := show(as); strings.Contains(got, "ani@example.com") || strings.Contains(got, "tunnel") || strings.Contains(got, "Citra") {
			t.Errorf("personal texts for somebody without the scope: %s", got)
		}
	}
	if got := show(r.personal()); !strings.Contains(got, "ani@example.com") || !strings.Contains(got, "tunnel") || !strings.Contains(got, "Citra") {
		t.Errorf("no personal texts in spite of the scope: %s", got)
	}
	account := r.get(r.ani(), "/v1/me").is(200).text("account")
	r.post(r.admin(), "/v1/erasures", object{"account": account, "reason": "asked"}).is(200)
	got := show(r.personal())
	if strings.Contains(got, "ani@example.com") || !strings.Contains(got, `"texts":"erased"`) || !strings.Contains(got, "Citra") {
		t.Errorf("after forgetting: %s", got)
	}
}

func TestR3_TheStreamNeverCarriesAContractID(t *testing.T) {
	r := newRig(t)
	c := r.linked()
	r.post(r.operator(), "/v1/contracts/"+c["id"].(string)+"/renew", object{"reason": "again"}).is(200)
	for _, as := range []string{r.service(), r.personal(), r.auditor()} {
		got := string(r.get(as, "/v1/events?after=0").is(200).body)
		if strings.Contains(got, c["contract_id"].(string)) || strings.Contains(got, `"contract_id"`) {
			t.Errorf("a Contract ID, or its ciphertext: %s", got)
		}
	}
}

func TestHeadOfAStreamIsItsHeadersAlone(t *testing.T) {
	r := newRig(t)
	a := r.do(r.service(), "HEAD", "/v1/events", nil).is(200)
	if len(a.body) > 0 || a.Header.Get("Content-Type") != eventStream {
		t.Errorf("%v %s", a.Header, a.body)
	}
}

// A server keeps so many streams open and no more: whoever comes then is told when to
// come again, and gets in once another has left.
func TestR43_ThereIsRoomForSoManyStreams(t *testing.T) {
	r := newRig(t, func(c *Config) { c.MaxStreams = 2 })
	address, _ := r.serve()
	r.linked()
	first, second := r.subscribe(address, r.service(), ""), r.subscribe(address, r.service(), "")
	defer func() { _ = second.conn.Close() }()
	a := r.get(r.service(), "/v1/events?after=0").refuses(503, "too-many-streams")
	if wait := a.Header.Get("Retry-After"); wait != "10" {
		t.Errorf("Retry-After is %q", wait)
	}
	r.do(r.service(), "HEAD", "/v1/events", nil).is(200) // which opens none
	if open, most := r.gauged(r.metrics.subscribers), r.gauged(r.metrics.seats); open != 2 || most != 2 {
		t.Errorf("%d streams are counted as open, of %d", open, most)
	}
	_ = first.conn.Close()
	r.untilEnded("left", 1)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for r.get(r.service(), "/v1/events?after=0").StatusCode != 200 && t.Context().Err() == nil { // its place is free a moment later
		<-tick.C
	}
}
