package esdb

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"strconv"
	"time"

	client "github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/gossip"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/metadata"
)

// dialLeader connects to the cluster's leader, as the client does, which does not
// lend its own connection. One address without discovery is taken at its word.
func (l *line) dialLeader(ctx context.Context) (*grpc.ClientConn, error) {
	named, from := l.direct.leader(time.Duration(l.config.DiscoveryInterval) * time.Millisecond)
	if named != "" {
		return l.dial(named)
	}
	if len(l.config.GossipSeeds) == 0 && !l.config.DnsDiscover {
		return l.dial(l.config.Address)
	}
	select {
	case <-time.After(time.Until(from)):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	seeds := []string{l.config.Address}
	if !l.config.DnsDiscover {
		seeds = nil
		for _, seed := range l.config.GossipSeeds {
			seeds = append(seeds, seed.String())
		}
	}
	var errs []error
	for _, seed := range seeds {
		address, err := l.askForLeader(ctx, seed)
		if err == nil {
			return l.dial(address)
		}
		errs = append(errs, err)
	}
	l.direct.unknown()
	return nil, errors.Join(errs...)
}

// askForLeader asks a node who the leader is.
func (l *line) askForLeader(ctx context.Context, seed string) (address string, err error) {
	conn, err := l.dial(seed)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	ctx, cancel := context.WithTimeout(ctx, time.Duration(l.config.GossipTimeout)*time.Second)
	defer cancel()
	info, err := gossip.NewGossipClient(conn).Read(ctx, &shared.Empty{})
	if err != nil {
		return "", fmt.Errorf("ask %s for the leader: %w", seed, err)
	}
	for _, m := range info.GetMembers() {
		if m.GetIsAlive() && m.GetState() == gossip.MemberInfo_Leader {
			return net.JoinHostPort(m.GetHttpEndPoint().GetAddress(), strconv.FormatUint(uint64(m.GetHttpEndPoint().GetPort()), 10)), nil
		}
	}
	return "", fmt.Errorf("%w: %s knows of none", errNoLeader, seed)
}

// mostReceived is what a message has at most, as the client has it: an event may have 16 MiB.
const mostReceived = 17 << 20

// bufferBytes are sent at once at most: an append of many events is a large message.
const bufferBytes = 256 << 10

func (l *line) dial(address string) (*grpc.ClientConn, error) {
	transport, err := transportOf(l.config)
	if err != nil {
		return nil, err
	}
	options := []grpc.DialOption{
		grpc.WithTransportCredentials(transport), grpc.WithWriteBufferSize(bufferBytes),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(mostReceived)),
	}
	if pings, wanted := pingsOf(l.config); wanted {
		options = append(options, grpc.WithKeepaliveParams(pings))
	}
	return grpc.NewClient(address, options...)
}

// pingsOf is how a connection that has died is found out, if it is to be.
func pingsOf(c *client.Configuration) (keepalive.ClientParameters, bool) {
	return keepalive.ClientParameters{
		Time: c.KeepAliveInterval, Timeout: c.KeepAliveTimeout, PermitWithoutStream: true,
	}, c.KeepAliveInterval >= 0
}

func transportOf(c *client.Configuration) (credentials.TransportCredentials, error) {
	if c.DisableTLS {
		return insecure.NewCredentials(), nil
	}
	t := &tls.Config{InsecureSkipVerify: c.SkipCertificateVerification, RootCAs: c.RootCAs, MinVersion: tls.VersionTLS12} //nolint:gosec // as the connection string says
	if c.UserCertFile != "" {
		pair, err := tls.LoadX509KeyPair(c.UserCertFile, c.UserKeyFile)
		if err != nil {
			return nil, fmt.Errorf("read the user certificate: %w", err)
		}
		t.Certificates = []tls.Certificate{pair}
	}
	return credentials.NewTLS(t), nil
}

// authorized says who calls, over TLS only.
func (l *line) authorized(ctx context.Context) context.Context {
	if l.config.DisableTLS || l.config.Username == "" {
		return ctx
	}
	pair := base64.StdEncoding.EncodeToString([]byte(l.config.Username + ":" + l.config.Password))
	return metadata.AppendToOutgoingContext(ctx, "authorization", "Basic "+pair)
}
