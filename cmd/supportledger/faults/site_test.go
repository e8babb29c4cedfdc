//go:build linux

package faults_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	natsserver "github.com/nats-io/nats-server/v2/server"

	"github.com/supportledger/supportledger/eventstore"
	"github.com/supportledger/supportledger/eventstore/esdbwire"
	"github.com/supportledger/supportledger/eventstore/esdbwire/wiretest"
	"github.com/supportledger/supportledger/eventstore/pebblestore"
	"github.com/supportledger/supportledger/eventstore/storetest"
	"github.com/supportledger/supportledger/internal/badline"
	"github.com/supportledger/supportledger/internal/ownaddress"
	"github.com/supportledger/supportledger/internal/pgserver"
	"github.com/supportledger/supportledger/ledger"
)

// A site is nodes on one log, one PostgreSQL and one NATS server, each of which can
// be taken away: nodes by kill -9, the log from one node by cutting its line.
type site struct {
	t        testing.TB
	keys     string
	log      eventstore.Store // as everybody sees it, positions far apart
	database *pgserver.Server
	nats     *natsserver.Server
	natsDir  string
	natsAt   string
	serving  func(testing.TB, string) *exec.Cmd
	flags    []string
	lines    []badline.Line // of each node to the log
	dirs     []string       // of each node

	mu    sync.Mutex
	nodes []*program

	unanswered, turnedAway atomic.Int64 // requests that were sent again elsewhere
}

const nodes = 3

// newSite starts everything: nodes that serve with mails or without, with more flags.
func newSite(t testing.TB, serving func(testing.TB, string) *exec.Cmd, flags ...string) *site {
	t.Helper()
	s := &site{t: t, serving: serving, database: pgserver.Start(t, ""), keys: filepath.Join(t.TempDir(), "keys.json"), flags: flags, natsDir: t.TempDir(), natsAt: ownaddress.Free(t)}
	s.startNATS()
	t.Cleanup(s.stopNATS)
	conn, err := s.database.Connect(t.Context())
	must(t, err)
	for _, name := range []string{"lists", "people"} {
		_, err := conn.Exec(t.Context(), "CREATE DATABASE "+name)
		must(t, err)
	}
	must(t, conn.Close(t.Context()))
	log := s.startLog()
	path, err := binary()
	must(t, err)
	must(t, exec.Command(path, "keys", "create", s.keys).Run())
	s.nodes = make([]*program, nodes)
	for n := range nodes {
		s.dirs, s.lines = append(s.dirs, t.TempDir()), append(s.lines, badline.New(t, log))
		if n > 0 { // tokens of one count on all
			body, err := os.ReadFile(filepath.Join(s.dirs[0], "token-key.pem"))
			must(t, err)
			must(t, os.WriteFile(filepath.Join(s.dirs[n], "token-key.pem"), body, 0o600))
		}
		s.launch(n)
	}
	s.untilReady()
	return s
}

// startLog serves a log as a cluster does, and returns where.
func (s *site) startLog() string {
	s.t.Helper()
	store, err := pebblestore.Open(s.t.TempDir(), pebblestore.Options{CacheBytes: 8 << 20})
	must(s.t, err)
	s.log = storetest.Apart(store)
	at, stop := wiretest.Serve(s.t, "127.0.0.1:0", esdbwire.Config{Store: s.log, AcceptAppends: true, Strict: true})
	s.t.Cleanup(stop)
	return at
}

func (s *site) startNATS() {
	s.t.Helper()
	address, err := net.ResolveTCPAddr("tcp", s.natsAt)
	must(s.t, err)
	s.nats, err = natsserver.NewServer(&natsserver.Options{
		Host: "127.0.0.1", Port: address.Port, JetStream: true, StoreDir: s.natsDir, NoSigs: true, NoLog: true,
	})
	must(s.t, err)
	s.nats.Start()
	if !s.nats.ReadyForConnections(tooLong) {
		s.t.Fatal("NATS takes no connections")
	}
}

func (s *site) stopNATS() { s.nats.Shutdown(); s.nats.WaitForShutdown() }

// placesOf are the flags that tell a node where everything is.
func (s *site) placesOf(n int) []string {
	database := func(name string) string {
		return fmt.Sprintf("postgres://%s@127.0.0.1:%d/%s?sslmode=disable", pgserver.User, s.database.Port, name)
	}
	return []string{
		"--data", s.dirs[n], "--keys", s.keys, "--store", "esdb://" + s.lines[n].Listen + "?tls=false",
		"--read-models", database("lists"), "--people", database("people"),
	}
}

