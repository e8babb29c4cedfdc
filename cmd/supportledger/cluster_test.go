package main

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/supportledger/supportledger/eventstore/esdbwire"
	"github.com/supportledger/supportledger/eventstore/esdbwire/wiretest"
	"github.com/supportledger/supportledger/eventstore/pebblestore"
	"github.com/supportledger/supportledger/internal/ownaddress"
	"github.com/supportledger/supportledger/internal/transcript"
)

// A cluster keeps logs for others: one node that speaks EventStoreDB's protocol,
// which can go and come back.
type cluster struct {
	t       *testing.T
	dir     string
	address string
	change  func(*esdbwire.Config) // nil: nothing
	stop    func()
}

func newCluster(t *testing.T) *cluster {
	c := &cluster{t: t, dir: t.TempDir(), address: ownaddress.Free(t)}
	c.start()
	t.Cleanup(func() { c.stop() })
	return c
}

func (c *cluster) start() {
	c.t.Helper()
	store, err := pebblestore.Open(c.dir, pebblestore.Options{})
	must(c.t, err)
	config := esdbwire.Config{Store: store, AcceptAppends: true, Strict: true}
	if c.change != nil {
		c.change(&config)
	}
	at, stop := wiretest.Serve(c.t, c.address, config)
	c.address = at
	c.stop = func() {
		c.stop = func() {}
		stop()
	}
}

func (c *cluster) url() string { return "esdb://" + c.address + "?tls=false" }

// A ledger whose log is in a cluster does what others do, refuses for certain while
// the cluster is gone, and goes on by itself when it is there again.
func TestALedgerOnACluster(t *testing.T) {
	c, dir := newCluster(t), t.TempDir()
	s := serve(t, dir, "--store", c.url())
	p := s.linked(10)
	incidents(s, p, 3)
	if out := succeed(t, "verify", "--data", dir, "--store", c.url()); !strings.Contains(out, "verify: ok") {
		t.Errorf("while it runs, verify said\n%s", out)
	}
	c.stop()
	got, err := s.send("customer-ani", http.MethodPost, "/v1/incidents", "while it is gone", request(p.ID, "while it is gone"))
	must(t, err)
	if got.status != http.StatusServiceUnavailable || got.header.Get("Retry-After") == "" {
		t.Errorf("while the cluster is gone: %d %s", got.status, got.body)
	}
	c.start()
	waitUntil(t, "the same request is accepted", func() bool {
		got, err := s.send("customer-ani", http.MethodPost, "/v1/incidents", "while it is gone", request(p.ID, "while it is gone"))
		return err == nil && got.status == http.StatusCreated
	})
	waitUntil(t, "lists have caught up", func() bool {
		got, err := s.send("engineer", http.MethodGet, "/v1/incidents", "", nil)
		return err == nil && strings.Contains(string(got.body), "while it is gone")
	})
	if n := s.submitted(p.ID); n != 4 {
		t.Errorf("%d incidents, want 4", n)
	}
	must(t, s.stop())
	if out := succeed(t, "verify", "--data", dir, "--store", c.url()); !strings.Contains(out, "verify: ok") {
		t.Errorf("verify said\n%s", out)
	}
	if out := succeed(t, "history", "--data", dir, "--store", c.url(), p.ID); strings.Count(out, "incident.submitted ") != 4 {
		t.Errorf("history said\n%s", out)
	}
	code, _, errs := command("backup", "--data", dir, "--store", c.url(), "--to", t.TempDir())
	if code == 0 || !strings.Contains(errs, "cluster") {
		t.Errorf("backup of a cluster: %d %s", code, errs)
	}
	code, _, errs = command("verify", "--data", dir)
	if code == 0 || !strings.Contains(errs, "holds no ledger") {
		t.Errorf("without --store: %d %s", code, errs)
	}
}

// R46: two processes never have one folder open, wherever the log is.
func TestR46_OneProcessPerFolderOnACluster(t *testing.T) {
	c, dir := newCluster(t), t.TempDir()
	s := serve(t, dir, "--store", c.url())
	defer func() { must(t, s.stop()) }()
	out := new(transcript.Transcript)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if code := run(ctx, serveArgs(dir, []string{"--store", c.url()}), out, out); code == 0 || !strings.Contains(out.String(), pebblestore.ErrInUse.Error()) {
		t.Errorf("a second one: exit code %d, %s", code, out.String())
	}
}
