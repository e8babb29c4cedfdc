package pebblestore_test

import (
	"testing"

	"github.com/prometheus/client_golang/prometheus"
)

func TestMetricsAreRegisteredOnceAndCount(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir(), tiny())
	defer func() { _ = s.Close() }()
	registry := prometheus.NewPedanticRegistry()
	for _, c := range s.Collectors() {
		if err := registry.Register(c); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.Append(soon(t), facts("caller-0", -1)); err != nil {
		t.Fatal(err)
	}
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	values := map[string]float64{}
	for _, f := range families {
		m := f.GetMetric()[0]
		values[f.GetName()] = m.GetCounter().GetValue() + m.GetGauge().GetValue()
	}
	if values["supportledger_store_appends_total"] != 1 || values["supportledger_store_events_total"] != 2 ||
		values["supportledger_store_head_position"] != 2 || values["supportledger_store_failed"] != 0 {
		t.Errorf("metrics after one append of two events: %v", values)
	}
}
