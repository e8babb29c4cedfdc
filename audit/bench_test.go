package audit_test

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/audit"
	"github.com/supportledger/supportledger/domain/contract"
	"github.com/supportledger/supportledger/ledger"
)

// BenchmarkVerify reads a log of 1,000 contracts and 100,000 incidents, at once
// and in so little memory that it takes many readings.
func BenchmarkVerify(b *testing.B) {
	r := newRig(b)
	r.fill(1000, 100)
	head, err := r.Head(b.Context())
	must(b, err)
	for name, memory := range map[string]int64{"memory=default": 0, "memory=8MB": 8 << 20} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				v := &audit.Verifier{Store: r.store, Memory: memory}
				result, err := v.Verify(b.Context())
				must(b, err)
				if result.Finding != nil {
					b.Fatal(result.Finding)
				}
			}
			b.ReportMetric(float64(head)*float64(b.N)/b.Elapsed().Seconds(), "records/s")
		})
	}
}

// packs makes contracts that are linked and have so many incidents each.
func (r *rig) packs(contracts, incidents int) []uuid.UUID {
	ids := make([]uuid.UUID, contracts)
	for i := range ids {
		c := r.register("blank")
		r.change(c.ID, &contract.Activate{})
		r.change(c.ID, &contract.AddGrant{Unit: contract.Incident, Quantity: int64(incidents), Reason: "pack"})
		r.link(ani, c)
		ids[i] = c.ID
	}
	return ids
}

// fill makes contracts and spends them.
func (r *rig) fill(contracts, incidents int) {
	r.t.Helper()
	ids := r.packs(contracts, incidents)
	var callers sync.WaitGroup
	const atOnce = 256
	for n := range atOnce {
		callers.Go(func() {
			for i := n; i < contracts*incidents; i += atOnce {
				_, err := r.Submit(context.Background(), ledger.Request{By: ani, Call: "submit", Key: fmt.Sprint("fill-", i)}, &ledger.Submission{
					Submit:   contract.Submit{Portal: "desk", Product: "engine", ProblemType: "fault", Category: "crash", Severity: "A", Title: "It stopped", Agreement: "1"},
					Contract: ids[i%contracts], Texts: contract.IncidentTexts{Name: "Ani", Email: "ani@example.com"},
				})
				if err != nil {
					r.t.Error(err)
					return
				}
			}
		})
	}
	callers.Wait()
}
