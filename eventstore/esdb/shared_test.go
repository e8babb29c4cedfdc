package esdb_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/eventstore"
	"github.com/supportledger/supportledger/eventstore/esdb"
	"github.com/supportledger/supportledger/eventstore/esdbwire"
	"github.com/supportledger/supportledger/eventstore/storetest"
)

// SUPPORTLEDGER_TEST_ESDB is the connection string of an EventStoreDB for tests,
// which ledgers have written to at most. Its limit of one append has to be raised
// for the suite: --max-append-size 33554432.
func TestConformanceOfARealCluster(t *testing.T) {
	if connection := os.Getenv("SUPPORTLEDGER_TEST_ESDB"); connection != "" {
		conformsTogether(t, connection)
	}
}

// The suite as a real cluster is put to it, whose log cannot be emptied.
func TestConformanceOnOneLog(t *testing.T) {
	c := newCluster(t, func(c *esdbwire.Config) { c.MaxAppendBytes, c.Strict = eventstore.MaxAppendBytes, true })
	c.spread = true
	c.start()
	conformsTogether(t, "esdb://"+c.address+"?tls=false")
}

// conformsTogether runs the cases one after another on one log, each in a part of
// it that seems to be all there is.
func conformsTogether(t *testing.T, connection string) {
	for i, c := range storetest.Cases() {
		if c.Needs == storetest.Crashing {
			continue
		}
		t.Run(c.Name, func(t *testing.T) {
			open := func(t testing.TB) *esdb.Store {
				s, err := esdb.Open(soon(t), esdb.Options{Connection: connection})
				must(t, err)
				return s
			}
			p := newPart(t, open(t), i)
			c.Run(t, storetest.Subject{Store: p, Reopen: func(t testing.TB) eventstore.Store {
				must(t, p.Close())
				p = &part{open(t), p.bounds}
				return p
			}})
		})
	}
}

// A part of a log is what was recorded after a position, under names and at times
// of its own.
type part struct {
	*esdb.Store
	*bounds
}

type bounds struct {
	after  eventstore.Position
	shift  time.Duration
	prefix string

	mu    sync.Mutex
	names map[string]string // by what the suite calls a stream, and back
}

func newPart(t testing.TB, s *esdb.Store, nth int) *part {
	head, err := s.Head(soon(t))
	must(t, err)
	// Times must not lie before those of the part before.
	shift := time.Since(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)).Truncate(time.Hour) + time.Duration(nth+1)*24*time.Hour
	for r, err := range s.ReadAllBackwards(soon(t), eventstore.LastPosition) {
		must(t, err)
		shift = max(shift, r.RecordedAt.Sub(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)).Truncate(time.Hour)+24*time.Hour)
		break
	}
	return &part{s, &bounds{after: head, shift: shift, prefix: uuid.NewString(), names: map[string]string{}}}
}

func (b *bounds) name(stream string) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	if stream == "" {
		return ""
	}
	if _, ok := b.names[stream]; !ok {
		own := fmt.Sprintf("%s-%d", b.prefix, len(b.names))
		b.names[stream], b.names[own] = own, stream
	}
	return b.names[stream]
}

func (p *part) Append(ctx context.Context, a eventstore.Append) (eventstore.Appended, error) {
	if err := a.Validate(); err != nil {
		return eventstore.Appended{}, err
	}
	a.Stream, a.At = p.name(a.Stream), a.At.Add(p.shift)
	if !a.Before.IsZero() {
		a.Before = a.Before.Add(p.shift)
	}
	done, err := p.Store.Append(ctx, a)
	if conflict := new(eventstore.ConflictError); errors.As(err, &conflict) {
		conflict.Stream = p.name(conflict.Stream)
	}
	done.RecordedAt = done.RecordedAt.Add(-p.shift)
	return done, err
}

// own shows the part's records as the suite has written them.
func (p *part) own(records iter.Seq2[eventstore.Record, error]) iter.Seq2[eventstore.Record, error] {
	return func(yield func(eventstore.Record, error) bool) {
		for r, err := range records {
			if err == nil && (r.Position <= p.after || !strings.HasPrefix(r.Stream, p.prefix)) {
				return
			}
			r.Stream, r.RecordedAt = p.name(r.Stream), r.RecordedAt.Add(-p.shift)
			if !yield(r, err) {
				return
			}
		}
	}
}

func (p *part) ReadStream(ctx context.Context, stream string, from eventstore.Revision, dir eventstore.Direction) iter.Seq2[eventstore.Record, error] {
	return p.own(p.Store.ReadStream(ctx, p.name(stream), from, dir))
}

func (p *part) ReadAll(ctx context.Context, after eventstore.Position) iter.Seq2[eventstore.Record, error] {
	return p.own(p.Store.ReadAll(ctx, max(after, p.after)))
}

func (p *part) ReadAllBackwards(ctx context.Context, before eventstore.Position) iter.Seq2[eventstore.Record, error] {
	return p.own(p.Store.ReadAllBackwards(ctx, before))
}

func (p *part) Head(ctx context.Context) (eventstore.Position, error) {
	for r, err := range p.ReadAllBackwards(ctx, eventstore.LastPosition) {
		return r.Position, err
	}
	return eventstore.Start, nil
}

func (p *part) Wait(ctx context.Context, after eventstore.Position) error {
	return p.Store.Wait(ctx, max(after, p.after))
}
