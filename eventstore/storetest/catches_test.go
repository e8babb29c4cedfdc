package storetest_test

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/supportledger/supportledger/eventstore/storetest"
)

// A store that keeps every promise passes.
func TestGoodStorePasses(t *testing.T) {
	storetest.Run(t, func(testing.TB) storetest.Subject { return newMemory(faults{}).subject() })
}

// A store that breaks a promise does not pass: each fault makes a case fail.
func TestSuiteCatchesFaults(t *testing.T) {
	for name, f := range map[string]faults{
		"a lost sync":                             {losesLastOnCrash: true},
		"a swapped revision":                      {swapsRevisions: true},
		"a record seen before it is durable":      {showsBeforeDurable: true},
		"a position seen late":                    {showsLate: true},
		"the last event of an append lost":        {losesLastEvent: true},
		"a repeat recorded again":                 {recordsRepeats: true},
		"a conflict with its revisions swapped":   {swapsConflict: true},
		"recorded time running backwards":         {timeRunsBackwards: true},
		"Before ignored":                          {ignoresBefore: true},
		"a wake-up missed":                        {missesWakeUp: true},
		"expectations not checked":                {skipsConflictCheck: true},
		"positions out of order":                  {positionsOutOfOrder: true},
		"buffers reused under records":            {reusesBuffers: true},
		"a repeat known by its first id only":     {comparesFirstIDOnly: true},
		"records lost by closing":                 {losesLastOnReopen: true},
		"backwards without the newest":            {backwardsSkipsNewest: true},
		"malformed appends accepted":              {acceptsMalformed: true},
		"appends accepted after Close":            {appendsAfterClose: true},
		"the last time forgotten over reopening":  {forgetsTimeOverReopen: true},
		"recorded times finer than microseconds":  {keepsNanoseconds: true},
		"a place told that is in no record":       {forgetsPlaces: true},
		"an append torn by a crash":               {tearsAppendOnCrash: true},
		"a wait that its context does not finish": {waitOutlivesContext: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			caught := catches(t, f)
			if caught == "" {
				t.Error("no case noticed")
			}
			t.Log(caught)
		})
	}
}

// catches runs the suite against faulty stores until a case fails, and returns
// its name and what it said.
func catches(t *testing.T, f faults) string {
	t.Helper()
	for _, c := range storetest.Cases() {
		r := &recorder{TB: t}
		if !r.passes(func() { c.Run(r, newMemory(f).subject()) }) {
			return c.Name + ": " + r.first()
		}
	}
	return ""
}

// A recorder takes the place of a test that is expected to fail.
type recorder struct {
	testing.TB

	mu       sync.Mutex
	said     []string
	cleanups []func()
}

// passes runs fn, which may end its goroutine, and says whether it complained.
// A case that hangs has noticed too.
func (r *recorder) passes(fn func()) bool {
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer func() {
			if p := recover(); p != nil {
				r.say(fmt.Sprint("panic: ", p))
			}
		}()
		fn()
	}()
	ctx, cancel := context.WithTimeout(context.Background(), 15*time.Second)
	defer cancel()
	select {
	case <-done:
	case <-ctx.Done():
		r.say("it does not end")
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, fn := range r.cleanups {
		fn()
	}
	return len(r.said) == 0
}

func (r *recorder) first() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.said[0]
}

func (r *recorder) say(what string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.said = append(r.said, what)
}

func (r *recorder) Helper()          {}
func (r *recorder) Cleanup(f func()) { r.mu.Lock(); r.cleanups = append(r.cleanups, f); r.mu.Unlock() }
func (r *recorder) Failed() bool     { r.mu.Lock(); defer r.mu.Unlock(); return len(r.said) > 0 }

func (r *recorder) Error(args ...any)                 { r.say(fmt.Sprint(args...)) }
func (r *recorder) Errorf(format string, args ...any) { r.say(fmt.Sprintf(format, args...)) }
func (r *recorder) Fatal(args ...any)                 { r.Error(args...); runtime.Goexit() }
func (r *recorder) Fatalf(format string, args ...any) { r.Errorf(format, args...); runtime.Goexit() }
func (r *recorder) FailNow()                          { r.say("FailNow"); runtime.Goexit() }
func (r *recorder) Fail()                             { r.say("Fail") }
