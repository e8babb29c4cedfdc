package ledger_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/supportledger/supportledger/domain"
	"github.com/supportledger/supportledger/domain/contract"
	"github.com/supportledger/supportledger/internal/paper"
	"github.com/supportledger/supportledger/ledger"
)

func TestHistoriesOfConcurrentCallersAreLinearizable(t *testing.T) {
	r := newRig(t)
	nodes := []*ledger.Ledger{r.Ledger, r.another()}
	for round := range 10 {
		c := r.linked(6)
		var history paper.History
		volley(6, func(client int) {
			dice := rand.New(rand.NewPCG(uint64(round), uint64(client)))
			var open []contract.Number
			for n := range 12 {
				kind := []string{"submit", "submit", "submit", "credit", "read", "suspend", "resume", "resume"}[dice.IntN(8)]
				if kind == "credit" && len(open) == 0 {
					kind = "read"
				}
				begin := time.Now()
				s := perform(t, nodes[dice.IntN(2)], c, kind, fmt.Sprint(round, client, n), &open)
				history.Note(client, begin, s)
			}
		})
		if err := history.Judge(6); err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
	}
}

// perform does one step and notes what was answered.
func perform(t *testing.T, l *ledger.Ledger, c ledger.ContractAnswer, kind, key string, open *[]contract.Number) paper.Step {
	ctx, s := context.Background(), paper.Step{Kind: kind}
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
		err = l.View(ctx, c.ID, func(st *contract.State, at time.Time) { s.Left = st.Balances(at)[contract.Incident].Available })
	}
	if a.Remaining != nil {
		s.Left = *a.Remaining
	}
	var refusal *domain.Refusal
	if errors.As(err, &refusal) {
		s.Code = refusal.Code
	} else if err != nil {
		t.Error(err)
	}
	return s
}
