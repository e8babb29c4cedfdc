package site

import (
	"fmt"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/supportledger/supportledger/eventstore/pebblestore"
)

// Batches is how many appends shared one sync, where the log is the site's own, and
// how many submissions shared one append, on average since the start.
func (r *Running) Batches() (appends, submissions float64, err error) {
	registry := prometheus.NewRegistry()
	collectors := r.Ledger.Collectors()
	if own, ok := r.Store.(*pebblestore.Store); ok {
		collectors = append(collectors, own.Collectors()...)
	}
	for _, c := range collectors {
		if err := registry.Register(c); err != nil {
			return 0, 0, fmt.Errorf("read metrics: %w", err)
		}
	}
	families, err := registry.Gather()
	if err != nil {
		return 0, 0, fmt.Errorf("read metrics: %w", err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			h := m.GetHistogram()
			switch f.GetName() {
			case "supportledger_store_batch_appends":
				appends = h.GetSampleSum() / float64(max(1, h.GetSampleCount()))
			case "supportledger_append_commands":
				submissions = h.GetSampleSum() / float64(max(1, h.GetSampleCount()))
			}
		}
	}
	return appends, submissions, nil
}
