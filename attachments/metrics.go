package attachments

import "github.com/prometheus/client_golang/prometheus"

type metrics struct {
	stored, bytes, swept prometheus.Counter
}

func newMetrics() *metrics {
	return &metrics{
		stored: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "supportledger_attachments_stored_total", Help: "Files that were kept.",
		}),
		bytes: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "supportledger_attachments_stored_bytes_total", Help: "Bytes of the files that were kept.",
		}),
		swept: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "supportledger_attachments_swept_total", Help: "Files that were removed because no incident has used them.",
		}),
	}
}

// Measured is what has metrics.
type Measured interface {
	// Collectors are the metrics, to be registered once.
	Collectors() []prometheus.Collector
}

// Collectors are the shelf's metrics, to be registered once.
func (f *intake) Collectors() []prometheus.Collector {
	return []prometheus.Collector{f.metrics.stored, f.metrics.bytes, f.metrics.swept}
}
