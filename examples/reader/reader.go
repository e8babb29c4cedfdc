// Command reader reads a ledger's log with the official EventStoreDB client, and
// follows it over restarts of the ledger. It shows that nothing but the client is
// needed; node/reader.mjs says the same in JavaScript.
//
//	READER_CONNECTION='esdb://anna:PASSWORD@ledger.example.com:2113' reader STREAM
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: READER_CONNECTION=esdb://... reader STREAM")
		os.Exit(2)
	}
	r := &reader{connection: os.Getenv("READER_CONNECTION"), out: os.Stdout, from: esdb.Start{}}
	if err := r.run(ctx, os.Args[1]); err != nil && ctx.Err() == nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

type reader struct {
	connection string
	out        io.Writer
	from       esdb.AllPosition // where following goes on
}

func (r *reader) run(ctx context.Context, stream string) error {
	client, err := r.connect()
	if err != nil {
		return err
	}
	if err := errors.Join(r.readStream(ctx, client, stream), r.pageBackwards(ctx, client), r.tryToAppend(ctx, client, stream), client.Close()); err != nil {
		return err
	}
	for ctx.Err() == nil {
		fmt.Fprintln(os.Stderr, "again:", r.follow(ctx))
		select {
		case <-time.After(200 * time.Millisecond):
		case <-ctx.Done():
		}
	}
	return nil
}

func (r *reader) connect() (*esdb.Client, error) {
	config, err := esdb.ParseConnectionString(r.connection)
	if err != nil {
		return nil, fmt.Errorf("READER_CONNECTION: %w", err)
	}
	config.Logger = esdb.NoopLogging()
	return esdb.NewClient(config)
}

// readStream reads one stream, from its first event on.
func (r *reader) readStream(ctx context.Context, client *esdb.Client, stream string) error {
	read, err := client.ReadStream(ctx, stream, esdb.ReadStreamOptions{From: esdb.Start{}}, 1_000_000)
	return r.all(read, err, func(e *esdb.RecordedEvent) { fmt.Fprintf(r.out, "stream %d %s\n", e.EventNumber, e.EventType) })
}

// pageBackwards reads the newest events, each page beginning where the one before
// ended.
func (r *reader) pageBackwards(ctx context.Context, client *esdb.Client) error {
	var from esdb.AllPosition = esdb.End{}
	for range 3 {
		read, err := client.ReadAll(ctx, esdb.ReadAllOptions{Direction: esdb.Backwards, From: from}, 4)
		if err := r.all(read, err, func(e *esdb.RecordedEvent) {
			fmt.Fprintf(r.out, "backwards %d %s\n", e.Position.Commit, e.EventType)
			from = e.Position
		}); err != nil {
			return err
		}
	}
	return nil
}

func (r *reader) all(read *esdb.ReadStream, err error, show func(*esdb.RecordedEvent)) error {
	if err != nil {
		return err
	}
	defer read.Close()
	for {
		e, err := read.Recv()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		show(e.OriginalEvent())
	}
}

// tryToAppend shows that nobody but the ledger writes.
func (r *reader) tryToAppend(ctx context.Context, client *esdb.Client, stream string) error {
	_, err := client.AppendToStream(ctx, stream, esdb.AppendToStreamOptions{}, esdb.EventData{EventType: "order.placed", ContentType: esdb.ContentTypeJson, Data: []byte("{}")})
	var refused *esdb.Error
	switch {
	case err == nil:
		fmt.Fprintln(r.out, "append accepted")
	case errors.As(err, &refused) && refused.Code() == esdb.ErrorCodeAccessDenied:
		fmt.Fprintln(r.out, "append refused access-denied")
	default:
		return err
	}
	return nil
}

// follow shows everything about incidents, from where it was, until it is cut off.
func (r *reader) follow(ctx context.Context) error {
	client, err := r.connect()
	if err != nil {
		return err
	}
	defer client.Close()
	subscription, err := client.SubscribeToAll(ctx, esdb.SubscribeToAllOptions{
		From: r.from, Filter: &esdb.SubscriptionFilter{Type: esdb.EventFilterType, Prefixes: []string{"incident."}},
	})
	if err != nil {
		return err
	}
	defer subscription.Close()
	for {
		got := subscription.Recv()
		if got.SubscriptionDropped != nil {
			return got.SubscriptionDropped.Error
		}
		if got.EventAppeared != nil {
			e := got.EventAppeared.OriginalEvent()
			fmt.Fprintf(r.out, "event %d %s %s %s\n", e.Position.Commit, e.EventType, e.Data, e.UserMetadata)
			r.from = e.Position
		}
	}
}
