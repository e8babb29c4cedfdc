package esdbwire

import (
	"context"
	"errors"
	"io"
	"slices"
	"sync"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"github.com/google/uuid"
	rpcstatus "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/supportledger/supportledger/eventstore"
	"github.com/supportledger/supportledger/eventstore/esdbproto"
)

// batchesAtOnce bounds how many appends of one call are under way.
const batchesAtOnce = 1024

// BatchAppend takes many appends over one call, each under a correlation of its
// own, whose parts may be mixed. They are answered as they are recorded; those to
// one stream are recorded in the order in which they were completed, and so are all
// that name a revision, where the store is an Ordered one.
func (v *service) BatchAppend(call streams.Streams_BatchAppendServer) error {
	b := &batches{
		s: v.s, call: call, open: map[uuid.UUID]*batch{}, last: map[string]*turn{}, room: make(chan struct{}, batchesAtOnce),
	}
	defer b.underWay.Wait()
	for {
		req, err := call.Recv()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := b.take(req); err != nil {
			return err
		}
	}
}

// batches are the appends of one call.
type batches struct {
	s        *Server
	call     streams.Streams_BatchAppendServer
	open     map[uuid.UUID]*batch // the receiving goroutine's
	room     chan struct{}
	underWay sync.WaitGroup

	ordering sync.Mutex
	last     map[string]*turn // by stream: the append before

	sending sync.Mutex
}

// A turn is an append under way, which others of its stream come after.
type turn struct {
	begun bool          // handed to the store, which keeps the order
	done  chan struct{} // closed when it was recorded
}

// A batch is one append whose parts arrive.
type batch struct {
	id      *shared.UUID
	append  eventstore.Append
	want    expected
	until   time.Time // zero: none
	size    int
	refused bool // answered already: later parts are ignored
}

// take adds a part to its batch, and starts the append with the last one.
func (b *batches) take(req *streams.BatchAppendReq) error {
	key := esdbproto.ReadUUID(req.GetCorrelationId())
	c := b.open[key]
	if c == nil {
		c = &batch{id: req.GetCorrelationId()}
		b.open[key] = c
		if err := c.begin(req.GetOptions()); err != nil {
			return b.refuse(c, err)
		}
	}
	if req.GetIsFinal() {
		delete(b.open, key)
	}
	if c.refused {
		return nil
	}
	if !b.s.config.AcceptAppends {
		return b.refuse(c, accessDenied())
	}
	c.append.Events = slices.Grow(c.append.Events, len(req.GetProposedMessages()))
	for _, p := range req.GetProposedMessages() {
		if c.size += len(p.GetData()); c.size > b.s.config.MaxAppendBytes {
			return b.refuse(c, tooLarge(b.s.config.MaxAppendBytes))
		}
		e, err := proposed(p)
		if err != nil {
			return b.refuse(c, err)
		}
		c.append.Events = append(c.append.Events, e)
	}
	if req.GetIsFinal() {
		b.start(c)
	}
	return nil
}

// begin takes the options, which come with the first part.
func (c *batch) begin(o *streams.BatchAppendReq_Options) error {
	if o == nil {
		return invalidArgument("the first message of a correlation must have the options")
	}
	c.append.Stream = string(o.GetStreamIdentifier().GetStreamName())
	switch e := o.GetExpectedStreamPosition().(type) {
	case *streams.BatchAppendReq_Options_StreamPosition:
		c.want.revision = eventstore.Revision(min(e.StreamPosition, uint64(eventstore.LastRevision)))
	case *streams.BatchAppendReq_Options_NoStream:
		c.want.revision = eventstore.NoStream
	case *streams.BatchAppendReq_Options_Any:
		c.want.any = true
	case *streams.BatchAppendReq_Options_StreamExists:
		c.want.exists = true
	default:
		return invalidArgument("expected_stream_position is missing")
	}
	switch d := o.GetDeadlineOption().(type) {
	case *streams.BatchAppendReq_Options_Deadline:
		c.until = time.Now().Add(d.Deadline.AsDuration())
	case *streams.BatchAppendReq_Options_Deadline_21_10_0:
		c.until = d.Deadline_21_10_0.AsTime()
	}
	return nil
}

// start appends in the background, after the append before it to the same stream,
// and where the store can and the revision is named, after all of this call's.
func (b *batches) start(c *batch) {
	b.room <- struct{}{}
	own := &turn{done: make(chan struct{})}
	b.ordering.Lock()
	before := b.last[c.append.Stream]
	b.last[c.append.Stream] = own
	b.ordering.Unlock()
	ctx, cancel := c.context(b.call.Context())
	var outcome func() (eventstore.Appended, error)
	if before == nil || before.begun {
		outcome = b.s.begin(b.call.Context(), c)
	}
	if own.begun = outcome != nil; !own.begun {
		outcome = func() (eventstore.Appended, error) {
			if before != nil {
				<-before.done
			}
			return b.s.append(ctx, c.append, c.want)
		}
	}
	b.underWay.Go(func() {
		defer cancel()
		_ = b.answer(c.answer(outcome())) // a client that is gone needs no answer
		b.ordering.Lock()
		if b.last[c.append.Stream] == own {
			delete(b.last, c.append.Stream)
		}
		b.ordering.Unlock()
		close(own.done)
		<-b.room
	})
}

