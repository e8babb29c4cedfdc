package esdb_test

import (
	"testing"

	"github.com/supportledger/supportledger/eventstore"
	"github.com/supportledger/supportledger/eventstore/esdbwire"
	"github.com/supportledger/supportledger/eventstore/storetest"
)

// The whole way: this store, the official client, the protocol over a socket, and
// a store that passes the suite itself.
func TestConformance(t *testing.T) {
	for name, kind := range map[string]struct {
		spread bool
		change func(*esdbwire.Config)
	}{
		"as our own server is": {false, func(c *esdbwire.Config) { c.MaxAppendBytes = eventstore.MaxAppendBytes }},
		"as a real cluster is": {true, func(c *esdbwire.Config) { c.MaxAppendBytes, c.Strict = eventstore.MaxAppendBytes, true }},
	} {
		t.Run(name, func(t *testing.T) {
			storetest.Run(t, func(t testing.TB) storetest.Subject {
				c := newCluster(t, kind.change)
				c.spread = kind.spread
				c.start()
				s := open(t, c.address)
				return storetest.Subject{Store: s, Reopen: func(t testing.TB) eventstore.Store {
					must(t, s.Close())
					s = open(t, c.address)
					return s
				}}
			})
		})
	}
}
