package api

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// both sends the same request through the fast path and through huma, under one
// key, so that the second of two that succeed repeats the first.
func (r *rig) both(as, body string) (fast, slow answer) {
	key := fmt.Sprint("both-", r.keys.Add(1))
	fast = r.post(as, "/v1/incidents", body, "Idempotency-Key", key)
	before := r.handler
	defer func() { r.handler = before }()
	r.handler = r.throughHuma()
	return fast, r.post(as, "/v1/incidents", body, "Idempotency-Key", key)
}

func (r *rig) throughHuma() http.Handler {
	other := *r.API
	other.hot = other.slow
	return other.Handler()
}

// alike fails unless two answers give the same verdict: the same bytes where the
// request succeeded, else the same status, code and members at fault.
func alike(t *testing.T, body string, fast, slow answer) {
	t.Helper()
	if fast.StatusCode == http.StatusCreated && slow.StatusCode == http.StatusCreated {
		if string(fast.body) != string(slow.body) {
			t.Errorf("%s\nfast: %s\nhuma: %s", body, fast.body, slow.body)
		}
		return
	}
	if fast.StatusCode != slow.StatusCode || fast.problem().Code != slow.problem().Code ||
		!slices.Equal(membersOf(fast), membersOf(slow)) {
		t.Errorf("%s\nfast: %d %s\nhuma: %d %s", body, fast.StatusCode, fast.body, slow.StatusCode, slow.body)
	}
}

// membersOf are the members of the body that a problem names, without what lies
// in them: huma says once that an object is missing, the fast path what of it is.
func membersOf(a answer) []string {
	names := map[string]bool{}
	for _, field := range a.problem().Errors {
		top, _, _ := strings.Cut(field.Name, ".")
		top, _, _ = strings.Cut(top, "[")
		names[top] = true
	}
	return slices.Sorted(maps.Keys(names))
}

// rich is a contract that ani has linked and that does not run out.
func (r *rig) rich() object {
	c := r.linked()
	r.post(r.operator(), "/v1/contracts/"+c["id"].(string)+"/grants", object{"unit": "incident", "quantity": 1_000_000, "reason": "test"}).is(200)
	return c
}

// oddities are values that a member may be given.
var oddities = []string{
	`null`, `""`, `" "`, `"x"`, `0`, `1.5`, `-1`, `1e400`, `true`, `[]`, `{}`, `[null]`, `"\u0000"`, `"a\nb"`, `"\ud800"`, `"é"`, `"\u2028"`,
	`"` + strings.Repeat("x", 100) + `"`, `"` + strings.Repeat("x", 101) + `"`, `"` + strings.Repeat("x", 201) + `"`,
	`"` + strings.Repeat("é", 200) + `"`, `"` + strings.Repeat("é", 201) + `"`, `"` + strings.Repeat("x", 65536) + `"`,
	`"` + strings.Repeat("é", 65536) + `"`, `"` + strings.Repeat("x", 65537) + `"`, `"a@b"`, `"a@@b"`, `"@b"`, `"a@"`, `"a b@c"`, `"<a@b>"`,
	`"en"`, `"en-GB"`, `"e"`, `"en-"`, `"12"`, `"x-y-z-1"`, `"0230242323"`, `"02302 42-323"`, `"12"`, `{"x":1}`,
	`"00000000-0000-0000-0000-000000000000"`, `"11111111-1111-4111-8111-111111111111"`, `[{"sha256":"x","name":"y"}]`, `[{}]`,
	`{"contract":"x"}`, `{"access_id":"0230242323"}`, `{"access_id":"0230242323","contract_id":"0098765432"}`, `{"access_id":230242323}`,
	`{"purchase":{"reference":"1"}}`, `{"purchase":{}}`, `{"purchase":null}`, `{"customer":"contoso"}`, `{"customer":""}`, `{"accepted":true}`,
	`{"version":"2015-07","accepted":true}`, `{"version":"2015-07","accepted":"yes"}`, `{"name":"A","email":"a@b","phone":null,"language":null}`,
	`"office"`, `"azure"`, `"oas"`, `"windows-server-2012-r2"`, `"azure"`, `"A"`, `"developer"`,
}

// The hot route goes past huma's validation. Whatever a client sends, both ways
// of serving it come to the same verdict.
func TestTheHotRouteJudgesLikeHuma(t *testing.T) {
	r := newRig(t)
	ani, whole := r.ani(), r.request(object{"contract": r.rich()["id"]})
	whole["usage"], whole["subscription"], whole["service"], whole["on_behalf_of"], whole["attachments"] = nil, nil, nil, nil, nil
	for _, member := range slices.Sorted(maps.Keys(whole)) {
		for _, value := range append(oddities, "absent") {
			body := with(t, whole, member, value)
			fast, slow := r.both(ani, body)
			alike(t, short(body), fast, slow)
		}
	}
	for _, body := range []string{
		``, ` `, `null`, `[]`, `"x"`, `7`, `{`, `{}`, `{}{}`, `{"portal":"mpn"`, `{"portal":"mpn","portal":"mpn"}`, `{"Portal":"mpn"}`,
		`{"portal":"mpn","unknown":1}`, `{"payment":{"Contract":"x"}}`, "{\"portal\":\"\xff\"}", "\ufeff{}", strings.Repeat("[", 20000),
	} {
		fast, slow := r.both(ani, body)
		alike(t, short(body), fast, slow)
	}
}

func short(body string) string { return body[:min(len(body), 400)] }

// with is a body with another value for one member.
func with(t *testing.T, whole object, member, value string) string {
	t.Helper()
	body := map[string]json.RawMessage{}
	for k, v := range whole {
		if v == nil && k != member {
			continue
		}
		text, err := json.Marshal(v)
		must(t, err)
		body[k] = text
	}
	body[member] = json.RawMessage(value)
	if value == "absent" {
		delete(body, member)
	}
	var b strings.Builder
	for _, k := range slices.Sorted(maps.Keys(body)) {
		fmt.Fprintf(&b, ",%q:%s", k, body[k])
	}
	return "{" + b.String()[1:] + "}"
}

func TestTheHotRouteJudgesLikeHumaAtRandom(t *testing.T) {
	r := newRig(t)
	ani, whole := r.ani(), r.request(object{"contract": r.rich()["id"]})
	random := rand.New(rand.NewPCG(1, 2))
	members := slices.Sorted(maps.Keys(whole))
	for range 500 {
		body := maps.Clone(whole)
		for range 1 + random.IntN(3) {
			member := members[random.IntN(len(members))]
			body[member] = json.RawMessage(valid(oddities[random.IntN(len(oddities))]))
		}
		text, err := json.Marshal(body)
		must(t, err)
		fast, slow := r.both(ani, string(text))
		alike(t, short(string(text)), fast, slow)
	}
}

// valid replaces what encoding/json would not write.
func valid(value string) string {
	if value == `1e400` || value == `"\ud800"` {
		return `"x"`
	}
	return value
}
