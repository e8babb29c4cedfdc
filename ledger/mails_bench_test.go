package ledger_test

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/domain/mail"
)

// BenchmarkMails is what a mail costs besides being sent: it is asked for, its
// address is sealed, and it is recorded. 64 senders.
func BenchmarkMails(b *testing.B) {
	for _, contracts := range []int{1, 1000} {
		b.Run(fmt.Sprint("contracts=", contracts), func(b *testing.B) {
			r := newRig(b)
			ids := make([]uuid.UUID, contracts)
			for i := range ids {
				ids[i] = mailID(-i - 1)
			}
			person := r.keys.Contact("citra@example.com")
			b.ReportAllocs()
			b.ResetTimer()
			before := processorTime(b)
			var next atomic.Int64
			var senders sync.WaitGroup
			for range 64 {
				senders.Go(func() {
					for n := next.Add(1); n <= int64(b.N); n = next.Add(1) {
						contract := ids[n%int64(contracts)]
						if standing, err := r.MailStanding(b.Context(), contract, mailID(int(n))); err != nil || standing.Status != mail.Unrecorded {
							b.Error(standing, err)
							return
						}
						to, err := r.SealRecipient(b.Context(), person, mail.Recipient{Name: "Citra", Email: "citra@example.com"})
						if err == nil {
							_, err = r.RecordSent(b.Context(), postOffice, contract,
								mail.RecordSent{Letter: about(int(n)), Recipient: to, Try: 1, MessageID: "<m@example.com>"})
						}
						if err != nil {
							b.Error(err)
							return
						}
					}
				})
			}
			senders.Wait()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "mails/s")
			b.ReportMetric(float64((processorTime(b)-before).Nanoseconds())/float64(b.N)/1e3, "cpu-µs/op")
		})
	}
}
