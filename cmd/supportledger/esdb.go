package main

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"

	"github.com/supportledger/supportledger/eventstore"
	"github.com/supportledger/supportledger/eventstore/esdbwire"
	"github.com/supportledger/supportledger/ledger"
)

// esdbFlags say where the log can be read with an EventStoreDB client, and by whom.
type esdbFlags struct {
	EsdbListen        string `placeholder:"HOST:PORT" env:"SUPPORTLEDGER_ESDB_LISTEN" help:"Where clients of EventStoreDB read the log and subscribe to it; nowhere if left out. Port 0 takes a free one."`
	EsdbUsers         string `type:"path" placeholder:"FILE" env:"SUPPORTLEDGER_ESDB_USERS" help:"Who may, a file made by readers add; it is read again when it changes. With --dev, if left out, everybody on this machine."`
	EsdbTLSCert       string `type:"path" placeholder:"FILE" env:"SUPPORTLEDGER_ESDB_TLS_CERT" help:"The certificate for it, PEM; it is read again when it changes. Required on addresses that other machines can reach; most clients send passwords over TLS only."`
	EsdbTLSKey        string `type:"path" placeholder:"FILE" env:"SUPPORTLEDGER_ESDB_TLS_KEY" help:"The certificate's key, PEM."`
	EsdbAcceptAppends bool   `help:"For tests only, and taken only with --dev: lets clients append to the log, too, and shows records as they are stored. What they append has passed no rule, and may stop the ledger at it."`
}

// esdbSettings are what the flags come to.
type esdbSettings struct {
	listen  string
	users   string
	tls     *tls.Config
	appends bool
}

func (f *esdbFlags) settings(dev bool, log *slog.Logger) (_ esdbSettings, err error) {
	s := esdbSettings{listen: f.EsdbListen, users: f.EsdbUsers, appends: f.EsdbAcceptAppends}
	if err := f.fit(dev); err != nil {
		return s, fmt.Errorf("%w: %w", errAskedWrongly, err)
	}
	if f.EsdbTLSCert != "" {
		if s.tls, err = openCertificate(f.EsdbTLSCert, f.EsdbTLSKey, "--esdb-tls-cert and --esdb-tls-key", log); err != nil {
			return s, err
		}
	}
	if s.users != "" {
		if _, err := esdbwire.ReadUsers(s.users); err != nil {
			return s, fmt.Errorf("--esdb-users: %w", err)
		}
	}
	return s, nil
}

// fit says which flags do not go together, and keeps passwords and events from
// travelling in clear.
func (f *esdbFlags) fit(dev bool) error {
	if f.EsdbListen == "" {
		if f.EsdbUsers != "" || f.EsdbTLSCert != "" || f.EsdbTLSKey != "" || f.EsdbAcceptAppends {
			return errors.New("--esdb-users, --esdb-tls-cert, --esdb-tls-key and --esdb-accept-appends are for --esdb-listen HOST:PORT, which is missing")
		}
		return nil
	}
	loopback, err := isLoopback(f.EsdbListen)
	switch {
	case err != nil:
		return fmt.Errorf("--esdb-listen %q is not HOST:PORT", f.EsdbListen)
	case (f.EsdbTLSCert == "") != (f.EsdbTLSKey == ""):
		return errors.New("--esdb-tls-cert and --esdb-tls-key go together: one of them is missing")
	case f.EsdbAcceptAppends && !dev:
		return errors.New("--esdb-accept-appends is for tests, with --dev only: nobody appends to a real log but the ledger")
	case dev && !loopback:
		return fmt.Errorf("--dev is refused with --esdb-listen %s, which other machines can reach: listen on 127.0.0.1 or leave --dev out", f.EsdbListen)
	case !loopback && f.EsdbTLSCert == "":
		return fmt.Errorf("--esdb-listen %s is an address that other machines can reach: name --esdb-tls-cert and --esdb-tls-key, or listen on 127.0.0.1", f.EsdbListen)
	case f.EsdbUsers == "" && !dev:
		return errors.New("--esdb-users is missing: supportledger readers add NAME --file FILE makes such a file")
	}
	return nil
}

// bind takes the address; nil where nobody is listened to.
func (f *esdbFlags) bind() (net.Listener, error) {
	if f.EsdbListen == "" {
		return nil, nil
	}
	l, err := net.Listen("tcp", f.EsdbListen)
	if err != nil {
		return nil, fmt.Errorf("--esdb-listen: %w; free the address, or name another one", err)
	}
	return l, nil
}

// serveESDB lets clients of EventStoreDB read until the context ends.
func (v *service) serveESDB(ctx context.Context, l net.Listener, s esdbSettings) error {
	c := esdbwire.Config{Store: v.store, Show: shown, Users: s.users, TLS: s.tls, AcceptAppends: s.appends, Logger: v.log}
	if s.appends {
		c.Show = nil // who appends has to find what was appended
	}
	wire, err := esdbwire.New(c)
	if err != nil {
		return fmt.Errorf("--esdb-users: %w", err)
	}
	return wire.Serve(ctx, l)
}

// tellReaders says where clients of EventStoreDB connect to.
func tellReaders(out io.Writer, l net.Listener, s esdbSettings) {
	fmt.Fprintf(out, "EventStoreDB clients connect to esdb://%s?tls=%t\n", l.Addr(), s.tls != nil)
}

// shown is a record as it may leave the log: those of the streams that subscribers
// are told about, without the ciphertext of a Contract ID (R3) and personal texts
// (R47), with metadata that others can read.
func shown(r eventstore.Record) (eventstore.Record, bool, error) {
	published, err := ledger.Published(r.Type)
	if err != nil || !published {
		return r, false, err
	}
	recorded, err := ledger.Decode(r)
	if err != nil {
		return r, false, err
	}
	if r.Data, err = ledger.Shown(recorded.Event); err != nil {
		return r, false, err
	}
	r.Meta, err = json.Marshal(recorded.Meta)
	return r, true, err
}
