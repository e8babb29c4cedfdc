package esdb

import (
	"context"
	"iter"
	"math"

	client "github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"

	"github.com/supportledger/supportledger/eventstore"
	"github.com/supportledger/supportledger/eventstore/esdbproto"
)

// ReadAllBackwards yields the records before a position, newest first.
func (s *Store) ReadAllBackwards(ctx context.Context, before eventstore.Position) iter.Seq2[eventstore.Record, error] {
	if before == eventstore.Start {
		return s.nothing(ctx)
	}
	var from client.AllPosition = client.Position{Commit: uint64(before), Prepare: uint64(before)}
	if before == eventstore.LastPosition {
		from = client.End{}
	}
	return func(yield func(eventstore.Record, error) bool) {
		for r, err := range s.backwards(ctx, from, eventstore.Start, all) {
			if err != nil && misplaced(err) {
				s.backwardsFrom(ctx, before, yield)
				return
			}
			if r.Position >= before && err == nil {
				continue
			}
			if !yield(r, err) || err != nil {
				return
			}
		}
	}
}

// backwardsFrom reads backwards from a position where no record stands.
func (s *Store) backwardsFrom(ctx context.Context, before eventstore.Position, yield func(eventstore.Record, error) bool) {
	at, err := s.floor(ctx, before-1)
	if err != nil {
		yield(eventstore.Record{}, err)
		return
	}
	if at == eventstore.Start {
		return
	}
	// A read backwards begins before its position, so the record there comes first.
	for r, err := range s.one(ctx, at) {
		if !yield(r, err) || err != nil {
			return
		}
	}
	for r, err := range s.backwards(ctx, client.Position{Commit: uint64(at), Prepare: uint64(at)}, eventstore.Start, all) {
		if !yield(r, err) || err != nil {
			return
		}
	}
}

// How many events a read asks for first. A server sends what its client has room for,
// before it hears that enough was taken: who wants one record asks for one.
const (
	single = 1
	all    = math.MaxInt64
)

// backwards reads all streams backwards, down to a position that is known. It asks
// for so many events first, and then for all.
func (s *Store) backwards(ctx context.Context, from client.AllPosition, known eventstore.Position, first uint64) iter.Seq2[eventstore.Record, error] {
	at := func(last *eventstore.Record) source {
		begin := from
		if last != nil {
			begin = client.Position{Commit: uint64(last.Position), Prepare: uint64(last.Position)}
		}
		return func(ctx context.Context, _ *client.Client) (func() (step, error), func(), error) {
			return s.line.allBefore(ctx, begin, known, first)
		}
	}
	return s.resuming(ctx, at)
}

func (l *line) allBefore(ctx context.Context, from client.AllPosition, known eventstore.Position, first uint64) (func() (step, error), func(), error) {
	next, stop, err := l.page(ctx, from, first)
	if err != nil {
		return nil, nil, err
	}
	left := first
	return func() (step, error) {
		got, err := next()
		if err == nil && got.end && left == 0 { // what came was the cluster's own
			stop()
			if next, stop, err = l.page(ctx, from, all); err != nil {
				next, stop = nothingMore, func() {}
				return step{}, err
			}
			left = all
			got, err = next()
		}
		if err != nil || got.event == nil {
			return got, err
		}
		if got.event.Position.Commit <= uint64(known) {
			return step{end: true}, nil
		}
		left, from = left-1, got.event.Position
		return got, nil
	}, func() { stop() }, nil
}

func nothingMore() (step, error) { return step{end: true}, nil }

// page reads so many events backwards that are not the cluster's own. The client has
// no filter for reads that end, and a cluster that has been idle has millions of its
// own behind the newest record: so the call is ours.
func (l *line) page(ctx context.Context, from client.AllPosition, most uint64) (next func() (step, error), stop func(), err error) {
	conn, err := l.reader(ctx)
	if err != nil {
		return nil, nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	call, err := streams.NewStreamsClient(conn).Read(l.authorized(ctx), backwardsRequest(from, most))
	if err != nil {
		cancel()
		return nil, nil, l.left(conn, nil, err)
	}
	return func() (step, error) {
		answer, err := call.Recv()
		switch {
		case ended(err):
			return step{end: true}, nil
		case err != nil:
			return step{}, l.left(conn, call.Trailer(), err)
		}
		return step{event: recordedEvent(answer.GetEvent().GetEvent())}, nil
	}, cancel, nil
}

func backwardsRequest(from client.AllPosition, most uint64) *streams.ReadReq {
	where := &streams.ReadReq_Options_AllOptions{AllOption: &streams.ReadReq_Options_AllOptions_End{End: &shared.Empty{}}}
	if p, ok := from.(client.Position); ok {
		where.AllOption = &streams.ReadReq_Options_AllOptions_Position{
			Position: &streams.ReadReq_Options_Position{CommitPosition: p.Commit, PreparePosition: p.Prepare},
		}
	}
	return &streams.ReadReq{Options: &streams.ReadReq_Options{
		StreamOption:  &streams.ReadReq_Options_All{All: where},
		ReadDirection: streams.ReadReq_Options_Backwards,
		CountOption:   &streams.ReadReq_Options_Count{Count: most},
		FilterOption: &streams.ReadReq_Options_Filter{Filter: &streams.ReadReq_Options_FilterOptions{
			Filter: &streams.ReadReq_Options_FilterOptions_EventType{
				EventType: &streams.ReadReq_Options_FilterOptions_Expression{Regex: client.ExcludeSystemEventsFilter().Regex},
			},
			Window:                       &streams.ReadReq_Options_FilterOptions_Max{Max: searchWindow},
			CheckpointIntervalMultiplier: checkpointInterval,
		}},
		UuidOption: &streams.ReadReq_Options_UUIDOption{Content: &streams.ReadReq_Options_UUIDOption_Structured{Structured: &shared.Empty{}}},
	}}
}

// recordedEvent is what the client makes of an event, as far as it is used here; nil
// where an answer has none.
func recordedEvent(e *streams.ReadResp_ReadEvent_RecordedEvent) *client.RecordedEvent {
	if e == nil {
		return nil
	}
	return &client.RecordedEvent{
		EventID: esdbproto.ReadUUID(e.GetId()), EventType: e.GetMetadata()[esdbproto.MetaType],
		StreamID: string(e.GetStreamIdentifier().GetStreamName()), EventNumber: e.GetStreamRevision(),
		Position: client.Position{Commit: e.GetCommitPosition(), Prepare: e.GetPreparePosition()},
		Data:     e.GetData(), UserMetadata: e.GetCustomMetadata(),
	}
}
