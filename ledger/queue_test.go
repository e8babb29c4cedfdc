package ledger_test

import (
	"context"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/domain/contract"
	"github.com/supportledger/supportledger/eventstore"
	"github.com/supportledger/supportledger/ledger"
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

// A narrow store takes as much in one append as a cluster does.
type narrow struct {
	eventstore.Store
	refused, appends atomic.Int64
}

func (s *narrow) Append(ctx context.Context, a eventstore.Append) (eventstore.Appended, error) {
	size := 0
	for _, e := range a.Events {
		size += len(e.Data)
	}
	if s.appends.Add(1); size > 1<<20 {
		s.refused.Add(1)
		return eventstore.Appended{}, eventstore.ErrInvalid
	}
	return s.Store.Append(ctx, a)
}

// What asks together, and is more than a cluster takes at once, is recorded in
// several appends, without one that is refused: after that the whole contract has to
// be read again.
func TestALargeBatchIsRecordedInSeveralAppends(t *testing.T) {
	r := newRig(t)
	s := &narrow{Store: r.store}
	l, err := ledger.New(ledger.Config{Store: s, Keys: r.keys, People: r.people, Catalog: shelf(), Clock: r.clock})
	must(t, err)
	const many = 200
	c := r.linked(many)
	for _, err := range r.largeBatch(l, c.ID, many, func() {}) {
		must(t, err)
	}
	if b := r.balance(c.ID); b.Available != 0 || b.Consumed != many || s.refused.Load() != 0 || s.appends.Load() < 3 {
		t.Errorf("%d of %d recorded in %d appends, %d of them refused", b.Consumed, many, s.appends.Load(), s.refused.Load())
	}
}

// largeBatch are the errors of that many long submissions, and of a look behind them,
// which wait for a contract together.
func (r *rig) largeBatch(l *ledger.Ledger, id uuid.UUID, many int, look func()) (errs []error) {
	wish := request(id)
	wish.Texts.Description = strings.Repeat("It is long. ", 1000)
	var all sync.WaitGroup
	begun, through := make(chan struct{}), make(chan struct{})
	errs = make([]error, many+1)
	all.Go(func() { // works for the contract until everybody waits
		if err := l.View(r.t.Context(), id, func(*contract.State, time.Time) { close(begun); <-through }); err != nil {
			r.t.Error(err)
		}
	})
	<-begun
	for i := range many {
		request := r.by(ani, "submit")
		all.Go(func() { _, errs[i] = l.Submit(r.t.Context(), request, wish) })
	}
	waitFor := func(n int) {
		for l.Waiting(id) < n {
			runtime.Gosched()
		}
	}
	waitFor(many)
	all.Go(func() { errs[many] = l.View(r.t.Context(), id, func(*contract.State, time.Time) { look() }) })
	waitFor(many + 1)
	close(through)
	all.Wait()
	return errs
}

// Of a batch that is recorded in several appends, a mistake in a decision for a later
// one costs nobody the answer whose command was recorded before.
func TestAPanicTakesNoAnswerBack(t *testing.T) {
	r := newRig(t)
	const many = 200
	c := r.linked(many)
	errs, answered := r.largeBatch(r.Ledger, c.ID, many, func() {
		panic("a mistake") // on purpose
	}), int64(0)
	if errs[many] == nil {
		t.Error("a look that panicked was answered")
	}
	for _, err := range errs[:many] {
		if err == nil {
			answered++
		}
	}
	if b := r.balance(c.ID); b.Consumed != answered || answered == 0 {
		t.Errorf("%d are recorded, and %d were answered", b.Consumed, answered)
	}
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
