package main

import (
	"context"
	"crypto/ed25519"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/supportledger/supportledger/bench/yardstick"
)

// frontCommand serves the procedure over HTTP until its input ends.
type frontCommand struct {
	Database string `required:"" help:"How to connect to PostgreSQL."`
	Clients  int    `default:"32" help:"Connections to PostgreSQL."`
	Key      string `required:"" help:"Public Ed25519 key of the tokens, in hex."`
}

func (c frontCommand) run(ctx context.Context, in io.Reader, out io.Writer) error {
	key, err := hex.DecodeString(c.Key)
	if err != nil || len(key) != ed25519.PublicKeySize {
		return errors.New("--key is not a public Ed25519 key in hex")
	}
	handler, pool, err := yardstick.NewFront(ctx, c.Database, c.Clients, key)
	if err != nil {
		return err
	}
	defer pool.Close()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	fmt.Fprintln(out, listener.Addr())
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	ended := make(chan error, 1)
	go func() {
		_, err := io.Copy(io.Discard, in)
		ended <- errors.Join(err, server.Close())
	}()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve: %w", err)
	}
	return <-ended
}
