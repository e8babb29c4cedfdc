// Package s3server serves an S3-compatible store for tests: in this process and in
// memory, behind HTTP on a loopback address, as any other would be reached.
//
// It keeps to conditions, one after another, and is strongly consistent. It looks
// whose key a request names, and not at the signature.
package s3server

import (
	"io"
	"log"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"
)

// The credentials that count, and the bucket that there is.
const (
	Key    = "AKLEDGERTEST"
	Secret = "a secret that no log shows"
	Bucket = "ledger"
)

// A Server serves one store. It can be away for a while.
type Server struct {
	t       testing.TB
	address string
	store   http.Handler

	mu      sync.Mutex
	serving *http.Server // nil while it is away
}

// Start starts an empty store, and sets the credentials for it in the environment.
// It ends with the test.
func Start(t testing.TB) *Server {
	t.Helper()
	backend := s3mem.New()
	if err := backend.CreateBucket(Bucket); err != nil {
		t.Fatal(err)
	}
	s := &Server{t: t, address: "127.0.0.1:0", store: known(gofakes3.New(backend).Server())}
	if setter, ok := t.(interface{ Setenv(key, value string) }); ok {
		setter.Setenv("AWS_ACCESS_KEY_ID", Key)
		setter.Setenv("AWS_SECRET_ACCESS_KEY", Secret)
	}
	s.Return()
	t.Cleanup(s.Leave)
	return s
}

// known lets those in whose key is ours.
func known(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.Contains(r.Header.Get("Authorization"), "Credential="+Key+"/") {
			w.Header().Set("Content-Type", "application/xml")
			w.WriteHeader(http.StatusForbidden)
			_, _ = w.Write([]byte(`<Error><Code>InvalidAccessKeyId</Code><Message>nobody has this key</Message></Error>`))
			return
		}
		next.ServeHTTP(w, r)
	})
}

// URL names a folder of the store as --attachments takes it.
func (s *Server) URL(prefix string) string {
	return "s3://" + Bucket + "/" + prefix + "?endpoint=http://" + s.address
}

// Handler is the store itself, to be served elsewhere or in another way.
func (s *Server) Handler() http.Handler { return s.store }

// Leave makes the store be away: connections are cut, and new ones refused. What it
// holds stays.
func (s *Server) Leave() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.serving != nil {
		_ = s.serving.Close()
		s.serving = nil
	}
}

// Return brings the store back where it was.
func (s *Server) Return() {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	ear, err := net.Listen("tcp", s.address)
	if err != nil {
		s.t.Fatal(err)
	}
	s.address = ear.Addr().String()
	server := &http.Server{Handler: s.store, ErrorLog: log.New(io.Discard, "", 0)}
	go func() { _ = server.Serve(ear) }()
	s.serving = server
}
