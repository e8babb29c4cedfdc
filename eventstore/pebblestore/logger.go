package pebblestore

import (
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"syscall"

	"github.com/cockroachdb/pebble/v2"
)

// A pebbleLogger passes on what Pebble says. Pebble ends the process on what it
// cannot survive, so that its caller need not see the error; here the store
// fails first, and the process's owner hears of it.
type pebbleLogger struct {
	log    *slog.Logger
	fail   func(error)
	opened *atomic.Bool // whether the store is open
}

func (l pebbleLogger) Infof(format string, args ...any) {
	l.log.Debug("pebble: " + fmt.Sprintf(format, args...))
}

func (l pebbleLogger) Errorf(format string, args ...any) {
	l.log.Warn("pebble: " + fmt.Sprintf(format, args...))
}

// Fatalf must not return, and must not panic in a goroutine of Pebble's.
func (l pebbleLogger) Fatalf(format string, args ...any) {
	l.fail(fmt.Errorf("pebble: "+format, args...))
	select {}
}

// listener reports what goes wrong in the background; the rest of Pebble's
// events are not for an operator.
func (l pebbleLogger) listener() *pebble.EventListener {
	return &pebble.EventListener{
		BackgroundError: func(err error) {
			l.log.Error("background work of the store did not succeed; it will be tried again", "error", err)
		},
		FlushEnd: func(info pebble.FlushInfo) {
			// Opening waits for its flush, which is tried for ever.
			if errno := syscall.Errno(0); errors.As(info.Err, &errno) && !l.opened.Load() {
				l.fail(fmt.Errorf("write down what the log holds: %w", info.Err))
			}
		},
		DataCorruption: func(info pebble.DataCorruptionInfo) {
			l.log.Error("the store found a damaged file", "file", info.Path, "error", info.Details)
		},
		WriteStallBegin: func(info pebble.WriteStallBeginInfo) {
			l.log.Warn("appends wait for the disk", "reason", info.Reason)
		},
	}
}
