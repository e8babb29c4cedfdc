package esdb

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/connectivity"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

// direct is what is known of the leader beside the client, for calls that the client
// does not make: where it is, if a node has said so, and a connection for reads.
type direct struct {
	opening singleflight.Group // of the connection for reads

	mu     sync.Mutex
	named  string           // by a node that is not the leader; "" where it is to be looked for
	asked  time.Time        // when the nodes were last asked who leads, and did not know
	conn   *grpc.ClientConn // for reads; nil until there is one
	closed bool
}

// errNoLeader says that a node is not the leader, and errReferred that it has said who
// is, where the next call goes.
var (
	errNoLeader = errors.New("the node is not the cluster's leader")
	errReferred = fmt.Errorf("%w, and knows who is", errNoLeader)
)

// leader is who was named as such, and otherwise when the nodes may be asked again.
func (d *direct) leader(interval time.Duration) (named string, from time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.named, d.asked.Add(interval)
}

// unknown notes that the nodes do not know who leads.
func (d *direct) unknown() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.asked = time.Now()
}

// reader is the connection to the leader for reads. Where there is none, one is opened,
// for all who ask meanwhile.
func (l *line) reader(ctx context.Context) (*grpc.ClientConn, error) {
	d := &l.direct
	d.mu.Lock()
	conn := d.conn
	d.mu.Unlock()
	if conn != nil {
		return conn, nil
	}
	select {
	case opened := <-d.opening.DoChan("", l.openReader):
		conn, _ = opened.Val.(*grpc.ClientConn)
		return conn, opened.Err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (l *line) openReader() (any, error) {
	conn, err := l.dialLeader(l.quit)
	if err != nil {
		return nil, err
	}
	d := &l.direct
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return nil, errors.Join(errLeft, conn.Close())
	}
	d.conn = conn
	return conn, nil
}

// left is why a call over the connection for reads has ended. Where the node there is
// not the leader, or has gone, the next read goes elsewhere.
func (l *line) left(conn *grpc.ClientConn, trailer metadata.MD, err error) error {
	if status.Code(err) == codes.Canceled && conn.GetState() == connectivity.Shutdown {
		return errLeft // another call has found that out
	}
	d := &l.direct
	switch err = d.referred(conn.Target(), trailer, err); {
	case gone(err):
		d.forget(conn.Target())
	case !errors.Is(err, errNoLeader):
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.conn == conn {
		d.conn = nil
		_ = conn.Close() // it is of no more use
	}
	return err
}

// referred notes whom a node that is not the leader names in its stead. It returns what
// the error of its call means.
func (d *direct) referred(node string, trailer metadata.MD, err error) error {
	first := func(key string) string {
		if values := trailer.Get(key); len(values) > 0 {
			return values[0]
		}
		return ""
	}
	if first("exception") != "not-leader" {
		return err
	}
	host, port := first("leader-endpoint-host"), first("leader-endpoint-port")
	if host == "" || port == "" {
		d.forget(node)
		return fmt.Errorf("%w: %s", errNoLeader, node)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.named = net.JoinHostPort(host, port)
	return fmt.Errorf("%w: %s names %s", errReferred, node, d.named)
}

// forget looks for the leader again where a node was taken for it because of what
// another has said.
func (d *direct) forget(node string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.named == node {
		d.named = ""
	}
}

func (d *direct) close() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed = true; d.conn != nil {
		_ = d.conn.Close() // nobody reads any more
	}
}
