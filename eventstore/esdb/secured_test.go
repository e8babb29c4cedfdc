package esdb_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/supportledger/supportledger/eventstore"
	"github.com/supportledger/supportledger/eventstore/esdb"
	"github.com/supportledger/supportledger/eventstore/esdbwire"
)

// secured gives a cluster a certificate, in a file for who connects.
func secured(t *testing.T) (file string, config *tls.Config) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	must(t, err)
	file = filepath.Join(t.TempDir(), "cert.pem")
	must(t, os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600))
	return file, &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: private}}, MinVersion: tls.VersionTLS12}
}

// Every way to the cluster goes over TLS and names the user, whether it is found by
// its address or by asking for the leader.
func TestAppendsOverTLSNameTheirUser(t *testing.T) {
	t.Parallel()
	file, config := secured(t)
	users, listed := filepath.Join(t.TempDir(), "users.json"), esdbwire.Users{}
	password, err := listed.Add("ledger", esdbwire.Service)
	must(t, err)
	must(t, listed.Write(users))
	c := newCluster(t, func(c *esdbwire.Config) { c.TLS, c.Users = config, users })
	c.start()
	for i, scheme := range []string{"esdb://", "esdb+discover://"} {
		s := open(t, "", func(o *esdb.Options) {
			o.Connection = scheme + "ledger:" + password + "@" + c.address + "?tls=true&tlsCAFile=" + file
		})
		name := []string{"a", "b"}[i]
		_, err := begin(t, s, facts(name, eventstore.NoStream, 2))()
		must(t, err)
		_, err = s.Append(soon(t), facts(name, 1, 2))
		must(t, err)
		if got := stream(t, s, name); len(got) != 4 {
			t.Errorf("%d records", len(got))
		}
		must(t, s.Close())
	}
}
