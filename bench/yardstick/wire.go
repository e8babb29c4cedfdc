package yardstick

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"math/rand/v2"

	client "github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/google/uuid"

	"github.com/supportledger/supportledger/bench/load"
	"github.com/supportledger/supportledger/eventstore"
)

// RawWire appends to a cluster by the official client, with nothing in between.
type RawWire struct {
	URL     string
	Streams int                 // over which the appends are spread
	Like    []eventstore.Record // an append has as many events, of the same bytes
}

// Load appends by n callers at once, each to streams of its own, one append after
// another.
func (w RawWire) Load(ctx context.Context, n int, span load.Span) (result load.Result, err error) {
	config, err := client.ParseConnectionString(w.URL)
	if err != nil {
		return result, fmt.Errorf("connect: %w", err)
	}
	config.Logger = client.NoopLogging()
	c, err := client.NewClient(config)
	if err != nil {
		return result, fmt.Errorf("connect: %w", err)
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	callers := make([]load.Caller, n)
	for i := range callers {
		callers[i] = w.caller(c, i, n)
	}
	return load.Run(ctx, callers, span)
}

func (w RawWire) caller(c *client.Client, i, n int) load.Caller {
	pick, heads := rand.New(rand.NewPCG(uint64(i), 0x5eed)), map[int]int64{}
	own := max(1, w.Streams/n)
	return func(ctx context.Context) (uint64, error) {
		stream := i + n*pick.IntN(own)
		options := client.AppendToStreamOptions{ExpectedRevision: client.NoStream{}}
		head, known := heads[stream]
		if known {
			options.ExpectedRevision = client.Revision(uint64(head))
		} else {
			head = -1
		}
		_, err := c.AppendToStream(ctx, fmt.Sprint("raw-", stream), options, w.events()...)
		heads[stream] = head + int64(len(w.Like))
		return 0, err
	}
}

// events are new ones, with metadata as a ledger's store writes it.
func (w RawWire) events() []client.EventData {
	events := make([]client.EventData, len(w.Like))
	for i, r := range w.Like {
		meta := `{"recorded_at":"2026-03-01T12:00:00.000000Z","meta":"` + base64.StdEncoding.EncodeToString(r.Meta) + `"}`
		events[i] = client.EventData{EventID: uuid.New(), EventType: r.Type, ContentType: client.ContentTypeJson, Data: r.Data, Metadata: []byte(meta)}
	}
	return events
}
