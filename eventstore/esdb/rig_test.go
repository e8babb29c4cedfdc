package esdb_test

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/supportledger/supportledger/eventstore/esdb"
	"github.com/supportledger/supportledger/eventstore/esdbwire"
	"github.com/supportledger/supportledger/eventstore/esdbwire/wiretest"
	"github.com/supportledger/supportledger/eventstore/pebblestore"
	"github.com/supportledger/supportledger/eventstore/storetest"
	"github.com/supportledger/supportledger/internal/ownaddress"
)

// A cluster is one node that speaks the protocol over a store in a folder, on a
// port that stays the same when it is stopped and started again.
type cluster struct {
	t       testing.TB
	dir     string
	address string
	change  func(*esdbwire.Config)
	spread  bool // positions are far apart, as they are in a real cluster

	stop func() // nil while it is stopped
}

func newCluster(t testing.TB, change func(*esdbwire.Config)) *cluster {
	t.Helper()
	c := &cluster{t: t, dir: t.TempDir(), address: ownaddress.Free(t), change: change}
	t.Cleanup(c.halt)
	return c
}

func (c *cluster) start() {
	c.t.Helper()
	s, err := pebblestore.Open(c.dir, pebblestore.Options{CacheBytes: 8 << 20, LogMemBytes: 8 << 20, IndexMemBytes: 1 << 20, Logger: c.logger()})
	must(c.t, err)
	config := esdbwire.Config{Store: s, AcceptAppends: true, Logger: c.logger()}
	if c.spread {
		config.Store = storetest.Apart(s)
	}
	if c.change != nil {
		c.change(&config)
	}
	c.address, c.stop = wiretest.Serve(c.t, c.address, config)
}

func (c *cluster) halt() {
	if c.stop != nil {
		c.stop()
	}
	c.stop = nil
}

func (c *cluster) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(c.t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))
}

// open reaches a cluster at an address, which may be another's that leads to it.
func open(t testing.TB, address string, change ...func(*esdb.Options)) *esdb.Store {
	t.Helper()
	o := esdb.Options{Connection: "esdb://" + address + "?tls=false", Patience: 5 * time.Second, Logger: slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelError}))}
	for _, c := range change {
		c(&o)
	}
	s, err := esdb.Open(soon(t), o)
	must(t, err)
	return s
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func soon(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	t.Cleanup(cancel)
	return ctx
}
