package broker

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"
)

// How much is logged at most of what others make the server say.
const (
	mostSaid = 50
	saidSpan = 10 * time.Second
)

// A sparing handler leaves out, and counts, what is said too often: else a
// subscriber could fill the disk with what it is refused.
type sparing struct {
	slog.Handler
	mu      sync.Mutex
	until   time.Time // the end of the span
	said    int       // in it
	leftOut int
}

// Handle implements slog.Handler.
func (s *sparing) Handle(ctx context.Context, r slog.Record) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.Time.After(s.until) {
		if s.leftOut > 0 {
			r.AddAttrs(slog.Int("left_out_before", s.leftOut))
		}
		s.until, s.said, s.leftOut = r.Time.Add(saidSpan), 0, 0
	}
	if s.said == mostSaid {
		s.leftOut++
		return nil
	}
	s.said++
	return s.Handler.Handle(ctx, r)
}

// A logger passes on what the server says.
type logger struct {
	log   *slog.Logger
	fatal chan error // the first reason for giving up
}

// reason is why the server has given up.
func (l *logger) reason() error {
	select {
	case err := <-l.fatal:
		return err
	default:
		return errGaveUp
	}
}

func (l *logger) Noticef(format string, args ...any) {
	l.log.Debug("nats: " + fmt.Sprintf(format, args...))
}
func (l *logger) Warnf(format string, args ...any) {
	l.log.Warn("nats: " + fmt.Sprintf(format, args...))
}
func (l *logger) Errorf(format string, args ...any) {
	l.log.Error("nats: " + fmt.Sprintf(format, args...))
}
func (l *logger) Debugf(format string, args ...any) {
	l.log.Debug("nats: " + fmt.Sprintf(format, args...))
}
func (l *logger) Tracef(format string, args ...any) {
	l.log.Debug("nats: " + fmt.Sprintf(format, args...))
}

// Fatalf is said by a server that cannot go on. It must return.
func (l *logger) Fatalf(format string, args ...any) {
	err := fmt.Errorf(format, args...)
	select {
	case l.fatal <- err:
	default:
	}
	l.log.Error("nats: " + err.Error())
}
