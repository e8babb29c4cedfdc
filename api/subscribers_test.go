package api

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/api/token"
	"github.com/supportledger/supportledger/domain/contract"
	"github.com/supportledger/supportledger/ledger"
)

// narrow is a listener whose connections hold little that was not read, so that a
// client which has stopped reading is noticed soon.
type narrow struct{ net.Listener }

func narrowly(l net.Listener) net.Listener { return narrow{l} }

func (n narrow) Accept() (net.Conn, error) {
	conn, err := n.Listener.Accept()
	if tcp, ok := conn.(*net.TCPConn); ok {
		err = errors.Join(err, tcp.SetWriteBuffer(4<<10))
	}
	return conn, err
}

// serve answers over real connections until the test ends, or stop is called.
func (r *rig) serve() (address string, stop func()) { return r.serveOn(wide) }

func wide(l net.Listener) net.Listener { return l }

func (r *rig) serveOn(lines func(net.Listener) net.Listener) (address string, stop func()) {
	r.t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(r.t, err)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() {
		ended <- Serve(ctx, lines(listener), r.handler, slog.New(slog.DiscardHandler), 10*time.Second)
	}()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			r.t.Errorf("serve: %v", err)
		}
	})
	r.t.Cleanup(stop)
	return listener.Addr().String(), stop
}

// A subscriber is a client of an event stream.
type subscriber struct {
	conn net.Conn
	body io.ReadCloser
	text *bufio.Reader
	last string // the newest id
}

// subscribeSlowly connects as somebody for whom little is kept that was not read.
func (r *rig) subscribeSlowly(address, as, query string) *subscriber {
	r.t.Helper()
	conn, err := net.Dial("tcp", address)
	must(r.t, err)
	must(r.t, conn.(*net.TCPConn).SetReadBuffer(4<<10))
	return r.subscribeOn(conn, as, query)
}

// subscribe connects, and reads the first message.
func (r *rig) subscribe(address, as, query string, headers ...string) *subscriber {
	r.t.Helper()
	conn, err := net.Dial("tcp", address)
	must(r.t, err)
	return r.subscribeOn(conn, as, query, headers...)
}

func (r *rig) subscribeOn(conn net.Conn, as, query string, headers ...string) *subscriber {
	r.t.Helper()
	r.t.Cleanup(func() { _ = conn.Close() })
	_, err := fmt.Fprintf(conn, "GET /v1/events%s HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\n%s\r\n", query, as, strings.Join(headers, ""))
	must(r.t, err)
	answer, err := http.ReadResponse(bufio.NewReaderSize(conn, 512), nil)
	must(r.t, err)
	if answer.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(answer.Body)
		r.t.Fatalf("subscribe: %d %s", answer.StatusCode, text)
	}
	s := &subscriber{conn: conn, body: answer.Body, text: bufio.NewReaderSize(answer.Body, 512)}
	_, err = s.next()
	must(r.t, err)
	return s
}

// next reads a message.
func (s *subscriber) next() (m message, err error) {
	for {
		line, err := s.text.ReadString('\n')
		if err != nil {
			return m, err
		}
		switch name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": "); {
		case line == "\n":
			return m, nil
		case name == "id":
			m.id, s.last = value, value
		case name == "event":
			m.event = value
		case name == "data":
			m.data = value
		case name == "":
			m.data += value
		}
	}
}

// events reads so many events and returns their ids.
func (s *subscriber) events(n int) (ids []string, err error) {
	for len(ids) < n {
		m, err := s.next()
		if err != nil {
			return ids, err
		}
		if m.event != "" {
			ids = append(ids, m.id)
		}
	}
	return ids, nil
}

// grants records so many events.
func (r *rig) grants(id string, n int) {
	r.t.Helper()
	by := ledger.Actor{Account: uuid.New(), Role: ledger.Operator}
	for range n {
		_, err := r.Ledger.Change(context.Background(), ledger.Request{By: by, Call: "grant", Key: fmt.Sprint("g", r.keys.Add(1)), Body: []byte("{}")},
			uuid.MustParse(id), &contract.AddGrant{Unit: contract.Incident, Quantity: 1, Reason: strings.Repeat("because ", 20)})
		must(r.t, err)
	}
}

