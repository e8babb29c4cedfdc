package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"
)

// Shutting down finishes what was accepted, takes nothing new, and ends.
func TestShuttingDownFinishesWhatWasAccepted(t *testing.T) {
	arrived, leave := make(chan struct{}), make(chan struct{})
	handler := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		close(arrived)
		<-leave
		_, _ = io.WriteString(w, "done")
	})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- Serve(ctx, listener, handler, slog.New(slog.DiscardHandler), time.Minute) }()
	answered := make(chan string, 1)
	go func() {
		response, err := http.Get("http://" + listener.Addr().String())
		if err != nil {
			answered <- err.Error()
			return
		}
		defer response.Body.Close()
		body, _ := io.ReadAll(response.Body)
		answered <- string(body)
	}()
	<-arrived
	stop()
	close(leave)
	if got := <-answered; got != "done" {
		t.Errorf("got %q", got)
	}
	must(t, <-ended)
	if _, err := net.Dial("tcp", listener.Addr().String()); err == nil {
		t.Error("still listening")
	}
}

// What does not end in time is cut off: its context ends, its connection is
// closed, and only when it has ended does serving.
func TestShuttingDownWaitsForWhatItHasCutOff(t *testing.T) {
	for name, work := range map[string]http.HandlerFunc{
		"waits":  func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
		"writes": func(w http.ResponseWriter, _ *http.Request) { writeUntilItFails(w) }, // and nobody reads
	} {
		t.Run(name, func(t *testing.T) {
			arrived, ended := make(chan struct{}), false
			handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				close(arrived)
				work(w, r)
				runtime.Gosched()
				ended = true // unguarded: the race detector sees who does not wait
			})
			listener, err := net.Listen("tcp", "127.0.0.1:0")
			must(t, err)
			conn, err := net.Dial("tcp", listener.Addr().String())
			must(t, err)
			defer conn.Close()
			_, err = fmt.Fprint(conn, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n") // and never the body
			must(t, err)
			ctx, stop := context.WithCancel(t.Context())
			go func() { <-arrived; stop() }()
			err = Serve(ctx, listener, handler, slog.New(slog.DiscardHandler), time.Millisecond)
			if !errors.Is(err, ErrCutOff) || !ended {
				t.Errorf("got %v, the request has ended: %v", err, ended)
			}
		})
	}
}

func writeUntilItFails(w io.Writer) {
	for page := make([]byte, 1<<16); ; {
		if _, err := w.Write(page); err != nil {
			return
		}
	}
}

// Where the listener fails, what was accepted is finished all the same.
func TestServingFailsWithItsListener(t *testing.T) {
	arrived := make(chan struct{})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	answered := make(chan error, 1)
	go func() {
		response, err := http.Get("http://" + listener.Addr().String())
		if err == nil {
			err = response.Body.Close()
		}
		answered <- err
	}()
	go func() { <-arrived; listener.Close() }()
	handler := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { close(arrived) })
	if err := Serve(t.Context(), listener, handler, slog.New(slog.DiscardHandler), time.Minute); err == nil {
		t.Error("nobody was told")
	}
	must(t, <-answered)
}

// A real connection: keep-alive, a repeat, and a client that sends no HTTP.
func TestOverARealConnection(t *testing.T) {
	r := newRig(t)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- Serve(ctx, listener, r.handler, slog.New(slog.DiscardHandler), time.Minute) }()
	t.Cleanup(func() {
		stop()
		must(t, <-ended)
	})
	body, err := json.Marshal(r.request(object{"contract": r.linked()["id"]}))
	must(t, err)
	var first string
	for i := range 3 {
		q, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+listener.Addr().String()+"/v1/incidents", bytes.NewReader(body))
		must(t, err)
		q.Header.Set("Authorization", "Bearer "+r.ani())
		q.Header.Set("Content-Type", "application/json")
		q.Header.Set("Idempotency-Key", "once")
		response, err := http.DefaultClient.Do(q)
		must(t, err)
		got, err := io.ReadAll(response.Body)
		must(t, err)
		must(t, response.Body.Close())
		if i == 0 {
			first = string(got)
		}
		if response.StatusCode != http.StatusCreated || string(got) != first || (response.Header.Get("Idempotency-Replayed") == "true") != (i > 0) {
			t.Errorf("%d: %d %v %s", i, response.StatusCode, response.Header, got)
		}
	}
	conn, err := net.Dial("tcp", listener.Addr().String())
	must(t, err)
	defer conn.Close()
	_, err = fmt.Fprint(conn, "what?\r\n\r\n")
	must(t, err)
	if got, _ := io.ReadAll(conn); !strings.HasPrefix(string(got), "HTTP/1.1 400") {
		t.Errorf("got %q", got)
	}
}
