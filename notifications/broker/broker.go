// Package broker runs a NATS server in this process, so that a ledger needs no
// other for its feed.
//
// Promises. Nothing listens unless an address is given; the process itself
// reaches the server without a network. Starting does not wait for the server,
// which reads its files meanwhile; Close stops it cleanly, and kill -9 is safe
// too. A JetStream that has given up, as on a full disk, is started again. What
// lies in its folder is a copy that the feed makes anew.
//
// Where it listens, nobody comes in but the subscribers of a file, which may be
// changed at any time. A subscriber pulls what it may read, by a durable consumer
// that has its name and a few that are not durable, and can do nothing else: it is
// alone in an account that knows nothing but those.
package broker

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
)

// Config says how the server runs.
type Config struct {
	Dir       string // its files; made if there is none
	Listen    string // HOST:PORT for subscribers; "" for none, port 0 takes a free one
	UsersFile string // who they are; looked at again every second
	Users     Users  // who they are where there is no file
	TLS       *tls.Config
	Logger    *slog.Logger
}

// A Broker is a NATS server that runs until it is closed.
type Broker struct {
	config Config
	host   string // where it listens
	port   int
	users  source // of the goroutine that keeps the server running
	log    *slog.Logger
	secret string // by which this process is known to the server
	quit   chan struct{}
	done   chan struct{}

	mu      sync.Mutex
	current *run          // nil while none runs
	running chan struct{} // closed while one runs
}

// Open starts a server in the background. It refuses what cannot be meant: an
// address that is taken, a file of subscribers with a mistake.
func Open(c Config) (*Broker, error) {
	b := &Broker{
		config: c, log: c.Logger, secret: rand.Text(), users: source{path: c.UsersFile, last: c.Users},
		quit: make(chan struct{}), done: make(chan struct{}), running: make(chan struct{}),
	}
	if b.log == nil {
		b.log = slog.New(slog.DiscardHandler)
	}
	if err := b.findAddress(); err != nil {
		return nil, fmt.Errorf("start NATS: %w", err)
	}
	if _, _, err := b.users.changed(); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(c.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("start NATS: %w", err)
	}
	go b.keepRunning()
	return b, nil
}

// findAddress settles where to listen, a free port included, so that it stays
// the same when the server is started again.
func (b *Broker) findAddress() error {
	if b.config.Listen == "" {
		return nil
	}
	l, err := net.Listen("tcp", b.config.Listen)
	if err != nil {
		return err
	}
	host, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		return errors.Join(err, l.Close())
	}
	b.host = host
	b.port, err = strconv.Atoi(port)
	return errors.Join(err, l.Close())
}

// Address is where the server listens; "" where it does not.
func (b *Broker) Address() string {
	if b.config.Listen == "" {
		return ""
	}
	return net.JoinHostPort(b.host, strconv.Itoa(b.port))
}

// How long the server rests before it is started again.
const (
	restFirst = time.Second
	restMost  = time.Minute
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

// put makes a run the one that connections lead to; nil for none.
func (b *Broker) put(r *run) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.current == nil && r != nil {
		close(b.running)
	}
	if b.current != nil && r == nil {
		b.running = make(chan struct{})
	}
	b.current = r
}

// Ready waits until the server runs.
func (b *Broker) Ready(ctx context.Context) error {
	b.mu.Lock()
	running := b.running
	b.mu.Unlock()
	select {
	case <-running:
		return nil
	case <-b.done:
		return errors.New("the NATS server is closed")
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Dial connects this process to the server, when it runs, and again whenever
// there is another.
func (b *Broker) Dial(ctx context.Context, options ...nats.Option) (*nats.Conn, error) {
	if err := b.Ready(ctx); err != nil {
		return nil, err
	}
	own := []nats.Option{
		nats.InProcessServer(b), nats.UserInfo(ownName, b.secret), nats.MaxReconnects(-1), nats.RetryOnFailedConnect(true),
		nats.ReconnectWait(100 * time.Millisecond), nats.ReconnectBufSize(-1), nats.IgnoreAuthErrorAbort(),
	}
	return nats.Connect("", append(own, options...)...)
}

// InProcessConn is how a connection of this process is made, and made again.
func (b *Broker) InProcessConn() (net.Conn, error) {
	b.mu.Lock()
	r := b.current
	b.mu.Unlock()
	if r == nil {
		return nil, errors.New("the NATS server does not run at the moment")
	}
	return r.server.InProcessConn()
}

// ownName is the user that this process is; no subscriber can be called so.
const ownName = "supportledger_itself"

// equal compares secrets in the same time wherever they differ.
func equal(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

// Close stops the server, of which subscribers are told, and does not wait long for
// those who do not listen. Connections of this process should be closed before.
func (b *Broker) Close() error {
	close(b.quit)
	<-b.done
	return nil
}
