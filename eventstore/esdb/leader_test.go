package esdb_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/mem"

	"github.com/supportledger/supportledger/eventstore"
)

// A reign is a node that leads until it is deposed, while everybody's connections
// to it stay open: it hands calls on to the one that leads next, and from then on
// ends those under way, and answers others, as one that is not the leader.
type reign struct {
	follower
	address string
	to      *grpc.ClientConn
	over    chan struct{} // closed when it is deposed
	answers atomic.Int64  // that were handed back
	lanes   atomic.Int64  // calls of BatchAppend
}

func newReign(t *testing.T, next string) *reign {
	t.Helper()
	to, err := grpc.NewClient(next, grpc.WithTransportCredentials(insecure.NewCredentials()))
	must(t, err)
	t.Cleanup(func() { _ = to.Close() })
	r := &reign{follower: followerOf(t, next), to: to, over: make(chan struct{})}
	r.address = listen(t, grpc.NewServer(grpc.UnknownServiceHandler(r.handle), grpc.ForceServerCodecV2(asItCame{})))
	return r
}

// handle hands one call on, whatever it is.
func (r *reign) handle(_ any, in grpc.ServerStream) error {
	method, _ := grpc.MethodFromServerStream(in)
	if method == streams.Streams_BatchAppend_FullMethodName {
		r.lanes.Add(1)
	}
	ctx, cancel := context.WithCancel(in.Context())
	defer cancel()
	out, err := r.to.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true, ClientStreams: true}, method, grpc.ForceCodecV2(asItCame{}))
	if err != nil {
		return err
	}
	over := r.over
	if !strings.Contains(method, ".Streams/") {
		over = nil // whoever leads can be asked of any
	}
	go func() {
		for pass(in, out) == nil {
		}
		_ = out.CloseSend()
	}()
	answered := make(chan error, 1)
	go func() {
		for {
			if err := pass(out, in); err != nil {
				answered <- err
				return
			}
			r.answers.Add(1)
		}
	}()
	select {
	case err = <-answered:
		in.SetTrailer(out.Trailer())
	case <-over:
		cancel()
		<-answered
		err = r.refer(in.Context())
	}
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// pass takes a message here and sends it there.
func pass(from interface{ RecvMsg(m any) error }, to interface{ SendMsg(m any) error }) error {
	var message []byte
	if err := from.RecvMsg(&message); err != nil {
		return err
	}
	return to.SendMsg(&message)
}

// asItCame is a codec of messages that nobody looks at.
type asItCame struct{}

func (asItCame) Name() string { return "proto" }

func (asItCame) Marshal(v any) (mem.BufferSlice, error) {
	return mem.BufferSlice{mem.SliceBuffer(*v.(*[]byte))}, nil
}

func (asItCame) Unmarshal(data mem.BufferSlice, v any) error {
	*v.(*[]byte) = data.Materialize()
	return nil
}

// R41: a leader that is deposed while it is used costs nobody an error: whoever
// appends, reads and waits goes on at the next one, and nothing is recorded twice.
func TestR41_TheLeaderMayChangeMeanwhile(t *testing.T) {
	t.Parallel()
	c := newCluster(t, nil)
	c.start()
	r := newReign(t, c.address)
	s := open(t, r.address)
	defer func() { must(t, s.Close()) }()
	done, err := begin(t, s, facts("first", eventstore.NoStream, 1))() // from now on there is a lane
	must(t, err)
	woken := make(chan error, 1)
	go func() { woken <- s.Wait(soon(t), done.Position) }()
	const callers, before, after = 8, 20, 20
	var all, begun sync.WaitGroup
	begun.Add(callers)
	for i := range callers {
		all.Go(func() {
			for n := range before + after {
				if n == before {
					begun.Done()
				}
				if _, err := s.Append(soon(t), facts(fmt.Sprint("s-", i), eventstore.Revision(2*n)-1, 2)); err != nil {
					t.Errorf("caller %d, append %d: %v", i, n, err)
				}
			}
		})
	}
	begun.Wait()
	close(r.over)
	all.Wait()
	must(t, <-woken)
	direct := open(t, c.address)
	defer direct.Close()
	for i := range callers {
		if got := stream(t, direct, fmt.Sprint("s-", i)); len(got) != 2*(before+after) {
			t.Errorf("%d records of caller %d, want %d", len(got), i, 2*(before+after))
		}
	}
	head, err := direct.Head(soon(t))
	must(t, err)
	done, err = direct.Append(soon(t), facts("elsewhere", eventstore.NoStream, 1))
	must(t, err)
	must(t, s.Wait(soon(t), head)) // by the next leader, who tells of others
	if at, err := s.Head(soon(t)); err != nil || at != done.Position {
		t.Errorf("the head is %v, %v, want %v", at, err, done.Position)
	}
}

