package esdbwire

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"github.com/google/uuid"

	"github.com/supportledger/supportledger/eventstore"
	"github.com/supportledger/supportledger/eventstore/esdbproto"
)

// expected is what an append wants of its stream.
type expected struct {
	any, exists bool
	revision    eventstore.Revision // otherwise
}

// Append records the events of one stream, where that is accepted.
func (v *service) Append(in streams.Streams_AppendServer) error {
	ctx := in.Context()
	if !v.s.config.AcceptAppends {
		drain(in)
		return refused(ctx, accessDenied())
	}
	a, want, err := v.s.receive(in)
	if err != nil {
		drain(in)
		return refused(ctx, err)
	}
	done, err := v.s.append(ctx, a, want)
	var conflict *eventstore.ConflictError
	switch {
	case errors.As(err, &conflict):
		return in.SendAndClose(wrongVersion(conflict, want))
	case err != nil:
		return refused(ctx, storeError(err))
	}
	return in.SendAndClose(appended(done))
}

// mostDrained bounds what is read of a request that is refused.
const mostDrained = 64

// drain lets a client finish what it says: the official one, cut off in the middle
// of its request, does not look why.
func drain(in streams.Streams_AppendServer) {
	for range mostDrained {
		if _, err := in.Recv(); err != nil {
			return
		}
	}
}

// receive reads the whole of a request.
func (s *Server) receive(in streams.Streams_AppendServer) (a eventstore.Append, want expected, err error) {
	first, err := in.Recv()
	if err != nil {
		return a, want, err
	}
	options := first.GetOptions()
	if options == nil {
		return a, want, invalidArgument("the first message must have the options")
	}
	a.Stream = string(options.GetStreamIdentifier().GetStreamName())
	switch e := options.GetExpectedStreamRevision().(type) {
	case *streams.AppendReq_Options_Revision:
		want.revision = eventstore.Revision(min(e.Revision, uint64(eventstore.LastRevision)))
	case *streams.AppendReq_Options_NoStream:
		want.revision = eventstore.NoStream
	case *streams.AppendReq_Options_Any:
		want.any = true
	case *streams.AppendReq_Options_StreamExists:
		want.exists = true
	default:
		return a, want, invalidArgument("expected_stream_revision is missing")
	}
	for size := 0; ; {
		message, err := in.Recv()
		if errors.Is(err, io.EOF) {
			return a, want, nil
		}
		if err != nil {
			return a, want, err
		}
		p := message.GetProposedMessage()
		if p == nil {
			return a, want, invalidArgument("every message after the first must be a proposed one")
		}
		if size += len(p.GetData()); size > s.config.MaxAppendBytes {
			return a, want, tooLarge(s.config.MaxAppendBytes)
		}
		e, err := proposed(p)
		if err != nil {
			return a, want, err
		}
		a.Events = append(a.Events, e)
	}
}

// A proposal is an event as either kind of append sends it.
type proposal interface {
	GetId() *shared.UUID
	GetMetadata() map[string]string
	GetCustomMetadata() []byte
	GetData() []byte
}

func proposed(p proposal) (eventstore.Event, error) {
	meta := p.GetMetadata()
	if _, ok := meta[esdbproto.MetaContentType]; !ok || meta[esdbproto.MetaType] == "" {
		return eventstore.Event{}, metadataMissing()
	}
	id := esdbproto.ReadUUID(p.GetId())
	if id == uuid.Nil {
		return eventstore.Event{}, invalidArgument("an event has no id")
	}
	return eventstore.Event{ID: id, Type: meta[esdbproto.MetaType], Data: p.GetData(), Meta: p.GetCustomMetadata()}, nil
}

// mostTries bounds how often an append that expects no revision is tried while
// others append to the same stream.
const mostTries = 100

// append records events at the revision that was asked for, or at whatever the
// stream is at. No events are a success without an effect.
func (s *Server) append(ctx context.Context, a eventstore.Append, want expected) (eventstore.Appended, error) {
	if len(a.Events) == 0 {
		return eventstore.Appended{Revision: eventstore.NoStream}, nil
	}
	a.At, a.Expected = time.Now(), want.revision
	if !want.any && !want.exists {
		return s.config.Store.Append(ctx, a)
	}
	if done, ok, err := s.recorded(ctx, a); err != nil || ok {
		return done, err
	}
	var err error
	for range mostTries {
		if a.Expected, err = s.lastRevision(ctx, a.Stream); err != nil {
			return eventstore.Appended{}, err
		}
		if want.exists && a.Expected == eventstore.NoStream {
			return eventstore.Appended{}, &eventstore.ConflictError{Stream: a.Stream, Expected: a.Expected, Actual: a.Expected}
		}
		var done eventstore.Appended
		if done, err = s.config.Store.Append(ctx, a); !errors.As(err, new(*eventstore.ConflictError)) {
			return done, err
		}
	}
	return eventstore.Appended{}, err
}

