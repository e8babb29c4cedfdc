// Package load puts the load of the benchmarks on whatever answers
// submissions: callers in a closed loop, each asking again as soon as it was
// answered, over HTTP or through any other Caller.
//
// It runs on the same cores as what it measures, so it does little: no parsing
// beyond status and incident number, no allocation per request.
package load

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// A Caller submits one incident, waits for the answer and returns the number of
// the incident that was acknowledged. An error ends the whole load: a benchmark
// in which something is refused is not the one that was meant.
type Caller func(ctx context.Context) (number uint64, err error)

// A Span says how long callers call. What they do in the first part is counted
// as asked, acknowledged and found, but not as speed.
type Span struct{ Warm, Measure time.Duration }

// A Result is what a load did.
type Result struct {
	Asked, Acknowledged int64
	Rate                float64         // acknowledged per second of the measured part
	Latencies           []time.Duration // of the measured part, ascending
	Numbers             []uint64        // of all acknowledged incidents
}

// Quantile returns the latency that a share q (0 to 1) of the measured calls
// did not exceed, 0 where nothing was measured.
func (r Result) Quantile(q float64) time.Duration {
	if len(r.Latencies) == 0 {
		return 0
	}
	return r.Latencies[int(q*float64(len(r.Latencies)-1))]
}

// The phases of a load.
const (
	warming int32 = iota
	measuring
	over
)

// tally is one caller's own account, merged when all have ended.
type tally struct {
	asked     int64
	latencies []time.Duration
	numbers   []uint64
	err       error
}

// Run lets every caller call until the span is over, and waits for the answers
// that are still outstanding. It returns the first error of a caller, with what
// had been done until then.
func Run(ctx context.Context, callers []Caller, span Span) (Result, error) {
	var phase atomic.Int32
	tallies := make([]tally, len(callers))
	failed := make(chan struct{})
	fail := sync.OnceFunc(func() { close(failed) })
	var wg sync.WaitGroup
	for i, call := range callers {
		wg.Go(func() {
			tallies[i].loop(ctx, call, &phase)
			if tallies[i].err != nil {
				fail()
			}
		})
	}
	measured := conduct(ctx, &phase, span, failed)
	wg.Wait()
	return merge(tallies, measured)
}

// conduct moves a load through its phases and returns how long it was measured.
func conduct(ctx context.Context, phase *atomic.Int32, span Span, failed <-chan struct{}) time.Duration {
	defer phase.Store(over)
	if !pause(ctx, span.Warm, failed) {
		return 0
	}
	start := time.Now()
	phase.Store(measuring)
	pause(ctx, span.Measure, failed)
	return time.Since(start)
}

// pause waits, and says whether it was not interrupted.
func pause(ctx context.Context, d time.Duration, failed <-chan struct{}) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-failed:
	case <-ctx.Done():
	}
	return false
}

// loop calls until the load is over. A call counts for speed if the answer came
// in the measured part.
func (t *tally) loop(ctx context.Context, call Caller, phase *atomic.Int32) {
	before := time.Now()
	for phase.Load() != over {
		t.asked++
		number, err := call(ctx)
		if err != nil {
			t.err = err
			return
		}
		t.numbers = append(t.numbers, number)
		after := time.Now()
		if phase.Load() == measuring {
			t.latencies = append(t.latencies, after.Sub(before))
		}
		before = after
	}
}

func merge(tallies []tally, measured time.Duration) (Result, error) {
	var r Result
	var err error
	for i := range tallies {
		t := &tallies[i]
		r.Asked += t.asked
		r.Acknowledged += int64(len(t.numbers))
		r.Numbers = append(r.Numbers, t.numbers...)
		r.Latencies = append(r.Latencies, t.latencies...)
		if err == nil && t.err != nil {
			err = fmt.Errorf("caller %d, request %d: %w", i, t.asked, t.err)
		}
	}
	slices.Sort(r.Latencies)
	if measured > 0 {
		r.Rate = float64(len(r.Latencies)) / measured.Seconds()
	}
	return r, err
}
