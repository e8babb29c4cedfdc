package postoffice_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"

	recorded "github.com/supportledger/supportledger/domain/mail"
	"github.com/supportledger/supportledger/ledger"
	"github.com/supportledger/supportledger/notifications/mail"
)

// R39: two ledgers on one log and one NATS share the work. Every letter arrives
// once: of events, of numbers that few are left of, of what time brings about,
// and those that somebody asks for again.
func TestR39_TwoLedgersSendEachLetterOnce(t *testing.T) {
	const n, again = 300, 20
	p, open := newSlowPost(t)
	r := newRig(t, p.config())
	r.nodes, r.wait.Try, r.wait.Taken = 2, tooLong, tooLong/4
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
	asked := r.askForAll(c.ID)
	want[mail.Submitted] += 2
	r.untilKinds(want)
	must(t, r.clock.Set(r.ends(c.ID).Add(-lead(7))))
	want[mail.Expiring] = 2
	r.untilKinds(want)
	r.close()

	mustBeOnce(r, p, want, asked)
	r.mustHaveShared()
}

// newSlowPost is a server at which nobody sees, before the channel is closed, that
// letters to the contact were sent; and which refuses someone's two letters once.
func newSlowPost(t *testing.T) (p *post, open chan struct{}) {
	open = make(chan struct{})
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
	return p, open
}

// mustBeOnce holds that so many letters came, each once, and that nothing is
// recorded of a letter twice.
func mustBeOnce(r *rig, p *post, want map[mail.Kind]int, asked map[uuid.UUID]bool) {
	r.t.Helper()
	came := map[string]int{}
	for _, a := range p.letters() {
		came[a.id]++
	}
	total := 0
	for _, n := range want {
		total += n
	}
	if len(came) != total {
		r.t.Errorf("%d letters arrived, want %d", len(came), total)
	}
	for id, n := range came {
		if n != 1 {
			r.t.Errorf("the letter %s arrived %d times", id, n)
		}
	}
	all, times := r.records()
	for id := range all {
		most := 1
		if asked[id] {
			most = 3 // given up, asked for, sent
		}
		if times[id] != most {
			r.t.Errorf("of %s, %d events are recorded, want %d", id, times[id], most)
		}
	}
}

// askForAll asks again for all letters that were given up.
func (r *rig) askForAll(about uuid.UUID) (asked map[uuid.UUID]bool) {
	r.t.Helper()
	asked = map[uuid.UUID]bool{}
	all, _ := r.records()
	for id, e := range all {
		if _, ok := e.(*recorded.GivenUp); ok {
			_, err := r.ResendMail(r.t.Context(), r.by(ledger.Actor{Role: ledger.Admin}), about, id, "mended")
			must(r.t, err)
			asked[id] = true
		}
	}
	return asked
}

// lead is how long before the end of a term so many days are told.
func lead(days int) time.Duration { return time.Duration(days+1) * 24 * time.Hour }
