package postoffice_test

import (
	"context"
	"testing"

	"github.com/google/uuid"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/supportledger/supportledger/domain/contract"
	"github.com/supportledger/supportledger/eventstore"
	"github.com/supportledger/supportledger/ledger"
	"github.com/supportledger/supportledger/notifications"
	"github.com/supportledger/supportledger/notifications/mail"
)

// R39: that few are left is told once for each number, however often credits let
// it be reached; and again after incidents were added. Written along the way or
// late, it comes to the same.
func TestR39_FewAreLeftAgainAfterMoreWereAdded(t *testing.T) {
	r := newRig(t, mail.Config{})
	s := supply{r, r.linked(20).ID}
	s.down(14)
	s.again() // before mails are on
	r.on()
	for i, step := range []struct {
		what string
		do   func()
		told int // by then
	}{
		{"5 and 1", func() { s.again(); s.down(5) }, 2},
		{"21 are there again", func() { r.add(s.id, 20); s.down(14); s.aside(s.again) }, 3},
		{"minutes are no incidents", func() {
			s.change(&contract.AddGrant{Unit: contract.Minute, Quantity: 60, Reason: "advice"})
			s.aside(s.again)
		}, 3},
		{"fewer are not more", func() { s.adjust(-1); s.again(); s.adjust(-2); s.down(3) }, 4},
		{"an adjustment adds", func() { s.adjust(5); s.again(); s.down(5) }, 6},
	} {
		step.do()
		if i == 1 || i == 3 {
			continue
		}
		r.open()
		r.until(step.what, r.settled)
		if n := r.kinds()[mail.FewLeft]; n != step.told {
			t.Errorf("%s: told %d times, want %d", step.what, n, step.told)
		}
		r.close()
	}
}

// A supply is the incidents of a contract.
type supply struct {
	*rig
	id uuid.UUID
}

// down spends n incidents, and returns the last.
func (s supply) down(n int) (in ledger.IncidentAnswer) {
	for range n {
		in = s.submit(s.id, "ani@example.com", "en")
	}
	return in
}

// again spends one that comes back, three times.
func (s supply) again() {
	for range 3 {
		s.finish(s.id, s.down(1), "product-defect")
	}
}

// aside does something while one more is spent, which comes back.
func (s supply) aside(do func()) {
	in := s.down(1)
	do()
	s.finish(s.id, in, "product-defect")
}

func (s supply) change(wish contract.Command) {
	s.t.Helper()
	_, err := s.Change(s.t.Context(), s.by(operator), s.id, wish)
	must(s.t, err)
}

// adjust adds to the second grant, or takes from it.
func (s supply) adjust(n int64) {
	s.t.Helper()
	s.change(&contract.Adjust{Grant: 2, Quantity: n, Reason: "as agreed"})
}

// settled says whether everything that is recorded was dealt with.
func (r *rig) settled() bool {
	r.t.Helper()
	ctx, published := context.Background(), uint64(0)
	for rec, err := range r.store.ReadAll(ctx, eventstore.Start) {
		must(r.t, err)
		is, err := ledger.Published(rec.Type)
		must(r.t, err)
		if is {
			published++
		}
	}
	nc, err := r.broker.Dial(ctx)
	must(r.t, err)
	defer nc.Close()
	js, err := jetstream.New(nc)
	must(r.t, err)
	office, err := js.Consumer(ctx, notifications.Stream, "supportledger_post_office")
	if err != nil {
		return false // it is being made
	}
	info, err := office.Info(ctx)
	must(r.t, err)
	return info.AckFloor.Stream == published
}
