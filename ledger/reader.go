package ledger

import (
	"errors"
	"fmt"

	"github.com/supportledger/supportledger/eventstore"
)

// A RecordError says at which record a reader of the log has stopped, and why:
// it does not know the type, or cannot read it. No reader ever skips one (R42).
type RecordError struct {
	Stopped  string // who: "the feed stops"
	Position eventstore.Position
	Stream   string
	Revision eventstore.Revision
	Type     string
	Err      error
}

// Unreadable is the RecordError of a record.
func Unreadable(stopped string, r *eventstore.Record, err error) *RecordError {
	return &RecordError{stopped, r.Position, r.Stream, r.Revision, r.Type, err}
}

func (e *RecordError) Error() string {
	return fmt.Sprintf("%s at position %d, %s of stream %s@%d: %v", e.Stopped, e.Position, e.Type, e.Stream, e.Revision, e.Err)
}

func (e *RecordError) Unwrap() error { return e.Err }

// Permanent says of an error in reading the log that it stays as long as the
// program and the log are what they are, so that trying again is of no use.
func Permanent(err error) bool {
	return errors.As(err, new(*RecordError)) || errors.As(err, new(*eventstore.CorruptError)) || errors.Is(err, eventstore.ErrClosed)
}
