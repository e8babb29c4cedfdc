package esdbwire_test

import (
	"errors"
	"fmt"
	"io"
	"testing"
	"time"

	client "github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"github.com/google/uuid"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/supportledger/supportledger/eventstore"
	"github.com/supportledger/supportledger/eventstore/esdbwire"
)

func event(eventType string) client.EventData {
	return client.EventData{EventID: uuid.New(), EventType: eventType, ContentType: client.ContentTypeJson, Data: []byte(`{"a":1}`)}
}

func code(t *testing.T, err error) client.ErrorCode {
	t.Helper()
	var e *client.Error
	if !errors.As(err, &e) {
		t.Fatalf("%v is no error of the client's", err)
	}
	return e.Code()
}

// Nobody can change anything through the product's server, and everybody is told
// so in the protocol's own words.
func TestNothingIsChangedThroughAReadOnlyServer(t *testing.T) {
	r := newRig(t)
	r.some()
	before := places(r.all())
	c := r.connect()
	_, appended := c.AppendToStream(soon(t), "a", client.AppendToStreamOptions{}, event("x"))
	_, described := c.SetStreamMetadata(soon(t), "a", client.AppendToStreamOptions{}, client.StreamMetadata{})
	_, deleted := c.DeleteStream(soon(t), "a", client.DeleteStreamOptions{})
	_, tombstoned := c.TombstoneStream(soon(t), "a", client.TombstoneStreamOptions{})
	for what, err := range map[string]error{"append": appended, "metadata": described, "delete": deleted, "tombstone": tombstoned} {
		if err == nil || code(t, err) != client.ErrorCodeAccessDenied {
			t.Errorf("%s: %v, want access denied", what, err)
		}
	}
	b := r.batches()
	b.send(batchOf("a", uuid.New(), true, "x"))
	if got := b.receive().GetError(); codes.Code(got.GetCode()) != codes.PermissionDenied || !got.GetDetails()[0].MessageIs(&shared.AccessDenied{}) {
		t.Errorf("batch append: %v, want AccessDenied", got)
	}
	if err := c.CreatePersistentSubscription(soon(t), "a", "group", client.PersistentStreamSubscriptionOptions{}); err == nil || code(t, err) != client.ErrorCodeUnsupportedFeature {
		t.Errorf("persistent subscription: %v, want that it is not supported", err)
	}
	same(t, "afterwards", places(r.all()), before)
}

