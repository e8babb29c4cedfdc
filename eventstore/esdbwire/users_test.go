package esdbwire_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"

	client "github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/serverfeatures"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/status"

	"github.com/supportledger/supportledger/eventstore/esdbwire"
)

// certificate makes one for this machine, and a file by which it is known.
func certificate(t *testing.T) (tls.Certificate, string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "ledger"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	must(t, err)
	path := filepath.Join(t.TempDir(), "ca.pem")
	must(t, os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600))
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, path
}

// guarded is a server with TLS and two readers.
type guarded struct {
	*rig
	file, ca  string
	users     esdbwire.Users
	passwords map[string]string
}

func newGuarded(t *testing.T) *guarded {
	g := &guarded{file: filepath.Join(t.TempDir(), "readers.json"), passwords: map[string]string{}}
	pair, ca := certificate(t)
	g.ca = ca
	for name, role := range map[string]string{"anna": esdbwire.Auditor, "billing": esdbwire.Service} {
		password, err := g.users.Add(name, role)
		must(t, err)
		g.passwords[name] = password
	}
	must(t, g.users.Write(g.file))
	g.rig = newRig(t, func(c *esdbwire.Config) { c.Users, c.TLS = g.file, &tls.Config{Certificates: []tls.Certificate{pair}} })
	g.some()
	return g
}

func (g *guarded) as(name, password string) *client.Client {
	g.t.Helper()
	who := ""
	if name != "" {
		who = url.UserPassword(name, password).String() + "@"
	}
	return dial(g.t, "esdb://"+who+g.address+"?tls=true&tlsCAFile="+g.ca)
}

func (g *guarded) read(c *client.Client) error {
	read, err := c.ReadAll(soon(g.t), client.ReadAllOptions{}, 1)
	if err != nil {
		return err
	}
	defer read.Close()
	_, err = read.Recv()
	return err
}

func TestReadersAreLetInByTheirPasswords(t *testing.T) {
	g := newGuarded(t)
	for name, password := range g.passwords {
		for range 3 { // the second time without comparing
			must(t, g.read(g.as(name, password)))
		}
	}
	for what, c := range map[string]*client.Client{
		"nobody": g.as("", ""), "a wrong password": g.as("anna", "x"), "another's password": g.as("anna", g.passwords["billing"]), "a stranger": g.as("carl", "x"),
	} {
		if err := g.read(c); code(t, err) != client.ErrorCodeUnauthenticated {
			t.Errorf("%s: %v, want unauthenticated", what, err)
		}
		if _, err := c.AppendToStream(soon(t), "a", client.AppendToStreamOptions{}, event("x")); code(t, err) != client.ErrorCodeUnauthenticated {
			t.Errorf("%s appends: %v, want unauthenticated", what, err)
		}
		sub, err := c.SubscribeToAll(soon(t), client.SubscribeToAllOptions{From: client.Start{}})
		if err == nil {
			_ = sub.Close()
		}
		if code(t, err) != client.ErrorCodeUnauthenticated {
			t.Errorf("%s follows: %v, want unauthenticated", what, err)
		}
	}
	if _, err := g.as("anna", g.passwords["anna"]).AppendToStream(soon(t), "a", client.AppendToStreamOptions{}, event("x")); code(t, err) != client.ErrorCodeAccessDenied {
		t.Errorf("a reader appends: %v, want access denied", err)
	}
}

// What a client asks before it has said who it is, and nothing else, is answered
// to everybody, however a path is written.
func TestOnlyTheFeaturesAreForEverybody(t *testing.T) {
	g := newGuarded(t)
	tls, err := credentials.NewClientTLSFromFile(g.ca, "")
	must(t, err)
	c, err := grpc.NewClient(g.address, grpc.WithTransportCredentials(tls))
	must(t, err)
	defer c.Close()
	features, err := serverfeatures.NewServerFeaturesClient(c).GetSupportedMethods(soon(t), &shared.Empty{})
	must(t, err)
	if features.GetEventStoreServerVersion() != "24.6.0" {
		t.Errorf("version %s", features.GetEventStoreServerVersion())
	}
	for _, method := range []string{"/event_store.client.streams.Streams/Delete", "event_store.client.streams.Streams/Delete", "//event_store.client.streams.Streams/Delete"} {
		if err := c.Invoke(soon(t), method, &shared.Empty{}, &shared.Empty{}); err == nil || status.Code(err) == codes.PermissionDenied {
			t.Errorf("%s was let through to its handler: %v", method, err)
		}
	}
}

