//go:build linux

package faults_test

import (
	"fmt"
	"net/http"
	"slices"
	"testing"
)

// A story is asked of a ledger step by step, each under a key of its own, until
// a step gets no answer; asked again, it must be answered as before.
type story struct {
	acked map[string]reply // key → the first good answer
	contract
	numbers map[string]string // title → number
}

func newStory() *story {
	return &story{acked: map[string]reply{}, numbers: map[string]string{}}
}

// titles are what the story asks incidents for.
var titles = []string{"first", "second", "third", "fourth", "fifth"}

// tell asks for every step, and returns the first that was not acknowledged and
// its answer; "" where all were.
func (s *story) tell(p *program) (key string, got reply) {
	if key, got := s.prepare(p); key != "" {
		return key, got
	}
	for _, title := range titles {
		if key, got := s.submit(p, title); key != "" {
			return key, got
		}
		if title == "second" {
			if key, got := s.ask(p, "engineer", "/v1/incidents/"+s.numbers["first"]+"/close", "close",
				fields{"closure": "product-defect", "resolution": "See the update."}); !got.good() {
				return key, got
			}
		}
	}
	return "", reply{}
}

// prepare registers, activates and links a contract.
func (s *story) prepare(p *program) (key string, got reply) {
	if key, got := s.ask(p, "operator", "/v1/contracts", "register", registration("Citra")); !got.good() {
		return key, got
	} else {
		got.read(p.t, &s.contract)
	}
	if key, got := s.ask(p, "operator", "/v1/contracts/"+s.ID+"/activate", "activate", fields{"reason": "paid"}); !got.good() {
		return key, got
	}
	if key, got := s.ask(p, "customer-ani", "/v1/links", "link", link(s.contract)); !got.good() {
		return key, got
	}
	return "", reply{}
}

func (s *story) submit(p *program, title string) (key string, got reply) {
	key, got = s.ask(p, "customer-ani", "/v1/incidents", "submit "+title, submission(s.ID, title))
	if !got.good() {
		return key, got
	}
	var in incident
	got.read(p.t, &in)
	s.numbers[title] = in.Number
	return "", got
}

// ask asks once; what was acknowledged before must be answered with the same
// bytes (R6).
func (s *story) ask(p *program, as, path, key string, body any) (string, reply) {
	p.t.Helper()
	got := p.post(as, path, key, body)
	if got.err == nil && got.status >= 400 && got.status != http.StatusServiceUnavailable {
		p.t.Fatalf("%s: %d: %s", key, got.status, got.body)
	}
	before, known := s.acked[key]
	if got.good() && !known {
		s.acked[key] = got
	}
	if got.good() && known && (got.status != before.status || got.body != before.body) {
		p.t.Errorf("%s was answered %d %s, and the second time %d %s", key, before.status, before.body, got.status, got.body)
	}
	return key, got
}

// mustHold starts a ledger in a folder where others were killed, and holds it to
// what they acknowledged; then it tells the story to its end.
func (s *story) mustHold(t testing.TB, dir string) {
	t.Helper()
	p := launch(t, dir)
	if s.ID != "" {
		s.check(p, s.numbers)
	}
	if key, got := s.tell(p); key != "" {
		t.Fatalf("%s after the restart: %d %s %v\n%s", key, got.status, got.body, got.err, p.said)
	}
	s.check(p, s.numbers)
	s.checkEnd(p)
	p.stop()
	mustVerify(t, dir)
}

// check compares the contract's history with what was acknowledged: all of it is
// there, nothing twice, and nothing that the story does not ask for.
func (s *story) check(p *program, acked map[string]string) {
	p.t.Helper()
	recorded := map[string]string{}
	for _, e := range p.history(s.ID) {
		if e.Type != "incident.submitted.v1" {
			continue
		}
		title, number := fmt.Sprint(e.Data["title"]), fmt.Sprint(e.Data["number"])
		if _, twice := recorded[title]; twice {
			p.t.Errorf("%s is recorded twice", title)
		}
		recorded[title] = number
	}
	for title, number := range acked {
		if recorded[title] != number {
			p.t.Errorf("%s was acknowledged as %s, recorded is %q", title, number, recorded[title])
		}
	}
	for title := range recorded {
		if !slices.Contains(titles, title) {
			p.t.Errorf("%s is recorded, and nobody asked for it", title)
		}
	}
}

// checkEnd holds the ledger to the whole story: one contract, every event once.
func (s *story) checkEnd(p *program) {
	p.t.Helper()
	var all struct{ Items []contract }
	p.get("operator", "/v1/contracts").read(p.t, &all)
	if len(all.Items) != 1 || all.Items[0].ID != s.ID {
		p.t.Errorf("contracts %v, want %s alone", all.Items, s.ID)
	}
	count := map[string]int{}
	for _, e := range p.history(s.ID) {
		count[e.Type]++
	}
	for name, want := range map[string]int{
		"contract.registered.v1": 1, "contract.activated.v1": 1, "account.linked.v1": 1, "incident.submitted.v1": len(titles),
		"incident.closed.v1": 1, "incident.credited-back.v1": 1,
	} {
		if count[name] != want {
			p.t.Errorf("%d %s, want %d: %v", count[name], name, want, count)
		}
	}
}
