package esdb_test

import (
	"errors"
	"maps"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/supportledger/supportledger/eventstore"
	"github.com/supportledger/supportledger/eventstore/esdb"
	"github.com/supportledger/supportledger/internal/badline"
)

// measure reads the store's metrics; of a histogram, how often it was observed.
func measure(t *testing.T, s *esdb.Store) map[string]float64 {
	t.Helper()
	r := prometheus.NewRegistry()
	for _, c := range s.Collectors() {
		must(t, r.Register(c))
	}
	families, err := r.Gather()
	must(t, err)
	all := map[string]float64{}
	for _, f := range families {
		m := f.GetMetric()[0]
		all[f.GetName()[len("supportledger_store_"):]] = m.GetCounter().GetValue() + m.GetGauge().GetValue() + float64(m.GetHistogram().GetSampleCount())
	}
	return all
}

// What the store has to do with a cluster that comes and goes is counted.
func TestWhatTheClusterDoesIsMeasured(t *testing.T) {
	t.Parallel()
	c := newCluster(t, nil)
	c.start()
	w := badline.New(t, c.address)
	s := open(t, w.Listen, func(o *esdb.Options) { o.Patience = 300 * time.Millisecond })
	defer s.Close()
	_, err := s.Append(soon(t), facts("a", eventstore.NoStream, 3))
	must(t, err)
	want := map[string]float64{
		"appends_total": 1, "events_total": 3, "append_seconds": 1, "head_position": 3, "connected": 1,
		"append_retries_total": 0, "append_unknown_total": 0, "disconnects_total": 0, "damaged_total": 0,
	}
	if got := measure(t, s); !maps.Equal(got, want) {
		t.Errorf("measured %v, want %v", got, want)
	}
	w.Disturb(badline.Deaf)
	if _, err := s.Append(soon(t), facts("b", eventstore.NoStream, 1)); !errors.Is(err, eventstore.ErrUnknown) {
		t.Fatalf("the answer did not come back: %v, want ErrUnknown", err)
	}
	if got := measure(t, s); got["append_unknown_total"] != 1 || got["appends_total"] != 1 {
		t.Errorf("measured %v, want one of unknown outcome", got)
	}
	w.Calm()
	w.Stop()
	until(t, "the cluster is missed", func() bool { _, err := s.Head(soon(t)); return errors.Is(err, eventstore.ErrUnavailable) })
	if got := measure(t, s); got["connected"] != 0 || got["disconnects_total"] != 1 {
		t.Errorf("measured %v, want it to be gone", got)
	}
	must(t, w.Start())
	until(t, "the cluster is found again", func() bool { return measure(t, s)["connected"] == 1 })
}
