package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// watchMemory looks at what a process holds until it has ended, and then tells the
// most that it has held at once, in bytes. What the system counts for a process
// that was waited for would begin with what this one held when it started it.
func watchMemory(pid int) (most func() int64) {
	told := make(chan int64, 1)
	go func() {
		var bytes int64
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for {
			status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
			_, after, held := strings.Cut(string(status), "VmHWM:")
			if err != nil || !held { // it has ended
				told <- bytes
				return
			}
			if kib, err := strconv.ParseInt(strings.Fields(after)[0], 10, 64); err == nil {
				bytes = kib << 10
			}
			<-tick.C
		}
	}()
	return func() int64 { return <-told }
}
