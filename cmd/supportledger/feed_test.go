package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

func TestFlagsOfTheFeedThatDoNotGoTogether(t *testing.T) {
	dir := t.TempDir()
	users, keys := filepath.Join(dir, "subscribers.json"), filepath.Join(dir, "keys.json")
	succeed(t, "subscribers", "add", "crm", "--subject", "ledger.events.>", "--file", users)
	succeed(t, "keys", "create", keys)
	for _, c := range []struct {
		words []string
		args  []string
	}{
		{[]string{"--nats-listen", "--nats-url", "leave one of them out"}, []string{"--dev", "--nats-listen", "127.0.0.1:0", "--nats-url", "nats://127.0.0.1:4222"}},
		{[]string{"--no-feed"}, []string{"--dev", "--no-feed", "--nats-url", "nats://127.0.0.1:4222"}},
		{[]string{"--nats-listen", "missing"}, []string{"--dev", "--nats-users", users}},
		{[]string{"--nats-url", "missing"}, []string{"--dev", "--nats-creds", users}},
		{[]string{"--nats-url", "missing"}, []string{"--dev", "--nats-replicas", "3"}},
		{[]string{"--nats-replicas is 2"}, []string{"--dev", "--nats-url", "nats://127.0.0.1:1", "--nats-replicas", "2"}},
		{[]string{"--nats-tls-key", "go together"}, []string{"--dev", "--nats-listen", "127.0.0.1:0", "--nats-tls-cert", users}},
		{[]string{"--nats-users is missing", "subscribers add"}, []string{"--keys", keys, "--nats-listen", "127.0.0.1:0"}},
		{[]string{"--nats-tls-cert", "127.0.0.1"}, []string{"--keys", keys, "--nats-listen", "0.0.0.0:0", "--nats-users", users}},
		{[]string{"--dev is refused"}, []string{"--dev", "--nats-listen", "0.0.0.0:0"}},
		{[]string{`"4222" is not HOST:PORT`}, []string{"--dev", "--nats-listen", "4222"}},
		{[]string{"--nats-url: want nats://"}, []string{"--dev", "--nats-url", "http://127.0.0.1:4222"}},
	} {
		fail(t, exitUsage, c.words, append([]string{"serve", "--data", t.TempDir(), "--listen", "127.0.0.1:0"}, c.args...)...)
	}
	for _, c := range []struct {
		words []string
		args  []string
	}{
		{[]string{"--nats-tls-cert"}, []string{"--nats-listen", "127.0.0.1:0", "--nats-tls-cert", users, "--nats-tls-key", users}},
		{[]string{"no such file"}, []string{"--nats-url", "nats://127.0.0.1:1", "--nats-creds", filepath.Join(dir, "none")}},
		{[]string{"no such file"}, []string{"--nats-listen", "127.0.0.1:0", "--nats-users", filepath.Join(dir, "none")}},
		{[]string{"keys.json", `unknown field`}, []string{"--nats-listen", "127.0.0.1:0", "--nats-users", keys}},
	} {
		fail(t, exitFailed, c.words, append([]string{"serve", "--dev", "--data", t.TempDir(), "--listen", "127.0.0.1:0"}, c.args...)...)
	}
}

func TestSubscribersAreLookedAfter(t *testing.T) {
	file := filepath.Join(t.TempDir(), "subscribers.json")
	said := succeed(t, "subscribers", "add", "crm", "--subject", "ledger.events.incident.>", "--subject", "ledger.events.contract.>", "--file", file)
	if !strings.HasPrefix(said, "user crm\npassword ") {
		t.Errorf("add said %q", said)
	}
	if said := succeed(t, "subscribers", "list", "--file", file); said != "crm\tledger.events.incident.> ledger.events.contract.>\n" {
		t.Errorf("list said %q", said)
	}
	fail(t, exitFailed, []string{"already"}, "subscribers", "add", "crm", "--subject", "ledger.events.>", "--file", file)
	fail(t, exitFailed, []string{"is not within ledger.events.>"}, "subscribers", "add", "erp", "--subject", ">", "--file", file)
	fail(t, exitFailed, []string{"lower-case"}, "subscribers", "add", "E.R.P", "--subject", "ledger.events.>", "--file", file)
	fail(t, exitFailed, []string{"no subscriber erp"}, "subscribers", "remove", "erp", "--file", file)
	succeed(t, "subscribers", "remove", "crm", "--file", file)
	if said := succeed(t, "subscribers", "list", "--file", file); said != "" {
		t.Errorf("list said %q", said)
	}
}

// readDevSubscriber is who may listen to a development ledger.
func (s *server) readDevSubscriber() (d devSubscriber) {
	s.t.Helper()
	body, err := os.ReadFile(folder(s.dir).devSubscriber())
	must(s.t, err)
	mustRead(s.t, body, &d)
	return d
}

