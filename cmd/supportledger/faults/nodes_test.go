//go:build linux

package faults_test

import (
	"fmt"
	"maps"
	"net/http"
	"strconv"
	"sync"
	"testing"
)

// What holds on one node holds on three that share a log, the read models, the
// keys of people and a feed.
func TestThreeNodesAreOneLedger(t *testing.T) {
	s := newSite(t, serving, "--test-clock", "2026-03-01T09:00:00Z")
	ear := s.listen()
	for _, rule := range []struct {
		name string
		hold func(testing.TB, *site)
	}{
		{"R16 the last incident goes to one", lastIncidentGoesToOne},
		{"R6 one key is one incident", oneKeyIsOneIncident},
		{"R41 each of many tells a position, and again", manyTellTheirPositions},
		{"R8 guesses are counted together", guessesAreCountedTogether},
		{"R37 what one has answered is in the lists of the others", listsWaitForOthers},
		{"R5 what is due is recorded once", dueIsRecordedOnce},
	} {
		t.Run(rule.name, func(t *testing.T) { rule.hold(t, s) })
	}
	s.mustHaveUniqueNumbers()
	for n := range nodes {
		s.mustVerify(n)
	}
	t.Logf("%d events were heard", s.mustHear(ear))
	for n := range nodes {
		s.node(n).stop()
	}
	s.mustVerify(1)
}

// volley lets so many do something at the same moment.
func volley(n int, do func(i int)) {
	var all sync.WaitGroup
	gate := make(chan struct{})
	for i := range n {
		all.Go(func() { <-gate; do(i) })
	}
	close(gate)
	all.Wait()
}

const crowd = 64

func lastIncidentGoesToOne(t testing.TB, s *site) {
	for round := range 8 {
		c := s.contract(fmt.Sprint("race ", round), 1)
		got := make([]reply, crowd)
		volley(crowd, func(i int) {
			title := fmt.Sprint("race ", round, " ", i)
			got[i] = s.ask(i, "customer-ani", http.MethodPost, "/v1/incidents", title, submission(c.ID, title))
		})
		won := 0
		for _, r := range got {
			switch {
			case r.status == http.StatusCreated:
				won++
			case r.status != http.StatusConflict || r.code() != "none-available":
				t.Errorf("who comes too late is answered with %d %s", r.status, r.body)
			}
		}
		if left := s.available(c.ID); won != 1 || left != 0 {
			t.Errorf("%d of %d got the last incident, and %d are left", won, crowd, left)
		}
	}
}

// available is how many incidents a contract has left, as any node tells.
func (s *site) available(contract string) int64 {
	s.t.Helper()
	var b struct {
		Balances map[string]struct{ Available int64 }
	}
	s.ask(int(contract[0]), "operator", http.MethodGet, "/v1/contracts/"+contract+"/balance", "", nil).read(s.t, &b)
	return b.Balances["incident"].Available
}

// The same request, at all nodes at once and later again, is answered with the same
// bytes, by the same position.
func oneKeyIsOneIncident(t testing.TB, s *site) {
	for round := range 8 {
		key := fmt.Sprint("key ", round)
		c := s.contract(key, 3)
		got := make([]reply, 4*nodes)
		ask := func(i int) {
			got[i] = s.ask(i, "customer-ani", http.MethodPost, "/v1/incidents", key, submission(c.ID, "the same"))
		}
		volley(len(got), ask)
		first := got[0]
		again := 0
		for range 2 {
			for i, r := range got {
				if r.status != http.StatusCreated || r.body != first.body || r.header.Get("Ledger-Position") != first.header.Get("Ledger-Position") {
					t.Errorf("one was answered with %d %v %s, another with %d %v %s", first.status, first.header, first.body, r.status, r.header, r.body)
				}
				if r.header.Get("Idempotency-Replayed") == "true" {
					again++
				}
				ask(i)
			}
		}
		if left := s.available(c.ID); left != 2 || again != 2*len(got)-1 {
			t.Errorf("asked %d times under one key, %d were repeats, and %d of 3 are left", 2*len(got), again, left)
		}
		got[0] = s.ask(1, "customer-ani", http.MethodPost, "/v1/incidents", key, submission(c.ID, "another"))
		if got[0].code() != "idempotency-key-reused" {
			t.Errorf("another body under the same key is answered with %d %s", got[0].status, got[0].body)
		}
	}
}

