package ledger_test

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/supportledger/supportledger/domain/catalog"
	"github.com/supportledger/supportledger/domain/contract"
	"github.com/supportledger/supportledger/ledger"
)

// A wallClock is a machine's clock: it can be set back.
type wallClock struct{ at atomic.Pointer[time.Time] }

func (c *wallClock) Now() time.Time       { return *c.at.Load() }
func (c *wallClock) set(to time.Time)     { c.at.Store(&to) }
func wallClockAt(at time.Time) *wallClock { c := new(wallClock); c.set(at); return c }

// on is one more ledger on the same store, with a clock of its own.
func (r *rig) on(clock ledger.Clock) *ledger.Ledger {
	r.t.Helper()
	l, err := ledger.New(ledger.Config{Store: r.store, Keys: r.keys, People: r.people, Catalog: shelf(), Clock: clock})
	must(r.t, err)
	return l
}

// Another contract was recorded half an hour after a term's end, and then the
// clock goes back to half an hour before it: for the ledger the term is over.
func TestR5_AClockThatIsSetBackOverATermsEndRefusesNobody(t *testing.T) {
	for name, node := range map[string]func(r *rig, clock *wallClock) *ledger.Ledger{
		"the same ledger goes on":  func(r *rig, _ *wallClock) *ledger.Ledger { return r.Ledger },
		"a ledger starts later":    func(r *rig, clock *wallClock) *ledger.Ledger { return r.on(clock) },
		"another node was running": nil,
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			c := r.linked(3)
			ends := r.endOf(c.ID)
			clock := wallClockAt(ends.Add(-time.Hour))
			behind := r.on(clock)
			r.Ledger = r.on(clock)
			clock.set(ends.Add(30 * time.Minute))
			r.linked(1) // of another stream
			clock.set(ends.Add(-30 * time.Minute))
			if node != nil {
				behind = node(r, clock)
			}
			_, err := behind.Submit(t.Context(), r.by(ani, "submit"), request(c.ID))
			refused(t, err, "expired")
			var status contract.Status
			must(t, behind.View(t.Context(), c.ID, func(s *contract.State, at time.Time) { status = s.Status(at) }))
			if status != contract.StatusExpired {
				t.Errorf("the contract is shown as %s, want it expired", status)
			}
			other := r.linked(1)
			_, err = behind.Submit(t.Context(), r.by(ani, "submit"), request(other.ID))
			must(t, err)
		})
	}
}

func TestR5_AClockThatIsSetBackOverAGrantsEndRefusesNobody(t *testing.T) {
	r := newRig(t)
	c := r.linked(1)
	until := catalog.DateOf(start, time.UTC).AddDays(30)
	_, err := r.Change(t.Context(), r.by(operator, "grant"), c.ID, &contract.AddGrant{
		Unit: contract.Incident, Quantity: 1, ExpiresOn: until, Reason: "for a month",
	})
	must(t, err)
	jakarta, err := time.LoadLocation("Asia/Jakarta")
	must(t, err)
	clock := wallClockAt(until.EndOf(jakarta).Add(time.Hour))
	behind := r.on(clock)
	r.Ledger = r.on(clock)
	r.linked(1)
	clock.set(until.EndOf(jakarta).Add(-time.Hour))
	_, err = behind.Submit(t.Context(), r.by(ani, "submit"), request(c.ID))
	must(t, err)
	if b := r.balance(c.ID); b.Lapsed != 1 || b.Consumed != 1 || b.Available != 0 {
		t.Errorf("the balance is %+v, want one lapsed and one consumed", b)
	}
}

// A renewal's start that others have gone past has come, whatever the clock says.
func TestR6_AClockThatIsSetBackOverAStartRefusesNobody(t *testing.T) {
	r := newRig(t)
	c := r.linked(1)
	next, err := r.Renew(t.Context(), r.by(operator, "renew"), c.ID, "another year")
	must(t, err)
	clock := wallClockAt(next.StartsAt.Add(time.Hour))
	r.Ledger = r.on(clock)
	r.linked(1)
	clock.set(next.StartsAt.Add(-time.Hour))
	_, err = r.Change(t.Context(), r.by(operator, "grant"), next.ID, &contract.AddGrant{Unit: contract.Incident, Quantity: 1, Reason: "pack"})
	must(t, err)
	_, err = r.Submit(t.Context(), r.by(ani, "submit"), request(next.ID))
	must(t, err)
}
