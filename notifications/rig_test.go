package notifications_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/supportledger/supportledger/domain/contract"
	"github.com/supportledger/supportledger/eventstore"
	"github.com/supportledger/supportledger/eventstore/pebblestore"
	"github.com/supportledger/supportledger/internal/transcript"
	"github.com/supportledger/supportledger/notifications"
	"github.com/supportledger/supportledger/notifications/broker"
)

var installation = uuid.MustParse("00000000-0000-4000-8000-0000000000aa")

// tooLong is more than anything here may take.
const tooLong = 30 * time.Second

// A rig is a log, a NATS server, and a feed from one to the other.
type rig struct {
	around *nats.Conn // the way around the feed; nil until it is taken
	t      testing.TB
	dir    string
	store  *pebblestore.Store
	broker *broker.Broker
	dial   notifications.Dial // to the server
	line   notifications.Dial // the feed's way there, where that is another one
	said   *transcript.Transcript
	feed   *notifications.Feed
	stop   func() // of the feed
	last   map[uuid.UUID]eventstore.Revision
	made   int
}

func newRig(t testing.TB) *rig {
	r := &rig{t: t, dir: t.TempDir(), said: new(transcript.Transcript), last: map[uuid.UUID]eventstore.Revision{}, stop: func() {}}
	r.store = r.openLog("store")
	r.startBroker()
	t.Cleanup(func() { r.stopFeed(); r.stopBroker(); _ = r.store.Close() })
	return r
}

func (r *rig) openLog(name string) *pebblestore.Store {
	r.t.Helper()
	store, err := pebblestore.Open(filepath.Join(r.dir, name), pebblestore.Options{ReserveBytes: 1})
	must(r.t, err)
	return store
}

func (r *rig) startBroker() {
	r.t.Helper()
	var err error
	r.broker, err = broker.Open(broker.Config{Dir: filepath.Join(r.dir, "nats"), Logger: r.said.Logger(slog.LevelDebug)})
	must(r.t, err)
	r.dial = r.broker.Dial
}

func (r *rig) stopBroker() {
	if r.broker != nil {
		must(r.t, r.broker.Close())
		r.broker = nil
	}
}

// startFeed lets a feed run until stopFeed.
func (r *rig) startFeed() { r.startFeedAs(installation, 1) }

func (r *rig) startFeedAs(who uuid.UUID, replicas int) {
	r.feed = r.newFeed(who, replicas)
	r.runFeed()
}

func (r *rig) newFeed(who uuid.UUID, replicas int) *notifications.Feed {
	dial := r.dial
	if r.line != nil {
		dial = r.line
	}
	return notifications.New(notifications.Config{
		Store: r.store, Installation: who, Dial: dial, Replicas: replicas, Logger: r.said.Logger(slog.LevelDebug),
	})
}

// runFeed lets the newest feed run.
func (r *rig) runFeed() {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	feed := r.feed
	go func() { ended <- feed.Run(ctx) }()
	r.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			r.t.Errorf("the feed ended with %v", err)
		}
	})
}

func (r *rig) stopFeed() { r.stop() }

// append records n events over a few contracts; where there are many, up to ten
// at a time.
func (r *rig) append(n int) { r.appendBy(min(n/1000, 10), n) }

// appendBy records n events, so many at a time.
func (r *rig) appendBy(together, n int) {
	r.t.Helper()
	for n > 0 {
		stream := uuid.NewSHA1(installation, fmt.Append(nil, r.made%7))
		var events []contract.Event
		for i := range max(1, min(n, together)) {
			events = append(events, &contract.Suspended{Reason: fmt.Sprint("reason ", r.made+i)})
		}
		r.record(stream, events...)
		n -= len(events)
	}
}

// many is how many events a test takes, and how many with SUPPORTLEDGER_LONG=1.
func many(few, long int) int {
	if os.Getenv("SUPPORTLEDGER_LONG") != "" {
		return long
	}
	return few
}

// record records events together.
func (r *rig) record(stream uuid.UUID, events ...contract.Event) {
	r.t.Helper()
	last, ok := r.last[stream]
	if !ok {
		last = eventstore.NoStream
	}
	a := eventstore.Append{Stream: stream.String(), Expected: last, At: start.Add(time.Duration(r.made) * time.Second)}
	for _, e := range events {
		data, err := contract.Encode(e)
		must(r.t, err)
		id := uuid.NewSHA1(installation, fmt.Append(nil, "event ", r.made))
		a.Events = append(a.Events, eventstore.Event{ID: id, Type: e.Name(), Data: data, Meta: meta("mpn")})
		r.made++
	}
	done, err := r.store.Append(context.Background(), a)
	must(r.t, err)
	r.last[stream] = done.Revision
}

var start = time.Date(2026, 3, 1, 9, 0, 0, 123456000, time.UTC)

