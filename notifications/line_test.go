package notifications_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/supportledger/supportledger/internal/badline"
	"github.com/supportledger/supportledger/internal/ownaddress"
	"github.com/supportledger/supportledger/notifications"
)

// serveNATS runs a server as an operator does, with what differs from the usual.
func serveNATS(t testing.TB, change func(*server.Options)) *server.Server {
	t.Helper()
	options := &server.Options{
		Host: "127.0.0.1", Port: server.RANDOM_PORT, JetStream: true, StoreDir: t.TempDir(), NoLog: true, NoSigs: true,
		JetStreamMaxMemory: 1 << 20, JetStreamMaxStore: 1 << 30,
	}
	if change != nil {
		change(options)
	}
	s, err := server.NewServer(options)
	must(t, err)
	s.Start()
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	if !s.ReadyForConnections(tooLong) {
		t.Fatal("the NATS server does not get ready")
	}
	return s
}

// R38: whatever happens to the line, the stream is the log afterwards.
func TestR38_OverABadLineNothingIsLostOrDoubled(t *testing.T) {
	for what, toxics := range map[string][]string{
		"delayed":    {`{"type": "latency", "stream": "downstream", "attributes": {"latency": 80, "jitter": 60}}`},
		"reset":      {`{"type": "reset_peer", "stream": "downstream", "attributes": {"timeout": 30}}`},
		"cut off":    {`{"type": "limit_data", "stream": "upstream", "attributes": {"bytes": 20000}}`},
		"deaf":       {`{"type": "limit_data", "stream": "downstream", "attributes": {"bytes": 4000}}`},
		"in pieces":  {`{"type": "slicer", "stream": "upstream", "attributes": {"average_size": 50, "size_variation": 20}}`},
		"black hole": {badline.Deaf},
		"slow":       {`{"type": "bandwidth", "stream": "upstream", "attributes": {"rate": 200}}`, `{"type": "limit_data", "stream": "downstream", "attributes": {"bytes": 9000}}`},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			s := serveNATS(t, nil)
			l := badline.New(t, s.Addr().String())
			r.dial = notifications.Remote{URL: "nats://" + s.Addr().String()}.Dial
			r.line = notifications.Remote{URL: "nats://" + l.Listen}.Dial
			r.startFeed()
			r.append(20)
			r.caughtUp()
			for range 3 {
				for _, toxic := range toxics {
					l.Disturb(toxic)
				}
				r.append(many(120, 33_400))
				l.Calm()
				r.append(30)
				r.caughtUp()
			}
			r.mustBeTheLog()
		})
	}
}

// R38: while NATS is away nothing stops but the feed, which says so once, and
// catches up by itself.
func TestR38_NATSMayBeAwayForAWhile(t *testing.T) {
	r := newRig(t)
	s := serveNATS(t, nil)
	l := badline.New(t, s.Addr().String())
	r.dial = notifications.Remote{URL: "nats://" + s.Addr().String()}.Dial
	r.line = notifications.Remote{URL: "nats://" + l.Listen}.Dial
	l.Stop()
	r.startFeed()
	r.append(many(50, 50_000))
	r.untilSaid("does not reach NATS")
	must(t, l.Start())
	r.caughtUp()
	l.Stop()
	r.append(many(50, 50_000))
	r.mustMeasure("supportledger_feed_connected", 0)
	retries := r.measure("supportledger_feed_retries_total")
	r.until("more tries", func() bool { return r.measure("supportledger_feed_retries_total") >= retries+4 })
	must(t, l.Start())
	r.caughtUp()
	r.mustBeTheLog()
	if n := strings.Count(r.said.String(), "does not reach NATS"); n != 2 {
		t.Errorf("that NATS was away twice was said %d times:\n%s", n, r.said)
	}
	if n := strings.Count(r.said.String(), "the feed publishes"); n != 2 {
		t.Errorf("that it is back was said %d times:\n%s", n, r.said)
	}
}

// Several ledgers on one log need no leader.
func TestR38_ManyFeedsMakeOneStream(t *testing.T) {
	r := newRig(t)
	r.append(500)
	var stops []func()
	for range 3 {
		r.startFeed()
		stops = append(stops, r.stop)
	}
	for n := range 300 {
		r.append(1)
		if n == 100 || n == 200 {
			stops[n/100-1]()
		}
	}
	r.caughtUp()
	stops[2]()
	r.mustBeTheLog()
}

