package main

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"

	"github.com/supportledger/supportledger/internal/durably"
	"github.com/supportledger/supportledger/internal/ownaddress"
)

// Certificates are renewed while the ledger runs: those who come next meet the new
// one. Half of a new one changes nothing, and is told.
func TestCertificatesAreReadAgain(t *testing.T) {
	cert, key := certificateFiles(t)
	readers, subscribers := filepath.Join(t.TempDir(), "readers.json"), filepath.Join(t.TempDir(), "subscribers.json")
	succeed(t, "readers", "add", "anna", "--role", "auditor", "--file", readers)
	succeed(t, "subscribers", "add", "anna", "--subject", "ledger.events.>", "--file", subscribers)
	esdb, feed := ownaddress.Free(t), ownaddress.Free(t)
	s := serve(t, t.TempDir(),
		"--esdb-listen", esdb, "--esdb-users", readers, "--esdb-tls-cert", cert, "--esdb-tls-key", key,
		"--nats-listen", feed, "--nats-users", subscribers, "--nats-tls-cert", cert, "--nats-tls-key", key)
	trusted := func(file string) bool {
		pool := x509.NewCertPool()
		text, err := os.ReadFile(file)
		must(t, err)
		pool.AppendCertsFromPEM(text)
		trust := &tls.Config{RootCAs: pool, NextProtos: []string{"h2"}, MinVersion: tls.VersionTLS12}
		conn, err := tls.Dial("tcp", esdb, trust)
		if err == nil {
			must(t, conn.Close())
		}
		_, natsErr := nats.Connect(fmt.Sprintf("tls://nobody:nothing@%s", feed), nats.Secure(&tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}))
		return err == nil && errors.Is(natsErr, nats.ErrAuthorization) // it was asked for a password
	}
	if !trusted(cert) {
		t.Fatal("the first certificate is not shown")
	}
	newCert, newKey := certificateFiles(t)
	old := filepath.Join(t.TempDir(), "old.pem")
	replace(t, cert, old)
	replace(t, newCert, cert)
	waitUntil(t, "half of a new one is told", func() bool {
		if !trusted(old) {
			t.Fatal("half of a new certificate takes the place of the old one")
		}
		return strings.Contains(s.log.String(), "the certificate read before stays in force")
	})
	replace(t, newKey, key)
	waitUntil(t, "the new certificate is shown", func() bool { return trusted(cert) })
	if trusted(old) {
		t.Error("the old certificate is still shown")
	}
	must(t, s.stop())
}

// replace puts a copy of a file in the place of another, as renewing does.
func replace(t *testing.T, with, path string) {
	t.Helper()
	text, err := os.ReadFile(with)
	must(t, err)
	must(t, durably.Replace(path, text))
}
