package ledger_test

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/supportledger/supportledger/ledger"
)

// callers is how many ask at once.
const callers = 64

// volley lets callers do something at the same moment.
func volley(n int, do func(i int)) {
	var wg sync.WaitGroup
	gate := make(chan struct{})
	for i := range n {
		wg.Go(func() { <-gate; do(i) })
	}
	close(gate)
	wg.Wait()
}

func TestR16_OneOfManyGetsTheLastIncident(t *testing.T) {
	r := newRig(t)
	other := r.another() // two ledgers on one store, as two nodes
	for range 8 {
		c := r.linked(1)
		errs := make([]error, callers)
		requests := make([]ledger.Request, callers)
		for i := range requests {
			requests[i] = r.by(ani, "submit")
		}
		volley(callers, func(i int) {
			node := []*ledger.Ledger{r.Ledger, other}[i%2]
			_, errs[i] = node.Submit(context.Background(), requests[i], request(c.ID))
		})
		won := 0
		for _, err := range errs {
			if err == nil {
				won++
				continue
			}
			refused(t, err, "none-available")
		}
		if b := r.balance(c.ID); won != 1 || b.Available != 0 || b.Consumed != 1 {
			t.Fatalf("%d of %d got the last incident, and the balance is %+v", won, callers, b)
		}
	}
}

func TestR41_OneKeyManyTimesAtOnceIsOneIncident(t *testing.T) {
	r := newRig(t)
	other := r.another()
	c := r.linked(10)
	req := r.by(ani, "submit")
	answers := make([]string, callers)
	volley(callers, func(i int) {
		node := []*ledger.Ledger{r.Ledger, other}[i%2]
		a, err := node.Submit(context.Background(), req, request(c.ID))
		answers[i] = fmt.Sprint(a.Number, a.Position, err)
	})
	for _, a := range answers {
		if a != answers[0] {
			t.Fatalf("one answered %s, another %s", answers[0], a)
		}
	}
	if b := r.balance(c.ID); b.Consumed != 1 {
		t.Fatalf("R21: one key deducted %d times", b.Consumed)
	}
}

func TestR25_NumbersAreUniqueAcrossNodes(t *testing.T) {
	r := newRig(t)
	c := r.linked(5000)
	nodes := []*ledger.Ledger{r.Ledger, r.another(), r.another()}
	var mu sync.Mutex
	seen := make(map[string]bool)
	volley(callers, func(i int) {
		for n := range 20 {
			req := ledger.Request{By: ani, Call: "submit", Key: fmt.Sprint(i, "-", n)}
			a, err := nodes[i%len(nodes)].Submit(context.Background(), req, request(c.ID))
			if err != nil {
				t.Error(err)
				return
			}
			mu.Lock()
			if seen[a.Number.String()] {
				t.Errorf("number %s was given twice", a.Number)
			}
			seen[a.Number.String()] = true
			mu.Unlock()
		}
	})
}

func TestR2_OnePairIsOneContractOnEveryNode(t *testing.T) {
	r := newRig(t)
	other := r.another()
	requests := make([]ledger.Request, callers)
	for i := range requests {
		requests[i] = r.by(operator, "register")
	}
	errs := make([]error, callers)
	volley(callers, func(i int) {
		wish := ledger.Registration{Programme: "blank", AccessID: "0230242323", ContractID: "0000000001"}
		wish.Contact.Email = "citra@example.com"
		_, errs[i] = []*ledger.Ledger{r.Ledger, other}[i%2].Register(context.Background(), requests[i], wish)
	})
	won := 0
	for _, err := range errs {
		if err == nil {
			won++
			continue
		}
		refused(t, err, "pair-exists")
	}
	if won != 1 {
		t.Fatalf("%d contracts were registered with one pair", won)
	}
}
