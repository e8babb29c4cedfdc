package site

import (
	"fmt"

	"github.com/prometheus/client_golang/prometheus"
)

// Batches is how many appends shared one sync, and how many submissions shared
// one append, on average since the start.
func (r *Running) Batches() (appends, submissions float64, err error) {
	registry := prometheus.NewRegistry()
	for _, c := range append(r.Store.Collectors(), r.Ledger.Collectors()...) {
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
