package broker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
)

// A run is one server from its start to its end.
type run struct {
	server *server.Server
	logger *logger
	gate   *gate
	door   *door
	nc     *nats.Conn // the door's
}

// lookEvery is how often a server, and the file of subscribers, is looked at.
const lookEvery = time.Second

// errGaveUp is all that is known where the server did not say more.
var errGaveUp = errors.New("its JetStream has stopped, as it does when the disk is full")

// runOnce runs one server until the broker is to quit, which is no error, or the
// server can do no more.
func (b *Broker) runOnce() error {
	r, err := b.newRun()
	if err != nil {
		return err
	}
	if !b.start(r) {
		return nil
	}
	defer func() {
		b.put(nil)
		b.end(r)
	}()
	if err := b.begin(r); err != nil {
		return err
	}
	b.put(r)
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		select {
		case <-b.quit:
			return nil
		case <-tick.C:
			if !r.server.JetStreamEnabled() {
				return r.logger.reason()
			}
			b.lookAtUsers(r)
		}
	}
}

// startPatience bounds how long a broker that is to quit waits for a server that
// still reads its files, which nothing depends on.
const startPatience = 2 * time.Second

// start returns when the server has read its files; false if that is not waited
// for any more.
func (b *Broker) start(r *run) bool {
	started := make(chan struct{})
	go func() { defer close(started); r.server.Start() }()
	select {
	case <-started:
		return true
	case <-b.quit:
	}
	select {
	case <-started:
		return true
	case <-time.After(startPatience):
		b.log.Warn("the NATS server still reads its files and is left alone")
		return false
	}
}

// How long subscribers have to hear that the server stops before their connections
// are closed, and how long it takes to close all of them, one after another, so that
// not all come to another server at once.
const (
	hearing = 200 * time.Millisecond
	closing = time.Second
)

// endPatience bounds how long a broker that is to quit waits for a server to stop. It
// waits for what is being written to its connections, for 10 s and more where nobody
// reads; its files are closed before that.
const endPatience = 3 * time.Second

// end stops a server, of which subscribers are told.
func (b *Broker) end(r *run) {
	if r.nc != nil {
		r.nc.Close()
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		r.server.LameDuckShutdown() // does nothing where it listens nowhere
		r.server.Shutdown()
		r.server.WaitForShutdown()
	}()
	select {
	case <-ended:
		return
	case <-b.quit:
	}
	select {
	case <-ended:
	case <-time.After(endPatience):
		b.log.Warn("a subscriber that reads nothing is still being written to, and is left alone")
	}
}

func (b *Broker) newRun() (*run, error) {
	log := slog.New(&sparing{Handler: b.log.Handler()})
	r := &run{logger: &logger{log: log, fatal: make(chan error, 1)}}
	var err error
	if r.gate, err = newGate(b.secret, log); err != nil {
		return nil, err
	}
	if r.server, err = server.NewServer(b.options(r.gate)); err != nil {
		return nil, fmt.Errorf("start NATS: %w", err)
	}
	r.server.SetLoggerV2(r.logger, false, false, false)
	return r, nil
}

// What others may take of the process's memory. The process's own connections
// count, too: strangers must not be able to use all of them up easily.
const (
	maxMemory          = 16 << 20 // of streams in memory, of which there are none
	maxConnections     = 1024
	maxConnectionsEach = 16       // of one subscriber
	maxSubscriptions   = 1000     // of one connection
	maxPending         = 16 << 20 // bytes that wait for one connection
	maxPayload         = 1 << 20  // bytes of one message
)

func (b *Broker) options(g *gate) *server.Options {
	return &server.Options{
		ServerName: "supportledger", NoSigs: true, DontListen: b.config.Listen == "", Host: b.host, Port: b.port,
		TLSConfig: b.config.TLS, TLS: b.config.TLS != nil, TLSTimeout: 5, AuthTimeout: 10,
		JetStream: true, StoreDir: b.config.Dir, JetStreamMaxMemory: maxMemory, DisableJetStreamBanner: true,
		LameDuckGracePeriod: hearing, LameDuckDuration: hearing + closing,
		MaxConn: maxConnections, MaxSubs: maxSubscriptions, MaxPending: maxPending, MaxPayload: maxPayload, CustomClientAuthentication: g,
	}
}

// begin lets subscribers in, where they are listened for.
func (b *Broker) begin(r *run) error {
	if !r.server.JetStreamEnabled() {
		return r.logger.reason()
	}
	if b.config.Listen == "" {
		return nil
	}
	if r.server.Addr() == nil {
		return r.logger.reason()
	}
	if err := r.gate.open(r.server); err != nil {
		return err
	}
	var err error
	if r.nc, err = nats.Connect("", nats.InProcessServer(r.server), nats.UserInfo(ownName, b.secret), nats.ErrorHandler(r.heard)); err != nil {
		return fmt.Errorf("reach the NATS server: %w", err)
	}
	if r.door, err = openDoor(r.gate, r.nc); err != nil {
		return err
	}
	if err := r.gate.admit(b.users.last); err != nil {
		return err
	}
	b.sweep(r)
	return nil
}

// heard takes what the door's connection tells beside its answers.
func (r *run) heard(_ *nats.Conn, s *nats.Subscription, err error) {
	if s != nil && errors.Is(err, nats.ErrSlowConsumer) {
		name, _, _ := strings.Cut(strings.TrimPrefix(s.Subject, doorPrefix), ".")
		r.gate.log.Warn("a subscriber wishes more than can be answered; some of it is not", "subscriber", name)
		return
	}
	r.gate.log.Debug("the connection to NATS", "error", err)
}

// lookAtUsers takes the subscribers over where they have changed.
func (b *Broker) lookAtUsers(r *run) {
	if r.door == nil {
		return
	}
	users, changed, err := b.users.changed()
	if err != nil && b.users.told != err.Error() {
		b.users.told = err.Error()
		b.log.Error("the subscribers read before stay in force", "error", err)
	}
	if changed {
		b.log.Info("the subscribers have changed", "subscribers", len(users.Users))
		if err := r.gate.admit(users); err != nil {
			b.log.Error("not all subscribers are let in", "error", err)
		}
	}
	b.sweep(r)
}

// sweepPatience bounds how long JetStream may take.
const sweepPatience = 5 * time.Second

func (b *Broker) sweep(r *run) {
	ctx, cancel := context.WithTimeout(context.Background(), sweepPatience)
	defer cancel()
	if err := r.door.sweep(ctx); err != nil {
		b.log.Warn("subscribers have to wait", "error", err)
	}
}
