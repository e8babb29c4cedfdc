package broker_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"path/filepath"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/supportledger/supportledger/internal/ownaddress"
	"github.com/supportledger/supportledger/internal/transcript"
	"github.com/supportledger/supportledger/notifications/broker"
)

// tooLong is more than anything here may take.
const tooLong = 20 * time.Second

// A rig is a broker that listens, with two subscribers and some events.
type rig struct {
	t         testing.TB
	dir       string
	file      string // of the subscribers
	broker    *broker.Broker
	own       jetstream.JetStream // the ledger's way in
	passwords map[string]string
	said      *transcript.Transcript
}

func newRig(t testing.TB) *rig {
	r := &rig{t: t, dir: t.TempDir(), passwords: map[string]string{}, said: new(transcript.Transcript)}
	r.file = filepath.Join(r.dir, "subscribers.json")
	r.add("ani", "ledger.events.incident.>")
	r.add("budi", "ledger.events.contract.>", "ledger.events.grant.added.>")
	r.start(broker.Config{})
	t.Cleanup(func() { must(t, r.broker.Close()) })
	_, err := r.own.CreateStream(r.soon(), jetstream.StreamConfig{Name: "LEDGER", Subjects: []string{"ledger.events.>"}, AllowRollup: true})
	must(t, err)
	for n := range 30 {
		for _, noun := range []string{"incident.submitted", "contract.registered", "grant.added"} {
			_, err := r.own.Publish(r.soon(), fmt.Sprintf("ledger.events.%s.%d", noun, n), []byte("{}"))
			must(t, err)
		}
	}
	return r
}

func (r *rig) start(c broker.Config) {
	r.t.Helper()
	c.Dir, c.Listen, c.UsersFile, c.Logger = filepath.Join(r.dir, "nats"), ownaddress.Free(r.t), r.file, r.said.Logger(slog.LevelInfo)
	var err error
	r.broker, err = broker.Open(c)
	must(r.t, err)
	nc, err := r.broker.Dial(r.soon())
	must(r.t, err)
	r.t.Cleanup(nc.Close)
	r.own, err = jetstream.New(nc)
	must(r.t, err)
}

// add adds a subscriber to the file.
func (r *rig) add(name string, subjects ...string) {
	r.t.Helper()
	users, err := broker.ReadUsers(r.file)
	if len(r.passwords) > 0 {
		must(r.t, err)
	}
	r.passwords[name], err = users.Add(name, subjects)
	must(r.t, err)
	must(r.t, users.Write(r.file))
}

func (r *rig) remove(name string) {
	r.t.Helper()
	users, err := broker.ReadUsers(r.file)
	must(r.t, err)
	must(r.t, users.Remove(name))
	must(r.t, users.Write(r.file))
}

// soon ends before the test's patience does.
func (r *rig) soon() context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), tooLong)
	r.t.Cleanup(cancel)
	return ctx
}

// A client is a subscriber's connection, and what went wrong with it.
type client struct {
	*nats.Conn
	js    jetstream.JetStream
	wrong *transcript.Transcript
}

func (r *rig) try(name, password string, more ...nats.Option) (*client, error) {
	wrong := new(transcript.Transcript)
	options := append([]nats.Option{
		nats.UserInfo(name, password), nats.NoReconnect(), nats.Timeout(tooLong),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { fmt.Fprintln(wrong, err) }),
	}, more...)
	nc, err := nats.Connect("nats://"+r.broker.Address(), options...)
	if err != nil {
		return nil, err
	}
	r.t.Cleanup(nc.Close)
	js, err := jetstream.New(nc, jetstream.WithDefaultTimeout(tooLong))
	return &client{nc, js, wrong}, err
}

// connect lets a subscriber in, who may have to wait for the file to be read.
func (r *rig) connect(name string) *client {
	r.t.Helper()
	var c *client
	r.until(name+" comes in", func() (ok bool) {
		got, err := r.try(name, r.passwords[name])
		c = got
		return err == nil
	})
	return c
}

// refuses fails if somebody comes in. Where proving a password takes long, clients
// give up before.
func (r *rig) refuses(name, password string) {
	r.t.Helper()
	r.until("a refusal of "+name, func() bool {
		_, err := r.try(name, password)
		if err == nil {
			r.t.Fatalf("%q comes in with %q", name, password)
		}
		return errors.Is(err, nats.ErrAuthorization)
	})
}

// consumer is what a subscriber asks for.
func consumer(name string, filters ...string) jetstream.ConsumerConfig {
	c := jetstream.ConsumerConfig{Durable: name, AckPolicy: jetstream.AckExplicitPolicy}
	if len(filters) == 1 {
		c.FilterSubject = filters[0]
	} else {
		c.FilterSubjects = filters
	}
	return c
}

// pull reads what a consumer has, up to n messages, and acknowledges them.
func (r *rig) pull(c jetstream.Consumer, n int) (subjects []string) {
	r.t.Helper()
	batch, err := c.Fetch(n, jetstream.FetchMaxWait(2*time.Second))
	must(r.t, err)
	for m := range batch.Messages() {
		subjects = append(subjects, m.Subject())
		must(r.t, m.Ack())
	}
	if err := batch.Error(); err != nil && !errors.Is(err, nats.ErrTimeout) {
		r.t.Fatal(err)
	}
	return subjects
}

// pullAndReadNothing asks for messages by a connection that nobody reads any more.
func (r *rig) pullAndReadNothing(name string, messages int) {
	r.t.Helper()
	conn, err := net.Dial("tcp", r.broker.Address())
	must(r.t, err)
	r.t.Cleanup(func() { conn.Close() })
	must(r.t, conn.(*net.TCPConn).SetReadBuffer(1<<12))
	pull := fmt.Sprintf(`{"batch":%d}`, messages)
	_, err = fmt.Fprintf(conn, "CONNECT {\"user\":%q,\"pass\":%q,\"headers\":true,\"verbose\":false}\r\nSUB _INBOX.nobody 1\r\n"+
		"PUB $JS.API.CONSUMER.MSG.NEXT.LEDGER.%s _INBOX.nobody %d\r\n%s\r\n", name, r.passwords[name], name, len(pull), pull)
	must(r.t, err)
}

func (r *rig) until(what string, holds func() bool) {
	r.t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	late := time.After(tooLong)
	for !holds() {
		select {
		case <-tick.C:
		case <-late:
			r.t.Fatalf("%s never came:\n%s", what, r.said)
		}
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