// meta is the recorded form of who caused an event: version, role, account,
// command, fingerprint, catalogue, trace, portal.
func meta(portal string) []byte {
	b := append([]byte{1, 1}, bytes.Repeat([]byte{0xa1}, 16)...)
	b = append(b, bytes.Repeat([]byte{0xc0}, 16+16+32)...)
	b = append(b, bytes.Repeat([]byte{0x7e}, 16)...)
	return append(b, portal...)
}

// caughtUp waits until the stream holds everything that the log holds now, for as
// long as it comes nearer.
func (r *rig) caughtUp() {
	r.t.Helper()
	head, err := r.store.Head(context.Background())
	must(r.t, err)
	r.nearer(fmt.Sprintf("position %v", head), uint64(head), func() uint64 { return uint64(r.feed.Position()) })
}

// nearer waits for a number for as long as there is another one.
func (r *rig) nearer(what string, want uint64, get func() uint64) {
	r.t.Helper()
	for at := get(); at != want; {
		r.until(what, func() bool {
			before := at
			at = get()
			return at == want || at != before
		})
	}
}

// until waits for something.
func (r *rig) until(what string, holds func() bool) {
	r.t.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
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

// untilSaid waits for a line in the log.
func (r *rig) untilSaid(what string) {
	r.t.Helper()
	r.until(fmt.Sprintf("%q", what), func() bool { return strings.Contains(r.said.String(), what) })
}

// js is a way around the feed.
func (r *rig) js() jetstream.JetStream {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), tooLong)
	defer cancel()
	if r.around == nil || !r.around.IsConnected() {
		var err error
		r.around, err = r.dial(ctx)
		must(r.t, err)
		r.t.Cleanup(r.around.Close)
	}
	js, err := jetstream.New(r.around)
	must(r.t, err)
	return js
}

func (r *rig) stream() jetstream.Stream {
	r.t.Helper()
	var found jetstream.Stream
	js := r.js()
	r.until("the stream", func() (ok bool) {
		s, err := js.Stream(context.Background(), notifications.Stream)
		found = s
		return err == nil
	})
	return found
}

// messages reads the whole stream.
func (r *rig) messages() (all []*jetstream.RawStreamMsg) {
	r.t.Helper()
	stream := r.stream()
	info, err := stream.Info(context.Background())
	must(r.t, err)
	reader, err := stream.OrderedConsumer(context.Background(), jetstream.OrderedConsumerConfig{})
	must(r.t, err)
	messages, err := reader.Messages()
	must(r.t, err)
	defer messages.Stop()
	for uint64(len(all)) < info.State.Msgs {
		m, err := messages.Next(jetstream.NextMaxWait(tooLong / 6))
		if errors.Is(err, nats.ErrTimeout) {
			break // it has become fewer
		}
		must(r.t, err)
		at, err := m.Metadata()
		must(r.t, err)
		all = append(all, &jetstream.RawStreamMsg{Subject: m.Subject(), Sequence: at.Sequence.Stream, Header: m.Headers(), Data: m.Data()})
	}
	return all
}

// mustBeTheLog holds the stream to what it promises.
func (r *rig) mustBeTheLog() {
	r.t.Helper()
	all := r.messages()
	n := 0
	for record, err := range r.store.ReadAll(context.Background(), eventstore.Start) {
		must(r.t, err)
		if n >= len(all) {
			r.t.Fatalf("the stream ends after %d messages, before position %v:\n%s", n, record.Position, r.said)
		}
		h := all[n].Header
		for name, want := range map[string]string{
			nats.MsgIdHdr: record.ID.String(), notifications.HeaderPosition: record.Position.String(),
			notifications.HeaderRevision: fmt.Sprint(record.Revision), notifications.HeaderOrdinal: strconv.Itoa(n + 1),
		} {
			if h.Get(name) != want {
				r.t.Fatalf("message %d (sequence %d): %s is %q, want %q\n%s", n, all[n].Sequence, name, h.Get(name), want, r.said)
			}
		}
		n++
	}
	if len(all) != n {
		r.t.Fatalf("the stream holds %d messages, the log %d events", len(all), n)
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// mustSayOnce holds the log to one line about something.
func (r *rig) mustSayOnce(what string) {
	r.t.Helper()
	if n := strings.Count(r.said.String(), what); n != 1 {
		r.t.Errorf("%q was said %d times:\n%s", what, n, r.said)
	}
}

// recordRaw records an event of any kind.
func (r *rig) recordRaw(stream string, last eventstore.Revision, eventType string, meta []byte, e any) {
	r.t.Helper()
	data, err := json.Marshal(e)
	must(r.t, err)
	_, err = r.store.Append(context.Background(), eventstore.Append{
		Stream: stream, Expected: last, At: start.Add(time.Duration(r.made) * time.Second),
		Events: []eventstore.Event{{ID: uuid.NewSHA1(installation, fmt.Append(nil, "event ", r.made)), Type: eventType, Data: data, Meta: meta}},
	})
	must(r.t, err)
	r.made++
}

// bare is the recorded form of what the ledger did by itself.
func bare() []byte { return append([]byte{1, 0}, make([]byte, 16*3+32+16)...) }
