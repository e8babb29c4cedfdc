package storetest_test

import (
	"context"
	"iter"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/eventstore"
	"github.com/supportledger/supportledger/eventstore/storetest"
)

// memory is a store in memory that keeps every promise, or breaks one: each
// fault is a function that is asked at the place where it matters.
type memory struct {
	faults

	mu      sync.Mutex
	records []eventstore.Record // durable
	heads   map[string]eventstore.Revision
	moved   chan struct{}
	closed  bool
	pending []eventstore.Record // written, shown to readers only by a fault
	hidden  int                 // acknowledged, shown later: only by a fault
}

// faults are the promises a memory breaks.
type faults struct {
	losesLastOnCrash      bool
	swapsRevisions        bool
	showsBeforeDurable    bool
	showsLate             bool
	losesLastEvent        bool
	recordsRepeats        bool
	swapsConflict         bool
	timeRunsBackwards     bool
	ignoresBefore         bool
	missesWakeUp          bool
	skipsConflictCheck    bool
	positionsOutOfOrder   bool
	reusesBuffers         bool
	comparesFirstIDOnly   bool
	losesLastOnReopen     bool
	backwardsSkipsNewest  bool
	acceptsMalformed      bool
	appendsAfterClose     bool
	forgetsTimeOverReopen bool
	keepsNanoseconds      bool
	forgetsPlaces         bool
	tearsAppendOnCrash    bool
	waitOutlivesContext   bool
}

func newMemory(f faults) *memory {
	return &memory{faults: f, heads: map[string]eventstore.Revision{}, moved: make(chan struct{})}
}

// subject gives a memory the capabilities of a store on a disk.
func (m *memory) subject() storetest.Subject {
	now := m
	return storetest.Subject{
		Store: m,
		Reopen: func(testing.TB) eventstore.Store {
			_ = now.Close()
			now = now.left(now.losesLastOnReopen)
			return now
		},
		Crash: func(testing.TB) eventstore.Store {
			now = now.left(now.losesLastOnCrash)
			return now
		},
	}
}

// left is what a reopened store finds.
func (m *memory) left(losing bool) *memory {
	m.mu.Lock()
	defer m.mu.Unlock()
	next := newMemory(m.faults)
	next.records = slices.Clone(m.records)
	if n := len(next.records); losing && n > 0 {
		at := next.records[n-1].Position
		for n > 0 && next.records[n-1].Stream == m.records[len(m.records)-1].Stream && at-next.records[n-1].Position < 2 {
			n--
		}
		next.records = next.records[:n]
	}
	if n := len(next.records); m.tearsAppendOnCrash && n > 0 {
		next.records = next.records[:n-1]
	}
	for _, r := range next.records {
		next.heads[r.Stream] = r.Revision
	}
	if m.forgetsTimeOverReopen {
		next.timeRunsBackwards = true
	}
	return next
}

