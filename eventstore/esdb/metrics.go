package esdb

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics are what the store counts; the process registers them (Collectors). What
// the embedded store counts too has the same name.
type metrics struct {
	appends     prometheus.Counter
	events      prometheus.Counter
	damaged     prometheus.Counter
	retries     prometheus.Counter
	unknown     prometheus.Counter
	disconnects prometheus.Counter
	seconds     prometheus.Histogram
}

func newMetrics() *metrics {
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Name: "supportledger_store_" + name, Help: help})
	}
	return &metrics{
		appends:     counter("appends_total", "Appends that were recorded durably."),
		events:      counter("events_total", "Events that were recorded durably."),
		damaged:     counter("damaged_total", "Reads that met a damaged record or index entry."),
		retries:     counter("append_retries_total", "Times that an append was sent to the cluster again: its answer was lost, or it was refused for a reason that passes."),
		unknown:     counter("append_unknown_total", "Appends of which it could not be found out in time whether they were recorded."),
		disconnects: counter("disconnects_total", "Times that the cluster could not be reached any more."),
		seconds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "supportledger_store_append_seconds", Help: "Time from asking for an append to its answer.", Buckets: prometheus.ExponentialBuckets(50e-6, 2, 18),
		}),
	}
}

// recorded notes an append that was answered.
func (m *metrics) recorded(events int, began time.Time) {
	m.appends.Inc()
	m.events.Add(float64(events))
	m.seconds.Observe(time.Since(began).Seconds())
}

// Collectors are the store's metrics, to be registered once.
func (s *Store) Collectors() []prometheus.Collector {
	gauge := func(name, help string, value func() float64) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "supportledger_store_" + name, Help: help}, value)
	}
	m := s.metrics
	return []prometheus.Collector{
		m.appends, m.events, m.damaged, m.retries, m.unknown, m.disconnects, m.seconds,
		gauge("head_position", "Position of the newest durable record.", func() float64 { return float64(s.head.load()) }),
		gauge("connected", "1 while the cluster can be reached, else 0.", func() float64 {
			if s.line.lost() != nil {
				return 0
			}
			return 1
		}),
	}
}
