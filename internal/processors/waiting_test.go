package processors

import (
	"runtime"
	"sync/atomic"
	"testing"
	"time"
)

// TestWaitedGrowsByThoseWhoWait lets more goroutines work than may run.
func TestWaitedGrowsByThoseWhoWait(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	const working = 9
	var stop atomic.Bool
	defer stop.Store(true)
	for range working {
		go func() {
			for !stop.Load() {
				runtime.Gosched()
			}
		}()
	}
	waited, began := Waited(), time.Now()
	for time.Since(began) < 300*time.Millisecond {
		runtime.Gosched() // the tenth
	}
	waiting := (Waited() - waited).Seconds() / time.Since(began).Seconds()
	if waiting < working*0.7 || waiting > working*1.4 {
		t.Errorf("%.1f goroutines waited on average where %d did", waiting, working)
	}
}

func TestWaitedDoesNotGrowWhileNobodyWaits(t *testing.T) {
	waited, began := Waited(), time.Now()
	<-time.After(100 * time.Millisecond)
	if waiting := (Waited() - waited).Seconds() / time.Since(began).Seconds(); waiting > 0.5 {
		t.Errorf("%.1f goroutines waited on average while all slept", waiting)
	}
}
