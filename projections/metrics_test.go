package projections

import (
	"strconv"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
)

// metric is the value of a gauge or counter.
func metric(t *testing.T, s *Set, name string) float64 {
	t.Helper()
	registry := prometheus.NewPedanticRegistry()
	for _, c := range s.Collectors() {
		must(t, registry.Register(c))
	}
	families, err := registry.Gather()
	must(t, err)
	for _, f := range families {
		if f.GetName() != name {
			continue
		}
		m := f.GetMetric()[0]
		return m.GetGauge().GetValue() + m.GetCounter().GetValue()
	}
	t.Fatalf("there is no metric %s", name)
	return 0
}

func itoa(n int64) string { return strconv.FormatInt(n, 10) }

// The lag is what the log has beyond the rows.
func TestMetrics_tellTheLag(t *testing.T) { onEach(t, testMetrics_tellTheLag) }

func testMetrics_tellTheLag(t *testing.T, on engine) {
	store := openStore(t)
	s := openSet(t, on.at(t, Config{Dir: t.TempDir(), Store: store}))
	events := writeSubmissions(t, store, 500, 20)
	if lag := metric(t, s, "supportledger_projections_lag"); lag != float64(events) {
		t.Errorf("the lag is %v, want %d", lag, events)
	}
	must(t, s.CatchUp(t.Context()))
	if lag := metric(t, s, "supportledger_projections_lag"); lag != 0 {
		t.Errorf("the lag is %v, want 0", lag)
	}
	if n := metric(t, s, "supportledger_projections_records_total"); n != float64(events) {
		t.Errorf("%v records were counted, want %d", n, events)
	}
}
