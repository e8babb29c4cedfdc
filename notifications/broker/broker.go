// Package broker runs a NATS server in this process, so that a ledger needs no
// other for its feed.
//
// Promises. Nothing listens unless an address is given; the process itself
// reaches the server without a network. Starting does not wait for the server,
// which reads its files meanwhile; Close stops it cleanly, and kill -9 is safe
// too. A JetStream that has given up, as on a full disk, is started again. What
// lies in its folder is a copy that the feed makes anew.
package broker

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"sync"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
)

// Config says how the server runs.
type Config struct {
	Dir    string // its files; made if there is none
	Logger *slog.Logger
}

// A Broker is a NATS server that runs until it is closed.
type Broker struct {
	config Config
	log    *slog.Logger
	secret string // by which this process is known to the server
	quit   chan struct{}
	done   chan struct{}

	mu      sync.Mutex
	server  *server.Server // nil until the first one runs
	running chan struct{}  // closed when server is not nil
}

// Open starts a server in the background.
func Open(c Config) (*Broker, error) {
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if err := os.MkdirAll(c.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("start NATS: %w", err)
	}
	b := &Broker{
		config: c, log: c.Logger, secret: rand.Text(),
		quit: make(chan struct{}), done: make(chan struct{}), running: make(chan struct{}),
	}
	go b.keepRunning()
	return b, nil
}

// How long the server rests before it is started again, and how often it is
// looked at.
const (
	restFirst = time.Second
	restMost  = time.Minute
	lookEvery = 2 * time.Second
)

// keepRunning starts a server, and another one when it has given up.
func (b *Broker) keepRunning() {
	defer close(b.done)
	for rest := restFirst; ; rest = min(2*rest, restMost) {
		began := time.Now()
		err := b.runOnce()
		if err == nil {
			return
		}
		if time.Since(began) > 2*restMost {
			rest = restFirst
		}
		b.log.Error("the NATS server has given up; it is started again", "in", rest, "error", err)
		select {
		case <-b.quit:
			return
		case <-time.After(rest):
		}
	}
}

// runOnce runs one server until it is told to quit, which is no error, or the
// server can do no more.
func (b *Broker) runOnce() error {
	logger := &logger{log: b.log, fatal: make(chan error, 1)}
	s, err := server.NewServer(b.options())
	if err != nil {
		return fmt.Errorf("start NATS: %w", err)
	}
	s.SetLoggerV2(logger, false, false, false)
	started := make(chan struct{})
	go func() { defer close(started); s.Start() }()
	defer func() {
		b.put(nil)
		s.Shutdown()
		s.WaitForShutdown()
		<-started
	}()
	select {
	case <-started:
	case <-b.quit: // it is waited for below
		<-started
		return nil
	}
	if !s.JetStreamEnabled() {
		return logger.reason()
	}
	b.put(s)
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		select {
		case <-b.quit:
			return nil
		case <-tick.C:
			if !s.JetStreamEnabled() {
				return logger.reason()
			}
		}
	}
}

// errGaveUp is all that is known where the server did not say more.
var errGaveUp = errors.New("its JetStream has stopped, as it does when the disk is full")

func (b *Broker) options() *server.Options {
	return &server.Options{
		ServerName: "supportledger", DontListen: true, NoSigs: true,
		JetStream: true, StoreDir: b.config.Dir, JetStreamMaxMemory: maxMemory, DisableJetStreamBanner: true,
		CustomClientAuthentication: b,
	}
}

// maxMemory is of streams in memory, of which there are none.
const maxMemory = 16 << 20

// put makes a server the one that connections lead to; nil for none.
func (b *Broker) put(s *server.Server) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.server == nil && s != nil {
		close(b.running)
	}
	if b.server != nil && s == nil {
		b.running = make(chan struct{})
	}
	b.server = s
}

// Dial connects this process to the server, when it runs.
func (b *Broker) Dial(ctx context.Context, options ...nats.Option) (*nats.Conn, error) {
	b.mu.Lock()
	running := b.running
	b.mu.Unlock()
	select {
	case <-running:
	case <-b.done:
		return nil, errClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	own := []nats.Option{
		nats.InProcessServer(b), nats.UserInfo(ownName, b.secret), nats.MaxReconnects(-1), nats.RetryOnFailedConnect(true),
		nats.ReconnectWait(100 * time.Millisecond), nats.ReconnectBufSize(-1), nats.IgnoreAuthErrorAbort(),
	}
	return nats.Connect("", append(own, options...)...)
}

var errClosed = errors.New("the NATS server is closed")

// InProcessConn is how a connection of this process is made, and made again.
func (b *Broker) InProcessConn() (net.Conn, error) {
	b.mu.Lock()
	s := b.server
	b.mu.Unlock()
	if s == nil {
		return nil, errors.New("the NATS server does not run at the moment")
	}
	return s.InProcessConn()
}

// ownName is the user that this process is.
const ownName = "supportledger"

// Check lets this process in, and nobody else.
func (b *Broker) Check(c server.ClientAuthentication) bool {
	o := c.GetOpts()
	return o.Username == ownName && equal(o.Password, b.secret)
}

// equal compares secrets in the same time wherever they differ.
func equal(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

// Close stops the server. Connections should be closed before.
func (b *Broker) Close() error {
	close(b.quit)
	<-b.done
	return nil
}
