package processors

import (
	"math"
	"runtime/metrics"
	"time"
)

// Waited is how long the goroutines of this process have waited for a processor
// since its start, all of them added up, by the runtime's samples: what it grows
// by in a second is how many waited on average. It says whether there are too few
// processors for what is to be done, whoever has them: this process, others on
// the machine, or nobody because a container's share is used up.
func Waited() time.Duration {
	samples := []metrics.Sample{{Name: "/sched/latencies:seconds"}}
	metrics.Read(samples)
	if samples[0].Value.Kind() != metrics.KindFloat64Histogram {
		return 0
	}
	return time.Duration(sampledEvery * total(samples[0].Value.Float64Histogram()) * float64(time.Second))
}

// sampledEvery is at every how many of its turns the runtime looks how long a
// goroutine waits.
const sampledEvery = 8

// total adds up what a histogram counts, each at the middle of its bucket.
func total(h *metrics.Float64Histogram) (sum float64) {
	for i, n := range h.Counts {
		low, high := h.Buckets[i], h.Buckets[i+1]
		if math.IsInf(low, -1) {
			low = high
		}
		if math.IsInf(high, 1) {
			high = low
		}
		sum += float64(n) * (low + high) / 2
	}
	return sum
}
