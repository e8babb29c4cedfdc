package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net"
	"net/url"
	"os"
	"runtime/debug"
	"strings"
	"time"

	"github.com/supportledger/supportledger/notifications"
	"github.com/supportledger/supportledger/notifications/broker"
)

// natsFlags say where the feed goes, and who may listen to it.
type natsFlags struct {
	NatsListen   string `placeholder:"HOST:PORT" env:"SUPPORTLEDGER_NATS_LISTEN" help:"Where subscribers of the feed connect to the ledger's own NATS server; nowhere if left out. Port 0 takes a free one."`
	NatsUsers    string `type:"path" placeholder:"FILE" env:"SUPPORTLEDGER_NATS_USERS" help:"The subscribers, a file made by subscribers add; it is read again when it changes. With --dev, if left out, one is made in dev-subscriber.json."`
	NatsTLSCert  string `type:"path" placeholder:"FILE" env:"SUPPORTLEDGER_NATS_TLS_CERT" help:"The NATS server's certificate, PEM; it is read again when it changes. Required on addresses that other machines can reach."`
	NatsTLSKey   string `type:"path" placeholder:"FILE" env:"SUPPORTLEDGER_NATS_TLS_KEY" help:"The certificate's key, PEM."`
	NatsURL      string `placeholder:"URL" env:"SUPPORTLEDGER_NATS_URL" help:"A NATS server, or servers of one cluster separated by commas, to publish to in place of the ledger's own."`
	NatsCreds    string `type:"path" placeholder:"FILE" env:"SUPPORTLEDGER_NATS_CREDS" help:"Credentials for that server."`
	NatsCA       string `type:"path" placeholder:"FILE" env:"SUPPORTLEDGER_NATS_CA" help:"Certificates, PEM, one of which that server's must come from; the system's if left out."`
	NatsReplicas int    `default:"1" placeholder:"N" env:"SUPPORTLEDGER_NATS_REPLICAS" help:"How many servers of that cluster keep the stream: 1, 3 or 5; ${default} if left out."`
	NoFeed       bool   `env:"SUPPORTLEDGER_NO_FEED" help:"Publish nothing and run no NATS server."`
}

// natsSettings are what the flags come to.
type natsSettings struct {
	off      bool
	remote   notifications.Remote // an operator's server; the ledger's own where there is no URL
	replicas int
	broker   broker.Config
}

func (f *natsFlags) settings(dev bool, log *slog.Logger) (_ natsSettings, err error) {
	s := natsSettings{off: f.NoFeed, replicas: f.NatsReplicas, remote: notifications.Remote{URL: f.NatsURL, Creds: f.NatsCreds, CA: f.NatsCA}}
	if err := f.fit(dev); err != nil {
		return s, fmt.Errorf("%w: %w", errAskedWrongly, err)
	}
	s.broker = broker.Config{Listen: f.NatsListen, UsersFile: f.NatsUsers}
	if f.NatsTLSCert != "" {
		if s.broker.TLS, err = openCertificate(f.NatsTLSCert, f.NatsTLSKey, "--nats-tls-cert and --nats-tls-key", log); err != nil {
			return s, err
		}
	}
	for _, path := range []string{f.NatsCreds, f.NatsCA} {
		if path == "" {
			continue
		}
		if _, err := os.ReadFile(path); err != nil {
			return s, fmt.Errorf("read --nats-creds and --nats-ca: %w", err)
		}
	}
	return s, nil
}

// fit says which flags do not go together.
func (f *natsFlags) fit(dev bool) error {
	own := f.NatsListen != ""
	switch {
	case own && f.NatsURL != "":
		return errors.New("--nats-listen opens the ledger's own NATS server, and --nats-url names one to use in its place: leave one of them out")
	case f.NoFeed && (own || f.NatsURL != ""):
		return errors.New("--no-feed goes with neither --nats-listen nor --nats-url: there is nothing to listen to")
	case !own && (f.NatsUsers != "" || f.NatsTLSCert != "" || f.NatsTLSKey != ""):
		return errors.New("--nats-users, --nats-tls-cert and --nats-tls-key are for --nats-listen HOST:PORT, which is missing")
	case f.NatsURL == "" && (f.NatsCreds != "" || f.NatsCA != "" || f.NatsReplicas != 1):
		return errors.New("--nats-creds, --nats-ca and --nats-replicas are for --nats-url URL, which is missing")
	case f.NatsReplicas != 1 && f.NatsReplicas != 3 && f.NatsReplicas != 5:
		return fmt.Errorf("--nats-replicas is %d, must be 1, 3 or 5", f.NatsReplicas)
	case (f.NatsTLSCert == "") != (f.NatsTLSKey == ""):
		return errors.New("--nats-tls-cert and --nats-tls-key go together: one of them is missing")
	case own && f.NatsUsers == "" && !dev:
		return errors.New("--nats-users is missing: supportledger subscribers add NAME --file FILE makes such a file")
	}
	if err := f.listenFits(dev); err != nil {
		return err
	}
	return urlFits(f.NatsURL)
}

