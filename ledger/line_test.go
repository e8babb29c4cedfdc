package ledger_test

import (
	"context"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/supportledger/supportledger/domain/contract"
)

// Whoever does not wait any longer is not written to by those who go on: without
// that the race detector finds two at seen.
func TestALookEndsWithItsCaller(t *testing.T) {
	r := newRig(t)
	id := r.active(1).ID
	begun, through := make(chan struct{}), make(chan struct{})
	var both sync.WaitGroup
	both.Go(func() { // works for the contract
		if err := r.View(t.Context(), id, func(*contract.State, time.Time) { close(begun); <-through }); err != nil {
			t.Error(err)
		}
	})
	<-begun
	both.Go(func() {
		ctx, cancel := context.WithCancel(t.Context())
		seen := false
		_ = r.View(ctx, id, func(*contract.State, time.Time) {
			cancel()
			for range 1000 {
				runtime.Gosched() // the caller is gone, if he goes
			}
			seen = true
		})
		if !seen {
			t.Error("the caller has left while it looked")
		}
	})
	for r.Waiting(id) == 0 {
		runtime.Gosched()
	}
	close(through)
	both.Wait()
}
