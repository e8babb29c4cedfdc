package projections

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/supportledger/supportledger/eventstore"
)

// metrics are what the projections count; the process registers them (Collectors).
type metrics struct {
	events   prometheus.Counter
	retries  prometheus.Counter
	beaten   prometheus.Counter
	failed   prometheus.Gauge
	batch    prometheus.Histogram
	seconds  prometheus.Histogram
	position prometheus.GaugeFunc
	lag      prometheus.GaugeFunc
	away     prometheus.GaugeFunc
}

func newMetrics(s *Set) *metrics {
	const prefix = "supportledger_projections_"
	return &metrics{
		events:  prometheus.NewCounter(prometheus.CounterOpts{Name: prefix + "records_total", Help: "Records that the projections have gone through."}),
		retries: prometheus.NewCounter(prometheus.CounterOpts{Name: prefix + "retries_total", Help: "Batches that had to be tried again."}),
		beaten:  prometheus.NewCounter(prometheus.CounterOpts{Name: prefix + "yielded_total", Help: "Times that another node had brought the rows forward, or was about it."}),
		failed:  prometheus.NewGauge(prometheus.GaugeOpts{Name: prefix + "stopped", Help: "1 after the projections have stopped for good, as at a record of an unknown type; else 0."}),
		batch: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: prefix + "batch_records", Help: "Records that were written in one transaction.", Buckets: prometheus.ExponentialBuckets(1, 4, 9),
		}),
		seconds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: prefix + "batch_seconds", Help: "Time that one transaction took.", Buckets: prometheus.ExponentialBuckets(0.0005, 2, 14),
		}),
		position: prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: prefix + "position", Help: "Position up to which every list is true."},
			func() float64 { return float64(s.Position()) }),
		lag: prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: prefix + "lag", Help: "Records from there to the log's head, about so many where the log is in a cluster; -1 while the log cannot be asked."},
			func() float64 { return s.lag() }),
		away: prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: prefix + "unavailable", Help: "1 while the database with the rows cannot be reached; else 0."},
			func() float64 { return float64(number(s.Away() != nil)) }),
	}
}

// lagPatience bounds how long a scrape waits for the log.
const lagPatience = time.Second

func (s *Set) lag() float64 {
	ctx, cancel := context.WithTimeout(context.Background(), lagPatience)
	defer cancel()
	head, err := s.store.Head(ctx)
	if err != nil {
		return -1
	}
	return float64(eventstore.Between(s.store, s.Position(), head))
}

func (m *metrics) wrote(records int, took time.Duration) {
	m.events.Add(float64(records))
	m.batch.Observe(float64(records))
	m.seconds.Observe(took.Seconds())
}

// Collectors are the metrics, to be registered once.
func (s *Set) Collectors() []prometheus.Collector {
	m := s.metrics
	return []prometheus.Collector{m.events, m.retries, m.failed, m.batch, m.seconds, m.position, m.lag, m.beaten, m.away}
}