func (m *memory) Append(ctx context.Context, a eventstore.Append) (eventstore.Appended, error) {
	if err := a.Validate(); err != nil && !m.acceptsMalformed {
		return eventstore.Appended{}, err
	}
	if err := ctx.Err(); err != nil {
		return eventstore.Appended{}, err
	}
	if m.showsBeforeDurable && m.early(a) {
		for range 1000 { // where a store would sync
			runtime.Gosched()
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.pending = nil
	if m.closed && !m.appendsAfterClose {
		return eventstore.Appended{}, eventstore.ErrClosed
	}
	if done, err, decided := m.decide(a); decided {
		return done, err
	}
	return m.record(a)
}

// early shows an append to readers while it could still be lost.
func (m *memory) early(a eventstore.Append) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, _, decided := m.decide(a); decided || m.pending != nil || m.closed {
		return false
	}
	m.pending = m.make(a)
	m.wake()
	return true
}

func (m *memory) head(stream string) eventstore.Revision {
	if head, ok := m.heads[stream]; ok {
		return head
	}
	return eventstore.NoStream
}

func (m *memory) decide(a eventstore.Append) (done eventstore.Appended, err error, decided bool) {
	head := m.head(a.Stream)
	if head != a.Expected && !m.skipsConflictCheck {
		if last, ok := m.repeated(a); ok && !m.recordsRepeats {
			return eventstore.Appended{Position: last.Position, Revision: last.Revision, RecordedAt: last.RecordedAt}, nil, true
		} else if !ok {
			conflict := &eventstore.ConflictError{Stream: a.Stream, Expected: a.Expected, Actual: head}
			if m.swapsConflict {
				conflict.Expected, conflict.Actual = conflict.Actual, conflict.Expected
			}
			return done, conflict, true
		}
	}
	if !a.Before.IsZero() && !m.time(a).Before(a.Before) && !m.ignoresBefore && !m.recordsRepeats {
		return done, eventstore.ErrTooLate, true
	}
	return done, nil, false
}

func (m *memory) repeated(a eventstore.Append) (last eventstore.Record, ok bool) {
	var ids []uuid.UUID
	for _, r := range m.records {
		if r.Stream == a.Stream && r.Revision > a.Expected && len(ids) < len(a.Events) {
			ids, last = append(ids, r.ID), r
		}
	}
	if m.comparesFirstIDOnly {
		return last, len(ids) > 0 && ids[0] == a.Events[0].ID
	}
	return last, slices.EqualFunc(ids, a.Events, func(id uuid.UUID, e eventstore.Event) bool { return id == e.ID })
}

func (m *memory) time(a eventstore.Append) time.Time {
	at := a.At.UTC().Truncate(time.Microsecond)
	if m.keepsNanoseconds {
		at = a.At.UTC()
	}
	if n := len(m.records); n > 0 && at.Before(m.records[n-1].RecordedAt) && !m.timeRunsBackwards {
		at = m.records[n-1].RecordedAt
	}
	return at
}

func (m *memory) make(a eventstore.Append) []eventstore.Record {
	var records []eventstore.Record
	at, head := m.time(a), m.head(a.Stream)
	for i, e := range a.Events {
		records = append(records, eventstore.Record{
			Position: eventstore.Position(len(m.records) + i + 1), Stream: a.Stream,
			Revision: head + 1 + eventstore.Revision(i), RecordedAt: at, Behind: len(a.Events) - 1 - i, Event: e,
		})
	}
	if n := len(records); m.swapsRevisions && n > 1 {
		records[0].Revision, records[1].Revision = records[1].Revision, records[0].Revision
	}
	if n := len(records); m.positionsOutOfOrder && n > 1 {
		records[0].Position, records[1].Position = records[1].Position, records[0].Position
	}
	if m.forgetsPlaces {
		records[0].Behind = 0
	}
	if n := len(records); m.losesLastEvent && n > 2 {
		records = records[:n-1]
	}
	return records
}

func (m *memory) record(a eventstore.Append) (eventstore.Appended, error) {
	records := m.make(a)
	m.records = append(m.records, records...)
	last := records[len(records)-1]
	m.heads[a.Stream] = m.head(a.Stream) + eventstore.Revision(len(records))
	if m.showsLate && len(m.records)%5 == 0 {
		m.hidden = len(records) // until the next append
	} else {
		m.hidden = 0
	}
	m.wake()
	return eventstore.Appended{Position: last.Position, Revision: m.heads[a.Stream], RecordedAt: last.RecordedAt}, nil
}

func (m *memory) wake() {
	if m.missesWakeUp && len(m.records)%7 == 0 {
		return
	}
	close(m.moved)
	m.moved = make(chan struct{})
}

// visible is what readers may see.
func (m *memory) visible() ([]eventstore.Record, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return nil, eventstore.ErrClosed
	}
	return append(slices.Clone(m.records[:len(m.records)-m.hidden]), m.pending...), nil
}

// read yields the records that fit, in a direction.
func (m *memory) read(ctx context.Context, dir eventstore.Direction, fits func(eventstore.Record) bool) iter.Seq2[eventstore.Record, error] {
	return func(yield func(eventstore.Record, error) bool) {
		records, err := m.visible()
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			yield(eventstore.Record{}, err)
			return
		}
		if dir == eventstore.Backwards {
			slices.Reverse(records)
			if m.backwardsSkipsNewest && len(records) > 0 {
				records = records[1:]
			}
		}
		buffer := make([]byte, 0, 1<<10)
		for _, r := range records {
			if !fits(r) {
				continue
			}
			if err := ctx.Err(); err != nil {
				yield(eventstore.Record{}, err)
				return
			}
			if m.reusesBuffers {
				buffer = append(buffer[:0], r.Data...)
				r.Data = buffer
			}
			if !yield(r, nil) {
				return
			}
		}
	}
}

func (m *memory) ReadStream(ctx context.Context, stream string, from eventstore.Revision, dir eventstore.Direction) iter.Seq2[eventstore.Record, error] {
	return m.read(ctx, dir, func(r eventstore.Record) bool {
		return r.Stream == stream && (dir == eventstore.Forwards && r.Revision >= from || dir == eventstore.Backwards && r.Revision <= from)
	})
}

func (m *memory) ReadAll(ctx context.Context, after eventstore.Position) iter.Seq2[eventstore.Record, error] {
	return m.read(ctx, eventstore.Forwards, func(r eventstore.Record) bool { return r.Position > after })
}

func (m *memory) ReadAllBackwards(ctx context.Context, before eventstore.Position) iter.Seq2[eventstore.Record, error] {
	return m.read(ctx, eventstore.Backwards, func(r eventstore.Record) bool { return r.Position < before })
}

func (m *memory) Head(context.Context) (eventstore.Position, error) {
	records, err := m.visible()
	if err != nil || len(records) == 0 {
		return eventstore.Start, err
	}
	return records[len(records)-1].Position, nil
}

func (m *memory) Wait(ctx context.Context, after eventstore.Position) error {
	for {
		m.mu.Lock()
		moved, closed := m.moved, m.closed
		m.mu.Unlock()
		if closed {
			return eventstore.ErrClosed
		}
		if head, err := m.Head(ctx); err != nil || head > after {
			return err
		}
		done := ctx.Done()
		if m.waitOutlivesContext {
			done = nil
		}
		select {
		case <-moved:
		case <-done:
			return ctx.Err()
		}
	}
}

func (m *memory) Close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.closed {
		m.closed = true
		close(m.moved)
		m.moved = make(chan struct{})
	}
	return nil
}
