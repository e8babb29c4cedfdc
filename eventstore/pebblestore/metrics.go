package pebblestore

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics are what the store counts; the process registers them (Collectors).
type metrics struct {
	appends       prometheus.Counter
	events        prometheus.Counter
	damaged       prometheus.Counter
	appendSeconds prometheus.Histogram
	syncSeconds   prometheus.Histogram
	batchAppends  prometheus.Histogram
	head          prometheus.Gauge
}

func newMetrics() *metrics {
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Name: "supportledger_store_" + name, Help: help})
	}
	histogram := func(name, help string, buckets []float64) prometheus.Histogram {
		return prometheus.NewHistogram(prometheus.HistogramOpts{Name: "supportledger_store_" + name, Help: help, Buckets: buckets})
	}
	seconds := prometheus.ExponentialBuckets(50e-6, 2, 18)
	return &metrics{
		appends:       counter("appends_total", "Appends that were recorded durably."),
		events:        counter("events_total", "Events that were recorded durably."),
		damaged:       counter("damaged_total", "Reads that met a damaged record or index entry."),
		appendSeconds: histogram("append_seconds", "Time from asking for an append to its answer.", seconds),
		syncSeconds:   histogram("sync_seconds", "Time from writing a batch to the log until it was durable.", seconds),
		batchAppends:  histogram("batch_appends", "Appends that shared one batch and one sync.", prometheus.ExponentialBuckets(1, 2, 12)),
		head: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "supportledger_store_head_position", Help: "Position of the newest durable record.",
		}),
	}
}

func (m *metrics) wrote(g *group) {
	events := 0
	for _, r := range g.written {
		events += r.count
	}
	m.appends.Add(float64(len(g.written)))
	m.events.Add(float64(events))
	m.batchAppends.Observe(float64(len(g.written)))
	m.head.Set(float64(g.head))
}

// Collectors are the store's metrics, to be registered once.
func (s *Store) Collectors() []prometheus.Collector {
	m := s.metrics
	failed := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "supportledger_store_failed", Help: "1 after the store stopped appending for good, else 0.",
	}, func() float64 {
		if s.hasFailed() {
			return 1
		}
		return 0
	})
	return []prometheus.Collector{m.appends, m.events, m.damaged, m.appendSeconds, m.syncSeconds, m.batchAppends, m.head, failed}
}

// closeGrace bounds how long Close waits for databases that failed.
const closeGrace = 2 * time.Second
