package api

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"
)

// ErrCutOff says that requests took longer than there was time for in the end.
var ErrCutOff = errors.New("requests were still under way at the end of the grace and were cut off")

// Run has a server answer requests on a listener until the context ends or the
// listener fails. Then it takes no new ones and finishes those that it has
// accepted, for at most grace; what takes longer has its context ended and its
// connection closed, and is ErrCutOff. When Run returns no handler is running any
// more, so that what handlers use can be closed: a handler that does not heed its
// context is waited for.
func Run(ctx context.Context, listener net.Listener, server *http.Server, grace time.Duration) error {
	working, cutOff := context.WithCancel(context.WithoutCancel(ctx))
	defer cutOff()
	server.BaseContext = func(net.Listener) context.Context { return context.WithValue(working, stoppingKey{}, ctx) }
	door := &door{handler: server.Handler}
	server.Handler = door
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	var failure error
	select {
	case failure = <-ended:
		failure = fmt.Errorf("serve http: %w", failure)
	case <-ctx.Done():
	}
	last, cancel := context.WithTimeout(working, grace)
	defer cancel()
	if err := server.Shutdown(last); errors.Is(err, context.DeadlineExceeded) {
		failure = errors.Join(failure, ErrCutOff)
	}
	cutOff()
	server.Close()
	door.close()
	return failure
}

// A door lets requests in until it is closed, and then waits for those inside.
type door struct {
	handler http.Handler
	mu      sync.RWMutex // held for reading by whoever is inside
	closed  bool
}

// ServeHTTP implements http.Handler.
func (d *door) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	if !d.closed { // its connection is closed as well
		d.handler.ServeHTTP(w, r)
	}
}

func (d *door) close() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.closed = true
}
