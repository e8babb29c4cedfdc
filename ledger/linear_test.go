package ledger_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/supportledger/supportledger/domain"
	"github.com/supportledger/supportledger/domain/contract"
	"github.com/supportledger/supportledger/ledger"
)

// A step is what one caller asked of a contract, and what it was told.
type step struct {
	kind string // submit, credit, suspend, resume, read
	code string // of the refusal, "" for success
	left int64  // as answered by submit, credit and read
}

// account is the contract as a bystander would keep it, on one sheet of paper.
type account struct {
	left      int64
	suspended bool
}

// paper says which answers a contract may give, one after another.
func paper(incidents int64) porcupine.Model {
	return porcupine.Model{
		Init: func() any { return account{left: incidents} },
		Step: func(state, input, output any) (bool, any) {
			return legal(state.(account), input.(string), output.(step))
		},
		DescribeOperation: func(input, output any) string { return fmt.Sprintf("%s → %+v", input, output) },
	}
}

func legal(a account, kind string, s step) (bool, any) {
	switch kind {
	case "submit":
		switch {
		case a.suspended:
			return s.code == "suspended", a
		case a.left == 0:
			return s.code == "none-available", a
		}
		a.left--
		return s.code == "" && s.left == a.left, a
	case "credit":
		a.left++
		return s.code == "" && s.left == a.left, a
	case "suspend", "resume":
		a.suspended = kind == "suspend"
		return s.code == "", a
	}
	return s.left == a.left, a
}

func TestHistoriesOfConcurrentCallersAreLinearizable(t *testing.T) {
	r := newRig(t)
	nodes := []*ledger.Ledger{r.Ledger, r.another()}
	for round := range 10 {
		c := r.linked(6)
		var mu sync.Mutex
		var history []porcupine.Operation
		volley(6, func(client int) {
			dice := rand.New(rand.NewPCG(uint64(round), uint64(client)))
			var open []contract.Number
			for n := range 12 {
				kind := []string{"submit", "submit", "submit", "credit", "read", "suspend", "resume", "resume"}[dice.IntN(8)]
				if kind == "credit" && len(open) == 0 {
					kind = "read"
				}
				begin := time.Now().UnixNano()
				s := perform(t, nodes[dice.IntN(2)], c, kind, fmt.Sprint(round, client, n), &open)
				op := porcupine.Operation{ClientId: client, Input: kind, Output: s, Call: begin, Return: time.Now().UnixNano()}
				mu.Lock()
				history = append(history, op)
				mu.Unlock()
			}
		})
		if got := porcupine.CheckOperationsTimeout(paper(6), history, 20*time.Second); got != porcupine.Ok {
			t.Fatalf("round %d: the answers of %d calls are not those of any order of them: %v", round, len(history), got)
		}
	}
}

// perform does one step and notes what was answered.
func perform(t *testing.T, l *ledger.Ledger, c ledger.ContractAnswer, kind, key string, open *[]contract.Number) step {
	ctx, s := context.Background(), step{kind: kind}
	var err error
	req := func(by ledger.Actor) ledger.Request { return ledger.Request{By: by, Call: kind, Key: key} }
	var a ledger.IncidentAnswer
	switch kind {
	case "submit":
		if a, err = l.Submit(ctx, req(ani), request(c.ID)); err == nil {
			*open = append(*open, a.Number)
		}
	case "credit":
		ref := ledger.IncidentRef{Number: (*open)[0], Stream: c.ID, Owner: ani.Account}
		*open = (*open)[1:]
		a, err = l.Close(ctx, req(engineer), ref, "product-defect", "")
	case "suspend":
		_, err = l.Change(ctx, req(operator), c.ID, &contract.Suspend{Reason: "test"})
	case "resume":
		_, err = l.Change(ctx, req(operator), c.ID, &contract.Resume{Reason: "test"})
	case "read":
		err = l.View(ctx, c.ID, func(st *contract.State, at time.Time) { s.left = st.Balances(at)[contract.Incident].Available })
	}
	if a.Remaining != nil {
		s.left = *a.Remaining
	}
	var refusal *domain.Refusal
	if errors.As(err, &refusal) {
		s.code = refusal.Code
	} else if err != nil {
		t.Error(err)
	}
	return s
}
