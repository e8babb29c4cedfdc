package audit_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"iter"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/audit"
	"github.com/supportledger/supportledger/eventstore"
)

// A tape is a log that somebody has written by hand: a store that keeps no
// promise.
type tape struct {
	records []eventstore.Record
	damage  error // after the last record
}

func (s *tape) ReadAll(_ context.Context, after eventstore.Position) iter.Seq2[eventstore.Record, error] {
	return func(yield func(eventstore.Record, error) bool) {
		for _, r := range s.records {
			if (r.Position > after || after == eventstore.Start) && !yield(r, nil) {
				return
			}
		}
		if s.damage != nil {
			yield(eventstore.Record{}, s.damage)
		}
	}
}

func (s *tape) Head(context.Context) (eventstore.Position, error) {
	head := eventstore.Start
	for _, r := range s.records {
		head = max(head, r.Position)
	}
	return head, nil
}

var errNotATape = errors.New("a tape is only played")

func (s *tape) Append(context.Context, eventstore.Append) (eventstore.Appended, error) {
	return eventstore.Appended{}, errNotATape
}

func (s *tape) ReadStream(context.Context, string, eventstore.Revision, eventstore.Direction) iter.Seq2[eventstore.Record, error] {
	return func(yield func(eventstore.Record, error) bool) { yield(eventstore.Record{}, errNotATape) }
}

func (s *tape) ReadAllBackwards(context.Context, eventstore.Position) iter.Seq2[eventstore.Record, error] {
	return s.ReadStream(context.Background(), "", 0, 0)
}

func (s *tape) Wait(context.Context, eventstore.Position) error { return errNotATape }
func (s *tape) Close() error                                    { return nil }

// play verifies a tape.
func play(t testing.TB, s *tape, edit func(*audit.Verifier)) audit.Result {
	t.Helper()
	v := &audit.Verifier{Store: s}
	if edit != nil {
		edit(v)
	}
	result, err := v.Verify(context.Background())
	must(t, err)
	return result
}

// A forger changes a tape with care: positions and revisions are right again
// afterwards.
type forger struct {
	t testing.TB
	*tape
	at int // the record that was touched
}

// find returns the place of the nth record of a type in a stream ("" is any).
func (f *forger) find(stream uuid.UUID, name string, nth int) int {
	f.t.Helper()
	for i, r := range f.records {
		if (stream == uuid.Nil || r.Stream == stream.String()) && strings.TrimSuffix(r.Type, ".v1") == name {
			if nth--; nth == 0 {
				f.at = i
				return i
			}
		}
	}
	f.t.Fatalf("the tape has no such %s", name)
	return -1
}

// set changes a member of a record's payload, or removes it where value is nil.
func (f *forger) set(i int, member string, value any) {
	f.t.Helper()
	var data map[string]json.RawMessage
	must(f.t, json.Unmarshal(f.records[i].Data, &data))
	delete(data, member)
	if value != nil {
		b, err := json.Marshal(value)
		must(f.t, err)
		data[member] = b
	}
	b, err := json.Marshal(data)
	must(f.t, err)
	f.records[i].Data = b
	f.at = i
}

// remove takes a record out.
func (f *forger) remove(i int) {
	f.records = slices.Delete(f.records, i, i+1)
	f.renumber()
	f.at = i
}

// copy puts a copy of a record before another one, of the same command as what
// follows its twin unless it is to be a command of its own.
func (f *forger) copy(i, before int, own bool) {
	r := f.records[i]
	r.ID = uuid.New()
	if own {
		r.Meta = withCommand(r.Meta, uuid.New())
	}
	f.put(r, before)
}

func (f *forger) put(r eventstore.Record, before int) {
	at := max(before-1, 0)
	r.RecordedAt = f.records[at].RecordedAt
	f.records = slices.Insert(f.records, before, r)
	f.renumber()
	f.at = before
}

// add puts a new event before another one of the same stream.
func (f *forger) add(name string, data any, before int) {
	f.t.Helper()
	b, err := json.Marshal(data)
	must(f.t, err)
	r := f.records[before]
	r.ID, r.Type, r.Data, r.Meta = uuid.New(), name+".v1", b, withCommand(r.Meta, uuid.New())
	f.put(r, before)
}

func (f *forger) renumber() {
	next := make(map[string]eventstore.Revision)
	for i := range f.records {
		r := &f.records[i]
		r.Position, r.Revision = eventstore.Position(i+1), next[r.Stream]
		next[r.Stream]++
	}
}

// withCommand changes the command in metadata: 16 bytes after version, role and
// account.
func withCommand(meta []byte, command uuid.UUID) []byte {
	meta = bytes.Clone(meta)
	copy(meta[18:], command[:])
	return meta
}