// newest are the ids of the last events that are published; 0: of all.
func (r *rig) newest(n int) (ids []string) {
	for record, err := range r.store.ReadAll(context.Background(), 0) {
		if err != nil {
			r.t.Error(err)
		}
		published, err := ledger.Published(record.Type)
		must(r.t, err)
		if published {
			ids = append(ids, record.Position.String())
		}
	}
	if n == 0 {
		return ids
	}
	return ids[len(ids)-n:]
}

// inUse is the memory of heap and stacks, in bytes.
func inUse() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapInuse + m.StackInuse)
}

// A thousand subscribers, some of which stop reading: the others get every event
// in order, and none costs more than 64 KiB.
func TestR38_AThousandSubscribers(t *testing.T) {
	const subscribers, asleep, events, most = 1000, 200, 300, 64 << 10
	r := newRig(t, func(c *Config) { c.StallTimeout, c.Heartbeat, c.MaxStreams = time.Hour, time.Minute, 2*subscribers })
	address, _ := r.serve()
	narrow, _ := r.serveOn(narrowly)
	c, as := r.contract(), r.service()
	r.grants(c["id"].(string), 200)
	all := make([]*subscriber, subscribers)
	_, err := r.subscribe(address, as, "?after=0").events(200) // whoever is the first pays for what the store keeps at hand
	must(t, err)
	before := inUse()
	for i := range asleep {
		all[i] = r.subscribeSlowly(narrow, as, "?after=0") // each holds what it has read of the log for itself
	}
	r.untilNothingIsSent()
	behind, first := (inUse()-before)/asleep, inUse()
	for i := range all[asleep:] {
		all[asleep+i] = r.subscribe(address, as, "")
	}
	idle := (inUse() - first) / (subscribers - asleep)
	var reading sync.WaitGroup
	got, errs := make([][]string, subscribers), make([]error, subscribers)
	for i := asleep; i < subscribers; i++ {
		reading.Go(func() { got[i], errs[i] = all[i].events(events) })
	}
	started := time.Now()
	r.grants(c["id"].(string), events)
	reading.Wait()
	took := time.Since(started)
	busy := (inUse() - before) / subscribers
	want := r.newest(events)
	for i := asleep; i < subscribers; i++ {
		if !slices.Equal(got[i], want) {
			t.Errorf("subscriber %d got %d events, %v: %v", i, len(got[i]), errs[i], got[i])
		}
	}
	t.Logf("heap and stack of server and clients together, in bytes per subscriber: %d idle, %d behind and not reading, %d of all under load; "+
		"%d events to %d subscribers in %v", idle, behind, busy, events, subscribers-asleep, took)
	if idle > most || behind > most || busy > most {
		t.Errorf("a subscriber costs more than %d bytes", most)
	}
	must(t, all[0].conn.SetReadDeadline(time.Now().Add(20*time.Second)))
	if got, err := all[0].events(200); err != nil || !slices.Equal(got, r.newest(0)[:200]) {
		t.Errorf("one that reads again got %d events, %v: %v", len(got), err, got)
	}
}

// untilNothingIsSent waits until nobody reads any more what is sent.
func (r *rig) untilNothingIsSent() {
	tick := time.NewTicker(300 * time.Millisecond)
	defer tick.Stop()
	for sent := -1; sent != r.sent(); <-tick.C {
		sent = r.sent()
	}
}

// Whoever does not read in time is dropped, and can come back to where it was.
func TestWhoeverStopsReadingIsDropped(t *testing.T) {
	const events = 200
	r := newRig(t, func(c *Config) { c.StallTimeout = time.Second })
	address, _ := r.serve()
	narrow, _ := r.serveOn(narrowly)
	c := r.contract()
	asleep := r.subscribeSlowly(narrow, r.service(), "")
	r.grants(c["id"].(string), events)
	r.untilEnded("stalled", 1)
	again := r.subscribe(address, r.service(), "", "Last-Event-ID: "+asleep.last+"\r\n")
	if got, err := again.events(events); err != nil || !slices.Equal(got, r.newest(events)) {
		t.Errorf("one that comes back got %d events, %v", len(got), err)
	}
}

// untilEnded waits until so many streams have ended for a reason.
func (r *rig) untilEnded(reason string, n int) {
	r.t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(20 * time.Second); r.ended(reason) != n; <-tick.C {
		if time.Now().After(deadline) {
			r.t.Fatalf("%d streams have ended because of %s, want %d", r.ended(reason), reason, n)
		}
	}
}

