package esdb

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"sync"
	"sync/atomic"
	"time"

	client "github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"google.golang.org/grpc/metadata"

	"github.com/supportledger/supportledger/eventstore"
)

// A line is the client, and whether the cluster can be reached through it.
//
// The client finds another node by itself, but while it searches, everybody who
// asks it for anything hangs, whatever their contexts say; and once it has
// given up it is of no more use and leaves some of them hanging for ever. So it
// is told never to give up, calls are made on goroutines that their callers can
// leave, and while the cluster is gone nobody but one prober asks.
type line struct {
	client *client.Client
	config *client.Configuration
	log    *slog.Logger
	count  *metrics
	closed chan struct{}
	quit   context.Context
	stop   context.CancelFunc
	said   atomic.Pointer[string] // the client's last complaint
	direct direct

	mu     sync.Mutex
	cause  error         // why the cluster is gone; nil while it is there
	fell   chan struct{} // closed when it goes
	rose   chan struct{} // closed when it comes back; closed while it is there
	calls  int           // goroutines inside the client
	silent chan struct{} // closed when the last of them has left, once closing
	ending bool
}

// How the cluster is looked for, and how long is waited for a client that
// searches.
const (
	restFirst    = 20 * time.Millisecond
	restMost     = time.Second
	probeTimeout = 2 * time.Second
	searchGrace  = 500 * time.Millisecond
	closeGrace   = 2 * time.Second
	unfoundGrace = 50 * time.Millisecond // where it was never found
)

func newLine(connection string, log *slog.Logger, count *metrics) (*line, error) {
	config, err := parse(connection)
	if err != nil {
		return nil, err
	}
	config.MaxDiscoverAttempts = math.MaxInt
	l := &line{config: config, log: log, count: count, closed: make(chan struct{}), silent: make(chan struct{}), fell: make(chan struct{}), rose: make(chan struct{})}
	config.Logger = l.hear
	if l.client, err = client.NewClient(config); err != nil {
		return nil, fmt.Errorf("open cluster: %w", err)
	}
	l.quit, l.stop = context.WithCancel(context.Background())
	close(l.rose)
	return l, nil
}

// hear takes what the client says to its log. While it searches, it tells nobody
// else why it does not find the cluster.
func (l *line) hear(level client.LogLevel, format string, args ...any) {
	said := fmt.Sprintf(format, args...)
	if level == client.LogWarn || level == client.LogError {
		l.said.Store(&said)
	}
	l.log.Debug("the EventStoreDB client: "+said, "level", level)
}

// unfound is why the cluster was not found in time.
func (l *line) unfound(err error) error {
	if said := l.said.Load(); said != nil {
		return fmt.Errorf("%w: %s", eventstore.ErrUnavailable, *said)
	}
	return fmt.Errorf("%w: %w", eventstore.ErrUnavailable, err)
}

// errLeft says that a call was left while the client searched for the cluster:
// what became of it is not known.
var errLeft = errors.New("the client is looking for the cluster")

// errPanic says that the client has met an answer that it cannot take.
var errPanic = errors.New("the client cannot take the cluster's answer")

// leader makes a call ask for the leader. The client's own option for it never
// reaches the server.
func leader(ctx context.Context) context.Context {
	return metadata.AppendToOutgoingContext(ctx, "requires-leader", "true")
}

// do makes a call of the client, and leaves it when the context ends or, a moment
// later, when the cluster has gone. While the cluster is gone it refuses.
func (l *line) do(ctx context.Context, call func(*client.Client) error) error {
	fell, err := l.begin()
	if err != nil {
		return err
	}
	done := make(chan error, 1)
	go func() {
		defer l.ended()
		done <- l.safely(call)
	}()
	select {
	case err := <-done:
		return l.judge(err)
	case <-ctx.Done():
		return ctx.Err()
	case <-fell:
	}
	grace := time.NewTimer(searchGrace)
	defer grace.Stop()
	select {
	case err := <-done:
		return l.judge(err)
	case <-ctx.Done():
		return ctx.Err()
	case <-grace.C:
		return errLeft
	}
}

// safely turns the client's panic on an answer that it does not know into an error.
func (l *line) safely(call func(*client.Client) error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%w: %v", errPanic, p)
		}
	}()
	return call(l.client)
}

func (l *line) begin() (fell <-chan struct{}, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ending {
		return nil, eventstore.ErrClosed
	}
	if l.cause != nil {
		return nil, l.cause
	}
	l.calls++
	return l.fell, nil
}

func (l *line) ended() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.calls--
	if l.ending && l.calls == 0 {
		close(l.silent)
	}
}

// judge looks whether an error means that the cluster has gone.
func (l *line) judge(err error) error {
	if gone(err) {
		l.fall(err)
	}
	return err
}

// fall notes that the cluster has gone, and lets one goroutine look for it.
func (l *line) fall(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.cause != nil || l.ending {
		return
	}
	l.cause = fmt.Errorf("%w: %w", eventstore.ErrUnavailable, err)
	close(l.fell)
	l.rose = make(chan struct{})
	l.count.disconnects.Inc()
	l.log.Warn("the cluster cannot be reached", "error", err)
	l.calls++
	go func() {
		defer l.ended()
		l.probe()
	}()
}

// probe asks the cluster until it answers.
func (l *line) probe() {
	began := time.Now()
	for rest := restFirst; ; rest = min(2*rest, restMost) {
		if err := l.safely(l.probeOnce); err == nil {
			break
		}
		select {
		case <-l.quit.Done():
			return
		case <-time.After(rest):
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.cause, l.fell = nil, make(chan struct{})
	close(l.rose)
	l.log.Info("the cluster is there again", "after", time.Since(began).Round(time.Millisecond))
}

func (l *line) probeOnce(c *client.Client) error {
	ctx, cancel := context.WithTimeout(l.quit, probeTimeout)
	defer cancel()
	return ask(ctx, c)
}

// ask reads one event, whatever it is.
func ask(ctx context.Context, c *client.Client) error {
	read, err := c.ReadAll(leader(ctx), client.ReadAllOptions{Direction: client.Backwards, From: client.End{}}, 1)
	if err != nil {
		return err
	}
	defer read.Close()
	if _, err := read.Recv(); !ended(err) {
		return err
	}
	return nil
}

// lost is why the cluster cannot be reached; nil while it can.
func (l *line) lost() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.cause
}

// down says whether the cluster is known to be gone.
func (l *line) down() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.cause != nil || l.ending
}

// risen is closed while the cluster can be reached.
func (l *line) risen() <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.rose
}

// waitFor waits until the cluster can be reached, at most until a time.
func (l *line) waitFor(ctx context.Context, until time.Time) error {
	patience := time.NewTimer(time.Until(until))
	defer patience.Stop()
	select {
	case <-l.risen():
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-patience.C:
		return l.lost()
	}
}

// close closes the client when nobody is inside it any more. Where somebody hangs
// there, for the cluster is gone, it is left to them after a grace: closing would
// make them panic.
func (l *line) close(grace time.Duration) {
	l.stop()
	l.mu.Lock()
	l.ending = true
	if l.calls == 0 {
		close(l.silent)
	}
	l.mu.Unlock()
	defer l.direct.close()
	select {
	case <-l.silent:
		_ = l.client.Close() // never fails
	case <-time.After(grace):
		l.log.Debug("the EventStoreDB client is left open: it is still looking for the cluster")
	}
}
