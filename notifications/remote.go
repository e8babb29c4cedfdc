package notifications

import (
	"context"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
)

// A Remote is a NATS server or cluster that an operator runs.
type Remote struct {
	URL   string // nats:// or tls://; several, separated by commas, for a cluster
	Creds string // a file of credentials; "" for none
	CA    string // a file of certificates that the server's must come from; "" for the system's
}

// Dial connects to it, now or when it can be reached.
func (r Remote) Dial(_ context.Context, options ...nats.Option) (*nats.Conn, error) {
	own := []nats.Option{
		nats.MaxReconnects(-1), nats.RetryOnFailedConnect(true), nats.ReconnectWait(500 * time.Millisecond),
		nats.ReconnectBufSize(-1), nats.IgnoreAuthErrorAbort(), nats.Timeout(5 * time.Second),
		nats.PingInterval(10 * time.Second), nats.MaxPingsOutstanding(2),
	}
	if r.Creds != "" {
		own = append(own, nats.UserCredentials(r.Creds))
	}
	if r.CA != "" {
		own = append(own, nats.RootCAs(r.CA))
	}
	nc, err := nats.Connect(r.URL, append(own, options...)...)
	if err != nil {
		return nil, fmt.Errorf("connect to NATS: %w", err)
	}
	return nc, nil
}
