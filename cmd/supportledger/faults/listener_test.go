//go:build linux

package faults_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/supportledger/supportledger/eventstore"
	"github.com/supportledger/supportledger/eventstore/pebblestore"
	"github.com/supportledger/supportledger/ledger"
)

// A listener is a subscriber as docs/operations.md tells to write one: it keeps
// where it is with what it has made of the messages, takes each event once, and
// begins again where it stopped when one is not the next.
type listener struct {
	t      testing.TB
	stop   context.CancelFunc
	ended  chan struct{}
	user   struct{ URL, User, Password, Stream, Consumer string }
	filter string

	mu    sync.Mutex
	heard []heard          // each event once, in the order in which they came
	known map[string]bool  // their ids
	last  map[string]int64 // stream → revision
	seq   uint64           // of the last message
	again int              // messages that came once more
	fresh int              // times that it had to begin again
}

// heard is what a listener keeps of an event.
type heard struct {
	id, stream string
	revision   int64
	position   string
}

// listen starts a subscriber of a development ledger, which may end and come back
// at the same address.
func listen(t testing.TB, dir string) *listener {
	t.Helper()
	l := &listener{t: t, ended: make(chan struct{}), filter: "ledger.events.>", known: map[string]bool{}, last: map[string]int64{}}
	body, err := os.ReadFile(filepath.Join(dir, "dev-subscriber.json"))
	must(t, err)
	must(t, json.Unmarshal(body, &l.user))
	ctx, stop := context.WithCancel(context.Background())
	l.stop = func() { stop(); <-l.ended }
	go l.run(ctx)
	t.Cleanup(l.stop)
	return l
}

func (l *listener) run(ctx context.Context) {
	defer close(l.ended)
	nc, err := nats.Connect(l.user.URL, nats.UserInfo(l.user.User, l.user.Password), nats.RetryOnFailedConnect(true), nats.MaxReconnects(-1),
		nats.ReconnectWait(20*time.Millisecond), nats.IgnoreAuthErrorAbort(), nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {}))
	if err != nil {
		l.t.Error(err)
		return
	}
	defer nc.Close()
	js, err := jetstream.New(nc, jetstream.WithDefaultTimeout(time.Second))
	if err != nil {
		l.t.Error(err)
		return
	}
	for ctx.Err() == nil {
		if err := l.follow(ctx, js); err != nil && ctx.Err() == nil {
			select {
			case <-time.After(20 * time.Millisecond):
			case <-ctx.Done():
			}
		}
	}
}

// follow makes the consumer anew from where the listener is, and reads until
// something is not as expected.
func (l *listener) follow(ctx context.Context, js jetstream.JetStream) error {
	_ = js.DeleteConsumer(ctx, l.user.Stream, l.user.Consumer) // or there is none
	config := jetstream.ConsumerConfig{Durable: l.user.Consumer, FilterSubject: l.filter, AckPolicy: jetstream.AckNonePolicy}
	if l.seq > 0 {
		config.DeliverPolicy, config.OptStartSeq = jetstream.DeliverByStartSequencePolicy, l.seq
	}
	c, err := js.CreateConsumer(ctx, l.user.Stream, config)
	if err != nil {
		return err
	}
	messages, err := c.Messages(jetstream.PullExpiry(2*time.Second), jetstream.PullHeartbeat(500*time.Millisecond))
	if err != nil {
		return err
	}
	defer messages.Stop()
	defer context.AfterFunc(ctx, messages.Stop)()
	l.mu.Lock()
	l.fresh++
	l.mu.Unlock()
	for {
		m, err := messages.Next()
		if err != nil {
			return err
		}
		if err := l.take(m); err != nil {
			return err
		}
	}
}

// take takes a message; an error says that some before it are missing.
func (l *listener) take(m jetstream.Msg) error {
	at, err := m.Metadata()
	if err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	h := heard{id: m.Headers().Get("ce-id"), stream: m.Headers().Get("ce-subject"), position: m.Headers().Get("ce-position")}
	if h.revision, err = strconv.ParseInt(m.Headers().Get("ce-revision"), 10, 64); err != nil {
		return err
	}
	if l.known[h.id] {
		l.again++
		l.seq = max(l.seq, at.Sequence.Stream)
		return nil
	}
	last, begun := l.last[h.stream]
	if begun && h.revision != last+1 || !begun && h.revision != 0 {
		return fmt.Errorf("revision %d of stream %s follows %d", h.revision, h.stream, last)
	}
	l.known[h.id], l.last[h.stream], l.seq = true, h.revision, at.Sequence.Stream
	l.heard = append(l.heard, h)
	return nil
}

func (l *listener) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.heard)
}

// mustEqualLog compares everything that was heard with the log of a ledger that
// has ended.
func (l *listener) mustEqualLog(dir string) (events int) {
	l.t.Helper()
	store, err := pebblestore.Open(filepath.Join(dir, "store"), pebblestore.Options{})
	must(l.t, err)
	defer store.Close()
	return l.mustEqual(store)
}

// mustEqual compares it with a log.
func (l *listener) mustEqual(store eventstore.Store) (events int) {
	l.t.Helper()
	for r, err := range store.ReadAll(context.Background(), eventstore.Start) {
		must(l.t, err)
		if published, err := ledger.Published(r.Type); err != nil || !published {
			must(l.t, err)
			continue
		}
		if events >= len(l.heard) {
			l.t.Fatalf("position %v was never heard of, nor anything after it", r.Position)
		}
		if h := l.heard[events]; h.id != r.ID.String() || h.position != r.Position.String() || h.revision != int64(r.Revision) {
			l.t.Fatalf("event %d of the log is %v@%d of stream %s, heard was %+v", events, r.ID, r.Revision, r.Stream, h)
		}
		events++
	}
	if len(l.heard) != events {
		l.t.Fatalf("%d events were heard, the log has %d", len(l.heard), events)
	}
	return events
}
