package ledger_test

import (
	"runtime"
	"testing"
	"time"

	"github.com/supportledger/supportledger/domain/contract"
)

// A contract that nobody uses any more keeps its state, not what was asked of it:
// a request's context holds a connection and its buffers.
func TestACommandIsForgottenOnceItIsAnswered(t *testing.T) {
	r := newRig(t)
	c := r.linked(1)
	gone := make(chan struct{})
	func() {
		request := new([1 << 10]byte)
		runtime.AddCleanup(request, func(struct{}) { close(gone) }, struct{}{})
		must(t, r.View(t.Context(), c.ID, func(*contract.State, time.Time) { request[0]++ }))
	}()
	for range 100 {
		runtime.GC()
		select {
		case <-gone:
			return
		default:
			runtime.Gosched()
		}
	}
	t.Error("what a look has captured is still there")
}
