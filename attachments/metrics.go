package attachments

import (
	"context"
	"errors"
	"io"
	"iter"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/supportledger/supportledger/attachments/objects"
)

type metrics struct {
	stored, bytes, swept, failed prometheus.Counter
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
		failed: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "supportledger_attachments_store_failures_total", Help: "Calls of the store that nodes share attachments in that failed.",
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
	return []prometheus.Collector{f.metrics.stored, f.metrics.bytes, f.metrics.swept, f.metrics.failed}
}

// counting counts the calls of a store that fail.
type counting struct {
	objects.Store
	failed prometheus.Counter
}

func (c *counting) count(err error) error {
	if errors.Is(err, objects.ErrUnavailable) {
		c.failed.Inc()
	}
	return err
}

func (c *counting) Read(ctx context.Context, name string) (*objects.Object, error) {
	o, err := c.Store.Read(ctx, name)
	return o, c.count(err)
}

func (c *counting) Write(ctx context.Context, name string, body io.ReadSeeker, size int64, when objects.Condition) error {
	return c.count(c.Store.Write(ctx, name, body, size, when))
}

func (c *counting) List(ctx context.Context, prefix string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for name, err := range c.Store.List(ctx, prefix) {
			if !yield(name, c.count(err)) {
				return
			}
		}
	}
}

func (c *counting) Remove(ctx context.Context, name string) error {
	return c.count(c.Store.Remove(ctx, name))
}
