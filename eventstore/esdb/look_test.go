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
	// The head, the stream's last, and whether there is such a stream.
	if n := read.Load(); n > 3*looks {
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
