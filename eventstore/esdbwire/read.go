package esdbwire

import (
	"context"
	"iter"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/supportledger/supportledger/eventstore"
)

// Read answers reads of a count and subscriptions.
func (v *service) Read(req *streams.ReadReq, out streams.Streams_ReadServer) error {
	q, err := parse(req)
	if err != nil {
		return refused(out.Context(), err)
	}
	ctx, cancel := context.WithCancel(out.Context())
	defer cancel()
	go func() { // a subscription ends with the server
		select {
		case <-v.s.closing:
			cancel()
		case <-ctx.Done():
		}
	}()
	r := &reading{query: q, s: v.s, out: out}
	switch {
	case q.subscribe && q.all:
		err = r.subscribeAll(ctx)
	case q.subscribe:
		err = r.subscribeStream(ctx)
	case q.all:
		err = r.countAll(ctx)
	default:
		err = r.countStream(ctx)
	}
	if err == nil {
		return nil
	}
	if out.Context().Err() == nil && ctx.Err() != nil {
		return shuttingDown()
	}
	return refused(out.Context(), storeError(err))
}

// A reading is one call of Read.
type reading struct {
	*query
	s    *Server
	out  streams.Streams_ReadServer
	sent uint64
}

// send shows a record to the client if it may be seen and passes the filter.
func (r *reading) send(record eventstore.Record) error {
	shown, visible, err := r.s.config.Show(record)
	if err != nil || !visible || !r.filter.lets(&shown) {
		return err
	}
	r.sent++
	return r.out.Send(r.write.event(&shown))
}

// countAll reads $all: forwards from a position on, inclusive; backwards before
// it, exclusive.
func (r *reading) countAll(ctx context.Context) error {
	store := r.s.config.Store
	var records iter.Seq2[eventstore.Record, error]
	switch {
	case r.from.start && r.backwards, r.from.end && !r.backwards, r.count == 0:
		return nil
	case r.backwards && r.from.end:
		records = store.ReadAllBackwards(ctx, eventstore.LastPosition)
	case r.backwards:
		records = store.ReadAllBackwards(ctx, eventstore.Position(r.from.at))
	case r.from.start || r.from.at == 0:
		records = store.ReadAll(ctx, eventstore.Start)
	default:
		records = store.ReadAll(ctx, eventstore.Position(r.from.at-1))
	}
	if err := r.standsAt(ctx, codes.Unknown, "Unexpected ReadAllResult: InvalidPosition"); err != nil {
		return err
	}
	for record, err := range records {
		if err != nil {
			return err
		}
		if err := r.send(record); err != nil {
			return err
		}
		if r.sent >= r.count {
			return nil
		}
	}
	return nil
}

// standsAt refuses a position where no record stands, if the server is strict.
func (r *reading) standsAt(ctx context.Context, code codes.Code, text string) error {
	if !r.s.config.Strict || r.from.start || r.from.end || r.from.at == 0 {
		return nil
	}
	at := eventstore.Position(r.from.at)
	for record, err := range r.s.config.Store.ReadAll(ctx, at-1) {
		if err != nil {
			return err
		}
		if record.Position == at {
			return nil
		}
		break
	}
	return &refusal{Status: status.New(code, text)}
}

// countStream reads one stream, from a revision on, inclusive.
func (r *reading) countStream(ctx context.Context) error {
	if exists, err := r.exists(ctx); err != nil {
		return err
	} else if !exists {
		return r.out.Send(streamNotFound(r.stream))
	}
	direction, from := eventstore.Forwards, r.from.revision()
	switch {
	case r.backwards && r.from.start:
		direction, from = eventstore.Backwards, 0
	case r.backwards:
		direction = eventstore.Backwards
	case r.from.end:
		return r.tellEnd(ctx)
	}
	if r.count == 0 {
		return r.tellEnd(ctx)
	}
	for record, err := range r.s.config.Store.ReadStream(ctx, r.stream, from, direction) {
		if err != nil {
			return err
		}
		if err := r.send(record); err != nil {
			return err
		}
		if r.sent >= r.count {
			break
		}
	}
	return r.tellEnd(ctx)
}

// exists says whether a stream has a record that may be seen.
func (r *reading) exists(ctx context.Context) (bool, error) {
	for record, err := range r.s.config.Store.ReadStream(ctx, r.stream, 0, eventstore.Forwards) {
		if err != nil {
			return false, err
		}
		_, visible, err := r.s.config.Show(record)
		return visible, err
	}
	return false, nil
}

// tellEnd says which revision is the stream's last, to clients that know about it.
func (r *reading) tellEnd(ctx context.Context) error {
	if !r.tellsEnd {
		return nil
	}
	last, err := r.s.lastRevision(ctx, r.stream)
	if err != nil {
		return err
	}
	return r.out.Send(lastStreamPosition(last))
}

func (s *Server) lastRevision(ctx context.Context, stream string) (eventstore.Revision, error) {
	for record, err := range s.config.Store.ReadStream(ctx, stream, eventstore.LastRevision, eventstore.Backwards) {
		return record.Revision, err
	}
	return eventstore.NoStream, nil
}
