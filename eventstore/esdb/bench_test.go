package esdb_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/supportledger/supportledger/eventstore"
	"github.com/supportledger/supportledger/eventstore/storetest"
)

// What the whole way sustains: store, client, socket, server, disk.
func BenchmarkAppend(b *testing.B) {
	for _, callers := range []int{1, 64, 512} {
		b.Run(fmt.Sprintf("%d callers, 10,000 streams", callers), func(b *testing.B) {
			c := newCluster(b, nil)
			c.start()
			s := open(b, c.address)
			defer s.Close()
			var next atomic.Int64
			var heads [10_000]eventstore.Revision
			var locks [10_000]sync.Mutex
			for i := range heads {
				heads[i] = eventstore.NoStream
			}
			data := fmt.Appendf(nil, `{"text":"%0500d"}`, 1)
			b.ResetTimer()
			var wg sync.WaitGroup
			for range callers {
				wg.Go(func() {
					for n := next.Add(1); n <= int64(b.N); n = next.Add(1) {
						i := n * 7919 % 10_000
						locks[i].Lock()
						a := eventstore.Append{Stream: fmt.Sprint("s-", i), Expected: heads[i], Events: storetest.Events(2), At: time.Now()}
						a.Events[0].Data, a.Events[1].Data = data, data
						done, err := s.Append(context.Background(), a)
						heads[i] = done.Revision
						locks[i].Unlock()
						if err != nil {
							b.Error(err)
							return
						}
					}
				})
			}
			wg.Wait()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "appends/s")
		})
	}
}

// How fast a log is read.
func BenchmarkReadAll(b *testing.B) {
	c := newCluster(b, nil)
	c.start()
	s := open(b, c.address)
	defer s.Close()
	const records = 50_000
	for i := 0; i < records; i += 100 {
		_, err := s.Append(b.Context(), facts("long", eventstore.Revision(i)-1, 100))
		must(b, err)
	}
	b.ResetTimer()
	n := 0
	for range b.N {
		for _, err := range s.ReadAll(b.Context(), eventstore.Start) {
			must(b, err)
			n++
		}
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "records/s")
}
