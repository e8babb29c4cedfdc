package notifications_test

import (
	"context"
	"runtime"
	"testing"

	"github.com/supportledger/supportledger/internal/processors/crowdtest"
	"github.com/supportledger/supportledger/notifications"
)

// watch lets the log grow and looks for pressure, so often that it would be seen.
func (r *rig) watch(p *notifications.Pressure, grow func()) (on bool) {
	r.t.Helper()
	const enough = 3 // the first to have something to compare with
	looks := 0
	own := p.Own
	p.Own = func() uint64 { looks++; return own() }
	r.until("a look", func() bool {
		grow()
		must(r.t, p.Look(context.Background()))
		on = p.On
		return on || looks == enough
	})
	return on
}

func none() uint64 { return 0 }

func TestThereIsPressureWhereManyWaitAndOthersSubmit(t *testing.T) {
	r := newRig(t)
	defer crowdtest.Gather()()
	if !r.watch(&notifications.Pressure{Store: r.store, Own: none}, func() { r.append(1) }) {
		t.Error("others submit, and eight goroutines wait for a processor, which is no pressure")
	}
}

func TestThereIsNoPressureWhereNobodyElseSubmits(t *testing.T) {
	r := newRig(t)
	defer crowdtest.Gather()()
	if r.watch(&notifications.Pressure{Store: r.store, Own: none}, func() {}) {
		t.Error("there is pressure while the log stands still")
	}
	mine := func() uint64 { return uint64(r.made) }
	if r.watch(&notifications.Pressure{Store: r.store, Own: mine}, func() { r.append(1) }) {
		t.Error("there is pressure of whoever looks for it")
	}
}

func TestThereIsNoPressureWhereNobodyWaits(t *testing.T) {
	r := newRig(t)
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(16)) // more than there is to do
	if r.watch(&notifications.Pressure{Store: r.store, Own: none}, func() { r.append(1) }) {
		t.Error("there is pressure of one caller alone")
	}
}

// Pressure that does not end makes the feed slow. It does not stop it.
func TestR38_AFeedGoesOnUnderPressure(t *testing.T) {
	r := newRig(t)
	defer crowdtest.Gather()()
	r.startFeed()
	if !r.watch(&notifications.Pressure{Store: r.store, Own: none}, func() { r.append(1) }) {
		t.Fatal("there is no pressure")
	}
	from := r.made
	r.until("what comes while there is", func() bool { r.append(1); return int(r.feed.Position()) > from+many(1000, 10_000) })
	r.caughtUp()
	r.mustBeTheLog()
}
