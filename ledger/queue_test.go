package ledger_test

import (
	"context"
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

// A mistake in this program that shows in one decision costs those their answer
// who asked together, and not the contract.
func TestAPanicWhileDecidingLeavesTheContractUsable(t *testing.T) {
	r := newRig(t)
	c := r.linked(1)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	err := r.View(ctx, c.ID, func(*contract.State, time.Time) {
		panic("a mistake") // on purpose
	})
	if err == nil {
		t.Error("a look that panicked was answered")
	}
	_, err = r.Submit(ctx, r.by(ani, "submit"), request(c.ID))
	must(t, err)
}
