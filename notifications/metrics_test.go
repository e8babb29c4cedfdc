package notifications_test

import (
	"testing"

	"github.com/prometheus/client_golang/prometheus"
)

// measure reads one of the feed's metrics.
func (r *rig) measure(name string) float64 {
	r.t.Helper()
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(r.feed.Collectors()...)
	families, err := registry.Gather()
	must(r.t, err)
	for _, family := range families {
		if family.GetName() == name {
			m := family.GetMetric()[0]
			return m.GetGauge().GetValue() + m.GetCounter().GetValue()
		}
	}
	r.t.Fatalf("there is no metric %s", name)
	return 0
}

func (r *rig) mustMeasure(name string, want float64) {
	r.t.Helper()
	r.until(name, func() bool { return r.measure(name) == want })
}

func TestTheFeedCounts(t *testing.T) {
	r := newRig(t)
	r.append(25)
	r.startFeed()
	r.caughtUp()
	for name, want := range map[string]float64{
		"supportledger_feed_published_total": 25, "supportledger_feed_position": 25, "supportledger_feed_lag": 0,
		"supportledger_feed_connected": 1, "supportledger_feed_missing": 0, "supportledger_feed_stopped": 0,
		"supportledger_feed_gaps_total": 0,
		"supportledger_feed_messages":   25,
	} {
		if got := r.measure(name); got != want {
			t.Errorf("%s is %v, want %v", name, got, want)
		}
	}
	r.mustMeasure("supportledger_feed_subjects", 7)
	r.stopBroker()
	r.mustMeasure("supportledger_feed_connected", 0)
	r.append(5)
	r.mustMeasure("supportledger_feed_lag", 5)
	if r.measure("supportledger_feed_retries_total") == 0 {
		t.Error("no retry was counted")
	}
	r.mustSayOnce("does not reach NATS")
}
