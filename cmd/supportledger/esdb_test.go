package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/supportledger/supportledger/eventstore"
	"github.com/supportledger/supportledger/eventstore/esdb"
	"github.com/supportledger/supportledger/eventstore/pebblestore"
	"github.com/supportledger/supportledger/eventstore/storetest"
	"github.com/supportledger/supportledger/internal/lacking"
	"github.com/supportledger/supportledger/internal/ownaddress"
	"github.com/supportledger/supportledger/internal/transcript"
)

// certificateFiles makes a certificate for this machine, in two files.
func certificateFiles(t *testing.T) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	must(t, err)
	text, err := x509.MarshalPKCS8PrivateKey(private)
	must(t, err)
	dir := t.TempDir()
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	must(t, os.WriteFile(cert, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600))
	must(t, os.WriteFile(key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: text}), 0o600))
	return cert, key
}

// nodeReader is examples/reader in JavaScript, with the client that was installed.
func nodeReader(t *testing.T) *exec.Cmd {
	t.Helper()
	folder := filepath.Join("..", "..", "examples", "reader", "node")
	lacking.NodeClient(t, folder)
	cmd := exec.Command("node", "reader.mjs")
	cmd.Dir = folder
	return cmd
}

func goReader(t *testing.T) *exec.Cmd {
	t.Helper()
	return exec.Command(build(t, filepath.Join(t.TempDir(), "reader"), "../../examples/reader"))
}

// Programs with the official clients, unchanged, read streams, page backwards,
// filter and follow, over restarts of the ledger, and change nothing.
func TestR38_OfficialEventStoreDBClientsReadTheLog(t *testing.T) {
	for name, program := range map[string]func(*testing.T) *exec.Cmd{"go": goReader, "node": nodeReader} {
		t.Run(name, func(t *testing.T) {
			cmd := program(t)
			cert, key := certificateFiles(t)
			file := filepath.Join(t.TempDir(), "readers.json")
			password := strings.Fields(succeed(t, "readers", "add", "anna", "--role", "auditor", "--file", file))[3]
			address := ownaddress.Free(t)
			dir := t.TempDir()
			flags := []string{"--esdb-listen", address, "--esdb-users", file, "--esdb-tls-cert", cert, "--esdb-tls-key", key}
			s := launch(t, dir, flags...)
			p := s.linked(10)
			incidents(s, p, 3)
			told, cut := new(transcript.Transcript), new(transcript.Transcript)
			cmd.Args = append(cmd.Args, p.ID)
			cmd.Env = append(os.Environ(), fmt.Sprintf("READER_CONNECTION=esdb://anna:%s@%s?tls=true&tlsCAFile=%s", password, address, cert))
			cmd.Stdout, cmd.Stderr = told, cut
			must(t, cmd.Start())
			defer func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }()
			waitUntil(t, "it follows", func() bool { return strings.Count(told.String(), "event ") == 6 })
			for _, stop := range []func(){s.kill, func() { must(t, s.stop()) }} {
				stop()
				s = launch(t, dir, flags...)
				incidents(s, p, 2)
			}
			waitUntil(t, "it has heard of everything", func() bool { return strings.Count(told.String(), "event ") >= 14 })
			must(t, s.stop())
			compareReader(t, dir, p, told.String())
			if t.Failed() {
				t.Logf("it was cut off:\n%s", cut.String())
			}
		})
	}
}

func incidents(s *server, p pack, n int) {
	for i := range n {
		s.post("customer-ani", "/v1/incidents", request(p.ID, fmt.Sprint("Nr ", i)), nil, http.StatusCreated)
	}
}

func waitUntil(t testing.TB, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !holds(); {
		if time.Now().After(deadline) {
			t.Fatalf("never: %s", what)
		}
		<-time.After(10 * time.Millisecond)
	}
}

// compareReader holds what a reader has said against the log.
func compareReader(t *testing.T, dir string, p pack, said string) {
	t.Helper()
	var stream, newest, followed []string
	for _, r := range published(t, dir) {
		if r.Stream == p.ID && len(stream) < 10 { // as it was then: 4 of the contract and its link, 6 of incidents
			stream = append(stream, fmt.Sprintf("stream %d %s", r.Revision, r.Type))
			newest = append([]string{fmt.Sprintf("backwards %d %s", r.Position, r.Type)}, newest...)
		}
		if strings.HasPrefix(r.Type, "incident.") {
			followed = append(followed, fmt.Sprintf("event %d %s", r.Position, r.Type))
		}
	}
	got := map[string][]string{}
	for line := range strings.Lines(said) {
		words := strings.Fields(line)
		got[words[0]] = append(got[words[0]], strings.Join(words[:min(3, len(words))], " "))
		for _, secret := range []string{p.ContractID, `"texts"`, `"contract_id"`} {
			if strings.Contains(line, secret) {
				t.Errorf("%s is told: %s", secret, line)
			}
		}
		if words[0] == "event" && !strings.Contains(line, `"role":"customer"`) {
			t.Errorf("who did it is not told: %s", line)
		}
	}
	for what, want := range map[string][]string{
		"stream": stream, "backwards": newest[:min(12, len(newest))], "event": followed, "append": {"append refused access-denied"},
	} {
		if !slices.Equal(got[what], want) {
			t.Errorf("%s:\ngot  %q\nwant %q", what, got[what], want)
		}
	}
}

