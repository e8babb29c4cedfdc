// Package eventstore is the contract every store of records keeps: records in,
// records out, in one order, durable before anybody sees them.
//
// What holds for every Store:
//
//   - An Append is atomic: all of its events or none, with consecutive
//     revisions of one stream and consecutive places in the global order.
//   - It is durable when it returns without an error. An error that wraps
//     ErrUnknown leaves open whether it happened; asking again with the same
//     event ids settles that. Every other error says that it did not happen.
//   - Positions grow strictly in commit order. A reader that has seen position
//     p is never shown a new record at or below p.
//   - Readers see only what is durable: a record that was seen cannot vanish.
//   - Revisions of a stream start at 0 and have no gaps.
//   - Recorded times never run backwards along a stream, nor along positions by
//     more than the store's Slack, which is 0 where one process writes.
//   - A damaged record is an error that names it (CorruptError); it is never
//     skipped and never repaired in silence (R42).
//
// storetest states all of this as tests; every store passes them.
package eventstore

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strconv"
	"time"

	"github.com/google/uuid"
)

// A Position is a place in the global order of all records. Positions grow
// strictly, not necessarily by one. Start lies before every record.
type Position uint64

// Start is the position before the first record.
const Start Position = 0

func (p Position) String() string { return strconv.FormatUint(uint64(p), 10) }

// A Revision is a place in one stream: 0 for its first record, without gaps.
type Revision int64

// NoStream is the revision of a stream that has no record.
const NoStream Revision = -1

// An Event is what a caller asks to record.
type Event struct {
	ID   uuid.UUID // unique; an append whose answer was lost is recognised by it
	Type string    // "noun.verb.vN", at most 255 bytes
	Data []byte    // the payload, JSON
	Meta []byte    // who and why, opaque to the store
}

// A Record is an event as it was recorded. Data and Meta are the caller's to
// keep, not to change.
type Record struct {
	Position   Position
	Stream     string
	Revision   Revision
	RecordedAt time.Time // UTC, microseconds
	// Behind says how much further in the stream the record stands whose position
	// was told of this one when it was appended: 0 where it was its own. See
	// Appended.PlaceOf.
	Behind int
	Event
}

// An Append asks to record events at the end of one stream.
type Append struct {
	// Stream is the stream's name, 1 to 255 bytes of printable ASCII. Names of
	// streams and types do not begin with $: EventStoreDB's own do.
	Stream string
	// Expected is the revision of the stream's last record: NoStream or exactly
	// this one. A blind append does not exist.
	Expected Revision
	// Events are recorded in this order; at least one.
	Events []Event
	// At is when the caller decided. The records carry it as RecordedAt, or the
	// time of the last record in the store where that is later.
	At time.Time
	// Before, unless zero, refuses the append with ErrTooLate where RecordedAt
	// would not lie before it: a decision must not be recorded in a time in
	// which it would have been another one.
	Before time.Time
	// Copied says that the events were recorded at At in another log. The records
	// keep that time, though records before them are later, by the store's Slack at
	// most: what is further behind is ErrInvalid.
	Copied bool
	// Unfinished says of what is copied that more follows: a log that ends with it is
	// a part of the other one. A store that others can open before the rest is there
	// keeps that with the records, and refuses to be taken for a whole log.
	Unfinished bool
}

// Limits of one append.
const (
	MaxStreamBytes = 255      // of a stream's name, and of an event's type
	MaxAppendBytes = 32 << 20 // of all payloads and metadata together
)

// Validate says with an error that wraps ErrInvalid what is malformed about an
// append. Every store refuses what it refuses.
func (a Append) Validate() error {
	if err := validName("stream", a.Stream); err != nil {
		return err
	}
	if a.Expected < NoStream {
		return fmt.Errorf("%w: expected revision %d is below NoStream (%d)", ErrInvalid, a.Expected, NoStream)
	}
	if len(a.Events) == 0 {
		return fmt.Errorf("%w: no events", ErrInvalid)
	}
	total := 0
	for i := range a.Events {
		if a.Events[i].ID == uuid.Nil {
			return fmt.Errorf("%w: event %d has no id", ErrInvalid, i)
		}
		if err := validName("type", a.Events[i].Type); err != nil {
			return fmt.Errorf("event %d: %w", i, err)
		}
		total += len(a.Events[i].Data) + len(a.Events[i].Meta)
	}
	if total > MaxAppendBytes {
		return fmt.Errorf("%w: %d bytes of data and metadata, at most %d fit in one append", ErrInvalid, total, MaxAppendBytes)
	}
	return nil
}

func validName(what, name string) error {
	if name == "" || len(name) > MaxStreamBytes {
		return fmt.Errorf("%w: %s has %d bytes, must have 1 to %d", ErrInvalid, what, len(name), MaxStreamBytes)
	}
	if name[0] == '$' {
		return fmt.Errorf("%w: %s %q begins with $, as only EventStoreDB's own do", ErrInvalid, what, name)
	}
	for i := 0; i < len(name); i++ {
		if name[i] < ' ' || name[i] > '~' {
			return fmt.Errorf("%w: %s has byte %#02x at %d, must be printable ASCII", ErrInvalid, what, name[i], i)
		}
	}
	return nil
}