// raw is a connection without the client's comforts.
func (r *rig) raw() *grpc.ClientConn {
	r.t.Helper()
	c, err := grpc.NewClient(r.address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	must(r.t, err)
	r.t.Cleanup(func() { _ = c.Close() })
	return c
}

func TestTheProtocolsCombinations(t *testing.T) {
	r := newRig(t)
	r.some()
	empty := &shared.Empty{}
	stream := func(o *streams.ReadReq_Options) {
		o.StreamOption = &streams.ReadReq_Options_Stream{Stream: &streams.ReadReq_Options_StreamOptions{
			StreamIdentifier: &shared.StreamIdentifier{StreamName: []byte("a")}, RevisionOption: &streams.ReadReq_Options_StreamOptions_Start{Start: empty}}}
	}
	all := func(o *streams.ReadReq_Options) {
		o.StreamOption = &streams.ReadReq_Options_All{All: &streams.ReadReq_Options_AllOptions{AllOption: &streams.ReadReq_Options_AllOptions_Start{Start: empty}}}
	}
	count := func(o *streams.ReadReq_Options) { o.CountOption = &streams.ReadReq_Options_Count{Count: 1} }
	subscribe := func(o *streams.ReadReq_Options) {
		o.CountOption = &streams.ReadReq_Options_Subscription{Subscription: &streams.ReadReq_Options_SubscriptionOptions{}}
	}
	backwards := func(o *streams.ReadReq_Options) { o.ReadDirection = streams.ReadReq_Options_Backwards }
	filter := func(o *streams.ReadReq_Options) {
		o.FilterOption = &streams.ReadReq_Options_Filter{Filter: &streams.ReadReq_Options_FilterOptions{
			Filter: &streams.ReadReq_Options_FilterOptions_EventType{EventType: &streams.ReadReq_Options_FilterOptions_Expression{Prefix: []string{"t"}}},
			Window: &streams.ReadReq_Options_FilterOptions_Count{Count: empty}, CheckpointIntervalMultiplier: 1}}
	}
	never := func(o *streams.ReadReq_Options) {
		filter(o)
		o.GetFilter().CheckpointIntervalMultiplier = 0
	}
	nowhere := func(o *streams.ReadReq_Options) { filter(o); o.GetFilter().Window = nil }
	noIDs := func(o *streams.ReadReq_Options) { o.UuidOption = nil }
	split := func(o *streams.ReadReq_Options) {
		o.StreamOption = &streams.ReadReq_Options_All{All: &streams.ReadReq_Options_AllOptions{
			AllOption: &streams.ReadReq_Options_AllOptions_Position{Position: &streams.ReadReq_Options_Position{CommitPosition: 1, PreparePosition: 2}}}}
	}
	for what, x := range map[string]struct {
		options []func(*streams.ReadReq_Options)
		want    codes.Code
	}{
		"a stream":                            {[]func(*streams.ReadReq_Options){stream, count}, codes.OK},
		"a stream, backwards":                 {[]func(*streams.ReadReq_Options){stream, count, backwards}, codes.OK},
		"all":                                 {[]func(*streams.ReadReq_Options){all, count}, codes.OK},
		"all, filtered":                       {[]func(*streams.ReadReq_Options){all, count, filter}, codes.OK},
		"all, backwards, filtered":            {[]func(*streams.ReadReq_Options){all, count, backwards, filter}, codes.OK},
		"following a stream":                  {[]func(*streams.ReadReq_Options){stream, subscribe}, codes.OK},
		"following all":                       {[]func(*streams.ReadReq_Options){all, subscribe}, codes.OK},
		"following all, filtered":             {[]func(*streams.ReadReq_Options){all, subscribe, filter}, codes.OK},
		"a stream, filtered":                  {[]func(*streams.ReadReq_Options){stream, count, filter}, codes.InvalidArgument},
		"following a stream, filtered":        {[]func(*streams.ReadReq_Options){stream, subscribe, filter}, codes.InvalidArgument},
		"following backwards":                 {[]func(*streams.ReadReq_Options){all, subscribe, backwards}, codes.InvalidArgument},
		"following without checkpoints":       {[]func(*streams.ReadReq_Options){all, subscribe, never}, codes.InvalidArgument},
		"a filter without a window":           {[]func(*streams.ReadReq_Options){all, count, nowhere}, codes.InvalidArgument},
		"no stream":                           {[]func(*streams.ReadReq_Options){count}, codes.InvalidArgument},
		"no count":                            {[]func(*streams.ReadReq_Options){all}, codes.InvalidArgument},
		"no form of ids":                      {[]func(*streams.ReadReq_Options){all, count, noIDs}, codes.InvalidArgument},
		"a commit position below the prepare": {[]func(*streams.ReadReq_Options){split, count}, codes.InvalidArgument},
	} {
		t.Run(what, func(t *testing.T) {
			o := &streams.ReadReq_Options{
				FilterOption: &streams.ReadReq_Options_NoFilter{NoFilter: empty},
				UuidOption:   &streams.ReadReq_Options_UUIDOption{Content: &streams.ReadReq_Options_UUIDOption_String_{String_: empty}},
			}
			for _, set := range x.options {
				set(o)
			}
			read, err := streams.NewStreamsClient(r.raw()).Read(soon(t), &streams.ReadReq{Options: o})
			must(t, err)
			got, err := read.Recv()
			if errors.Is(err, io.EOF) {
				err = nil
			}
			if status.Code(err) != x.want {
				t.Fatalf("got %v, %v; want %v", got, err, x.want)
			}
			if e := got.GetEvent().GetEvent(); e != nil && uuid.Validate(e.GetId().GetString_()) != nil {
				t.Errorf("asked for ids as text, got %v", e.GetId())
			}
		})
	}
}

// batches is one call of BatchAppend.
type batches struct {
	t    *testing.T
	call streams.Streams_BatchAppendClient
}

func (r *rig) batches() batches {
	r.t.Helper()
	call, err := streams.NewStreamsClient(r.raw()).BatchAppend(soon(r.t))
	must(r.t, err)
	return batches{r.t.(*testing.T), call}
}

func (b batches) send(req *streams.BatchAppendReq) {
	b.t.Helper()
	must(b.t, b.call.Send(req))
}

func (b batches) receive() *streams.BatchAppendResp {
	b.t.Helper()
	got, err := b.call.Recv()
	must(b.t, err)
	return got
}

func text(id uuid.UUID) *shared.UUID {
	return &shared.UUID{Value: &shared.UUID_String_{String_: id.String()}}
}

// batchOf expects no stream.
func batchOf(stream string, correlation uuid.UUID, final bool, types ...string) *streams.BatchAppendReq {
	req := &streams.BatchAppendReq{CorrelationId: text(correlation), IsFinal: final, Options: &streams.BatchAppendReq_Options{
		StreamIdentifier: &shared.StreamIdentifier{StreamName: []byte(stream)}, ExpectedStreamPosition: &streams.BatchAppendReq_Options_NoStream{NoStream: &emptypb.Empty{}},
	}}
	for _, name := range types {
		req.ProposedMessages = append(req.ProposedMessages, &streams.BatchAppendReq_ProposedMessage{
			Id: text(uuid.New()), Metadata: map[string]string{"type": name, "content-type": "application/json"}, Data: []byte(`{}`),
		})
	}
	return req
}

func accepting(c *esdbwire.Config) { c.AcceptAppends = true }

func TestBatchAppend(t *testing.T) {
	r := newRig(t, accepting)
	b := r.batches()
	one, two := uuid.New(), uuid.New()
	b.send(batchOf("one", one, false, "a"))
	b.send(batchOf("two", two, true, "b"))
	if got := b.receive(); got.GetSuccess().GetCurrentRevision() != 0 || got.GetCorrelationId().GetString_() != two.String() || string(got.GetStreamIdentifier().GetStreamName()) != "two" {
		t.Fatalf("the one that is complete: %v", got)
	}
	rest := batchOf("", one, true, "c", "d")
	rest.Options = nil
	b.send(rest)
	if got := b.receive().GetSuccess(); got.GetCurrentRevision() != 2 || got.GetPosition().GetCommitPosition() != 4 {
		t.Fatalf("the one in parts: %v", got)
	}
	b.send(batchOf("one", uuid.New(), true, "a"))
	wrong := new(shared.WrongExpectedVersion)
	if got := b.receive().GetError(); codes.Code(got.GetCode()) != codes.AlreadyExists || got.GetDetails()[0].UnmarshalTo(wrong) != nil || wrong.GetCurrentStreamRevision() != 2 || wrong.GetExpectedNoStream() == nil {
		t.Fatalf("a stream that is there: %v, %v", got, wrong)
	}
	late := batchOf("late", uuid.New(), true, "a")
	late.Options.DeadlineOption = &streams.BatchAppendReq_Options_Deadline{Deadline: durationpb.New(-time.Second)}
	b.send(late)
	if got := b.receive().GetError(); codes.Code(got.GetCode()) != codes.DeadlineExceeded || !got.GetDetails()[0].MessageIs(&shared.Timeout{}) {
		t.Fatalf("too late: %v", got)
	}
	large := batchOf("large", uuid.New(), true, "a")
	large.ProposedMessages[0].Data = make([]byte, 1<<20+1)
	b.send(large)
	if got := b.receive().GetError(); codes.Code(got.GetCode()) != codes.InvalidArgument || !got.GetDetails()[0].MessageIs(&shared.MaximumAppendSizeExceeded{}) {
		t.Fatalf("too large: %v", got)
	}
	if got := r.all(); len(got) != 4 {
		t.Fatalf("%d records, want 4", len(got))
	}
}

// Appends that follow one another in one stream are recorded in their order,
// however many are on their way.
func TestBatchAppendKeepsAStreamsOrder(t *testing.T) {
	r := newRig(t, accepting)
	b := r.batches()
	const appends = 300
	go func() {
		for i := range appends {
			req := batchOf("s", uuid.New(), true, "a")
			if i > 0 {
				req.Options.ExpectedStreamPosition = &streams.BatchAppendReq_Options_StreamPosition{StreamPosition: uint64(i - 1)}
			}
			_ = b.call.Send(req)
		}
	}()
	for range appends {
		if got := b.receive(); got.GetSuccess() == nil {
			t.Fatalf("refused: %v", got)
		}
	}
}

// Those that name a revision are recorded in the order in which they came, as by a
// real server, whatever their streams.
func TestBatchAppendKeepsTheOrderOfACall(t *testing.T) {
	r := newRig(t, accepting)
	b := r.batches()
	const appends = 500
	go func() {
		for i := range appends {
			_ = b.call.Send(batchOf(fmt.Sprint("s-", i), uuid.New(), true, "a"))
		}
	}()
	for range appends {
		if got := b.receive(); got.GetSuccess() == nil {
			t.Fatalf("refused: %v", got)
		}
	}
	for i, record := range r.all() {
		if record.Stream != fmt.Sprint("s-", i) {
			t.Fatalf("%s stands at %v", record.Stream, record.Position)
		}
	}
}

// What an append expects of its stream, and how its repeat is known.
func TestAppendsThatExpectNoRevision(t *testing.T) {
	r := newRig(t, accepting)
	c := r.connect()
	first, second := event("x"), event("y")
	put := func(want client.ExpectedRevision, events ...client.EventData) (uint64, error) {
		done, err := c.AppendToStream(soon(t), "s", client.AppendToStreamOptions{ExpectedRevision: want}, events...)
		if err != nil {
			return 0, err
		}
		return done.NextExpectedVersion, nil
	}
	expect := func(what string, want uint64) func(uint64, error) {
		return func(got uint64, err error) {
			t.Helper()
			if err != nil || got != want {
				t.Fatalf("%s: %d, %v, want %d", what, got, err, want)
			}
		}
	}
	if _, err := put(client.StreamExists{}, first); code(t, err) != client.ErrorCodeWrongExpectedVersion {
		t.Fatalf("a stream that should exist: %v", err)
	}
	expect("any", 1)(put(client.Any{}, first, second))
	expect("any, again", 1)(put(client.Any{}, first, second))
	expect("no stream, again", 1)(put(client.NoStream{}, first, second))
	expect("one that exists", 2)(put(client.StreamExists{}, event("z")))
	expect("any, again, after another", 1)(put(client.Any{}, first, second))
	if _, err := put(client.NoStream{}, event("x")); code(t, err) != client.ErrorCodeWrongExpectedVersion {
		t.Fatalf("a stream that is there: %v", err)
	}
	if got := r.streamOf("s"); len(got) != 3 {
		t.Fatalf("%d records, want 3", len(got))
	}
}

// A missing property is refused in the protocol's own words.
func TestProposalsWithoutAType(t *testing.T) {
	r := newRig(t, accepting)
	call, err := streams.NewStreamsClient(r.raw()).Append(soon(t))
	must(t, err)
	must(t, call.Send(&streams.AppendReq{Content: &streams.AppendReq_Options_{Options: &streams.AppendReq_Options{
		StreamIdentifier: &shared.StreamIdentifier{StreamName: []byte("s")}, ExpectedStreamRevision: &streams.AppendReq_Options_Any{Any: &shared.Empty{}}}}}))
	must(t, call.Send(&streams.AppendReq{Content: &streams.AppendReq_ProposedMessage_{ProposedMessage: &streams.AppendReq_ProposedMessage{
		Id: text(uuid.New()), Metadata: map[string]string{"content-type": "application/json"}}}}))
	_, err = call.CloseAndRecv()
	if got := call.Trailer(); status.Code(err) != codes.InvalidArgument || got.Get("exception")[0] != "missing-required-metadata-property" {
		t.Fatalf("%v, %v", err, got)
	}
	if got := r.all(); len(got) != 0 {
		t.Fatalf("%d records", len(got))
	}
}

// What Show hides is not there; what it changes is seen changed.
func TestWhatIsHiddenIsNotThere(t *testing.T) {
	r := newRig(t, func(c *esdbwire.Config) {
		c.Show = func(r eventstore.Record) (eventstore.Record, bool, error) {
			r.Data = []byte(`{"shown":true}`)
			return r, r.Stream != "b", nil
		}
	})
	r.some()
	c := r.connect()
	read, err := c.ReadStream(soon(t), "b", client.ReadStreamOptions{}, 1)
	must(t, err)
	if _, err := read.Recv(); code(t, err) != client.ErrorCodeResourceNotFound {
		t.Fatalf("a hidden stream: %v", err)
	}
	var want []string
	for _, record := range r.all() {
		if record.Stream != "b" {
			want = append(want, places([]eventstore.Record{record})...)
		}
	}
	all, err := c.ReadAll(soon(t), client.ReadAllOptions{}, 100)
	same(t, "all", received(t, all, err), want)
	sub, err := c.SubscribeToAll(soon(t), client.SubscribeToAllOptions{From: client.Start{}})
	same(t, "followed", heard(t, subscribed(t, sub, err), nth(len(want))), want)
	one, err := c.ReadStream(soon(t), "a", client.ReadStreamOptions{}, 1)
	must(t, err)
	if e, err := one.Recv(); err != nil || string(e.OriginalEvent().Data) != `{"shown":true}` {
		t.Fatalf("shown: %v, %v", e, err)
	}
}