// listen reads all that the feed has told until now, as a subscriber.
func (s *server) listen() (said []jetstream.Msg) {
	s.t.Helper()
	d := s.readDevSubscriber()
	nc, err := nats.Connect(d.URL, nats.UserInfo(d.User, d.Password), nats.RetryOnFailedConnect(true), nats.MaxReconnects(-1), nats.ReconnectWait(10*time.Millisecond))
	must(s.t, err)
	defer nc.Close()
	js, err := jetstream.New(nc)
	must(s.t, err)
	s.until("the feed", s.published)
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	_ = js.DeleteConsumer(ctx, d.Stream, d.Consumer)
	c, err := js.CreateConsumer(ctx, d.Stream, jetstream.ConsumerConfig{
		Durable: d.Consumer, FilterSubject: d.Subjects[0], AckPolicy: jetstream.AckNonePolicy,
	})
	must(s.t, err)
	for left := c.CachedInfo().NumPending; left > 0; left-- {
		m, err := c.Next()
		must(s.t, err)
		said = append(said, m)
	}
	mustBeDescribed(s.t, said)
	return said
}

// mustBeDescribed compares messages with what is written about them.
func mustBeDescribed(t testing.TB, said []jetstream.Msg) {
	t.Helper()
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	headers, err := c.Compile("../../docs/asyncapi.json#/components/schemas/headers")
	must(t, err)
	for _, m := range said {
		head := map[string]any{}
		for name, values := range m.Headers() {
			head[name] = values[0]
		}
		schema, err := c.Compile("../../docs/schemas/" + m.Headers().Get("ce-type") + ".json")
		must(t, err)
		data, err := jsonschema.UnmarshalJSON(bytes.NewReader(m.Data()))
		must(t, err)
		if err := errors.Join(headers.Validate(head), schema.Validate(data)); err != nil {
			t.Errorf("message %v on %s: %v\n%s", head, m.Subject(), err, m.Data())
		}
	}
}

// published says whether the feed has told NATS of everything.
func (s *server) published() bool {
	return s.metric("supportledger_feed_lag") == "0" && s.metric("supportledger_feed_connected") == "1"
}

// metric is a metric's value, as it is written.
func (s *server) metric(name string) string {
	s.t.Helper()
	got, err := s.send("", http.MethodGet, "/metrics", "", nil)
	must(s.t, err)
	for line := range strings.Lines(string(got.body)) {
		if value, ok := strings.CutPrefix(line, name+" "); ok {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

func (s *server) until(what string, holds func() bool) {
	s.t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	late := time.After(30 * time.Second)
	for !holds() {
		select {
		case <-tick.C:
		case <-late:
			s.t.Fatalf("%s never came:\n%s", what, s.log)
		}
	}
}

// R38: a subscriber of the real program hears what people have done.
func TestR38_ASubscriberHearsOfIncidents(t *testing.T) {
	s := serve(t, t.TempDir(), "--nats-listen", "127.0.0.1:0")
	p := s.linked(10)
	s.post("customer-ani", "/v1/incidents", request(p.ID, "It stopped"), nil, http.StatusCreated)
	var types []string
	for _, m := range s.listen() {
		types = append(types, m.Headers().Get("ce-type"))
		if !json.Valid(m.Data()) || !strings.HasSuffix(m.Subject(), "."+p.ID) {
			t.Errorf("%s: %s", m.Subject(), m.Data())
		}
	}
	want := "contract.registered.v1 grant.added.v1 contract.activated.v1 account.linked.v1 incident.submitted.v1 incident.deducted.v1"
	for _, w := range strings.Fields(want) {
		if !strings.Contains(strings.Join(types, " "), w) {
			t.Errorf("there is no %s among %v", w, types)
		}
	}
	if info, err := os.Stat(folder(s.dir).devSubscriber()); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the subscriber's file: %v, %v", info.Mode(), err)
	}
}

// A backup does not hold the feed's copy, and a restored ledger makes it anew.
func TestR38_ARestoredLedgerPublishesAgain(t *testing.T) {
	dir, to, back := t.TempDir(), filepath.Join(t.TempDir(), "backup"), filepath.Join(t.TempDir(), "back")
	s := serve(t, dir, "--nats-listen", "127.0.0.1:0")
	p := s.linked(10)
	before := len(s.listen())
	succeed(t, "backup", "--data", dir, "--to", to)
	s.post("customer-ani", "/v1/incidents", request(p.ID, "It stopped"), nil, http.StatusCreated)
	must(t, s.stop())
	if exists(filepath.Join(to, "nats")) {
		t.Error("the backup holds the feed's copy")
	}
	succeed(t, "restore", "--from", to, "--data", back)
	s = serve(t, back, "--nats-listen", "127.0.0.1:0")
	if after := len(s.listen()); after != before || before == 0 {
		t.Errorf("%d messages before, %d after restoring", before, after)
	}
	must(t, s.stop())
}

// A ledger is ready, and takes what people do, while NATS cannot be reached.
func TestR38_WithoutNATSOnlyTheFeedStops(t *testing.T) {
	s := serve(t, t.TempDir(), "--nats-url", "nats://127.0.0.1:1")
	s.linked(10)
	s.get("", "/readyz", nil)
	s.until("a word about it", func() bool { return strings.Contains(s.log.String(), "does not reach NATS") })
	if s.metric("supportledger_feed_connected") != "0" || s.metric("supportledger_feed_lag") == "0" {
		t.Error("the metrics tell nothing")
	}
	must(t, s.stop())
	quiet := serve(t, s.dir, "--no-feed")
	if quiet.metric("supportledger_feed_connected") != "" || strings.Contains(quiet.log.String(), "feed") {
		t.Errorf("there is a feed:\n%s", quiet.log)
	}
}
