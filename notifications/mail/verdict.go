package mail

import (
	"errors"
	"fmt"
)

// A Verdict says whether trying a letter again can help.
type Verdict int

// What a failed sending may be.
const (
	Passing       Verdict = iota // later it may succeed: 4xx, the network, TLS, signing in, a full disk
	Permanent                    // this letter is never taken: its address is malformed, or the server refuses it for good
	Configuration                // it succeeds once somebody changes a setting or a template
)

func (v Verdict) String() string {
	return [...]string{"passing", "permanent", "configuration"}[v]
}

// An Error says why a letter was not sent. It never contains a Contract ID, nor
// a personal text: what a server says about a recipient is told by its codes.
type Error struct {
	Verdict  Verdict
	Step     string // what was being done: "connect", "RCPT TO", "write file" ...
	Code     int    // the server's reply, such as 550; 0: it did not reply
	Enhanced string // its enhanced status code (RFC 3463), such as 5.1.1; "" for none
	Cause    error  // why; may be nil where a code says it
}

// Error names the step, and the codes or the cause.
func (e *Error) Error() string {
	text := e.Step
	if e.Code != 0 {
		text += fmt.Sprintf(": the server answered %d", e.Code)
	}
	if e.Enhanced != "" {
		text += " " + e.Enhanced
	}
	if e.Cause != nil {
		text += ": " + e.Cause.Error()
	}
	return text
}

// Unwrap is the cause.
func (e *Error) Unwrap() error { return e.Cause }

// VerdictOf is the verdict of an error that Send returned; anything but an *Error
// is passing.
func VerdictOf(err error) Verdict {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Verdict
	}
	return Passing
}
