package api

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/supportledger/supportledger/api/token"
)

// Registry is what /metrics shows.
type Registry = prometheus.Registry

// Collectors are the API's own metrics, for the registry.
func (a *API) Collectors() []prometheus.Collector { return a.metrics.collectors() }

// metrics count requests by what they were for, never by who or what they named.
type metrics struct {
	requests *prometheus.CounterVec
	duration *prometheus.HistogramVec
	refused  *prometheus.CounterVec
	running  prometheus.Gauge

	subscribers prometheus.Gauge
	seats       prometheus.Gauge
	streamed    prometheus.Counter
	ended       *prometheus.CounterVec
}

func newMetrics(maxStreams int) *metrics {
	m := &metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "supportledger_http_requests_total", Help: "HTTP requests answered, by route, method and status.",
		}, []string{"route", "method", "status"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "supportledger_http_request_duration_seconds", Help: "Time from a request's headers to its whole answer, by route.",
			Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 10},
		}, []string{"route"}),
		refused: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "supportledger_http_problems_total", Help: "Answers that are problems, by code.",
		}, []string{"code"}),
		running: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "supportledger_http_requests_running", Help: "HTTP requests being worked on, event streams too.",
		}),
		subscribers: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "supportledger_event_streams", Help: "Event streams that are open.",
		}),
		seats: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "supportledger_event_streams_limit", Help: "Event streams that may be open at once; more are refused with 503.",
		}),
		streamed: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "supportledger_events_streamed_total", Help: "Events written to event streams.",
		}),
		ended: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "supportledger_event_streams_ended_total", Help: "Event streams that ended: left by the client, stalled, with the token, because the ledger stops, failed.",
		}, []string{"reason"}),
	}
	m.seats.Set(float64(maxStreams))
	// A reason that nobody has met yet shows as 0, so that its first time is a rise.
	for _, reason := range []string{"failed", "stopping", "stalled", "token", "left"} {
		m.ended.WithLabelValues(reason)
	}
	return m
}

func (m *metrics) collectors() []prometheus.Collector {
	return []prometheus.Collector{m.requests, m.duration, m.refused, m.running, m.subscribers, m.seats, m.streamed, m.ended}
}

// countEnd notes why an event stream has ended.
func (m *metrics) countEnd(err error) {
	reason := "failed"
	switch {
	case errors.Is(err, errStopping):
		reason = "stopping"
	case errors.Is(err, errStalled):
		reason = "stalled"
	case errors.Is(err, token.ErrExpired), errors.Is(err, token.ErrInvalid):
		reason = "token"
	case errors.Is(err, context.Canceled), errors.Is(err, syscall.EPIPE), errors.Is(err, syscall.ECONNRESET):
		reason = "left"
	}
	m.ended.WithLabelValues(reason).Inc()
}

// count notes how a call has ended.
func (m *metrics) count(c *call) {
	path, method := "none", "none"
	if c.route != nil {
		path, method = c.route.path, c.route.method
	}
	m.requests.WithLabelValues(path, method, statusText(c.status)).Inc()
	m.duration.WithLabelValues(path).Observe(time.Since(c.started).Seconds())
	if c.refused != "" {
		m.refused.WithLabelValues(c.refused).Inc()
	}
}

func statusText(status int) string {
	switch status {
	case http.StatusOK:
		return "200"
	case http.StatusCreated:
		return "201"
	}
	return strconv.Itoa(status)
}

// Metrics shows a registry in the Prometheus text format, for a listener of its
// own.
func Metrics(registry *prometheus.Registry) http.Handler {
	return promhttp.HandlerFor(registry, promhttp.HandlerOpts{})
}
