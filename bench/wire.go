package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"

	"github.com/supportledger/supportledger/eventstore/esdbwire"
	"github.com/supportledger/supportledger/eventstore/pebblestore"
)

// wireCommand serves a store by EventStoreDB's protocol until its input ends, as a
// cluster of one node would.
type wireCommand struct {
	Store string `required:"" help:"The store's folder."`
}

func (c wireCommand) run(ctx context.Context, in io.Reader, out io.Writer) (err error) {
	defer asServed()()
	store, err := pebblestore.Open(c.Store, pebblestore.Options{Logger: slog.New(slog.DiscardHandler)})
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
	fmt.Fprintln(out, listener.Addr())
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	ended := make(chan error, 1)
	go func() {
		_, err := io.Copy(io.Discard, in)
		stop()
		ended <- err
	}()
	if err := wire.Serve(ctx, listener); err != nil {
		return err
	}
	return <-ended
}

// withWire lends a cluster over a store's folder.
func withWire(ctx context.Context, store string, use func(url string) error) error {
	server, err := startSelf(ctx, "wire", "--store", store)
	if err != nil {
		return err
	}
	return errors.Join(use("esdb://"+server.addr+"?tls=false"), server.stop())
}
