package postoffice_test

import (
	"bytes"
	"context"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/domain/contract"
	"github.com/supportledger/supportledger/eventstore"
	"github.com/supportledger/supportledger/internal/processors/crowdtest"
	"github.com/supportledger/supportledger/notifications"
)

// load lets the log grow by 2,000 published events a second that no letter comes
// from, until the function is called that it returns.
func (r *rig) load() (end func()) {
	r.t.Helper()
	e := &contract.Suspended{Reason: "loaded"}
	data, err := contract.Encode(e)
	must(r.t, err)
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		tick := time.NewTicker(100 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			a := eventstore.Append{Stream: uuid.NewString(), Expected: eventstore.NoStream, At: start}
			for range 200 {
				a.Events = append(a.Events, eventstore.Event{
					ID: uuid.New(), Type: e.Name(), Data: data, Meta: append([]byte{1, 0}, bytes.Repeat([]byte{0}, 16*3+32+16)...),
				})
			}
			if _, err := r.store.Append(context.Background(), a); err != nil {
				r.t.Error(err)
				return
			}
		}
	})
	return func() { cancel(); running.Wait() }
}

// pressed waits for pressure.
func (r *rig) pressed() {
	r.t.Helper()
	p := notifications.Pressure{Store: r.store, Grown: 1000}
	r.until("pressure", func() bool { must(r.t, p.Look(context.Background())); return p.On })
}

// R39: where those who submit press for longer than a burst, letters do not wait
// for the end of it.
func TestR39_LettersMakeTheirWayUnderLastingPressure(t *testing.T) {
	p := newPost(t, nil)
	r := newRig(t, p.config())
	r.wait.Burst = time.Second
	c := r.linked(10)
	_, err := r.SwitchMailsOn(t.Context())
	must(t, err)
	r.open()
	r.submit(c.ID, "before@example.com", "en")
	r.until("a letter", func() bool { return r.count("mail.sent.v1") == 1 })
	defer crowdtest.Gather()()
	defer r.load()()
	r.pressed()
	from, err := r.store.Head(t.Context())
	must(t, err)
	r.until("much to do", func() bool {
		head, err := r.store.Head(t.Context())
		must(t, err)
		return head > from+10_000
	})
	r.submit(c.ID, "ani@example.com", "en")
	r.until("the letter of who submits under pressure", func() bool { return len(p.letters()) == 2 })
	r.pressed() // as it is still
}
