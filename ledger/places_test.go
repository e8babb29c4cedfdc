package ledger_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/eventstore"
	"github.com/supportledger/supportledger/eventstore/storetest"
	"github.com/supportledger/supportledger/ledger"
)

// lasts are the positions of a stream's records that are their command's last.
func (r *rig) lasts(s eventstore.Store, stream string) map[eventstore.Position]bool {
	r.t.Helper()
	last := map[uuid.UUID]eventstore.Position{}
	for record, err := range s.ReadStream(context.Background(), stream, 0, eventstore.Forwards) {
		must(r.t, err)
		meta, err := ledger.ReadMeta(record.Meta)
		must(r.t, err)
		last[meta.Command] = record.Position
	}
	out := map[eventstore.Position]bool{}
	for _, p := range last {
		out[p] = true
	}
	return out
}

// Ledger-Position is that of a command's last record, wherever positions are far
// apart, too: also for those that rode in one append, and for repeats on another
// node.
func TestAnswersTellWhereTheirRecordsStand(t *testing.T) {
	r := newRig(t)
	far := storetest.Apart(r.store)
	node := func() *ledger.Ledger {
		l, err := ledger.New(ledger.Config{Store: far, Keys: r.keys, People: r.people, Catalog: shelf(), Clock: r.clock})
		must(t, err)
		return l
	}
	here, there := node(), node()
	c, bought := r.linked(callers), r.active(1)
	requests := make([]ledger.Request, callers)
	for i := range requests {
		requests[i] = r.by(ani, "submit")
	}
	answers := make([]ledger.IncidentAnswer, callers)
	volley(callers, func(i int) {
		var err error
		if answers[i], err = here.Submit(context.Background(), requests[i], request(c.ID)); err != nil {
			t.Error(err)
		}
	})
	lasts := r.lasts(far, c.ID.String())
	for i, first := range answers {
		if !lasts[first.Position] {
			t.Fatalf("an answer tells position %d, where no command's last record stands", first.Position)
		}
		delete(lasts, first.Position)
		again, err := there.Submit(context.Background(), requests[i], request(c.ID))
		must(t, err)
		if again.Position != first.Position || again.Number != first.Number || !again.Replayed {
			t.Fatalf("repeated, %+v was answered with %+v", first, again)
		}
	}
	for i := range requests {
		requests[i] = r.by(operator, "resend")
		r.givenUp(here, bought.ID, i)
	}
	mails := make([]ledger.MailAnswer, callers)
	volley(callers, func(i int) {
		var err error
		if mails[i], err = here.ResendMail(context.Background(), requests[i], bought.ID, mailID(i), fmt.Sprint(i)); err != nil {
			t.Error(err)
		}
	})
	lasts = r.lasts(far, ledger.MailsOf(bought.ID))
	for i, first := range mails {
		again, err := there.ResendMail(context.Background(), requests[i], bought.ID, mailID(i), fmt.Sprint(i))
		must(t, err)
		if again.Position != first.Position || !lasts[first.Position] {
			t.Fatalf("asked for at %d, repeated at %d, which is the last of its command: %t", first.Position, again.Position, lasts[first.Position])
		}
	}
}
