// Package wiretest is a cluster of one node for tests: a store that is served by
// EventStoreDB's protocol.
package wiretest

import (
	"context"
	"net"
	"testing"
	"time"

	"github.com/supportledger/supportledger/eventstore/esdbwire"
)

// Serve serves a store at an address, HOST:PORT, of which port 0 takes a free one;
// at is where. The store is the node's: stop, which must be called once, ends the
// node and closes it, and then another may be served at the same address.
func Serve(t testing.TB, address string, c esdbwire.Config) (at string, stop func()) {
	t.Helper()
	node, err := esdbwire.New(c)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	ctx, end := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- node.Serve(ctx, l) }()
	return l.Addr().String(), func() {
		end()
		if err := <-ended; err != nil {
			t.Errorf("serve: %v", err)
		}
		if err := c.Store.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	}
}

// Until waits for a condition, for as long as the context lasts.
func Until(ctx context.Context, t testing.TB, what string, holds func() bool) {
	t.Helper()
	for !holds() {
		select {
		case <-ctx.Done():
			t.Fatalf("never: %s", what)
		case <-time.After(5 * time.Millisecond):
		}
	}
}