// Where the node that is asked is not the leader, or no longer, the call for appends is
// made where it says, at once, and not there again.
func TestTheCallForAppendsFollowsTheLeader(t *testing.T) {
	t.Parallel()
	c := newCluster(t, nil)
	c.start()
	next := newReign(t, c.address)
	arrives := func(s eventstore.Ordered, name string) {
		t.Helper()
		a := facts(name, eventstore.NoStream, 1)
		until(t, name+" is recorded over the call for appends", func() bool {
			outcome, err := s.Begin(soon(t), a)
			if err == nil {
				_, err = outcome()
			}
			return err == nil
		})
	}
	s := open(t, standIn(t, followerOf(t, next.address)))
	defer s.Close()
	arrives(s, "by way of a follower") // which has named the leader to whoever read
	if lanes := next.lanes.Load(); lanes != 1 {
		t.Errorf("the leader was asked %d times", lanes)
	}

	first := newReign(t, next.address)
	s = open(t, first.address)
	defer s.Close()
	arrives(s, "at the leader")
	close(first.over)
	arrives(s, "when it is deposed")
	if n, lanes := first.lanes.Load(), next.lanes.Load(); n != 1 || lanes != 3 { // one of them was handed on
		t.Errorf("the leader of before was asked %d times, the one after it %d times", n, lanes)
	}
}

// A questioned node holds nothing, and notes by which filter its log is read.
type questioned struct {
	streams.UnimplementedStreamsServer
	filters chan *streams.ReadReq_Options_FilterOptions
}

func (q questioned) Read(req *streams.ReadReq, out streams.Streams_ReadServer) error {
	if req.GetOptions().GetSubscription() == nil {
		return nil
	}
	q.filters <- req.GetOptions().GetFilter()
	for _, said := range []*streams.ReadResp{
		{Content: &streams.ReadResp_Confirmation{Confirmation: &streams.ReadResp_SubscriptionConfirmation{SubscriptionId: "1"}}},
		{Content: &streams.ReadResp_CaughtUp_{CaughtUp: &streams.ReadResp_CaughtUp{}}},
	} {
		if err := out.Send(said); err != nil {
			return err
		}
	}
	<-out.Context().Done()
	return nil
}

// The cluster's own events do not travel: the server is asked to leave them out,
// and them alone, to whoever reads the log and to whoever waits for more of it.
func TestTheServerLeavesOutItsOwnEvents(t *testing.T) {
	t.Parallel()
	q := questioned{filters: make(chan *streams.ReadReq_Options_FilterOptions, 16)}
	s := open(t, standIn(t, q))
	defer func() { must(t, s.Close()) }()
	ctx, cancel := context.WithCancel(soon(t))
	waited := make(chan struct{})
	for what, read := range map[string]func(){
		"reading": func() {
			for _, err := range s.ReadAll(ctx, eventstore.Start) {
				must(t, err)
			}
		},
		"waiting": func() { go func() { defer close(waited); _ = s.Wait(ctx, eventstore.Start) }() },
	} {
		read()
		f := <-q.filters
		own, err := regexp.Compile(f.GetEventType().GetRegex())
		must(t, err)
		if f.GetEventType() == nil || own.MatchString("$statsCollected") || own.MatchString("$metadata") || !own.MatchString("contract.registered.v1") {
			t.Errorf("%s, the server is asked for %v", what, f)
		}
		if f.GetMax() == 0 || f.GetCheckpointIntervalMultiplier() == 0 {
			t.Errorf("%s, the server is to look at %d events at once, and to say how far it is after %d of that", what, f.GetMax(), f.GetCheckpointIntervalMultiplier())
		}
	}
	cancel()
	<-waited
}