// published are the records that a reader sees, of a ledger that is stopped.
func published(t *testing.T, dir string) (records []eventstore.Record) {
	t.Helper()
	store, err := pebblestore.Open(filepath.Join(dir, "store"), pebblestore.Options{})
	must(t, err)
	defer store.Close()
	for r, err := range store.ReadAll(context.Background(), eventstore.Start) {
		must(t, err)
		seen, visible, err := shown(r)
		must(t, err)
		if visible {
			records = append(records, seen)
		}
	}
	return records
}

// R3, R47: what leaves the log by this way has neither ciphertexts nor personal
// texts, and what is the ledger's own business does not leave it.
func TestR3_R47_WhatEventStoreDBClientsSee(t *testing.T) {
	dir := t.TempDir()
	s := serve(t, dir)
	look := &search{t: t, said: map[string]string{}}
	p, _ := look.life(s)
	must(t, s.stop())
	seen := published(t, dir)
	for _, r := range seen {
		text := r.Stream + r.Type + string(r.Data) + string(r.Meta)
		for _, secret := range []string{p.ContractID, `"contract_id"`, `"texts"`, `"primary_contact"`, secretText, secretName} {
			if strings.Contains(text, secret) {
				t.Errorf("%s: %s stands in %s", r.Type, secret, text)
			}
		}
		if noun, _, _ := strings.Cut(r.Type, "."); noun == "numbers" || noun == "mail" || noun == "person" {
			t.Errorf("%s leaves the log", r.Type)
		}
	}
	if len(seen) < 8 {
		t.Errorf("only %d records are seen", len(seen))
	}
}

// A development ledger takes appends of clients where it was told to, and only there.
func TestAppendsAreAcceptedForTestsAlone(t *testing.T) {
	for _, accept := range []bool{false, true} {
		address := ownaddress.Free(t)
		flags := []string{"--no-feed", "--esdb-listen", address}
		if accept {
			flags = append(flags, "--esdb-accept-appends")
		}
		s := serve(t, t.TempDir(), flags...)
		store, err := esdb.Open(t.Context(), esdb.Options{Connection: "esdb://" + address + "?tls=false"})
		must(t, err)
		done, err := store.Append(t.Context(), eventstore.Append{
			Stream: "a-test", Expected: eventstore.NoStream, Events: storetest.Events(1), At: time.Now(),
		})
		if (err == nil) != accept || err != nil && !strings.Contains(err.Error(), "read-only") {
			t.Errorf("accepting %t: recorded at %v, %v", accept, done.Position, err)
		}
		must(t, store.Close())
		if err := s.stop(); (err == nil) == accept { // R42: of what no ledger has recorded it says so
			t.Errorf("accepting %t, it ended with %v", accept, err)
		}
	}
}

func TestReadersAreAddedListedAndRemoved(t *testing.T) {
	file := filepath.Join(t.TempDir(), "readers.json")
	if out := succeed(t, "readers", "add", "anna", "--role", "auditor", "--file", file); !strings.HasPrefix(out, "user anna\npassword ") {
		t.Errorf("add said %q", out)
	}
	succeed(t, "readers", "add", "billing", "--role", "service", "--file", file)
	if out := succeed(t, "readers", "list", "--file", file); out != "anna\tauditor\nbilling\tservice\n" {
		t.Errorf("list said %q", out)
	}
	succeed(t, "readers", "remove", "anna", "--file", file)
	if out := succeed(t, "readers", "list", "--file", file); out != "billing\tservice\n" {
		t.Errorf("list said %q", out)
	}
	info, err := os.Stat(file)
	must(t, err)
	if info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v", info.Mode())
	}
}

func TestEventStoreDBFlagsThatDoNotFit(t *testing.T) {
	for flags, want := range map[string]string{
		"--esdb-listen nowhere":                                          "--esdb-listen",
		"--dev --esdb-listen 0.0.0.0:0":                                  "--dev is refused",
		"--esdb-listen 0.0.0.0:0 --esdb-users f":                         "--esdb-tls-cert",
		"--esdb-listen 127.0.0.1:0":                                      "--esdb-users is missing",
		"--esdb-listen 127.0.0.1:0 --esdb-users f --esdb-tls-cert c":     "go together",
		"--esdb-listen 127.0.0.1:0 --esdb-users none":                    "none",
		"--esdb-listen 127.0.0.1:0 --esdb-users f --esdb-accept-appends": "--dev only",
		"--dev --esdb-users f":                                           "--esdb-listen HOST:PORT",
		"--dev --esdb-accept-appends":                                    "--esdb-listen HOST:PORT",
		"--dev --store postgres://root:secret@h":                         "--store",
		"--dev --store esdb://root:secret@h?connectionName=x":            "--store: the connection string's setting connectionName",
	} {
		args := append([]string{"serve", "--data", t.TempDir(), "--listen", "127.0.0.1:0"}, strings.Fields(flags)...)
		out := new(transcript.Transcript)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		code := run(ctx, args, out, out)
		cancel()
		if code == 0 || !strings.Contains(out.String(), want) || strings.Contains(out.String(), "secret") {
			t.Errorf("%s: exit code %d, %s", flags, code, out.String())
		}
	}
}
