package notifications

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/supportledger/supportledger/eventstore"
)

// metrics are what the feed counts; the process registers them (Collectors).
type metrics struct {
	published prometheus.Counter
	retries   prometheus.Counter
	gaps      prometheus.Counter
	stopped   prometheus.Gauge
	gauges    []prometheus.Collector
}

func newMetrics(f *Feed) *metrics {
	const prefix = "supportledger_feed_"
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Name: prefix + name, Help: help})
	}
	gauge := func(name, help string, value func() float64) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: prefix + name, Help: help}, value)
	}
	return &metrics{
		published: counter("published_total", "Messages that JetStream has confirmed."),
		retries:   counter("retries_total", "Times that the feed had to look again what the stream holds, or could not reach it."),
		gaps:      counter("gaps_total", "Times that the stream was found to lack messages before its last."),
		stopped:   prometheus.NewGauge(prometheus.GaugeOpts{Name: prefix + "stopped", Help: "1 after the feed has stopped for good, as at a record of an unknown type; else 0."}),
		gauges: []prometheus.Collector{
			gauge("position", "Position in the log up to which the stream holds everything.", func() float64 { return float64(f.Position()) }),
			gauge("lag", "Records from there to the log's head, about so many where the log is in a cluster; -1 while the log cannot be asked.", f.lag),
			gauge("messages", "Messages that the stream should hold by now.", func() float64 { return float64(f.progress.messages.Load()) }),
			gauge("missing", "Messages that the stream lacks before its last; they come when it is filled again.", func() float64 { return float64(f.progress.missing.Load()) }),
			gauge("subjects", "Different subjects in the stream, each of which the NATS server keeps in memory.", func() float64 { return float64(f.Subjects()) }),
			gauge("connected", "1 while the feed publishes, 0 while it cannot reach NATS or refuses the stream.", func() float64 {
				if f.Connected() {
					return 1
				}
				return 0
			}),
		},
	}
}

// lagPatience bounds how long a scrape waits for the log.
const lagPatience = time.Second

func (f *Feed) lag() float64 {
	ctx, cancel := context.WithTimeout(context.Background(), lagPatience)
	defer cancel()
	head, err := f.store.Head(ctx)
	if err != nil {
		return -1
	}
	return float64(eventstore.Between(f.store, f.Position(), head))
}

// Collectors are the feed's metrics, to be registered once.
func (f *Feed) Collectors() []prometheus.Collector {
	m := f.metrics
	return append([]prometheus.Collector{m.published, m.retries, m.gaps, m.stopped}, m.gauges...)
}