// begin hands an append to a store that keeps the order of those it is handed; nil
// where that is left to its goroutine. One that came in time is recorded, however
// long that takes: those behind it would take its place.
func (s *Server) begin(ctx context.Context, c *batch) (outcome func() (eventstore.Appended, error)) {
	ordered, ok := s.config.Store.(eventstore.Ordered)
	if !ok || c.want.any || c.want.exists || len(c.append.Events) == 0 || c.late() {
		return nil
	}
	a := c.append
	a.At, a.Expected = time.Now(), c.want.revision
	outcome, err := ordered.Begin(ctx, a)
	if err != nil {
		return func() (eventstore.Appended, error) { return eventstore.Appended{}, err }
	}
	return outcome
}

// context ends when the client has said that the append must be over.
func (c *batch) context(ctx context.Context) (context.Context, context.CancelFunc) {
	if c.until.IsZero() {
		return context.WithCancel(ctx)
	}
	return context.WithDeadline(ctx, c.until)
}

// late says whether the append should be over by now.
func (c *batch) late() bool { return !c.until.IsZero() && !time.Now().Before(c.until) }

// answer makes the answer to an append.
func (c *batch) answer(done eventstore.Appended, err error) *streams.BatchAppendResp {
	if err != nil {
		return c.problem(err)
	}
	success := &streams.BatchAppendResp_Success{
		CurrentRevisionOption: &streams.BatchAppendResp_Success_NoStream{NoStream: &emptypb.Empty{}},
		PositionOption:        &streams.BatchAppendResp_Success_NoPosition{NoPosition: &emptypb.Empty{}},
	}
	if done.Revision != eventstore.NoStream {
		at := uint64(done.Position)
		success.CurrentRevisionOption = &streams.BatchAppendResp_Success_CurrentRevision{CurrentRevision: uint64(done.Revision)}
		success.PositionOption = &streams.BatchAppendResp_Success_Position{
			Position: &shared.AllStreamPosition{CommitPosition: at, PreparePosition: at},
		}
	}
	return &streams.BatchAppendResp{
		CorrelationId: c.id, StreamIdentifier: named(c.append.Stream), Result: &streams.BatchAppendResp_Success_{Success: success},
	}
}

// refuse answers a batch at once; what still comes of it is ignored.
func (b *batches) refuse(c *batch, err error) error {
	c.refused = true
	return b.answer(c.problem(err))
}

func (b *batches) answer(a *streams.BatchAppendResp) error {
	b.sending.Lock()
	defer b.sending.Unlock()
	return b.call.Send(a)
}

// problem says what an error is in a batch's answer.
func (c *batch) problem(err error) *streams.BatchAppendResp {
	var conflict *eventstore.ConflictError
	if errors.As(err, &conflict) {
		return c.failed(codes.AlreadyExists, conflict.Error(), c.wrongVersion(conflict))
	}
	var r *refusal
	_ = errors.As(storeError(err), &r) // is always one
	switch r.Code() {
	case codes.PermissionDenied:
		return c.failed(r.Code(), r.Message(), &shared.AccessDenied{})
	case codes.DeadlineExceeded, codes.Aborted:
		return c.failed(codes.DeadlineExceeded, r.Message(), &shared.Timeout{})
	case codes.InvalidArgument:
		if most := r.trailer.Get("maximum-append-size"); len(most) == 1 {
			return c.failed(r.Code(), r.Message(), &shared.MaximumAppendSizeExceeded{})
		}
		return c.failed(r.Code(), r.Message(), &shared.BadRequest{Message: r.Message()})
	case codes.Unavailable:
		return c.failed(codes.OK, "Server Is Not Ready", &shared.Empty{})
	}
	return c.failed(codes.Unknown, r.Message(), &shared.Unknown{})
}

func (c *batch) failed(code codes.Code, text string, details proto.Message) *streams.BatchAppendResp {
	s := &rpcstatus.Status{Code: int32(code), Message: text}
	if d, err := anypb.New(details); err == nil {
		s.Details = append(s.Details, d)
	}
	return &streams.BatchAppendResp{CorrelationId: c.id, StreamIdentifier: named(c.append.Stream), Result: &streams.BatchAppendResp_Error{Error: s}}
}

func (c *batch) wrongVersion(conflict *eventstore.ConflictError) *shared.WrongExpectedVersion {
	w := &shared.WrongExpectedVersion{
		CurrentStreamRevisionOption:  &shared.WrongExpectedVersion_CurrentNoStream{CurrentNoStream: &emptypb.Empty{}},
		ExpectedStreamPositionOption: &shared.WrongExpectedVersion_ExpectedStreamPosition{ExpectedStreamPosition: uint64(c.want.revision)},
	}
	if conflict.Actual != eventstore.NoStream {
		w.CurrentStreamRevisionOption = &shared.WrongExpectedVersion_CurrentStreamRevision{CurrentStreamRevision: uint64(conflict.Actual)}
	}
	switch {
	case c.want.any:
		w.ExpectedStreamPositionOption = &shared.WrongExpectedVersion_ExpectedAny{ExpectedAny: &emptypb.Empty{}}
	case c.want.exists:
		w.ExpectedStreamPositionOption = &shared.WrongExpectedVersion_ExpectedStreamExists{ExpectedStreamExists: &emptypb.Empty{}}
	case c.want.revision == eventstore.NoStream:
		w.ExpectedStreamPositionOption = &shared.WrongExpectedVersion_ExpectedNoStream{ExpectedNoStream: &emptypb.Empty{}}
	}
	return w
}
