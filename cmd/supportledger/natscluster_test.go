package main

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	natsserver "github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"github.com/supportledger/supportledger/internal/ownaddress"
)

// A natsCluster is the three servers of docker-compose.yml, on this machine: their
// configuration but for addresses and paths, and their certificates and users.
type natsCluster struct {
	secrets string
	servers []*natsserver.Server
	url     string // as the ledger is given it
}

func startCluster(t *testing.T) *natsCluster {
	t.Helper()
	dir := prepared(t)
	c := &natsCluster{secrets: filepath.Join(dir, "deploy", "compose", "secrets")}
	at := ownaddress.Several(t, 6) // of clients, then of the cluster
	env, err := os.ReadFile(filepath.Join(c.secrets, "ledger.env"))
	must(t, err)
	c.url = regexp.MustCompile(`(?m)^SUPPORTLEDGER_NATS_URL=(.*)$`).FindStringSubmatch(string(env))[1]
	here := strings.NewReplacer("include ../../run/secrets/", "include ", "/run/secrets/", c.secrets+"/", "http: 127.0.0.1:8222", "")
	text := here.Replace(inHouse(t, "deploy", "compose", "nats.conf"))
	for n := range 3 {
		name := fmt.Sprint("nats-", n+1)
		c.url = strings.Replace(c.url, name+":4222", at[n], 1)
		text = strings.Replace(text, name+":6222", at[3+n], 1)
	}
	for n := range 3 {
		own := strings.NewReplacer("0.0.0.0:4222", at[n], "0.0.0.0:6222", at[3+n], "/data", t.TempDir()).Replace(text)
		path := filepath.Join(c.secrets, fmt.Sprint("nats-", n, ".conf"))
		must(t, os.WriteFile(path, []byte(own), 0o600))
		t.Setenv("NATS_NAME", fmt.Sprint("nats-", n+1))
		c.servers = append(c.servers, startNATS(t, path))
	}
	waitUntil(t, "a cluster of three", func() bool {
		// Only the leader knows its peers.
		return slices.ContainsFunc(c.servers, func(s *natsserver.Server) bool { return len(s.JetStreamClusterPeers()) == 3 })
	})
	return c
}

// startNATS runs a server as a file says, until the end of the test.
func startNATS(t *testing.T, config string) *natsserver.Server {
	t.Helper()
	options, err := natsserver.ProcessConfigFile(config)
	must(t, err)
	options.NoSigs, options.NoLog = true, true
	s, err := natsserver.NewServer(options)
	must(t, err)
	s.Start()
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	return s
}

// The NATS cluster of docker-compose.yml takes the ledger by its user and its
// authority and nobody else, and the feed goes on when one of three servers is lost.
func TestComposeNATSCarriesTheFeed(t *testing.T) {
	c := startCluster(t)
	stranger := regexp.MustCompile(`ledger:[0-9a-f]+@`).ReplaceAllString(c.url, "ledger:guessed@")
	if _, err := nats.Connect(stranger, nats.RootCAs(filepath.Join(c.secrets, "ca.crt"))); !errors.Is(err, nats.ErrAuthorization) {
		t.Errorf("a stranger got %v", err)
	}
	s := serve(t, t.TempDir(), "--nats-url", c.url, "--nats-ca", filepath.Join(c.secrets, "ca.crt"), "--nats-replicas", "3")
	p := s.linked(10)
	waitUntil(t, "the feed is there", s.published)
	c.servers[0].Shutdown()
	c.servers[0].WaitForShutdown()
	s.post("customer-ani", "/v1/incidents", request(p.ID, "It stopped"), nil, http.StatusCreated)
	waitUntil(t, "the feed is there without one", s.published)
	must(t, s.stop())
}
