package main

import (
	"fmt"
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// A registry holds the metrics of everything in one service.
type registry struct{ *prometheus.Registry }

func newRegistry() *registry { return &registry{prometheus.NewRegistry()} }

// handler shows the metrics.
func (r *registry) handler() http.Handler {
	return promhttp.HandlerFor(r.Registry, promhttp.HandlerOpts{Registry: r.Registry})
}

// register makes all metrics known.
func (v *service) register() error {
	all := []prometheus.Collector{
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	}
	for _, some := range [][]prometheus.Collector{
		v.store.collectors(), v.ledger.Collectors(), v.set.Collectors(), v.files.Collectors(), v.feedCollectors(), v.mailCollectors(), v.api.Collectors(),
	} {
		all = append(all, some...)
	}
	for _, c := range all {
		if err := v.registry.Register(c); err != nil {
			return fmt.Errorf("register metrics: %w", err)
		}
	}
	return nil
}

// feedCollectors are the feed's metrics, if there is one.
func (v *service) feedCollectors() []prometheus.Collector {
	if v.feed == nil {
		return nil
	}
	return v.feed.Collectors()
}

// mailCollectors are the post office's metrics, if there is one.
func (v *service) mailCollectors() []prometheus.Collector {
	if v.post == nil {
		return nil
	}
	return v.post.Collectors()
}

// collectors are the store's metrics, of whichever kind it is.
func (l logStore) collectors() []prometheus.Collector {
	if s, ok := l.Store.(interface{ Collectors() []prometheus.Collector }); ok {
		return s.Collectors()
	}
	return nil
}
