package postoffice_test

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/supportledger/supportledger/notifications/postoffice"
)

// counts are what a post office counts.
type counts struct{ *prometheus.Registry }

func countsOf(office *postoffice.Office) counts {
	c := counts{prometheus.NewRegistry()}
	c.MustRegister(office.Collectors()...)
	return c
}

// mustHaveShared holds that every post office has sent letters.
func (r *rig) mustHaveShared() {
	r.t.Helper()
	for node, c := range r.counts {
		families, err := c.Gather()
		must(r.t, err)
		sent := 0.0
		for _, family := range families {
			if family.GetName() != "supportledger_mails_sent_total" {
				continue
			}
			for _, m := range family.GetMetric() {
				sent += m.GetCounter().GetValue()
			}
		}
		if sent == 0 {
			r.t.Errorf("post office %d has sent nothing", node)
		}
	}
}
