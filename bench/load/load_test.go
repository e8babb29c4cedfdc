package load

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// taking returns a caller whose every answer takes so long.
func taking(d time.Duration, numbers *atomic.Uint64) Caller {
	return func(context.Context) (uint64, error) {
		<-time.After(d)
		return numbers.Add(1), nil
	}
}

func TestALoadCountsEverythingAndTimesOnlyTheMeasuredPart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var numbers atomic.Uint64
		callers := []Caller{taking(31*time.Millisecond, &numbers), taking(31*time.Millisecond, &numbers)}
		r, err := Run(t.Context(), callers, Span{Warm: time.Second, Measure: 2 * time.Second})
		if err != nil {
			t.Fatal(err)
		}
		if r.Asked != 194 || r.Acknowledged != 194 || len(r.Numbers) != 194 {
			t.Errorf("asked %d, acknowledged %d, numbers %d; want 194 each", r.Asked, r.Acknowledged, len(r.Numbers))
		}
		// Answers at 1.023, 1.054 ... 2.976 s: 64 for each of two callers in 2 s.
		if r.Rate != 64 {
			t.Errorf("rate is %v, want 64 per second", r.Rate)
		}
		if r.Quantile(0) != 31*time.Millisecond || r.Quantile(1) != 31*time.Millisecond {
			t.Errorf("latencies from %v to %v, want 31ms", r.Quantile(0), r.Quantile(1))
		}
	})
}

func TestALoadWaitsForAnswersThatAreOutstanding(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var numbers atomic.Uint64
		r, err := Run(t.Context(), []Caller{taking(time.Minute, &numbers)}, Span{Measure: time.Second})
		if err != nil || r.Asked != 1 || r.Acknowledged != 1 || r.Rate != 0 {
			t.Errorf("asked %d, acknowledged %d, rate %v, error %v; want 1, 1, 0, none", r.Asked, r.Acknowledged, r.Rate, err)
		}
	})
}

func TestARefusalEndsTheLoadAndIsNamed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var numbers atomic.Uint64
		refused := errors.New("none-available")
		callers := []Caller{
			taking(10*time.Millisecond, &numbers),
			func(context.Context) (uint64, error) { <-time.After(time.Second); return 0, refused },
		}
		start := time.Now()
		r, err := Run(t.Context(), callers, Span{Measure: time.Hour})
		if !errors.Is(err, refused) || !strings.Contains(err.Error(), "caller 1, request 1") {
			t.Errorf("error is %v, want it to name the caller, the request and the refusal", err)
		}
		if took := time.Since(start); took > 2*time.Second {
			t.Errorf("the load went on for %v", took)
		}
		if r.Asked != r.Acknowledged+1 {
			t.Errorf("asked %d, acknowledged %d; want one more asked", r.Asked, r.Acknowledged)
		}
	})
}

func TestLatenciesOfAllCallersAreOneOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var numbers atomic.Uint64
		callers := []Caller{taking(70*time.Millisecond, &numbers), taking(7*time.Millisecond, &numbers)}
		r, err := Run(t.Context(), callers, Span{Measure: time.Second})
		if err != nil {
			t.Fatal(err)
		}
		// 14 slow answers and 142 fast ones.
		for q, want := range map[float64]time.Duration{0: 7, 0.5: 7, 0.9: 7, 0.95: 70, 1: 70} {
			if got := r.Quantile(q); got != want*time.Millisecond {
				t.Errorf("quantile %v is %v, want %v ms", q, got, want)
			}
		}
	})
}

func TestNothingMeasuredHasNoLatency(t *testing.T) {
	if got := (Result{}).Quantile(0.5); got != 0 {
		t.Errorf("median of nothing is %v", got)
	}
}
