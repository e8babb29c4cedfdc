package esdb

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/connectivity"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

// direct is what is known of the leader beside the client, for calls that the client
// does not make: where it is, if a node has said so, and a connection for reads.
type direct struct {
	mu     sync.Mutex
	named  string           // by a node that is not the leader; "" where it is to be looked for
	conn   *grpc.ClientConn // for reads; nil until there is one
	closed bool
}

// errNoLeader says that a node is not the leader. It may know who is.
var errNoLeader = errors.New("the node is not the cluster's leader")

func (d *direct) leader() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.named
}

// reader is the connection to the leader for reads, which is opened if there is none.
func (l *line) reader(ctx context.Context) (*grpc.ClientConn, error) {
	d := &l.direct
	d.mu.Lock()
	conn := d.conn
	d.mu.Unlock()
	if conn != nil {
		return conn, nil
	}
	conn, err := l.dialLeader(ctx)
	if err != nil {
		return nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.conn != nil || d.closed { // somebody was faster
		_ = conn.Close() // nobody has used it
		conn = d.conn
	}
	if d.conn = conn; conn == nil {
		return nil, errLeft
	}
	return conn, nil
}

// left is why a call over the connection for reads has ended. Where the node there is
// not the leader, or has gone, the next read goes elsewhere.
func (l *line) left(conn *grpc.ClientConn, trailer metadata.MD, err error) error {
	if status.Code(err) == codes.Canceled && conn.GetState() == connectivity.Shutdown {
		return errLeft // another call has found that out
	}
	err = l.direct.referred(conn.Target(), trailer, err)
	if !gone(err) && !errors.Is(err, errNoLeader) {
		return err
	}
	d := &l.direct
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.conn == conn {
		d.conn = nil
		_ = conn.Close() // it is of no more use
	}
	return err
}

// referred notes whom a node that is not the leader names in its stead, and forgets a
// leader that has gone. It returns what the error means.
func (d *direct) referred(node string, trailer metadata.MD, err error) error {
	first := func(key string) string {
		if values := trailer.Get(key); len(values) > 0 {
			return values[0]
		}
		return ""
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case first("exception") == "not-leader":
		host, port := first("leader-endpoint-host"), first("leader-endpoint-port")
		if d.named = ""; host == "" || port == "" {
			return fmt.Errorf("%w: %s knows of none", errNoLeader, node)
		}
		d.named = net.JoinHostPort(host, port)
		return fmt.Errorf("%w: %s names %s", errNoLeader, node, d.named)
	case gone(err) && d.named == node:
		d.named = ""
	}
	return err
}

func (d *direct) close() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed = true; d.conn != nil {
		_ = d.conn.Close() // nobody reads any more
	}
}