// lookBack is how many of a stream's newest records are searched for an append
// that comes again without naming a revision.
const lookBack = 4096

// recorded finds such an append by the ids of its events.
func (s *Server) recorded(ctx context.Context, a eventstore.Append) (done eventstore.Appended, found bool, err error) {
	left := len(a.Events) // to be found, from the last to the first
	seen := 0
	for r, err := range s.config.Store.ReadStream(ctx, a.Stream, eventstore.LastRevision, eventstore.Backwards) {
		if err != nil {
			return done, false, err
		}
		if seen++; seen > lookBack {
			break
		}
		if r.ID != a.Events[left-1].ID {
			if left == len(a.Events) {
				continue
			}
			break
		}
		if left == len(a.Events) {
			done = eventstore.Appended{Position: r.Position, Revision: r.Revision, RecordedAt: r.RecordedAt}
		}
		if left--; left == 0 {
			return done, true, nil
		}
	}
	return done, false, nil
}

func appended(done eventstore.Appended) *streams.AppendResp {
	s := &streams.AppendResp_Success{
		CurrentRevisionOption: &streams.AppendResp_Success_NoStream{NoStream: &shared.Empty{}},
		PositionOption:        &streams.AppendResp_Success_NoPosition{NoPosition: &shared.Empty{}},
	}
	if done.Revision != eventstore.NoStream {
		at := uint64(done.Position)
		s.CurrentRevisionOption = &streams.AppendResp_Success_CurrentRevision{CurrentRevision: uint64(done.Revision)}
		s.PositionOption = &streams.AppendResp_Success_Position{Position: &streams.AppendResp_Position{CommitPosition: at, PreparePosition: at}}
	}
	return &streams.AppendResp{Result: &streams.AppendResp_Success_{Success: s}}
}

// wrongVersion is a normal answer of Append, in its present and its older fields.
func wrongVersion(c *eventstore.ConflictError, want expected) *streams.AppendResp {
	w := &streams.AppendResp_WrongExpectedVersion{
		CurrentRevisionOption:         &streams.AppendResp_WrongExpectedVersion_CurrentNoStream{CurrentNoStream: &shared.Empty{}},
		CurrentRevisionOption_20_6_0:  &streams.AppendResp_WrongExpectedVersion_NoStream_20_6_0{NoStream_20_6_0: &shared.Empty{}},
		ExpectedRevisionOption:        &streams.AppendResp_WrongExpectedVersion_ExpectedRevision{ExpectedRevision: uint64(want.revision)},
		ExpectedRevisionOption_20_6_0: &streams.AppendResp_WrongExpectedVersion_ExpectedRevision_20_6_0{ExpectedRevision_20_6_0: uint64(want.revision)},
	}
	if c.Actual != eventstore.NoStream {
		w.CurrentRevisionOption = &streams.AppendResp_WrongExpectedVersion_CurrentRevision{CurrentRevision: uint64(c.Actual)}
		w.CurrentRevisionOption_20_6_0 = &streams.AppendResp_WrongExpectedVersion_CurrentRevision_20_6_0{CurrentRevision_20_6_0: uint64(c.Actual)}
	}
	switch {
	case want.any:
		w.ExpectedRevisionOption = &streams.AppendResp_WrongExpectedVersion_ExpectedAny{ExpectedAny: &shared.Empty{}}
		w.ExpectedRevisionOption_20_6_0 = &streams.AppendResp_WrongExpectedVersion_Any_20_6_0{Any_20_6_0: &shared.Empty{}}
	case want.exists:
		w.ExpectedRevisionOption = &streams.AppendResp_WrongExpectedVersion_ExpectedStreamExists{ExpectedStreamExists: &shared.Empty{}}
		w.ExpectedRevisionOption_20_6_0 = &streams.AppendResp_WrongExpectedVersion_StreamExists_20_6_0{StreamExists_20_6_0: &shared.Empty{}}
	case want.revision == eventstore.NoStream:
		w.ExpectedRevisionOption = &streams.AppendResp_WrongExpectedVersion_ExpectedNoStream{ExpectedNoStream: &shared.Empty{}}
	}
	return &streams.AppendResp{Result: &streams.AppendResp_WrongExpectedVersion_{WrongExpectedVersion: w}}
}

// Delete is refused: nothing in a ledger is ever deleted.
func (v *service) Delete(ctx context.Context, _ *streams.DeleteReq) (*streams.DeleteResp, error) {
	return nil, refused(ctx, accessDenied())
}

// Tombstone is refused as Delete is.
func (v *service) Tombstone(ctx context.Context, _ *streams.TombstoneReq) (*streams.TombstoneResp, error) {
	return nil, refused(ctx, accessDenied())
}
