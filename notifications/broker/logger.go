package broker

import (
	"fmt"
	"log/slog"
)

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