// listenFits keeps passwords and events from travelling in clear.
func (f *natsFlags) listenFits(dev bool) error {
	if f.NatsListen == "" {
		return nil
	}
	loopback, err := isLoopback(f.NatsListen)
	switch {
	case err != nil:
		return fmt.Errorf("--nats-listen %q is not HOST:PORT", f.NatsListen)
	case loopback:
		return nil
	case dev:
		return fmt.Errorf("--dev is refused with --nats-listen %s, which other machines can reach: listen on 127.0.0.1 or leave --dev out", f.NatsListen)
	case f.NatsTLSCert == "":
		return fmt.Errorf("--nats-listen %s is an address that other machines can reach: name --nats-tls-cert and --nats-tls-key, or listen on 127.0.0.1", f.NatsListen)
	}
	return nil
}

func urlFits(text string) error {
	if text == "" {
		return nil
	}
	for one := range strings.SplitSeq(text, ",") {
		u, err := url.Parse(strings.TrimSpace(one))
		if err != nil || u.Host == "" || u.Scheme != "nats" && u.Scheme != "tls" && u.Scheme != "ws" && u.Scheme != "wss" {
			return errors.New("--nats-url: want nats://HOST:PORT or tls://HOST:PORT, several separated by commas")
		}
	}
	return nil
}

// openFeed makes the feed, and the NATS server that it goes to unless the
// operator has one.
func (v *service) openFeed(s settings) (err error) {
	if s.nats.off {
		return nil
	}
	dial := s.nats.remote.Dial
	if s.nats.remote.URL == "" {
		c := s.nats.broker
		c.Dir, c.Logger = v.nats(), v.log
		if c.Listen != "" && c.UsersFile == "" {
			if c.Users, err = v.devSubscribers(); err != nil {
				return err
			}
		}
		v.broker, err = broker.Open(c)
		if taken, ok := errors.AsType[*net.OpError](err); ok && taken.Op == "listen" {
			return fmt.Errorf("--nats-listen: %w; free the address, or name another one", taken)
		}
		if err != nil {
			return err
		}
		dial, v.natsTLS = v.broker.Dial, c.TLS != nil
	}
	v.dial = dial
	v.feed = notifications.New(notifications.Config{
		Store: v.store, Installation: v.keys.Installation(), Dial: dial, Replicas: s.nats.replicas, Logger: v.log,
		Tracer: v.tracer,
	})
	return nil
}

// runFeed publishes until the context ends. Where the feed meets a record that it
// cannot publish, it stops and says so; everything else goes on.
func (v *service) runFeed(ctx context.Context) error {
	if v.feed == nil {
		return nil
	}
	return v.feed.Run(ctx)
}

// subjectBytes is about what the ledger's own NATS server keeps in memory for each
// subject of its stream, as measured with a million.
const subjectBytes = 160

const (
	muchMemory  = 256 << 20 // for subjects
	memoryEvery = 10 * time.Second
)

// allowMemory lets the runtime have what the ledger's own NATS server keeps for
// good on top of --memory, so that collecting garbage does not become all that
// it does. A limit in GOMEMLIMIT stays as it is.
func (v *service) allowMemory(ctx context.Context) error {
	if v.broker == nil || os.Getenv("GOMEMLIMIT") != "" {
		return nil
	}
	limit := debug.SetMemoryLimit(-1)
	defer debug.SetMemoryLimit(limit)
	told := false
	tick := time.NewTicker(memoryEvery)
	defer tick.Stop()
	for {
		kept := v.feed.Subjects() * subjectBytes
		debug.SetMemoryLimit(limit + min(kept, math.MaxInt64-limit))
		if kept > muchMemory && !told {
			told = true
			v.log.Warn("the NATS server in this process keeps very many subjects in memory, on top of --memory: run one of its own, and name it with --nats-url",
				"subjects", v.feed.Subjects(), "bytes", kept)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// closeBroker stops the ledger's own NATS server, if it runs.
func (v *service) closeBroker() error {
	if v.broker == nil {
		return nil
	}
	return v.broker.Close()
}

// tellSubscribers says where they connect to.
func (v *service) tellSubscribers(out io.Writer) error {
	if v.broker == nil || v.broker.Address() == "" {
		return nil
	}
	scheme := "nats"
	if v.natsTLS {
		scheme = "tls"
	}
	address := scheme + "://" + v.broker.Address()
	fmt.Fprintf(out, "subscribers connect to %s\n", address)
	if v.subscriber == nil {
		return nil
	}
	fmt.Fprintf(out, "for development only; a subscriber is in %s\n", v.devSubscriber())
	return v.writeDevSubscriber(address)
}
