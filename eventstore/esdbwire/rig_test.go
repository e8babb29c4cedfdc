package esdbwire_test

import (
	"context"
	"fmt"
	"log/slog"
	"testing"
	"time"

	client "github.com/EventStore/EventStore-Client-Go/v4/esdb"

	"github.com/supportledger/supportledger/eventstore"
	"github.com/supportledger/supportledger/eventstore/esdbwire"
	"github.com/supportledger/supportledger/eventstore/esdbwire/wiretest"
	"github.com/supportledger/supportledger/eventstore/pebblestore"
	"github.com/supportledger/supportledger/eventstore/storetest"
	"github.com/supportledger/supportledger/internal/ownaddress"
)

// A rig is a server over a store in a folder, which can be started again.
type rig struct {
	t       testing.TB
	config  esdbwire.Config
	dir     string
	address string
	store   *pebblestore.Store
	heads   map[string]eventstore.Revision
	stop    func() // nil while it is stopped
}

func newRig(t testing.TB, change ...func(*esdbwire.Config)) *rig {
	t.Helper()
	r := &rig{t: t, dir: t.TempDir(), address: ownaddress.Free(t), heads: map[string]eventstore.Revision{}}
	for _, c := range change {
		c(&r.config)
	}
	r.start()
	t.Cleanup(r.halt)
	return r
}

func (r *rig) start() {
	r.t.Helper()
	logger := slog.New(slog.NewTextHandler(r.t.Output(), &slog.HandlerOptions{Level: slog.LevelError}))
	var err error
	r.store, err = pebblestore.Open(r.dir, pebblestore.Options{CacheBytes: 8 << 20, LogMemBytes: 8 << 20, IndexMemBytes: 1 << 20, Logger: logger})
	must(r.t, err)
	c := r.config
	c.Store, c.Logger = r.store, logger
	r.address, r.stop = wiretest.Serve(r.t, r.address, c)
}

func (r *rig) halt() {
	if r.stop != nil {
		r.stop()
	}
	r.stop = nil
}

// write appends events of these types to a stream.
func (r *rig) write(stream string, types ...string) {
	r.t.Helper()
	head, ok := r.heads[stream]
	if !ok {
		head = eventstore.NoStream
	}
	events := storetest.Events(len(types))
	for i := range events {
		events[i].Type = types[i]
	}
	done, err := r.store.Append(soon(r.t), eventstore.Append{Stream: stream, Expected: head, Events: events, At: time.Now()})
	must(r.t, err)
	r.heads[stream] = done.Revision
}

// all is what the store holds.
func (r *rig) all() (records []eventstore.Record) {
	r.t.Helper()
	for record, err := range r.store.ReadAll(soon(r.t), eventstore.Start) {
		must(r.t, err)
		records = append(records, record)
	}
	return records
}

func (r *rig) connect(options ...string) *client.Client {
	r.t.Helper()
	query := "tls=false"
	if len(options) > 0 {
		query = options[0]
	}
	return dial(r.t, "esdb://"+r.address+"?"+query)
}

func dial(t testing.TB, connection string) *client.Client {
	t.Helper()
	config, err := client.ParseConnectionString(connection)
	must(t, err)
	config.Logger = client.NoopLogging()
	c, err := client.NewClient(config)
	must(t, err)
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func soon(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// place is how an event, or a record, is told apart from others.
func place(stream string, revision uint64, position uint64) string {
	return fmt.Sprintf("%s@%d at %d", stream, revision, position)
}

func placeOf(e *client.ResolvedEvent) string {
	o := e.OriginalEvent()
	return place(o.StreamID, o.EventNumber, o.Position.Commit)
}

func places(records []eventstore.Record) (all []string) {
	for _, r := range records {
		all = append(all, place(r.Stream, uint64(r.Revision), uint64(r.Position)))
	}
	return all
}