// Appended says where an append was recorded.
type Appended struct {
	Position   Position // of its last event
	Revision   Revision // of its last event
	RecordedAt time.Time
	// Consecutive says that the events' positions follow each other without a gap.
	Consecutive bool
}

// PlaceOf is a position up to which the event of the append with this revision can
// be read: its own where that follows from the last one's, and otherwise the last
// one's. Its record says which (Behind), so that it can be told again.
func (a Appended) PlaceOf(r Revision) Position {
	if a.Consecutive {
		return a.Position - Position(a.Revision-r)
	}
	return a.Position
}

// A Direction is the order in which a read goes through records.
type Direction int

// The directions.
const (
	Forwards  Direction = iota // oldest first
	Backwards                  // newest first
)

// A Store keeps records. It is safe for concurrent use.
type Store interface {
	// Append records events, durably when it returns nil. It returns a
	// *ConflictError where the stream is not at the expected revision, except
	// that an append whose event ids already stand exactly there is answered as
	// the first time, whatever its Before says. ErrInvalid, ErrTooLate, ErrFull,
	// ErrClosed and ErrUnavailable mean that nothing was recorded, and so does
	// the context's error; ErrUnknown that it may have been. When Append returns,
	// the store has done with the slices that it was given.
	Append(ctx context.Context, a Append) (Appended, error)

	// ReadStream yields the records of one stream from a revision on,
	// inclusive, in the direction asked for; nothing for an unknown stream.
	// Backwards from LastRevision starts at the newest. A read ends at what was
	// durable when it began, or later. After a non-nil error it yields nothing.
	ReadStream(ctx context.Context, stream string, from Revision, dir Direction) iter.Seq2[Record, error]

	// ReadAll yields the records of all streams after a position, exclusive, in
	// the order of their positions, up to what is durable.
	ReadAll(ctx context.Context, after Position) iter.Seq2[Record, error]

	// ReadAllBackwards yields the records before a position, exclusive, newest
	// first. LastPosition starts at the newest.
	ReadAllBackwards(ctx context.Context, before Position) iter.Seq2[Record, error]

	// Head is the position of the newest durable record, Start where there is none.
	Head(ctx context.Context) (Position, error)

	// Wait returns when a record after the position can be read, or with the
	// context's error, or with ErrClosed.
	Wait(ctx context.Context, after Position) error

	// Close finishes what was accepted and lets go of the store. Appends that
	// come later get ErrClosed.
	Close() error
}

// LastRevision and LastPosition start a backwards read at the newest record.
const (
	LastRevision Revision = 1<<63 - 1
	LastPosition Position = 1<<64 - 1
)

// Errors of a Store.
var (
	// ErrTooLate refuses an append by its Before.
	ErrTooLate = errors.New("the time the decision was good for is over")
	// ErrFull says that the space kept in reserve would be touched. Reads go
	// on, appends succeed again when there is space.
	ErrFull = errors.New("the store's file system is full")
	// ErrUnavailable says that the store cannot be reached now.
	ErrUnavailable = errors.New("the store cannot be reached")
	// ErrUnknown says that the outcome of an append is not known: it may or may
	// not have been recorded.
	ErrUnknown = errors.New("the outcome of the append is not known")
	// ErrInvalid refuses an append that is malformed; nothing was recorded.
	ErrInvalid = errors.New("the append is malformed")
	// ErrClosed says that the store was closed.
	ErrClosed = errors.New("the store is closed")
)

// A ConflictError says that a stream was not where an append expected it.
type ConflictError struct {
	Stream           string
	Expected, Actual Revision
}

func (e *ConflictError) Error() string {
	return fmt.Sprintf("stream %s is at revision %d, not %d", e.Stream, e.Actual, e.Expected)
}

// A CorruptError names a record, or a place in a file, whose bytes are not what
// was written (R42).
type CorruptError struct {
	Position Position // the record's, or the last good one before the damage
	Where    string   // file and offset, or the part of the store
	Reason   string
}

func (e *CorruptError) Error() string {
	return fmt.Sprintf("damaged record after position %d in %s: %s", e.Position, e.Where, e.Reason)
}

// Slack is how far recorded times may run backwards along the positions of a
// store: 0 unless it says otherwise. Where several nodes write, each records the
// time at which it decided, and two appends that are under way at once may stand
// in either order.
func Slack(s Store) time.Duration {
	if s, ok := s.(interface{ Slack() time.Duration }); ok {
		return s.Slack()
	}
	return 0
}

// Follow yields every record after a position and then waits for the next ones,
// until the context ends. It is a subscription: in order, nothing skipped,
// nothing twice.
func Follow(ctx context.Context, s Store, after Position) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		for {
			for r, err := range s.ReadAll(ctx, after) {
				if !yield(r, err) || err != nil {
					return
				}
				after = r.Position
			}
			if err := s.Wait(ctx, after); err != nil {
				yield(Record{}, err)
				return
			}
		}
	}
}
