package esdb_test

import (
	"errors"
	"sync/atomic"
	"testing"

	"github.com/supportledger/supportledger/eventstore"
	"github.com/supportledger/supportledger/eventstore/esdbwire"
)

// Who looks where the log ends, or a stream, as every list and every conflict does,
// does not have the server send what lies before.
func TestLookingAtTheEndReadsNoMore(t *testing.T) {
	t.Parallel()
	var read atomic.Int64
	c := newCluster(t, func(c *esdbwire.Config) {
		c.Show = func(r eventstore.Record) (eventstore.Record, bool, error) { read.Add(1); return r, true, nil }
	})
	c.start()
	s, other := open(t, c.address), open(t, c.address)
	defer func() { must(t, s.Close()); must(t, other.Close()) }()
	done, err := other.Append(soon(t), facts("long", eventstore.NoStream, 1000))
	must(t, err)
	read.Store(0)
	const looks = 50
	for range looks {
		if head, err := s.Head(soon(t)); err != nil || head != done.Position {
			t.Fatalf("the head is %v, %v, want %v", head, err, done.Position)
		}
		conflict := new(eventstore.ConflictError)
		if _, err := s.Append(soon(t), facts("long", 5, 1)); !errors.As(err, &conflict) || conflict.Actual != done.Revision {
			t.Fatalf("an append where something stands: %v", err)
		}
	}
	// The head, the stream's last, and whether there is such a stream; and now and then
	// the cluster itself is looked at.
	if n := read.Load(); n > 4*looks {
		t.Errorf("%d records were read for %d looks at each end", n, looks)
	}
}

// The newest record is found behind however many events of the cluster's own.
func TestTheEndIsFoundBehindTheClustersOwnEvents(t *testing.T) {
	t.Parallel()
	c := newCluster(t, func(c *esdbwire.Config) {
		c.Show = func(r eventstore.Record) (eventstore.Record, bool, error) {
			if r.Stream != "own" {
				r.Stream = "$" + r.Stream
			}
			return r, true, nil
		}
	})
	c.start()
	writer := open(t, c.address)
	defer writer.Close()
	for i, step := range []struct {
		stream   string
		expected eventstore.Revision
		head     eventstore.Position
	}{{"stats", eventstore.NoStream, eventstore.Start}, {"own", eventstore.NoStream, 2}, {"stats", 0, 2}, {"stats", 1, 2}} {
		_, err := writer.Append(soon(t), facts(step.stream, step.expected, 1))
		must(t, err)
		s := open(t, c.address)
		if head, err := s.Head(soon(t)); err != nil || head != step.head {
			t.Errorf("after %d events the head is %v, %v, want %v", i+1, head, err, step.head)
		}
		must(t, s.Close())
	}
}

// Nor do the cluster's own events travel to whoever reads backwards: however many
// stand behind the newest record, and between the others.
func TestTheClustersOwnEventsDoNotTravelBackwards(t *testing.T) {
	t.Parallel()
	var written atomic.Bool
	c := newCluster(t, func(c *esdbwire.Config) {
		c.Show = func(r eventstore.Record) (eventstore.Record, bool, error) {
			if r.Stream == "stats" && written.Load() {
				r.Stream, r.Type = "$stats", "$statsCollected"
			}
			return r, true, nil
		}
	})
	c.start()
	writer := open(t, c.address)
	defer writer.Close()
	const records, own = 5, 1000
	for i := range records {
		_, err := writer.Append(soon(t), facts("s", eventstore.Revision(i)-1, 1))
		must(t, err)
		_, err = writer.Append(soon(t), facts("stats", eventstore.Revision(i*own)-1, own))
		must(t, err)
	}
	written.Store(true)
	node := newReign(t, c.address)
	s := open(t, node.address)
	defer s.Close()
	const last = eventstore.Position((records-1)*(own+1) + 1)
	if head, err := s.Head(soon(t)); err != nil || head != last {
		t.Errorf("the head is %v, %v, want %v", head, err, last)
	}
	read := 0
	for r, err := range s.ReadAllBackwards(soon(t), eventstore.LastPosition) {
		must(t, err)
		if read++; r.Stream != "s" {
			t.Errorf("record %v is of %s", r.Position, r.Stream)
		}
	}
	if read != records {
		t.Errorf("%d records, want %d", read, records)
	}
	if n := node.answers.Load(); n > own/10 {
		t.Errorf("%d messages came for %d records", n, records)
	}
}
