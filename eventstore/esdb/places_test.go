package esdb_test

import (
	"slices"
	"testing"

	"github.com/supportledger/supportledger/eventstore"
	"github.com/supportledger/supportledger/eventstore/esdb"
	"github.com/supportledger/supportledger/eventstore/esdbwire"
)

// Where events stand is told by the connection for appends as by their records,
// whatever is in them; and not at all where there is none, or not all of them.
func TestPlacesAreThoseOfTheRecords(t *testing.T) {
	t.Parallel()
	c := newCluster(t, func(c *esdbwire.Config) {
		c.Show = func(r eventstore.Record) (eventstore.Record, bool, error) { // as where a stream was truncated
			return r, r.Stream != "gap" || r.Revision != 1, nil
		}
	})
	c.spread = true
	c.start()
	s := open(t, c.address)
	defer s.Close()
	if _, told := s.Places(soon(t), "a", 0, 0); told {
		t.Error("without a connection for appends places are told")
	}
	revision := eventstore.NoStream
	for _, size := range []int{0, 1, 100, 60_000} {
		a := facts("a", revision, 5)
		for i := range a.Events {
			a.Events[i].Data, a.Events[i].Meta = make([]byte, size*i), make([]byte, size)
		}
		done, err := begin(t, s, a)()
		must(t, err)
		revision = done.Revision
		mustTellPlaces(t, s, "a", revision-4, revision)
		mustTellPlaces(t, s, "a", revision-2, revision-1)
	}
	mustTellPlaces(t, s, "a", 0, revision)
	_, err := begin(t, s, facts("gap", eventstore.NoStream, 5))()
	must(t, err)
	for _, asked := range []struct {
		stream   string
		from, to eventstore.Revision
	}{{"a", revision, revision + 1}, {"a", revision + 1, revision + 2}, {"unknown", 0, 0}, {"gap", 0, 2}} {
		if places, told := s.Places(soon(t), asked.stream, asked.from, asked.to); told {
			t.Errorf("of %+v the places %v are told", asked, places)
		}
	}
	c.halt()
	if _, told := s.Places(soon(t), "a", 0, revision); told {
		t.Error("places are told by a cluster that is gone")
	}
}

func mustTellPlaces(t *testing.T, s *esdb.Store, stream string, from, to eventstore.Revision) {
	t.Helper()
	var want []eventstore.Position
	for r, err := range s.ReadStream(soon(t), stream, from, eventstore.Forwards) {
		must(t, err)
		if r.Revision <= to {
			want = append(want, r.Position)
		}
	}
	if got, told := s.Places(soon(t), stream, from, to); !told || !slices.Equal(got, want) {
		t.Errorf("%s@%d-%d: told at %v (%v), they stand at %v", stream, from, to, got, told, want)
	}
}