// Who is a reader no more is cut off within seconds; a file with a mistake changes
// nothing.
func TestAReaderIsRemoved(t *testing.T) {
	g := newGuarded(t)
	anna, billing := g.as("anna", g.passwords["anna"]), g.as("billing", g.passwords["billing"])
	gone, err := anna.SubscribeToAll(soon(t), client.SubscribeToAllOptions{From: client.End{}})
	subscribed(t, gone, err)
	stays, err := billing.SubscribeToAll(soon(t), client.SubscribeToAllOptions{From: client.End{}})
	subscribed(t, stays, err)
	for _, sub := range []*client.Subscription{gone, stays} {
		same(t, "at first", heard(t, sub, nth(1)), []string{"caught up"})
	}
	must(t, os.WriteFile(g.file, []byte(`{"users": [`), 0o600))
	must(t, g.read(anna))
	must(t, g.users.Remove("anna"))
	must(t, g.users.Write(g.file))
	if e := gone.Recv(); e.SubscriptionDropped == nil || status.Code(e.SubscriptionDropped.Error) != codes.Unauthenticated {
		t.Fatalf("after it was removed: %+v", e)
	}
	if err := g.read(anna); code(t, err) != client.ErrorCodeUnauthenticated {
		t.Fatalf("after it was removed: %v", err)
	}
	must(t, g.read(billing))
	g.write("a", "six")
	same(t, "the other", heard(t, stays, nth(1)), places(g.all()[8:]))
}

func TestMistakesInTheFileOfReaders(t *testing.T) {
	for what, text := range map[string]string{
		"no JSON":           `{`,
		"two of a name":     `{"users":[{"name":"a","password":"$2a$10$7EqJtq98hPqEX7fNZaFWoOhi5CzBmvYbJ0uKxJwzdQmCqQ2a1lQYS","role":"auditor"},{"name":"a","password":"$2a$10$7EqJtq98hPqEX7fNZaFWoOhi5CzBmvYbJ0uKxJwzdQmCqQ2a1lQYS","role":"auditor"}]}`,
		"a password":        `{"users":[{"name":"a","password":"secret","role":"auditor"}]}`,
		"another role":      `{"users":[{"name":"a","password":"$2a$10$7EqJtq98hPqEX7fNZaFWoOhi5CzBmvYbJ0uKxJwzdQmCqQ2a1lQYS","role":"admin"}]}`,
		"a member too many": `{"users":[],"more":1}`,
		"a name":            `{"users":[{"name":"A b","password":"$2a$10$7EqJtq98hPqEX7fNZaFWoOhi5CzBmvYbJ0uKxJwzdQmCqQ2a1lQYS","role":"auditor"}]}`,
		"two of it":         `{"users":[]}{}`,
	} {
		path := filepath.Join(t.TempDir(), "readers.json")
		must(t, os.WriteFile(path, []byte(text), 0o600))
		if _, err := esdbwire.New(esdbwire.Config{Users: path}); err == nil {
			t.Errorf("%s: accepted", what)
		}
	}
	if _, err := esdbwire.New(esdbwire.Config{Users: filepath.Join(t.TempDir(), "none")}); err == nil {
		t.Error("a file that is missing was accepted")
	}
	var users esdbwire.Users
	_, err := users.Add("anna", esdbwire.Auditor)
	must(t, err)
	if _, err := users.Add("anna", esdbwire.Auditor); err == nil {
		t.Error("added twice")
	}
	if _, err := users.Add("carl", "admin"); err == nil {
		t.Error("added with a role that is none")
	}
	if err := users.Remove("carl"); err == nil {
		t.Error("removed though not there")
	}
}
