package postoffice

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/supportledger/supportledger/notifications/mail"
)

// metrics are what the post office counts; the process registers them
// (Collectors).
type metrics struct {
	sent      *prometheus.CounterVec // by kind
	givenUp   *prometheus.CounterVec // by reason
	retries   *prometheus.CounterVec // by verdict
	poison    prometheus.Counter
	waiting   prometheus.Gauge
	lag       prometheus.Gauge
	connected prometheus.Gauge
}

func newMetrics() *metrics {
	const prefix = "supportledger_mails_"
	vec := func(name, help, label string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: prefix + name, Help: help}, []string{label})
	}
	gauge := func(name, help string) prometheus.Gauge {
		return prometheus.NewGauge(prometheus.GaugeOpts{Name: prefix + name, Help: help})
	}
	m := &metrics{
		sent:      vec("sent_total", "Mails that were accepted for delivery and recorded, by what they are about.", "kind"),
		givenUp:   vec("given_up_total", "Mails that were given up and recorded, by reason.", "reason"),
		retries:   vec("retries_total", "Tries that failed and are made again, by verdict: passing, configuration; ledger where the log or the keys could not be used.", "verdict"),
		poison:    prometheus.NewCounter(prometheus.CounterOpts{Name: prefix + "poison_total", Help: "Messages of which no letter could be made."}),
		waiting:   gauge("waiting", "Messages that are being dealt with, or wait for another try; -1 while NATS cannot be asked."),
		lag:       gauge("lag", "Messages that were not looked at yet; -1 while NATS cannot be asked."),
		connected: gauge("connected", "1 while mails go out, 0 while NATS cannot be used."),
	}
	for _, kind := range mail.Kinds() {
		m.sent.WithLabelValues(string(kind))
	}
	for _, reason := range reasons() {
		m.givenUp.WithLabelValues(reason)
	}
	for _, verdict := range []mail.Verdict{mail.Passing, mail.Configuration} {
		m.retries.WithLabelValues(verdict.String())
	}
	m.retries.WithLabelValues(ledgerTrouble)
	m.unknown()
	return m
}

// unknown says that nobody knows how much there is to do.
func (m *metrics) unknown() {
	m.connected.Set(0)
	m.lag.Set(-1)
	m.waiting.Set(-1)
}

// Collectors are the post office's metrics, to be registered once.
func (o *Office) Collectors() []prometheus.Collector {
	m := o.metrics
	return []prometheus.Collector{m.sent, m.givenUp, m.retries, m.poison, m.waiting, m.lag, m.connected}
}
