package main

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// newTerminal speaks to two writers; progress goes to the second one: a bar where
// somebody watches, a line now and then where not.
func newTerminal(stdout, stderr io.Writer) *terminal {
	t := &terminal{out: stdout, err: stderr}
	if f, ok := stderr.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		t.progress = barProgress(f)
	} else {
		t.progress = lineProgress(stderr, time.Now)
	}
	return t
}

// barProgress draws one bar for each stage.
func barProgress(f *os.File) func(string, int64, int64) {
	var mu sync.Mutex
	var bar *progressbar.ProgressBar
	var drawn string
	return func(stage string, done, total int64) {
		mu.Lock()
		defer mu.Unlock()
		if bar == nil || drawn != stage {
			bar = progressbar.NewOptions64(max(total, 1), progressbar.OptionSetWriter(f), progressbar.OptionSetDescription(stage),
				progressbar.OptionShowCount(), progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionClearOnFinish())
			drawn = stage
		}
		bar.ChangeMax64(max(total, 1))
		_ = bar.Set64(done) // a bar that cannot be drawn stops nothing
	}
}

// quiet is how long a line of progress lasts.
const quiet = 5 * time.Second

// lineProgress writes a line when something has begun to take long, and now and
// then while it does.
func lineProgress(w io.Writer, now func() time.Time) func(string, int64, int64) {
	var mu sync.Mutex
	last := now()
	return func(stage string, done, total int64) {
		mu.Lock()
		defer mu.Unlock()
		if now().Sub(last) < quiet {
			return
		}
		last = now()
		if total > 0 {
			fmt.Fprintf(w, "%s: %d of %d (%d %%)\n", stage, done, total, done*100/total)
		} else {
			fmt.Fprintf(w, "%s: %d\n", stage, done)
		}
	}
}