// launch starts a node, which need not be ready when it returns.
func (s *site) launch(n int) {
	s.t.Helper()
	cmd := s.serving(s.t, s.dirs[n])
	cmd.Args = append(append(append(cmd.Args, s.placesOf(n)...), "--nats-url", "nats://"+s.natsAt), s.flags...)
	p := start(s.t, s.dirs[n], cmd)
	if p.base == "" {
		s.t.Fatalf("node %d does not start: %v\n%s", n, p.wait(), p.said)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.nodes[n] = p
}

func (s *site) node(n int) *program {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.nodes[n%nodes]
}

// readiness is what a node says of itself.
type readiness struct{ Status, Code, Feed string }

func (s *site) readiness(n int) (r readiness) {
	got := s.node(n).get("", "/readyz")
	_ = json.Unmarshal([]byte(got.body), &r) // what is not there is ""
	if got.err == nil && (got.status == http.StatusOK) != (r.Status == "ready") {
		s.t.Errorf("/readyz is answered with %d and %s", got.status, got.body)
	}
	return r
}

// until waits until a node says something of itself.
func (s *site) until(n int, what string, holds func(readiness) bool) {
	s.t.Helper()
	var last readiness
	for deadline := time.Now().Add(tooLong); ; <-time.After(10 * time.Millisecond) {
		if last = s.readiness(n); holds(last) {
			return
		}
		if time.Now().After(deadline) {
			s.t.Fatalf("node %d is never %s, but %+v:\n%s", n, what, last, s.node(n).said)
		}
	}
}

func (s *site) untilReady() {
	s.t.Helper()
	for n := range nodes {
		s.until(n, "ready", func(r readiness) bool { return r.Status == "ready" && r.Feed == "connected" })
	}
}

// ask sends a request to one node after another, the first of them named, until it
// is answered for certain.
func (s *site) ask(first int, as, method, path, key string, body any) reply {
	text := ""
	if body != nil {
		made, err := json.Marshal(body)
		must(s.t, err)
		text = string(made)
	}
	var got reply
	n := first
	for deadline := time.Now().Add(tooLong); time.Now().Before(deadline); <-time.After(rand.N(10 * time.Millisecond)) {
		got = s.node(n).send(as, method, path, key, text)
		if got.err == nil && got.status != http.StatusServiceUnavailable {
			if got.status >= 500 {
				s.t.Errorf("%s %s is answered with %d %s", method, path, got.status, got.body)
			}
			return got
		}
		if got.err != nil {
			s.unanswered.Add(1)
		} else if s.turnedAway.Add(1); got.code() == "" || got.header.Get("Retry-After") == "" {
			s.t.Errorf("%s %s is turned away with %v %s", method, path, got.header, got.body)
		}
		n = rand.IntN(nodes)
	}
	s.t.Errorf("%s %s is never answered: %d %s %v", method, path, got.status, got.body, got.err)
	return got
}

// post asks for a change, at any node, that must be made.
func (s *site) post(as, path, key string, body any) reply {
	s.t.Helper()
	got := s.ask(rand.IntN(nodes), as, http.MethodPost, path, key, body)
	got.must(s.t)
	return got
}

// contract is an active one that customer-ani has linked, with so many incidents.
func (s *site) contract(key string, incidents int) (c contract) {
	s.t.Helper()
	s.post("operator", "/v1/contracts", key, registration("Citra")).read(s.t, &c)
	at := "/v1/contracts/" + c.ID
	s.post("operator", at+"/activate", key, fields{"reason": "paid"})
	if incidents != packed {
		s.post("operator", at+"/adjustments", key, fields{"grant": "g1", "quantity": incidents - packed, "reason": "as agreed"})
	}
	s.post("customer-ani", "/v1/links", key, link(c))
	return c
}

// packed is how many incidents a contract comes with.
const packed = 10

// recorded are the log's events of a type and their data, in order.
func (s *site) recorded(eventType string) (all []map[string]any) {
	s.t.Helper()
	for r, err := range s.log.ReadAll(context.Background(), eventstore.Start) {
		must(s.t, err)
		if r.Type != eventType {
			continue
		}
		data := map[string]any{"stream": r.Stream, "position": r.Position}
		must(s.t, json.Unmarshal(r.Data, &data))
		all = append(all, data)
	}
	return all
}

// mustVerify runs verify on a node, running or not, read models included.
func (s *site) mustVerify(n int) {
	s.t.Helper()
	path, err := binary()
	must(s.t, err)
	out, err := exec.Command(path, append([]string{"verify"}, s.placesOf(n)...)...).CombinedOutput()
	if err != nil || !strings.HasSuffix(string(out), "verify: ok\n") {
		s.t.Errorf("verify on node %d: %v\n%s", n, err, out)
	}
}

// listen starts a subscriber at the NATS server.
func (s *site) listen() *listener {
	dir := s.t.TempDir()
	body := fmt.Sprintf(`{"url": "nats://%s", "stream": "LEDGER", "consumer": "ear"}`, s.natsAt)
	must(s.t, os.WriteFile(filepath.Join(dir, "dev-subscriber.json"), []byte(body), 0o600))
	return listen(s.t, dir)
}

// mustHear waits until a subscriber has heard of everything, and holds that against
// the log, to which nothing is added any more.
func (s *site) mustHear(l *listener) int {
	s.t.Helper()
	published := 0
	for r, err := range s.log.ReadAll(context.Background(), eventstore.Start) {
		must(s.t, err)
		if told, err := ledger.Published(r.Type); err != nil {
			s.t.Fatal(err)
		} else if told {
			published++
		}
	}
	s.node(0).until("everything that the subscriber should hear", func() bool { return l.count() >= published })
	l.stop()
	return l.mustEqual(s.log)
}
