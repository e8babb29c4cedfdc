package postoffice_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"

	recorded "github.com/supportledger/supportledger/domain/mail"
	"github.com/supportledger/supportledger/ledger"
	"github.com/supportledger/supportledger/notifications/mail"
)

// R39: two ledgers on one log and one NATS share the work. Every letter arrives
// once: of events, of numbers that few are left of, of what time brings about,
// and those that somebody asks for again.
func TestR39_TwoLedgersSendEachLetterOnce(t *testing.T) {
	const n, again = 300, 20
	open := make(chan struct{}) // for letters to the contact: nobody can see yet that they were sent
	var p *post
	p = newPost(t, func(to string, try int) error {
		switch {
		case to == "mended@example.com" && try <= 2:
			return reply(550, "rcpt is unknown here")
		case to == "citra@example.com":
			select {
			case <-open:
			case <-p.quit:
			}
		}
		return nil
	})
	r := newRig(t, p.config())
	r.nodes, r.wait.Try = 2, tooLong
	r.on()
	c := r.linked(n + 6)
	for i := range n {
		r.submit(c.ID, fmt.Sprintf("ani%d@example.com", i), "en")
	}
	in := r.submit(c.ID, "budi@example.com", "en")
	for range again { // comes down to 5 again
		r.finish(c.ID, in, "product-defect")
		in = r.submit(c.ID, "budi@example.com", "en")
	}
	for range 2 {
		r.submit(c.ID, "mended@example.com", "en")
	}
	must(t, r.clock.Set(r.ends(c.ID).Add(-lead(30))))
	r.open()
	want := map[mail.Kind]int{mail.IDs: 1, mail.Linked: 1, mail.Submitted: n + 1 + again, mail.Closed: again, mail.FewLeft: 1, mail.Expiring: 1}
	r.until("all but those", func() bool {
		n := r.kinds()
		return n[mail.Submitted] == want[mail.Submitted] && n[mail.Closed] == again
	})
	close(open)
	r.untilKinds(want)
	r.until("two given up", func() bool { return r.count("mail.given-up.v1") == 2 })
	r.askForAll(c.ID)
	want[mail.Submitted] += 2
	r.untilKinds(want)
	must(t, r.clock.Set(r.ends(c.ID).Add(-lead(7))))
	want[mail.Expiring] = 2
	r.untilKinds(want)
	r.close()

	came := map[string]int{}
	for _, a := range p.letters() {
		came[a.id]++
	}
	total := 0
	for _, n := range want {
		total += n
	}
	if len(came) != total {
		t.Errorf("%d letters arrived, want %d", len(came), total)
	}
	for id, n := range came {
		if n != 1 {
			t.Errorf("the letter %s arrived %d times", id, n)
		}
	}
	all, times := r.records()
	for id, e := range all {
		most := 1
		if letterOf(e).Kind == mail.Submitted && e.(*recorded.Sent).Try > 1 {
			most = 3 // given up, asked for, sent
		}
		if times[id] != most {
			t.Errorf("of %s, %d events are recorded, want %d", id, times[id], most)
		}
	}
	for node, counts := range r.counts {
		if sentBy(t, counts) == 0 {
			t.Errorf("post office %d has sent nothing", node)
		}
	}
}

// askForAll asks again for all letters that were given up.
func (r *rig) askForAll(about uuid.UUID) {
	r.t.Helper()
	all, _ := r.records()
	for id, e := range all {
		if _, ok := e.(*recorded.GivenUp); ok {
			_, err := r.ResendMail(r.t.Context(), r.by(ledger.Actor{Role: ledger.Admin}), about, id, "mended")
			must(r.t, err)
		}
	}
}

// sentBy is how many letters a post office has sent.
func sentBy(t *testing.T, counts *prometheus.Registry) (n float64) {
	t.Helper()
	families, err := counts.Gather()
	must(t, err)
	for _, family := range families {
		if family.GetName() == "supportledger_mails_sent_total" {
			for _, m := range family.GetMetric() {
				n += m.GetCounter().GetValue()
			}
		}
	}
	return n
}

// lead is how long before the end of a term so many days are told.
func lead(days int) time.Duration { return time.Duration(days)*24*time.Hour + 12*time.Hour }
