package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"time"

	"github.com/supportledger/supportledger/api"
	"github.com/supportledger/supportledger/notifications/broker"
)

type demoCmd struct {
	Data string `type:"path" placeholder:"DIR" help:"A new folder to keep the ledger in; a temporary one if left out."`
}

// Run tells the story.
func (c *demoCmd) Run(ctx context.Context, t *terminal) (err error) {
	dir := c.Data
	if dir == "" {
		if dir, err = os.MkdirTemp("", "supportledger-demo-"); err != nil {
			return fmt.Errorf("make folder: %w", err)
		}
		defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	} else if exists(folder(dir).store()) {
		return fmt.Errorf("%w: %s holds a ledger already, and the story begins in a new one: name another folder with --data", errAskedWrongly, dir)
	}
	now := time.Now()
	log := slog.New(slog.NewTextHandler(t.err, &slog.HandlerOptions{Level: slog.LevelWarn}))
	v, err := startService(ctx, settings{
		folder: folder(dir), dev: true, testClock: partnerBegins(now), log: log, nats: natsSettings{broker: broker.Config{Listen: "127.0.0.1:0"}},
	})
	if err != nil {
		return fmt.Errorf("start: %w", err)
	}
	err = withServer(ctx, v, func(base string) error {
		s, err := newStory(ctx, v, base, t)
		if err != nil {
			return err
		}
		y, err := newPartnerYear(s)
		if err != nil {
			return err
		}
		if err := y.live(now); err != nil {
			return err
		}
		if err := s.tell(); err != nil {
			return err
		}
		if err := s.echo(); err != nil {
			return err
		}
		y.print()
		result, err := v.verify(ctx, t, true)
		if err != nil {
			return fmt.Errorf("verify: %w", err)
		}
		fmt.Fprintln(t.out)
		return tellResult(v.house, t, result)
	})
	return errors.Join(err, v.close())
}

// withServer serves on a free port of the loopback address while something is done.
func withServer(ctx context.Context, v *service, do func(base string) error) error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	serving, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- api.Serve(serving, listener, v.handler(), v.log, 10*time.Second) }()
	err = do("http://" + listener.Addr().String())
	stop()
	return errors.Join(err, <-ended)
}
