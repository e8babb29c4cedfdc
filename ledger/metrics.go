package ledger

import "github.com/prometheus/client_golang/prometheus"

type metrics struct {
	refusals  *prometheus.CounterVec
	conflicts prometheus.Counter
	batch     prometheus.Histogram
	due       prometheus.Counter
	dueErrors prometheus.Counter
}

func newMetrics() *metrics {
	return &metrics{
		refusals: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "supportledger_refusals_total", Help: "Wishes that a rule refused, by the refusal's code.",
		}, []string{"code"}),
		conflicts: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "supportledger_append_conflicts_total", Help: "Appends that found the contract changed by another node and were decided again.",
		}),
		batch: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "supportledger_append_commands", Help: "Commands that rode in one append.",
			Buckets: prometheus.ExponentialBuckets(1, 4, 6),
		}),
		due: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "supportledger_due_contracts_total", Help: "Contracts that the worker touched because something was due.",
		}),
		dueErrors: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "supportledger_due_errors_total", Help: "Times that the worker failed to record what was due.",
		}),
	}
}

// Collectors are the ledger's metrics, to be registered once.
func (l *Ledger) Collectors() []prometheus.Collector {
	m := l.metrics
	return []prometheus.Collector{m.refusals, m.conflicts, m.batch, m.due, m.dueErrors}
}
