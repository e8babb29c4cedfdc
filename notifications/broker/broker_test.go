package broker_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"math/big"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/supportledger/supportledger/notifications/broker"
)

// Unless it is asked to, the server listens nowhere, and its process reaches it.
func TestNothingListensUnlessAsked(t *testing.T) {
	b, err := broker.Open(broker.Config{Dir: filepath.Join(t.TempDir(), "nats")})
	must(t, err)
	if b.Address() != "" {
		t.Errorf("it listens on %s", b.Address())
	}
	nc, err := b.Dial(context.Background())
	must(t, err)
	must(t, nc.Flush())
	nc.Close()
	must(t, b.Close())
	if _, err := b.Dial(context.Background()); err == nil {
		t.Error("a closed broker is reached")
	}
}

func TestAnAddressThatIsTakenIsRefused(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer l.Close()
	_, err = broker.Open(broker.Config{Dir: t.TempDir(), Listen: l.Addr().String()})
	if err == nil || !strings.Contains(err.Error(), "address already in use") {
		t.Errorf("got %v", err)
	}
}

// A JetStream that has given up is started again, on the same address, with what
// it held, and whoever was connected is again.
func TestAServerThatHasGivenUpIsStartedAgain(t *testing.T) {
	r := newRig(t)
	address := r.broker.Address()
	must(t, r.broker.GiveUp())
	r.until("a word about it", func() bool { return strings.Contains(r.said.String(), "it is started again") })
	r.until("the stream", func() bool {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		s, err := r.own.Stream(ctx, "LEDGER")
		return err == nil && s.CachedInfo().State.Msgs == 90
	})
	if r.broker.Address() != address {
		t.Errorf("it listens on %s, not %s", r.broker.Address(), address)
	}
	r.connect("ani")
}

// Subscribers come over TLS where it is set up; the process itself needs none.
func TestSubscribersComeOverTLS(t *testing.T) {
	r := newRig(t)
	must(t, r.broker.Close())
	certificate, pool := selfSigned(t)
	r.start(broker.Config{TLS: &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12}})
	if _, err := r.own.Stream(r.soon(), "LEDGER"); err != nil {
		t.Errorf("the process itself: %v", err)
	}
	r.until("ani over TLS", func() bool {
		_, err := r.try("ani", r.passwords["ani"], nats.Secure(&tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}))
		return err == nil
	})
	plain, err := net.Dial("tcp", r.broker.Address())
	must(t, err)
	defer plain.Close()
	_, err = plain.Write([]byte("CONNECT {\"user\":\"ani\",\"pass\":\"" + r.passwords["ani"] + "\"}\r\nPING\r\n"))
	must(t, err)
	must(t, plain.SetReadDeadline(time.Now().Add(tooLong)))
	var said strings.Builder
	for buf := make([]byte, 4096); err == nil; {
		var n int
		n, err = plain.Read(buf)
		said.Write(buf[:n])
	}
	if strings.Contains(said.String(), "PONG") {
		t.Errorf("ani comes in without TLS: %s", said.String())
	}
}

func selfSigned(t *testing.T) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	must(t, err)
	leaf, err := x509.ParseCertificate(der)
	must(t, err)
	pool := x509.NewCertPool()
	pool.AddCert(leaf)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pool
}