// Many incidents of one contract ride in few appends. Each is answered with a
// position by which it is recorded, that of a record of the contract, and its repeat
// on another node with the same.
func manyTellTheirPositions(t testing.TB, s *site) {
	c := s.contract("many", crowd)
	ask := func(node, i int) reply {
		title := fmt.Sprint("many ", i)
		return s.ask(node, "customer-ani", http.MethodPost, "/v1/incidents", title, submission(c.ID, title))
	}
	got := make([]reply, crowd)
	volley(crowd, func(i int) { got[i] = ask(i, i) })
	at, taken := map[string]uint64{}, map[uint64]bool{}
	for _, e := range s.recorded("incident.deducted.v1") {
		position, err := strconv.ParseUint(fmt.Sprint(e["position"]), 10, 64)
		must(t, err)
		at[fmt.Sprint(e["number"])], taken[position] = position, true
	}
	for i, first := range got {
		var in incident
		first.read(t, &in)
		again := ask(i+1, i)
		told, err := strconv.ParseUint(first.header.Get("Ledger-Position"), 10, 64)
		must(t, err)
		if told < at[in.Number] || !taken[told] || again.header.Get("Ledger-Position") != first.header.Get("Ledger-Position") || again.body != first.body {
			t.Errorf("%s was answered with position %d, again with %s; it stands at %d", in.Number, told, again.header.Get("Ledger-Position"), at[in.Number])
		}
	}
}

func guessesAreCountedTogether(t testing.TB, s *site) {
	right := s.contract("guessed", 1)
	before := len(s.recorded("link.refused.v1"))
	guess := func(i int, c contract) reply {
		return s.ask(i, "customer-budi", http.MethodPost, "/v1/links", fmt.Sprint("guess ", i), link(c))
	}
	count := map[string]int{}
	got := make([]reply, crowd)
	volley(crowd, func(i int) { got[i] = guess(i, contract{AccessID: fmt.Sprintf("%010d", i), ContractID: "0000000000"}) })
	for _, r := range got {
		count[r.code()]++
	}
	if want := map[string]int{"pair-not-valid": 5, "too-many-tries": crowd - 5}; !maps.Equal(count, want) {
		t.Errorf("%d guesses at once on %d nodes are answered with %v, want %v", crowd, nodes, count, want)
	}
	for n := range nodes {
		if r := guess(n, right); r.status != http.StatusTooManyRequests || r.header.Get("Retry-After") == "" {
			t.Errorf("after that, node %d answers a right pair with %d %s", n, r.status, r.body)
		}
	}
	if n := len(s.recorded("link.refused.v1")) - before; n != 5 {
		t.Errorf("%d failures are recorded, want 5", n)
	}
}

func listsWaitForOthers(t testing.TB, s *site) {
	c := s.contract("listed", 20)
	for i := range 4 * nodes {
		title := fmt.Sprint("listed ", i)
		done := s.ask(i, "customer-ani", http.MethodPost, "/v1/incidents", title, submission(c.ID, title))
		done.must(t)
		var list struct{ Items []struct{ Title string } }
		at := done.header.Get("Ledger-Position")
		s.ask(i+1, "customer-ani", http.MethodGet, "/v1/me/activity?limit=1&after="+at, "", nil).read(t, &list)
		if len(list.Items) != 1 || list.Items[0].Title != title {
			t.Errorf("another node's list, after position %s, begins with %+v, want %s", at, list.Items, title)
		}
	}
}

// All nodes find at once that terms are over and a successor's begins.
func dueIsRecordedOnce(t testing.TB, s *site) {
	const contracts = 12
	heirs := map[string]bool{}
	for n := range contracts {
		c := s.contract(fmt.Sprint("due ", n), packed)
		if n%3 == 0 {
			var heir contract
			s.post("operator", "/v1/contracts/"+c.ID+"/renew", fmt.Sprint("renew ", n), fields{"reason": "another year"}).read(t, &heir)
			heirs[heir.ID] = true
		}
	}
	volley(nodes, func(n int) {
		s.ask(n, "admin", http.MethodPost, "/v1/test-clock", "over", fields{"now": "2027-03-15T00:00:00Z"}).must(t)
	})
	all := len(s.recorded("contract.registered.v1")) - len(heirs)
	expired := map[string]int{}
	for _, e := range s.recorded("contract.expired.v1") {
		expired[fmt.Sprint(e["stream"])]++
	}
	for stream, times := range expired {
		if times != 1 {
			t.Errorf("contract %s is recorded to have expired %d times", stream, times)
		}
	}
	if len(expired) != all {
		t.Errorf("%d contracts have expired, want %d", len(expired), all)
	}
	linked := map[string]int{}
	for _, e := range s.recorded("account.linked.v1") {
		if heirs[fmt.Sprint(e["stream"])] {
			linked[fmt.Sprint(e["stream"])]++
		}
	}
	for heir := range heirs {
		if linked[heir] != 1 {
			t.Errorf("%d accounts were linked to successor %s, want the predecessor's one", linked[heir], heir)
		}
	}
}

// mustHaveUniqueNumbers looks at all incidents of the log (R25).
func (s *site) mustHaveUniqueNumbers() {
	s.t.Helper()
	seen := map[string]bool{}
	for _, e := range s.recorded("incident.submitted.v1") {
		number := fmt.Sprint(e["number"])
		if seen[number] {
			s.t.Errorf("number %s was given twice", number)
		}
		seen[number] = true
	}
	if len(seen) == 0 {
		s.t.Error("there are no incidents")
	}
}
