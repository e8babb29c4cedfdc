package main

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"testing"
)

// A siege asks a ledger for incidents, again and again, while it is killed. Every
// title is asked for once, and says which key it was asked under.
type siege struct {
	*server
	packs []pack

	mu    sync.Mutex
	next  int
	asked map[string]string // title → contract
	acked map[string]string // title → number
}

// besiegers is how many ask at once.
const besiegers = 16

// R41: whenever it is killed, what a ledger has acknowledged is there, nothing is
// there twice, and nothing that nobody asked for.
func TestR41_KillUnderLoad(t *testing.T) {
	rounds := 20
	if long() {
		rounds = 200
	}
	dir := t.TempDir()
	s := &siege{server: launch(t, dir), asked: make(map[string]string), acked: make(map[string]string)}
	for range 4 {
		s.packs = append(s.packs, s.linked(100_000))
	}
	for range rounds {
		s.round(1+rand.IntN(150), s.kill)
		s.server = launch(t, dir)
	}
	acknowledged := len(s.acked)
	s.retry()
	s.check()
	must(t, s.stop())
	out := succeed(t, "verify", "--data", dir)
	t.Logf("%d kills, %d asked, %d acknowledged before a kill; %s", rounds, len(s.asked), acknowledged, out)
}

// round lets all ask until some were acknowledged, and ends the ledger.
func (s *siege) round(acknowledged int, end func()) {
	enough := make(chan struct{})
	var once sync.Once
	var workers sync.WaitGroup
	left := acknowledged
	for range besiegers {
		workers.Go(func() {
			for s.ask() {
				s.mu.Lock()
				left--
				done := left <= 0
				s.mu.Unlock()
				if done {
					once.Do(func() { close(enough) })
				}
			}
		})
	}
	<-enough
	end()
	workers.Wait()
}

// ask asks for one incident, and says whether an answer came.
func (s *siege) ask() bool {
	s.mu.Lock()
	s.next++
	title := fmt.Sprint("incident ", s.next)
	contract := s.packs[s.next%len(s.packs)].ID
	s.asked[title] = contract
	s.mu.Unlock()
	return s.submit(title, contract)
}

func (s *siege) submit(title, contract string) bool {
	got, err := s.send("customer-ani", http.MethodPost, "/v1/incidents", title, request(contract, title))
	if err != nil {
		return false
	}
	if got.status != http.StatusCreated {
		s.t.Errorf("%s: %d: %s", title, got.status, got.body)
		return false
	}
	number := numberOf(s.t, got.body)
	s.mu.Lock()
	defer s.mu.Unlock()
	if before, twice := s.acked[title]; twice && before != number {
		s.t.Errorf("%s was acknowledged as %s and as %s", title, before, number)
	}
	s.acked[title] = number
	return true
}

// retry asks again, under the same keys, for what was never acknowledged, and for
// some that was.
func (s *siege) retry() {
	again := 0
	for title, contract := range s.asked {
		if _, done := s.acked[title]; done {
			if again++; again > 50 {
				continue
			}
		}
		if !s.submit(title, contract) {
			s.t.Errorf("%s: no answer to a retry", title)
		}
	}
}

// check compares what was acknowledged with what is recorded.
func (s *siege) check() {
	recorded := make(map[string]string)
	for _, p := range s.packs {
		for _, e := range s.history(p.ID) {
			if e.Type != "incident.submitted.v1" {
				continue
			}
			title, number := e.Data["title"].(string), e.Data["number"].(string)
			if _, twice := recorded[title]; twice {
				s.t.Errorf("%s is recorded twice", title)
			}
			if s.asked[title] != p.ID {
				s.t.Errorf("%s is recorded on %s, where nobody asked for it", title, p.ID)
			}
			recorded[title] = number
		}
	}
	for title, number := range s.acked {
		if recorded[title] != number {
			s.t.Errorf("%s was acknowledged as %s, recorded is %q", title, number, recorded[title])
		}
	}
	if len(recorded) != len(s.asked) {
		s.t.Errorf("%d are recorded, %d were asked for and retried", len(recorded), len(s.asked))
	}
}

func numberOf(t testing.TB, body []byte) string {
	t.Helper()
	var in incident
	mustRead(t, body, &in)
	return in.Number
}
