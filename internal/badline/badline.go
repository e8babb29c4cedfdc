// Package badline puts lines between the house and what it talks to, for tests
// that disturb them.
package badline

import (
	"context"
	"strings"
	"testing"

	"github.com/Shopify/toxiproxy/v2"

	"github.com/supportledger/supportledger/internal/ownaddress"
)

// A Line is a way to a server that a test can disturb, and cut by Stop and Start.
// Who dials Listen gets there.
type Line struct {
	*toxiproxy.Proxy

	t testing.TB
}

// New opens a line to an address, until the end of the test.
func New(t testing.TB, to string) Line {
	t.Helper()
	api := &toxiproxy.ApiServer{Collection: toxiproxy.NewProxyCollection(), Metrics: toxiproxy.NewMetricsContainer(nil)}
	api.Logger = silent(api.Logger)
	l := Line{toxiproxy.NewProxy(api, "line", ownaddress.Free(t), to), t}
	if err := l.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.Stop)
	return l
}

// silent is a logger that writes nowhere, of a type that is not ours.
func silent[T any](*T) *T { return new(T) }

// Disturb adds a toxic, in JSON, to both directions or one, until Calm.
func (l Line) Disturb(toxic string) {
	l.t.Helper()
	if _, err := l.Toxics.AddToxicJson(strings.NewReader(toxic)); err != nil {
		l.t.Fatal(err)
	}
}

// Calm ends what disturbs the line.
func (l Line) Calm() { l.Toxics.ResetToxics(context.Background()) }

// Deaf lets everything through to the server, and no answer back.
const Deaf = `{"type": "timeout", "stream": "downstream", "attributes": {"timeout": 0}}`