// ends reads until a stream ends, and returns the last message.
func (s *subscriber) ends(t *testing.T) (last message) {
	t.Helper()
	must(t, s.conn.SetReadDeadline(time.Now().Add(20*time.Second)))
	for {
		m, err := s.next()
		if errors.Is(err, io.EOF) {
			return last
		}
		must(t, err)
		last = m
	}
}

func TestAStreamEndsWithItsToken(t *testing.T) {
	r := newRig(t)
	address, _ := r.serve()
	raw, err := r.issuer.Issue(token.Claims{Subject: "crm", Roles: []string{"service"}, Expires: time.Now().Add(2 * time.Second)}, time.Now())
	must(t, err)
	if last := r.subscribe(address, raw, "").ends(t); !strings.Contains(last.data, "expired") {
		t.Errorf("the last message is %+v", last)
	}
	r.untilEnded("token", 1)
	r.get(raw, "/v1/events").refuses(401, "token-expired")
}

func TestAStreamEndsWhenItsTokenIsRevoked(t *testing.T) {
	revoked := filepath.Join(t.TempDir(), "revoked")
	must(t, os.WriteFile(revoked, nil, 0o600))
	var issuer *token.Issuer
	r := newRig(t, func(c *Config) {
		issuer = token.NewIssuer()
		var err error
		c.Tokens, err = token.NewVerifier(token.Config{BuiltIn: issuer, Account: c.Keys.Account, Revoked: revoked})
		must(t, err)
	})
	r.issuer = issuer
	address, _ := r.serve()
	raw, err := issuer.Issue(token.Claims{Subject: "crm", ID: "lost", Roles: []string{"service"}}, time.Now())
	must(t, err)
	s, other := r.subscribe(address, raw, ""), r.subscribe(address, r.service(), "")
	must(t, os.WriteFile(revoked, []byte("jti lost\n"), 0o600))
	if last := s.ends(t); !strings.Contains(last.data, "not valid") {
		t.Errorf("the last message is %+v", last)
	}
	r.contract()
	if _, err := other.events(1); err != nil {
		t.Errorf("another one's stream: %v", err)
	}
}

// Stopping does not wait for streams, not even for those that nobody reads.
func TestStreamsEndWhenTheLedgerStops(t *testing.T) {
	r := newRig(t, func(c *Config) { c.StallTimeout = time.Hour })
	address, stop := r.serve()
	narrow, stopNarrow := r.serveOn(narrowly)
	awake, asleep := r.subscribe(address, r.service(), ""), r.subscribeSlowly(narrow, r.service(), "")
	r.grants(r.contract()["id"].(string), 200)
	_, err := awake.events(200)
	must(t, err)
	started := time.Now()
	stop()
	stopNarrow()
	if took := time.Since(started); took > 5*time.Second {
		t.Errorf("it took %v", took)
	}
	must(t, awake.conn.SetReadDeadline(time.Now().Add(20*time.Second)))
	if _, err := io.ReadAll(awake.text); err != nil {
		t.Errorf("the stream did not end in order: %v", err)
	}
	must(t, asleep.conn.Close())
}

// A comment comes when nothing else does, and takes the id past what the
// subscriber did not ask for.
func TestAQuietStreamShowsThatItIsAlive(t *testing.T) {
	r := newRig(t, func(c *Config) { c.Heartbeat = 20 * time.Millisecond })
	address, _ := r.serve()
	s := r.subscribe(address, r.service(), "?types=link.refused")
	r.contract()
	head, err := r.store.Head(t.Context())
	must(t, err)
	for m := (message{}); m.id != head.String(); {
		m, err = s.next()
		must(t, err)
		if m.event != "" || m.data != "nothing new" {
			t.Fatalf("got %+v", m)
		}
	}
	if m, err := s.next(); err != nil || m != (message{data: "nothing new"}) {
		t.Errorf("got %+v, %v", m, err)
	}
}

// A request has its time; a stream has as long as it is read.
func TestAStreamOutlivesTheTimeOfRequests(t *testing.T) {
	r := newRig(t, func(c *Config) { c.RequestTimeout = 50 * time.Millisecond; c.Heartbeat = 20 * time.Millisecond })
	address, _ := r.serve()
	s := r.subscribe(address, r.service(), "")
	for range 10 {
		_, err := s.next()
		must(t, err)
	}
	r.contract()
	if _, err := s.events(1); err != nil {
		t.Error(err)
	}
}
