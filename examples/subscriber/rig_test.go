package main

import (
	"bytes"
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// patience bounds what must happen soon.
const patience = 30 * time.Second

// A rig is a NATS server with a feed in it that the test writes.
type rig struct {
	t      *testing.T
	dir    string
	port   int // 0 until the server runs for the first time
	server *server.Server
	js     jetstream.JetStream
	next   uint64         // ordinal
	last   map[string]int // stream → revision
}

func newRig(t *testing.T) *rig {
	r := &rig{t: t, dir: t.TempDir(), last: map[string]int{}}
	r.start()
	t.Cleanup(r.shutdown)
	r.makeStream()
	return r
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (r *rig) start() {
	r.t.Helper()
	port := r.port
	if port == 0 {
		port = server.RANDOM_PORT
	}
	var err error
	r.server, err = server.NewServer(&server.Options{
		Host: "127.0.0.1", Port: port, JetStream: true, StoreDir: r.dir, Username: "crm", Password: "secret", NoSigs: true, NoLog: true,
	})
	must(r.t, err)
	r.server.Start()
	if !r.server.ReadyForConnections(patience) {
		r.t.Fatal("the server is not ready")
	}
	url := r.server.ClientURL()
	r.port, err = strconv.Atoi(url[strings.LastIndexByte(url, ':')+1:])
	must(r.t, err)
	connection, err := nats.Connect(url, nats.UserInfo("crm", "secret"))
	must(r.t, err)
	r.t.Cleanup(connection.Close)
	r.js, err = jetstream.New(connection)
	must(r.t, err)
}

func (r *rig) shutdown() {
	r.server.Shutdown()
	r.server.WaitForShutdown()
}

func (r *rig) makeStream() {
	r.t.Helper()
	config := jetstream.StreamConfig{Name: "LEDGER", Subjects: []string{"ledger.events.>"}, AllowRollup: true}
	for deadline := time.Now().Add(patience); ; {
		_, err := r.js.CreateStream(context.Background(), config)
		if err == nil {
			return
		}
		if time.Now().After(deadline) { // the files of one that was removed may still be going away
			r.t.Fatal(err)
		}
	}
}

// message is the feed's message of an event: of stream "a", the event "a3" has
// revision 3.
func message(ordinal uint64, event string) *nats.Msg {
	stream, revision := event[:1], event[1:]
	return &nats.Msg{
		Subject: "ledger.events.incident.commented." + stream, Data: []byte(`{"number":"` + event + `"}`),
		Header: nats.Header{
			"ce-id": {"id-" + event}, "ce-type": {"incident.commented.v1"}, "ce-subject": {stream},
			"ce-revision": {revision}, "ce-ordinal": {fmt.Sprint(ordinal)}, "ce-position": {fmt.Sprint(10 * ordinal)},
		},
	}
}

// publish publishes the next events of some streams: "a a b" are a0, a1 and b0 at
// first.
func (r *rig) publish(streams string) {
	r.t.Helper()
	for _, stream := range strings.Fields(streams) {
		revision, known := r.last[stream]
		if known {
			revision++
		}
		r.last[stream] = revision
		r.next++
		r.send(message(r.next, fmt.Sprint(stream, revision)))
	}
}

func (r *rig) send(m *nats.Msg) uint64 {
	r.t.Helper()
	ack, err := r.js.PublishMsg(context.Background(), m)
	must(r.t, err)
	return ack.Sequence
}

// buffer is written by one goroutine and read by another.
type buffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// An example is the program at work.
type example struct {
	t         *testing.T
	out, told buffer
	ended     chan error
	stop      context.CancelFunc
}

func (r *rig) run(args ...string) *example {
	r.t.Helper()
	x := &example{t: r.t, ended: make(chan error, 1)}
	var ctx context.Context
	ctx, x.stop = context.WithCancel(context.Background())
	r.t.Setenv("SUBSCRIBER_PASSWORD", "secret")
	args = append([]string{"--url", fmt.Sprintf("nats://127.0.0.1:%d", r.port), "--user", "crm"}, args...)
	go func() { x.ended <- run(ctx, args, &x.out, &x.told) }()
	r.t.Cleanup(x.stop)
	return x
}

// events are the events that were printed, such as "a0 a1 b0".
func (x *example) events() string {
	var all []string
	for line := range strings.Lines(x.out.String()) {
		words := strings.Fields(line)
		all = append(all, strings.Replace(words[2], "@", "", 1))
	}
	return strings.Join(all, " ")
}

func (x *example) until(what string, holds func() bool) {
	x.t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(patience); !holds(); <-tick.C {
		if time.Now().After(deadline) {
			x.t.Fatalf("%s never came; printed was %q, said was\n%s", what, x.events(), x.told.String())
		}
	}
}

// prints waits for the events, and for no other.
func (x *example) prints(want string) {
	x.t.Helper()
	x.until(want, func() bool { return len(x.events()) >= len(want) })
	if got := x.events(); got != want {
		x.t.Fatalf("printed %q, want %q\n%s", got, want, x.told.String())
	}
}

func (x *example) says(want string) {
	x.t.Helper()
	x.until(want, func() bool { return strings.Contains(x.told.String(), want) })
}

// finish stops the program in order.
func (x *example) finish() {
	x.t.Helper()
	x.stop()
	must(x.t, <-x.ended)
}

// steal publishes until somebody else was delivered a message.
func (r *rig) steal() {
	r.t.Helper()
	consumer, err := r.js.Consumer(r.t.Context(), "LEDGER", "crm")
	must(r.t, err)
	batch, err := consumer.Fetch(1, jetstream.FetchMaxWait(patience))
	must(r.t, err)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		r.publish("a")
		select {
		case stolen := <-batch.Messages():
			if stolen == nil {
				r.t.Fatal("nothing could be stolen")
			}
			return
		case <-tick.C:
		}
	}
}
