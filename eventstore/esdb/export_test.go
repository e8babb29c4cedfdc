package esdb

import (
	"context"
	"log/slog"

	"google.golang.org/grpc/keepalive"
)

// Pings are how a connection of this package's own finds out that it has died.
func Pings(connection string) (pings keepalive.ClientParameters, wanted bool, err error) {
	c, err := parse(connection)
	if err != nil {
		return pings, false, err
	}
	pings, wanted = pingsOf(c)
	return pings, wanted, nil
}

// AskForLeader makes a function that looks for the leader, as for a connection of this
// package's own.
func AskForLeader(connection string) (func(context.Context) error, error) {
	l, err := newLine(connection, slog.New(slog.DiscardHandler), newMetrics())
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context) error {
		conn, err := l.dialLeader(ctx)
		if err != nil {
			return err
		}
		return conn.Close()
	}, nil
}
