// Package crowdtest makes a crowd before the processors, for tests of what is to
// step back there.
package crowdtest

import (
	"runtime"
	"sync/atomic"
)

// Gather lets goroutines work without end, eight for the one that may run, until
// the function is called that it returns. How much of the machine the process uses
// says nothing about them.
func Gather() (disperse func()) {
	procs := runtime.GOMAXPROCS(1)
	var over atomic.Bool
	for range 8 {
		go func() {
			for !over.Load() {
				runtime.Gosched()
			}
		}()
	}
	return func() { over.Store(true); runtime.GOMAXPROCS(procs) }
}
