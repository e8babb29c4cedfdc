// Package esdbwire serves the EventStoreDB gRPC protocol over any Store, so that
// programs read and subscribe with any EventStoreDB SDK, unchanged.
//
// Promises. Reads and subscriptions show what the Store shows: durable records in
// the order of their positions, each once. A subscription holds no events that
// nobody has taken: a slow reader slows down itself, and misses nothing. What
// Show hides is not there for anybody: a stream of hidden records answers like
// one that was never written. Unless AcceptAppends is set, whatever would change
// something is refused with the protocol's own access-denied; what is not served
// at all answers UNIMPLEMENTED. ServerFeatures and Gossip may be asked by
// everybody, the rest by users alone where there are Users.
//
// The commit position and the prepare position are the record's position, and
// the time an event was created is the record's. The version reported is 24.6.0.
package esdbwire

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/gossip"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/serverfeatures"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/keepalive"

	"github.com/supportledger/supportledger/eventstore"
)

// Config says what is served, to whom.
type Config struct {
	Store eventstore.Store
	// Show makes of a record what may leave the log, or hides it; nil shows all as
	// it is. A stream is hidden whole or not at all.
	Show func(eventstore.Record) (shown eventstore.Record, visible bool, err error)
	// Users names the file of those who may read; "" lets everybody in. It is
	// looked at again every second.
	Users string
	TLS   *tls.Config // nil: plain
	// AcceptAppends lets everybody append who may read. For tests.
	AcceptAppends bool
	// MaxAppendBytes bounds the data of one append; 0 is 1 MiB, as EventStoreDB has it.
	MaxAppendBytes int
	// Strict refuses to read from a position where no record stands, as a real
	// cluster does; else a read begins at the next one.
	Strict bool
	Logger *slog.Logger
}

// Limits of the protocol's server.
const (
	defaultAppend = 1 << 20
	maxMessage    = 16<<20 - 10_000 // bytes that are received at once
	maxStreams    = 1000            // calls at once on one connection
	bufferBytes   = 256 << 10       // of a connection that appends
	windowBytes   = 4 << 20         // may be on their way to a call that appends
)

// How dead connections are found out, on both sides. Clients ping every ten seconds,
// also where they ask for nothing, and those for Node as often as their connection
// string says: EventStoreDB does not mind, where grpc's own server hangs up.
const (
	pingsAtMost  = 100 * time.Millisecond
	pingAfter    = 30 * time.Second
	pingPatience = 20 * time.Second
	stopPatience = 5 * time.Second
)

// A Server answers the protocol's calls.
type Server struct {
	config  Config
	log     *slog.Logger
	door    *door // nil: open to everybody
	closing chan struct{}
}

// New makes a server. It refuses a file of users with a mistake.
func New(c Config) (*Server, error) {
	s := &Server{config: c, log: c.Logger, closing: make(chan struct{})}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if s.config.MaxAppendBytes == 0 {
		s.config.MaxAppendBytes = defaultAppend
	}
	if s.config.Show == nil {
		s.config.Show = func(r eventstore.Record) (eventstore.Record, bool, error) { return r, true, nil }
	}
	if c.Users != "" {
		var err error
		if s.door, err = newDoor(c.Users, s.log); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// Serve answers on a listener until the context ends; then reads and
// subscriptions end with UNAVAILABLE, for clients to come back later.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	g := s.newGRPC(l)
	served := make(chan error, 1)
	go func() { served <- g.Serve(l) }()
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		select {
		case err := <-served:
			return fmt.Errorf("serve EventStoreDB protocol: %w", err)
		case <-tick.C:
			if s.door != nil {
				s.door.look()
			}
		case <-ctx.Done():
			close(s.closing)
			stop(g)
			if err := <-served; err != nil && !errors.Is(err, grpc.ErrServerStopped) {
				return fmt.Errorf("serve EventStoreDB protocol: %w", err)
			}
			return nil
		}
	}
}

func stop(g *grpc.Server) {
	stopped := make(chan struct{})
	go func() { defer close(stopped); g.GracefulStop() }()
	select {
	case <-stopped:
	case <-time.After(stopPatience):
		g.Stop()
	}
}

func (s *Server) newGRPC(l net.Listener) *grpc.Server {
	options := []grpc.ServerOption{
		grpc.MaxRecvMsgSize(maxMessage),
		grpc.MaxConcurrentStreams(maxStreams),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: pingsAtMost, PermitWithoutStream: true}),
		grpc.KeepaliveParams(keepalive.ServerParameters{Time: pingAfter, Timeout: pingPatience}),
		grpc.ChainStreamInterceptor(s.guardStream),
		grpc.ChainUnaryInterceptor(s.guardUnary),
	}
	if s.config.AcceptAppends { // who only reads sends little, and there may be many
		options = append(options, grpc.ReadBufferSize(bufferBytes), grpc.InitialWindowSize(windowBytes), grpc.InitialConnWindowSize(4*windowBytes))
	}
	if s.config.TLS != nil {
		options = append(options, grpc.Creds(credentials.NewTLS(s.config.TLS)))
	}
	g := grpc.NewServer(options...)
	streams.RegisterStreamsServer(g, &service{s: s})
	serverfeatures.RegisterServerFeaturesServer(g, features{})
	gossip.RegisterGossipServer(g, newGossiper(l.Addr().String()))
	return g
}

// service is the Streams service.
type service struct {
	streams.UnimplementedStreamsServer
	s *Server
}
