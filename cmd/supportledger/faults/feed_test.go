//go:build linux

package faults_test

import (
	"strconv"
	"strings"
	"testing"

	"github.com/supportledger/supportledger/eventstore/storetest"
	"github.com/supportledger/supportledger/internal/ownaddress"
)

// R38, R41: a ledger, its feed and its NATS server in one process are killed at
// random while events are recorded. A subscriber hears each of them exactly once by
// its id, in order, and none is missing. Fifty kills and a hundred thousand events
// are those of the example subscriber in the folder above, whose NATS loses things
// besides; here as many only in test-long.
func TestR38_ASubscriberHearsEverythingOverKills(t *testing.T) {
	kills := storetest.Rounds(10, 50)
	events := 2000 * kills
	dir, address := t.TempDir(), ownaddress.Free(t)
	launchAgain := func() *program {
		cmd := serving(t, dir)
		cmd.Args = append(cmd.Args, "--nats-listen", address)
		p := start(t, dir, cmd)
		if p.base == "" {
			t.Fatalf("the ledger does not start: %v\n%s", p.wait(), p.said)
		}
		return p
	}
	p := launchAgain()
	l := newLoad(p)
	ear := listen(t, dir)
	for n := range kills {
		l.until(p, (n+1)*events/2/kills)
		p.kill()
		p = launchAgain()
	}
	p.until("the feed", func() bool { return strings.Contains(p.get("", "/metrics").body, "\nsupportledger_feed_lag 0\n") })
	p.until("the subscriber", func() bool { return ear.count() == p.told() })
	p.stop()
	ear.stop()
	heard := ear.mustEqualLog(dir)
	mustVerify(t, dir)
	if heard < events {
		t.Errorf("only %d events were recorded", heard)
	}
	t.Logf("%d events over %d kills; %d messages came again, the subscriber began anew %d times", heard, kills, ear.again, ear.fresh)
}

// until lets all callers ask until so many were acknowledged.
func (l *load) until(p *program, acknowledged int) {
	l.run(p, func(n int) {
		if n >= acknowledged {
			_ = p.cmd.Process.Kill()
		}
	})
	_ = p.wait()
}

// told is how many messages the feed's stream holds; -1 while that is not known.
func (p *program) told() int {
	_, rest, _ := strings.Cut(p.get("", "/metrics").body, "\nsupportledger_feed_messages ")
	value, _, _ := strings.Cut(rest, "\n")
	n, err := strconv.ParseFloat(value, 64)
	if err != nil {
		return -1
	}
	return int(n)
}
