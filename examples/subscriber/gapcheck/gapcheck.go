// Package gapcheck tells a subscriber of a supportledger's feed whether an event
// is the next one, was there before, or shows that others are missing.
//
// Revisions of a stream are 0, 1, 2 and so on, and so are the ordinals 1, 2, 3 of
// all messages. A subscriber to everything therefore knows from the messages
// alone that it has missed none; a subscriber to whole streams knows it for each
// of them. A subscriber that leaves out types of events cannot know it, since
// what is left out leaves gaps.
//
// The state of a Checker is all that a subscriber must keep: it fits into a file,
// or into the row of a database that is written with what the events have
// changed. It grows with the number of streams, by about 100 bytes for each.
package gapcheck

import (
	"fmt"
	"strconv"
	"strings"
)

// An Event is what a message says about its place.
type Event struct {
	ID       string
	Stream   string // UUID of what it happened to
	Revision int64  // place in the stream, from 0 on
	Ordinal  uint64 // place among all messages, from 1 on
}

// Read reads the headers of a message; get returns one by its name.
func Read(get func(name string) string) (e Event, err error) {
	e.ID, e.Stream = get("ce-id"), get("ce-subject")
	if e.ID == "" || e.Stream == "" {
		return e, fmt.Errorf("this is no event of a supportledger: ce-id is %q, ce-subject %q", e.ID, e.Stream)
	}
	if e.Revision, err = strconv.ParseInt(get("ce-revision"), 10, 64); err != nil {
		return e, fmt.Errorf("header ce-revision: %w", err)
	}
	if e.Ordinal, err = strconv.ParseUint(get("ce-ordinal"), 10, 64); err != nil {
		return e, fmt.Errorf("header ce-ordinal: %w", err)
	}
	return e, nil
}

// A Scope is how much of the feed a subscriber reads.
type Scope int

// The scopes.
const (
	SomeEvents   Scope = iota // some types of events: gaps are in order
	WholeStreams              // everything about some streams
	Everything
)

// ScopeOf is the scope of a subscriber who filters by these subjects.
func ScopeOf(subjects []string) Scope {
	scope := WholeStreams
	for _, subject := range subjects {
		tokens := strings.Split(subject, ".")
		switch {
		case subject == "ledger.events.>" || subject == "ledger.events.*.*.*":
			return Everything
		case len(tokens) == 5 && tokens[2] == "*" && tokens[3] == "*":
		default:
			scope = SomeEvents
		}
	}
	return scope
}

// A Last is the newest event of a stream that was taken.
type Last struct {
	Revision int64  `json:"revision"`
	ID       string `json:"id"`
}

// A Checker remembers what was taken. The zero Checker has taken nothing and
// checks no gaps. It has one user at a time.
type Checker struct {
	Scope   Scope           `json:"-"`
	Ordinal uint64          `json:"ordinal"` // of the newest message
	Streams map[string]Last `json:"streams"`
}

// Take takes an event: it is new where it is the next of its stream, and not
// where it was taken before. Where others are missing before it, the error is a
// *MissedError, and where another event was taken in its place, a
// *ReplacedError; then it is not taken.
func (c *Checker) Take(e Event) (isNew bool, err error) {
	last, known := c.Streams[e.Stream]
	if !known {
		last.Revision = -1
	}
	switch {
	case known && e.Revision == last.Revision && e.ID != last.ID:
		return false, &ReplacedError{e, last.ID}
	case e.Revision <= last.Revision:
		return false, nil
	case c.Scope == Everything && e.Ordinal <= c.Ordinal:
		return false, &ReplacedError{Event: e}
	case c.Scope != SomeEvents && e.Revision > last.Revision+1:
		return false, &MissedError{"revisions of stream " + e.Stream, last.Revision + 1, e.Revision - 1}
	case c.Scope == Everything && e.Ordinal > c.Ordinal+1:
		return false, &MissedError{"messages of the feed, by their ordinals", int64(c.Ordinal) + 1, int64(e.Ordinal) - 1}
	}
	if c.Streams == nil {
		c.Streams = map[string]Last{}
	}
	c.Streams[e.Stream] = Last{e.Revision, e.ID}
	c.Ordinal = max(c.Ordinal, e.Ordinal)
	return true, nil
}

// A MissedError says what is missing before an event.
type MissedError struct {
	What     string
	From, To int64
}

func (e *MissedError) Error() string {
	return fmt.Sprintf("missed %s: %d to %d", e.What, e.From, e.To)
}

// A ReplacedError says that an event stands where another one was taken before:
// the ledger was restored from a backup and went on differently. What was taken
// since then never happened.
type ReplacedError struct {
	Event Event
	Taken string // the id of the other one; "" where only its ordinal is known
}

func (e *ReplacedError) Error() string {
	where, taken := fmt.Sprintf("revision %d of stream %s", e.Event.Revision, e.Event.Stream), "event "+e.Taken
	if e.Taken == "" {
		where, taken = fmt.Sprintf("message %d of the feed", e.Event.Ordinal), "another one"
	}
	return fmt.Sprintf("%s is event %s, and was %s before: the ledger was restored from a backup; start anew with an empty state",
		where, e.Event.ID, taken)
}
