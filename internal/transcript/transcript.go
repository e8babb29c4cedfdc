// Package transcript keeps what is said in a test, by a program or by several
// goroutines, so that it can be read meanwhile.
package transcript

import (
	"log/slog"
	"strings"
	"sync"
)

// A Transcript is what was said so far. The zero Transcript is empty.
type Transcript struct {
	mu   sync.Mutex
	text strings.Builder
}

// Write implements io.Writer.
func (t *Transcript) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.text.Write(p)
}

// String implements fmt.Stringer.
func (t *Transcript) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.text.String()
}

// Logger writes into the transcript what is at least of a level.
func (t *Transcript) Logger(level slog.Level) *slog.Logger {
	return slog.New(slog.NewTextHandler(t, &slog.HandlerOptions{Level: level}))
}
