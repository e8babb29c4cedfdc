package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"

	"github.com/supportledger/supportledger/eventstore/esdbwire"
	"github.com/supportledger/supportledger/eventstore/pebblestore"
)

// withWire lends a cluster of one node, which serves a store's folder by
// EventStoreDB's protocol. It is in this process, so that what a ledger beside it
// leaves for others is what both leave. The store is lent to be looked at.
func withWire(ctx context.Context, dir string, use func(url string, store *pebblestore.Store) error) (err error) {
	store, err := pebblestore.Open(dir, pebblestore.Options{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	wire, err := esdbwire.New(esdbwire.Config{Store: store, AcceptAppends: true})
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	serving, stop := context.WithCancel(context.WithoutCancel(ctx))
	ended := make(chan error, 1)
	go func() { ended <- wire.Serve(serving, listener) }()
	err = use(fmt.Sprintf("esdb://%s?tls=false", listener.Addr()), store)
	stop()
	return errors.Join(err, <-ended)
}
