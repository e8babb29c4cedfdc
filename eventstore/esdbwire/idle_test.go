package esdbwire_test

import (
	"context"
	"encoding/binary"
	"io"
	"net"
	"sync/atomic"
	"testing"

	client "github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/supportledger/supportledger/eventstore/esdbwire/wiretest"
)

// A pulse is a line to a server that counts who connects, and their pings.
type pulse struct {
	address     string
	connections atomic.Int64
	pings       atomic.Int64
}

func newPulse(t *testing.T, to string) *pulse {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	t.Cleanup(func() { _ = l.Close() })
	p := &pulse{address: l.Addr().String()}
	go func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			p.connections.Add(1)
			go p.pass(in, to)
		}
	}()
	return p
}

func (p *pulse) pass(in net.Conn, to string) {
	defer in.Close()
	out, err := net.Dial("tcp", to)
	if err != nil {
		return
	}
	defer out.Close()
	go func() { _, _ = io.Copy(in, out); _ = in.Close() }()
	_ = p.count(io.TeeReader(in, out))
}

// What of HTTP/2 is looked at.
const (
	prefaceBytes = 24
	typePing     = 6
	flagAck      = 1
)

// count reads what a client says.
func (p *pulse) count(said io.Reader) error {
	if _, err := io.CopyN(io.Discard, said, prefaceBytes); err != nil {
		return err
	}
	for {
		var frame [9]byte // its length, type and flags, and of which stream
		if _, err := io.ReadFull(said, frame[:]); err != nil {
			return err
		}
		if frame[3] == typePing && frame[4]&flagAck == 0 {
			p.pings.Add(1)
		}
		if _, err := io.CopyN(io.Discard, said, int64(binary.BigEndian.Uint32(frame[:4])>>8)); err != nil {
			return err
		}
	}
}

// beats waits for so many pings.
func (p *pulse) beats(t *testing.T, n int64) {
	t.Helper()
	until := p.pings.Load() + n
	waitUntil(t, "pings come", func() bool { return p.pings.Load() >= until })
}

func waitUntil(t *testing.T, what string, holds func() bool) {
	t.Helper()
	wiretest.Until(soon(t), t, what, holds)
}

// A connection on which nothing is asked stays open over the client's pings, which
// come every ten seconds.
func TestAnIdleConnectionStaysOpen(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.some()
	p := newPulse(t, r.address)
	c := dial(t, "esdb://"+p.address+"?tls=false")
	sub, err := c.SubscribeToAll(context.Background(), client.SubscribeToAllOptions{From: client.End{}})
	subscribed(t, sub, err)
	same(t, "at first", heard(t, sub, nth(1)), []string{"caught up"})
	p.beats(t, 4) // grpc's own server hangs up at the third
	r.write("a", "six")
	said := heard(t, sub, nth(1))
	same(t, "after a while", said, places(r.all()[8:]))
}