// R38: a cluster may lose a server, and get it back.
func TestR38_AClusterMayLoseAServer(t *testing.T) {
	r := newRig(t)
	nodes, serve := serveCluster(t, 3)
	var urls []string
	for _, n := range nodes {
		urls = append(urls, "nats://"+n.Addr().String())
	}
	r.dial = notifications.Remote{URL: strings.Join(urls, ",")}.Dial
	r.startFeedAs(installation, 3)
	r.append(200)
	r.caughtUp()
	info, err := r.stream().Info(context.Background())
	must(t, err)
	if info.Config.Replicas != 3 {
		t.Fatalf("the stream has %d replicas", info.Config.Replicas)
	}
	for range 2 { // the second time it must have got the first one back
		info, err := r.stream().Info(context.Background())
		must(t, err)
		lost := slices.IndexFunc(nodes, func(n *server.Server) bool { return n.Name() == info.Cluster.Leader })
		var losing sync.WaitGroup
		losing.Go(func() { nodes[lost].Shutdown(); nodes[lost].WaitForShutdown() })
		r.append(many(300, 50_000))
		losing.Wait()
		r.append(100)
		r.caughtUp()
		nodes[lost] = serve(lost)
		r.until("all of them again", func() bool { return r.replicated(3) })
	}
	r.mustBeTheLog()
}

// In a cluster the message of somebody else can take the place of one that is
// under way, and others follow it. It is found, and nothing is missing when it has
// been removed.
func TestR38_AStrangersMessageInAClusterIsFound(t *testing.T) {
	r := newRig(t)
	nodes, _ := serveCluster(t, 3)
	r.dial = notifications.Remote{URL: "nats://" + nodes[0].Addr().String()}.Dial
	r.append(5000)
	js := r.js()
	r.startFeedAs(installation, 3)
	r.until("much under way", func() bool { return r.feed.Position() > 500 })
	ack, err := js.PublishMsg(context.Background(), &nats.Msg{Subject: "ledger.events.incident.made-up.x", Data: []byte("{}")})
	must(t, err)
	r.untilSaid("no ledger has published")
	must(t, r.stream().DeleteMsg(context.Background(), ack.Sequence))
	r.whole()
	for _, m := range r.messages() {
		if id := m.Header.Get(jetstream.ExpectedLastMsgIDHeader); id != "" {
			t.Fatalf("message %d names %s, which a server that was away may not know", m.Sequence, id)
		}
	}
}

// replicated says whether so many servers hold all of the stream.
func (r *rig) replicated(servers int) bool {
	info, err := r.stream().Info(context.Background())
	if err != nil || info.Cluster == nil || info.Cluster.Leader == "" {
		return false
	}
	current := 1
	for _, p := range info.Cluster.Replicas {
		if p.Current && !p.Offline && p.Lag == 0 {
			current++
		}
	}
	return current == servers
}

// serveCluster runs a cluster whose JetStream has a leader; serve runs one of its
// servers again.
func serveCluster(t testing.TB, n int) (nodes []*server.Server, serve func(i int) *server.Server) {
	t.Helper()
	at, err := ownaddress.Find(2 * n) // of clients, then of the cluster
	must(t, err)
	routes, dirs := make([]string, n), make([]string, n)
	for i := range n {
		routes[i], dirs[i] = "nats://"+at[n+i].String(), t.TempDir()
	}
	serve = func(i int) *server.Server {
		return serveNATS(t, func(o *server.Options) {
			o.ServerName, o.Port, o.StoreDir = fmt.Sprint("node-", i), int(at[i].Port()), dirs[i]
			o.Cluster = server.ClusterOpts{Name: "test", Host: "127.0.0.1", Port: int(at[n+i].Port())}
			o.Routes = server.RoutesFromStr(strings.Join(routes, ","))
			o.SyncInterval = time.Second
		})
	}
	for i := range n {
		nodes = append(nodes, serve(i))
	}
	led := func(s *server.Server) bool { return s.JetStreamIsLeader() && len(s.JetStreamClusterPeers()) == n }
	late := time.After(tooLong)
	for !slices.ContainsFunc(nodes, led) {
		select {
		case <-late:
			t.Fatal("the cluster has no leader")
		case <-time.After(10 * time.Millisecond):
		}
	}
	return nodes, serve
}
