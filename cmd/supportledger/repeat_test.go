package main

import (
	"bytes"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"
)

// atOnce is how many callers ask at the same moment.
const atOnce = 64

// volley sends the same request from all callers at once.
func (s *server) volley(key func(i int) string, contract, title string) []reply {
	s.t.Helper()
	replies := make([]reply, atOnce)
	errs := make([]error, atOnce)
	gate := make(chan struct{})
	var callers sync.WaitGroup
	for i := range atOnce {
		callers.Go(func() {
			<-gate
			replies[i], errs[i] = s.send("customer-ani", http.MethodPost, "/v1/incidents", key(i), request(contract, title))
		})
	}
	close(gate)
	callers.Wait()
	for _, err := range errs {
		must(s.t, err)
	}
	return replies
}

// R41: one key is one incident, and one answer, whoever asks when: at once, after
// kill -9, after a clean stop.
func TestR41_OneKeyIsOneIncidentOverAKill(t *testing.T) {
	dir := t.TempDir()
	s := launch(t, dir)
	p := s.linked(10)
	key := func(int) string { return "the key" }
	replies := s.volley(key, p.ID, "once")
	s.kill()
	s = launch(t, dir)
	replies = append(replies, s.volley(key, p.ID, "once")...)
	must(t, s.stop())
	s = launch(t, dir)
	replies = append(replies, s.volley(key, p.ID, "once")...)
	first := 0
	for _, r := range replies {
		if r.status != http.StatusCreated || !bytes.Equal(r.body, replies[0].body) || r.header.Get("Ledger-Position") != replies[0].header.Get("Ledger-Position") {
			t.Fatalf("answered %d %s, and before %d %s", r.status, r.body, replies[0].status, replies[0].body)
		}
		if r.header.Get("Idempotency-Replayed") == "" {
			first++
		}
	}
	if first != 1 {
		t.Errorf("%d answers say that they are the first", first)
	}
	if got := s.volley(key, p.ID, "another")[0]; got.status != http.StatusUnprocessableEntity || !bytes.Contains(got.body, []byte("idempotency-key-reused")) {
		t.Errorf("another body was answered with %d %s", got.status, got.body)
	}
	if got := s.submitted(p.ID); got != 1 {
		t.Errorf("%d incidents are recorded", got)
	}
}

// submitted counts a contract's incidents.
func (s *server) submitted(contract string) (n int) {
	s.t.Helper()
	for _, e := range s.history(contract) {
		if e.Type == "incident.submitted.v1" {
			n++
		}
	}
	return n
}

// A key is remembered for 30 days. Later it may be used for something new, which
// is then a command of its own.
func TestAKeyCanBeUsedAgainAfterThirtyDays(t *testing.T) {
	dir := t.TempDir()
	now := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	s := serve(t, dir, "--test-clock", now.Format(time.RFC3339))
	p := s.linked(10)
	ask := func() reply {
		got, err := s.send("customer-ani", http.MethodPost, "/v1/incidents", "the key", request(p.ID, "once"))
		must(t, err)
		return got
	}
	first := ask()
	s.post("admin", "/v1/test-clock", fields{"now": now.AddDate(0, 0, 30)}, nil, http.StatusOK)
	if again := ask(); again.header.Get("Idempotency-Replayed") == "" || !bytes.Equal(first.body, again.body) {
		t.Errorf("after 30 days answered %s", again.body)
	}
	s.post("admin", "/v1/test-clock", fields{"now": now.AddDate(0, 0, 31)}, nil, http.StatusOK)
	if later := ask(); later.status != http.StatusCreated || bytes.Equal(first.body, later.body) {
		t.Errorf("after 31 days answered %d %s", later.status, later.body)
	}
	must(t, s.stop())
	succeed(t, "verify", "--data", dir)
}

// R16: of 64 who ask at once for the last incident exactly one gets it, on every
// contract.
func TestR16_TheLastIncidentGoesToOne(t *testing.T) {
	dir := t.TempDir()
	s := serve(t, dir)
	for range 10 {
		p := s.linked(1)
		won := 0
		for _, r := range s.volley(func(i int) string { return fmt.Sprint(p.ID, i) }, p.ID, "the last one") {
			switch {
			case r.status == http.StatusCreated:
				won++
			case r.status != http.StatusConflict || !bytes.Contains(r.body, []byte(`"none-available"`)):
				t.Errorf("answered %d %s", r.status, r.body)
			}
		}
		var balance struct {
			Balances map[string]struct{ Available, Consumed int }
		}
		s.get("auditor", "/v1/contracts/"+p.ID+"/balance", &balance)
		if b := balance.Balances["incident"]; won != 1 || b.Available != 0 || b.Consumed != 1 {
			t.Errorf("%d of %d got the last incident, and the balance is %+v", won, atOnce, b)
		}
	}
	must(t, s.stop())
	succeed(t, "verify", "--data", dir)
}
