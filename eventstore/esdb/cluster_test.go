package esdb_test

import (
	"context"
	"errors"
	"iter"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	client "github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"github.com/google/uuid"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/supportledger/supportledger/eventstore"
	"github.com/supportledger/supportledger/eventstore/esdb"
	"github.com/supportledger/supportledger/eventstore/esdbwire"
)

// A follower is a node that answers as one that is not the leader.
type follower struct {
	streams.UnimplementedStreamsServer
	host, port string // of the leader
}

func (f follower) refer(ctx context.Context) error {
	if md, _ := metadata.FromIncomingContext(ctx); len(md.Get("requires-leader")) == 0 {
		return status.Error(codes.Internal, "a follower was asked without requires-leader, and would have answered with what it has")
	}
	_ = grpc.SetTrailer(ctx, metadata.Pairs("exception", "not-leader", "leader-endpoint-host", f.host, "leader-endpoint-port", f.port))
	return status.Error(codes.NotFound, "Leader info available")
}

func (f follower) Read(_ *streams.ReadReq, out streams.Streams_ReadServer) error {
	return f.refer(out.Context())
}

func (f follower) Append(in streams.Streams_AppendServer) error { return f.refer(in.Context()) }

func followerOf(t testing.TB, leader string) follower {
	t.Helper()
	host, port, err := net.SplitHostPort(leader)
	must(t, err)
	return follower{host: host, port: port}
}

// standIn serves what takes a node's place, until the end of the test, and returns where.
func standIn(t testing.TB, node streams.StreamsServer) string {
	t.Helper()
	g := grpc.NewServer()
	streams.RegisterStreamsServer(g, node)
	return listen(t, g)
}

func listen(t testing.TB, g *grpc.Server) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	go func() { _ = g.Serve(l) }()
	t.Cleanup(g.Stop)
	return l.Addr().String()
}

// A node that is the leader no longer sends the store to the one that is.
func TestTheLeaderIsFollowed(t *testing.T) {
	t.Parallel()
	c := newCluster(t, nil)
	c.start()
	s := open(t, standIn(t, followerOf(t, c.address)))
	defer s.Close()
	_, err := s.Append(soon(t), facts("a", eventstore.NoStream, 1))
	must(t, err)
	if got := stream(t, s, "a"); len(got) != 1 {
		t.Fatalf("%d records", len(got))
	}
}

// An observer is a node without records that is deposed when appends are to come, and
// tells of what type a call for them says it is.
type observer struct {
	questioned
	deposed follower
	types   chan<- string
}

func (o observer) BatchAppend(call streams.Streams_BatchAppendServer) error {
	md, _ := metadata.FromIncomingContext(call.Context())
	o.types <- strings.Join(md.Get("content-type"), ", ")
	return o.deposed.refer(call.Context())
}

// The call for appends is of the type that every server knows, whatever writes its
// messages.
func TestAppendsAreOfTheProtocolsType(t *testing.T) {
	t.Parallel()
	c := newCluster(t, nil)
	c.start()
	types := make(chan string, 1)
	s := open(t, standIn(t, observer{deposed: followerOf(t, c.address), types: types}))
	defer s.Close()
	outcome, err := s.Begin(soon(t), facts("a", eventstore.NoStream, 1))
	if err == nil {
		_, err = outcome()
	}
	if err == nil {
		t.Error("one that is not the leader has taken an append")
	}
	if got := <-types; got != "application/grpc" {
		t.Errorf("appends are sent as %q", got)
	}
}

func TestAClusterIsDiscovered(t *testing.T) {
	t.Parallel()
	c := newCluster(t, nil)
	c.start()
	for _, connection := range []string{"esdb+discover://" + c.address + "?tls=false", "esdb://127.0.0.1:1," + c.address + "?tls=false"} {
		s := open(t, "", func(o *esdb.Options) { o.Connection = connection })
		_, err := s.Append(soon(t), facts(uuid.NewString(), eventstore.NoStream, 1))
		must(t, err)
		must(t, s.Close())
	}
}

// A cluster that is not there, or whose address is nonsense, is told apart, and
// neither tells the password.
func TestOpeningNothing(t *testing.T) {
	t.Parallel()
	for connection, unavailable := range map[string]bool{
		"esdb://admin:secret@127.0.0.1:1?tls=false": true,
		"esdb://admin:secret@127.0.0.1:x":           false,
		"http://admin:secret@127.0.0.1:2113":        false,
		"esdb://admin:secret@127.0.0.1:2113/path":   false,
		"esdb://admin:a?secret@127.0.0.1:2113":      false,
	} {
		ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
		s, err := esdb.Open(ctx, esdb.Options{Connection: connection})
		cancel()
		if err == nil {
			_ = s.Close()
			t.Errorf("%s was opened", connection)
		} else if errors.Is(err, eventstore.ErrUnavailable) != unavailable || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", connection, err)
		}
	}
}

// A cluster takes less in one append than the contract allows: whoever asks for
// too much is refused for certain, and told.
func TestALimitOfTheClusterIsADefiniteRefusal(t *testing.T) {
	t.Parallel()
	c := newCluster(t, nil)
	c.start()
	s := open(t, c.address)
	defer s.Close()
	large := facts("large", eventstore.NoStream, 2)
	large.Events[0].Data, large.Events[1].Data = make([]byte, 600<<10), make([]byte, 600<<10)
	for range 2 { // by the server, and by what was learned
		_, err := s.Append(soon(t), large)
		if !errors.Is(err, eventstore.ErrInvalid) || !strings.Contains(err.Error(), "1048576") {
			t.Fatalf("append: %v, want ErrInvalid that names the limit", err)
		}
	}
	large.Events = large.Events[:1]
	_, err := s.Append(soon(t), large)
	must(t, err)
	if got := stream(t, s, "large"); len(got) != 1 {
		t.Fatalf("%d records", len(got))
	}
}

