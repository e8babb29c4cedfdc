package broker_test

import (
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/supportledger/supportledger/internal/ownaddress"
	"github.com/supportledger/supportledger/notifications/broker"
)

// Who is connected is told that the server stops, and goes on at another one.
func TestR45_SubscribersAreToldThatTheServerStops(t *testing.T) {
	r := newRig(t)
	other, err := broker.Open(broker.Config{
		Dir: filepath.Join(r.dir, "other"), Listen: ownaddress.Free(t), UsersFile: r.file, Logger: r.said.Logger(slog.LevelInfo),
	})
	must(t, err)
	t.Cleanup(func() { must(t, other.Close()) })
	told := make(chan struct{})
	ani := r.connect("ani")
	ani.Close()
	nc, err := nats.Connect("nats://"+r.broker.Address()+",nats://"+other.Address(), nats.UserInfo("ani", r.passwords["ani"]),
		nats.DontRandomize(), nats.MaxReconnects(-1), nats.ReconnectWait(time.Millisecond), nats.IgnoreAuthErrorAbort(),
		nats.LameDuckModeHandler(func(*nats.Conn) { close(told) }))
	must(t, err)
	t.Cleanup(nc.Close)
	must(t, r.broker.Close())
	select {
	case <-told:
	case <-time.After(tooLong):
		t.Error("nobody was told")
	}
	r.until("ani at the other server", func() bool { return strings.Contains(nc.ConnectedUrl(), other.Address()) })
	r.start(broker.Config{})
}

// Somebody who asks for events and does not read them keeps nobody waiting: the
// server itself would wait until it gives up writing.
func TestR45_StoppingDoesNotWaitForWhoeverReadsNothing(t *testing.T) {
	r := newRig(t)
	const events, length = 50, 1 << 18 // more than the lines hold, less than is kept for one connection
	for n := range events {
		_, err := r.own.Publish(r.soon(), fmt.Sprintf("ledger.events.incident.submitted.%d", n), make([]byte, length))
		must(t, err)
	}
	ani := r.connect("ani")
	c, err := ani.js.CreateConsumer(r.soon(), "LEDGER", consumer("ani", "ledger.events.incident.>"))
	must(t, err)
	r.pullAndReadNothing("ani", 30+events)
	r.until("everything is under way", func() bool {
		info, err := c.Info(r.soon())
		must(t, err)
		return info.Delivered.Consumer == 30+events
	})
	began := time.Now()
	must(t, r.broker.Close())
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("stopping took %v", took)
	}
	r.start(broker.Config{})
}
