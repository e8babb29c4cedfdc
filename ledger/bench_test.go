package ledger_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/domain/contract"
	"github.com/supportledger/supportledger/ledger"
)

// BenchmarkSubmit is a whole submission in process, 512 callers.
func BenchmarkSubmit(b *testing.B) {
	for _, contracts := range []int{1, 1000} {
		b.Run(fmt.Sprint("contracts=", contracts), func(b *testing.B) {
			r := newRig(b)
			ids := make([]uuid.UUID, contracts)
			for i := range ids {
				c := r.active(contract.MaxQuantity)
				_, err := r.Link(b.Context(), r.by(ani, "link"), r.pair(c), "desk", "")
				must(b, err)
				ids[i] = c.ID
			}
			b.ReportAllocs()
			b.ResetTimer()
			before := processorTime(b)
			var next atomic.Int64
			var wg sync.WaitGroup
			for range 512 {
				wg.Go(func() {
					for n := next.Add(1); n <= int64(b.N); n = next.Add(1) {
						req := ledger.Request{By: ani, Call: "submit", Key: fmt.Sprint("bench-", n), Body: []byte("body")}
						if _, err := r.Submit(context.Background(), req, request(ids[n%int64(contracts)])); err != nil {
							b.Error(err)
							return
						}
					}
				})
			}
			wg.Wait()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "submissions/s")
			b.ReportMetric(float64((processorTime(b)-before).Nanoseconds())/float64(b.N)/1e3, "cpu-µs/op")
		})
	}
}

// processorTime is what the process has used so far: unlike the time on the
// wall it says something on a busy machine, too.
func processorTime(b *testing.B) time.Duration {
	var used syscall.Rusage
	must(b, syscall.Getrusage(syscall.RUSAGE_SELF, &used))
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}
