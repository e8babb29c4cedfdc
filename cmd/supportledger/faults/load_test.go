//go:build linux

package faults_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
)

// callers is how many ask at once, where many do.
const callers = 8

// A load is callers that ask for incident after incident, each under a title of
// its own, of contracts with plenty.
type load struct {
	contracts []contract

	mu      sync.Mutex
	asked   map[string]string // title → contract
	acked   map[string]string // title → number
	refused map[string]reply  // title → what came instead
	over    bool              // what is answered from now on is not from this world
}

// newLoad prepares contracts in a ledger.
func newLoad(p *program) *load {
	p.t.Helper()
	l := &load{asked: map[string]string{}, acked: map[string]string{}, refused: map[string]reply{}}
	for n := range 2 {
		var c contract
		key := fmt.Sprint("contract ", n)
		p.post("operator", "/v1/contracts", key, registration(fmt.Sprint("Citra-", n))).read(p.t, &c)
		at := "/v1/contracts/" + c.ID
		p.post("operator", at+"/activate", key, fields{"reason": "paid"}).must(p.t)
		p.post("operator", at+"/adjustments", key, fields{"grant": "g1", "quantity": 100_000, "reason": "as agreed"}).must(p.t)
		p.post("customer-ani", "/v1/links", key, link(c)).must(p.t)
		l.contracts = append(l.contracts, c)
	}
	return l
}

// run lets all callers ask until each of them is refused or hears nothing, and
// returns when all are done.
func (l *load) run(p *program, acknowledged func(n int)) {
	var all sync.WaitGroup
	for range callers {
		all.Go(func() {
			for l.ask(p, acknowledged) {
			}
		})
	}
	all.Wait()
}

// ask asks for one more incident, and says whether it was acknowledged.
func (l *load) ask(p *program, acknowledged func(n int)) bool {
	l.mu.Lock()
	title := fmt.Sprint("incident ", len(l.asked)+1)
	of := l.contracts[len(l.asked)%len(l.contracts)].ID
	l.asked[title] = of
	l.mu.Unlock()
	n := l.submit(p, title, of)
	if n > 0 && acknowledged != nil {
		acknowledged(n)
	}
	return n > 0
}

// submit asks for one incident, and returns how many are acknowledged by now, 0
// if this one was not.
func (l *load) submit(p *program, title, of string) int {
	got := p.post("customer-ani", "/v1/incidents", title, submission(of, title))
	l.mu.Lock()
	defer l.mu.Unlock()
	if !got.good() {
		l.refused[title] = got
		return 0
	}
	var in incident
	got.read(p.t, &in)
	before, again := l.acked[title]
	switch {
	case l.over:
	case again && before != in.Number:
		p.t.Errorf("%s was acknowledged as %s and as %s", title, before, in.Number)
	default:
		l.acked[title] = in.Number
		delete(l.refused, title)
	}
	return len(l.acked)
}

// count is how many are acknowledged by now.
func (l *load) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.acked)
}

// end says that whatever is still answered counts for nothing.
func (l *load) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.over = true
}

// retry asks again, under the same keys, for what was never acknowledged.
func (l *load) retry(p *program) {
	p.t.Helper()
	l.mu.Lock()
	l.over = false
	l.mu.Unlock()
	for title, of := range l.asked {
		if _, done := l.acked[title]; !done && l.submit(p, title, of) == 0 {
			p.t.Errorf("%s, asked again: %v", title, l.refused[title])
		}
	}
}

// check compares what is recorded with what was acknowledged: all of it is there,
// nothing twice, and nothing that was never asked for.
func (l *load) check(p *program) {
	p.t.Helper()
	recorded := map[string]string{}
	for _, c := range l.contracts {
		for _, e := range p.history(c.ID) {
			if e.Type != "incident.submitted.v1" {
				continue
			}
			title := fmt.Sprint(e.Data["title"])
			if _, twice := recorded[title]; twice {
				p.t.Errorf("%s is recorded twice", title)
			}
			if l.asked[title] != c.ID {
				p.t.Errorf("%s is recorded on %s, where nobody asked for it", title, c.ID)
			}
			recorded[title] = fmt.Sprint(e.Data["number"])
		}
	}
	for title, number := range l.acked {
		if recorded[title] != number {
			p.t.Errorf("%s was acknowledged as %s, recorded is %q", title, number, recorded[title])
		}
	}
}

// mustHold starts a ledger in a folder where one has ended badly, and holds it to
// what that one acknowledged; what it did not is asked for again.
func (l *load) mustHold(t testing.TB, dir string) {
	t.Helper()
	p := launch(t, dir)
	l.check(p)
	l.retry(p)
	l.check(p)
	p.stop()
	mustVerify(t, dir)
}

// allInside waits until every caller has a request inside the ledger that will
// not be answered.
func (l *load) allInside(p *program) {
	inside := fmt.Sprint("supportledger_http_requests_running ", callers+1) // and this one
	seen := 0
	p.until("every caller's request", func() bool {
		got := p.get("", "/metrics")
		if got.status == http.StatusOK && strings.Contains(got.body, inside+"\n") {
			seen++
		}
		return seen == 3
	})
}
