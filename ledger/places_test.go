package ledger_test

import (
	"bytes"
	"context"
	"fmt"
	"testing"

	"github.com/supportledger/supportledger/eventstore"
	"github.com/supportledger/supportledger/eventstore/storetest"
	"github.com/supportledger/supportledger/ledger"
)

// stands says where the last record about something stands in a stream.
func (r *rig) stands(s eventstore.Store, stream, about string) (at eventstore.Position) {
	r.t.Helper()
	for record, err := range s.ReadStream(context.Background(), stream, 0, eventstore.Forwards) {
		must(r.t, err)
		if bytes.Contains(record.Data, []byte(about)) {
			at = record.Position
		}
	}
	return at
}

// lastOfAppend says whether an append ends at a position.
func (r *rig) lastOfAppend(s eventstore.Store, stream string, at eventstore.Position) bool {
	r.t.Helper()
	for record, err := range s.ReadStream(context.Background(), stream, 0, eventstore.Forwards) {
		must(r.t, err)
		if record.Position == at {
			return record.Behind == 0
		}
	}
	return false
}

// Ledger-Position is where a command's last record stands, or, where the store does
// not tell that of those who rode in one append, where the append's last one does; and
// repeats on another node tell the same.
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
	together := 0
	for i, first := range answers {
		at := r.stands(far, c.ID.String(), fmt.Sprintf("%d", first.Number))
		if first.Position < at || first.Position > at && !r.lastOfAppend(far, c.ID.String(), first.Position) {
			t.Fatalf("an answer tells position %d of what stands at %d", first.Position, at)
		}
		if first.Position > at {
			together++
		}
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
	for i, first := range mails {
		again, err := there.ResendMail(context.Background(), requests[i], bought.ID, mailID(i), fmt.Sprint(i))
		must(t, err)
		if at := r.stands(far, ledger.MailsOf(bought.ID), mailID(i).String()); again.Position != first.Position || first.Position < at {
			t.Fatalf("asked for at %d, repeated at %d, and it stands at %d", first.Position, again.Position, at)
		}
	}
	if together == 0 {
		t.Error("no two commands rode in one append")
	}
}
