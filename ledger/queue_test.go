package ledger_test

import (
	"context"
	"errors"
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

// A narrow store takes so much in one append, and counts as KurrentDB does.
type narrow struct {
	eventstore.Store
	most             int
	refused, appends atomic.Int64
}

// narrowed is a ledger on a narrow store.
func (r *rig) narrowed(most int) (*ledger.Ledger, *narrow) {
	r.t.Helper()
	s := &narrow{Store: r.store, most: most}
	l, err := ledger.New(ledger.Config{Store: s, Keys: r.keys, People: r.people, Catalog: shelf(), Clock: r.clock})
	must(r.t, err)
	return l, s
}

func (s *narrow) Append(ctx context.Context, a eventstore.Append) (eventstore.Appended, error) {
	size := 0
	for _, e := range a.Events {
		size += len(e.Data) + len(e.Meta)*4/3 + 70 + 2*len(e.Type)
	}
	if s.appends.Add(1); size > s.most {
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
	l, s := r.narrowed(1 << 20)
	const many = 200
	c := r.linked(many)
	for _, err := range r.largeBatch(l, c.ID, many, func() {}) {
		must(t, err)
	}
	if b := r.balance(c.ID); b.Available != 0 || b.Consumed != many || s.refused.Load() != 0 || s.appends.Load() < 3 {
		t.Errorf("%d of %d recorded in %d appends, %d of them refused", b.Consumed, many, s.appends.Load(), s.refused.Load())
	}
}

// A store that takes less than that is asked for less, and what alone is too much
// costs nobody else his answer.
func TestWhatIsTooLargeIsHalved(t *testing.T) {
	for most, fits := range map[int]bool{64 << 10: true, 8 << 10: false} {
		r := newRig(t)
		l, s := r.narrowed(most)
		const many = 20
		c := r.linked(many + 1)
		errs := r.largeBatch(l, c.ID, many, func() {})
		must(t, errs[many]) // of the look
		for _, err := range errs[:many] {
			if fits && err != nil || !fits && !errors.Is(err, eventstore.ErrInvalid) {
				t.Fatalf("in appends of %d bytes: %v", most, err)
			}
		}
		_, err := l.Submit(t.Context(), r.by(ani, "submit"), request(c.ID))
		must(t, err)
		if b := r.balance(c.ID); b.Consumed != int64(many)*map[bool]int64{true: 1}[fits]+1 || s.refused.Load() == 0 {
			t.Errorf("in appends of %d bytes: %d recorded, %d appends refused", most, b.Consumed, s.refused.Load())
		}
	}
}

// largeBatch are the errors of that many long submissions, and of a look behind them,
// which wait for a contract together.
func (r *rig) largeBatch(l *ledger.Ledger, id uuid.UUID, many int, look func()) (errs []error) {
	wish := request(id)
	wish.Texts.Description = strings.Repeat("It is long. ", 1000)
	errs = make([]error, many+1)
	requests := make([]ledger.Request, many)
	for i := range requests {
		requests[i] = r.by(ani, "submit")
	}
	r.together(l, id, many+1, func(i int) {
		if i == many {
			errs[i] = l.View(r.t.Context(), id, func(*contract.State, time.Time) { look() })
		} else {
			_, errs[i] = l.Submit(r.t.Context(), requests[i], wish)
		}
	})
	return errs
}

// together has that many callers ask for a contract in one batch, one behind another.
func (r *rig) together(l *ledger.Ledger, id uuid.UUID, many int, ask func(i int)) {
	var all sync.WaitGroup
	begun, through := make(chan struct{}), make(chan struct{})
	all.Go(func() { // works for the contract until everybody waits
		if err := l.View(r.t.Context(), id, func(*contract.State, time.Time) { close(begun); <-through }); err != nil {
			r.t.Error(err)
		}
	})
	<-begun
	for i := range many {
		all.Go(func() { ask(i) })
		for l.Waiting(id) <= i {
			runtime.Gosched()
		}
	}
	close(through)
	all.Wait()
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