// R42: what the ledger has not written is damage that is named.
func TestR42_AForeignEventIsNamed(t *testing.T) {
	t.Parallel()
	c := newCluster(t, nil)
	c.start()
	s := open(t, c.address)
	defer s.Close()
	_, err := s.Append(soon(t), facts("own", eventstore.NoStream, 1))
	must(t, err)
	config, err := client.ParseConnectionString("esdb://" + c.address + "?tls=false")
	must(t, err)
	config.Logger = client.NoopLogging()
	stranger, err := client.NewClient(config)
	must(t, err)
	defer stranger.Close()
	_, err = stranger.AppendToStream(soon(t), "foreign", client.AppendToStreamOptions{}, client.EventData{EventType: "order.placed", Data: []byte(`{}`), ContentType: client.ContentTypeJson})
	must(t, err)
	seen := 0
	for _, err := range s.ReadAll(soon(t), eventstore.Start) {
		if seen++; seen == 2 {
			var corrupt *eventstore.CorruptError
			if !errors.As(err, &corrupt) || !strings.Contains(err.Error(), "foreign@0") {
				t.Fatalf("a foreign event: %v, want a CorruptError that names it", err)
			}
			return
		}
		must(t, err)
	}
	t.Fatal("a foreign event was passed over in silence")
}

// Recorded times are the writers', and no writer records a time before one that it
// has seen, whosever it is.
func TestRecordedTimesFollowWhatWasSeen(t *testing.T) {
	t.Parallel()
	c := newCluster(t, nil)
	c.start()
	ahead, behind := open(t, c.address), open(t, c.address)
	defer func() { must(t, ahead.Close()); must(t, behind.Close()) }()
	late := facts("a", eventstore.NoStream, 1)
	late.At = late.At.Add(time.Hour)
	first, err := ahead.Append(soon(t), late)
	must(t, err)
	for range behind.ReadAll(soon(t), eventstore.Start) {
	}
	next, err := behind.Append(soon(t), facts("b", eventstore.NoStream, 1))
	must(t, err)
	if next.RecordedAt.Before(first.RecordedAt) {
		t.Fatalf("recorded at %s, though a record of %s had been seen", next.RecordedAt, first.RecordedAt)
	}
	soonOver := facts("c", eventstore.NoStream, 1)
	soonOver.Before = soonOver.At.Add(time.Minute)
	if _, err := behind.Append(soon(t), soonOver); !errors.Is(err, eventstore.ErrTooLate) {
		t.Fatalf("a decision good for a minute, an hour later: %v, want ErrTooLate", err)
	}
	again, err := open(t, c.address).Append(soon(t), facts("d", eventstore.NoStream, 1))
	must(t, err)
	if again.RecordedAt.Before(first.RecordedAt) {
		t.Fatalf("after opening again, recorded at %s, after %s", again.RecordedAt, first.RecordedAt)
	}
}

// The names of the cluster's own events are refused.
func TestNamesOfTheClusterAreRefused(t *testing.T) {
	t.Parallel()
	c := newCluster(t, nil)
	c.start()
	s := open(t, c.address)
	defer s.Close()
	own := facts("$stats", eventstore.NoStream, 1)
	if _, err := s.Append(soon(t), own); !errors.Is(err, eventstore.ErrInvalid) {
		t.Fatalf("a stream of the cluster's: %v, want ErrInvalid", err)
	}
	own = facts("a", eventstore.NoStream, 1)
	own.Events[0].Type = "$metadata"
	if _, err := s.Append(soon(t), own); !errors.Is(err, eventstore.ErrInvalid) {
		t.Fatalf("a type of the cluster's: %v, want ErrInvalid", err)
	}
}

// A real cluster reads from positions where records stand alone; the contract from
// any.
func TestReadsBeginAnywhereOnAStrictCluster(t *testing.T) {
	t.Parallel()
	c := newCluster(t, func(c *esdbwire.Config) { c.Strict = true })
	c.spread = true
	c.start()
	s := open(t, c.address)
	defer s.Close()
	for i := range 12 {
		_, err := s.Append(soon(t), facts("s", eventstore.Revision(i)-1, 1))
		must(t, err)
	}
	records := stream(t, s, "s")
	positions := func(seq iter.Seq2[eventstore.Record, error]) (all []eventstore.Position) {
		for r, err := range seq {
			must(t, err)
			all = append(all, r.Position)
		}
		return all
	}
	for _, record := range records {
		for _, at := range []eventstore.Position{record.Position - 1, record.Position, record.Position + 1, record.Position + 50} {
			var after, before []eventstore.Position
			for _, r := range records {
				if r.Position > at {
					after = append(after, r.Position)
				}
				if r.Position < at {
					before = append([]eventstore.Position{r.Position}, before...)
				}
			}
			if got := positions(s.ReadAll(soon(t), at)); !slices.Equal(got, after) {
				t.Fatalf("after %d: %v, want %v", at, got, after)
			}
			if got := positions(s.ReadAllBackwards(soon(t), at)); !slices.Equal(got, before) {
				t.Fatalf("before %d: %v, want %v", at, got, before)
			}
		}
	}
}
