package load

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

// server answers submissions with numbers that rise, and remembers keys.
type server struct {
	mu     sync.Mutex
	keys   map[string]int
	number int
	faults []string
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var body struct {
		Payment   struct{ Contract string }
		Title     string
		Agreement struct{ Accepted bool }
	}
	raw, _ := io.ReadAll(r.Body)
	err := json.Unmarshal(raw, &body)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keys[r.Header.Get("Idempotency-Key")]++
	s.number++
	switch {
	case err != nil:
		s.faults = append(s.faults, err.Error())
	case len(raw) < 580 || len(raw) > 660:
		s.faults = append(s.faults, fmt.Sprintf("the body has %d bytes", len(raw)))
	case "Bearer token of "+body.Payment.Contract != r.Header.Get("Authorization"):
		s.faults = append(s.faults, "contract and token belong to different targets")
	case body.Title == "" || !body.Agreement.Accepted:
		s.faults = append(s.faults, "the body lacks members")
	}
	w.WriteHeader(http.StatusCreated)
	fmt.Fprintf(w, `{"number":"%d-%08d","status":"open"}`, 150301, s.number)
}

func twoTargets() []Target {
	a, b := strings.Repeat("a", len(nobody)), strings.Repeat("b", len(nobody))
	return []Target{{a, "token of " + a}, {b, "token of " + b}}
}

func TestSubmissionsOverHTTPAreWholeAndHaveKeysOfTheirOwn(t *testing.T) {
	s := &server{keys: map[string]int{}}
	web := httptest.NewServer(s)
	defer web.Close()
	h := HTTP{Addr: web.Listener.Addr().String(), Run: "run", Wording: OnPremises(), Targets: twoTargets()}
	callers, shut, err := h.Callers(t.Context(), 4)
	if err != nil {
		t.Fatal(err)
	}
	defer shut()
	r, err := Run(t.Context(), callers, Span{Measure: 50 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.Asked == 0 || r.Asked != int64(len(s.keys)) || r.Acknowledged != int64(s.number) {
		t.Errorf("asked %d, acknowledged %d; the server saw %d keys in %d requests", r.Asked, r.Acknowledged, len(s.keys), s.number)
	}
	if len(s.faults) > 0 {
		t.Errorf("%d requests were wrong, first: %s", len(s.faults), s.faults[0])
	}
	seen := map[uint64]bool{}
	for _, n := range r.Numbers {
		seen[n] = true
	}
	if len(seen) != s.number || !seen[15030100000001] {
		t.Errorf("%d numbers were read of %d that were given out", len(seen), s.number)
	}
}

// answering returns what a caller makes of these bytes, which arrive one by one.
func answering(t *testing.T, answer string) (uint64, error) {
	t.Helper()
	client, web := net.Pipe()
	defer client.Close()
	go func() {
		defer web.Close()
		// A pipe's reader takes the request in one piece, and its writer waits
		// until each byte has been read, or the client has gone.
		_, _ = web.Read(make([]byte, 4096))
		for i := range len(answer) {
			_, _ = io.WriteString(web, answer[i:i+1])
		}
	}()
	h := HTTP{Run: "run", Wording: OnPremises(), Targets: twoTargets()}
	return h.caller(client, 0)(t.Context())
}

func TestAnswersAreReadHoweverTheyArrive(t *testing.T) {
	for name, test := range map[string]struct {
		answer, refusal string
	}{
		"with a length":      {"HTTP/1.1 201 Created\r\nContent-Length: 15\r\n\r\n{\"number\":\"17\"}", ""},
		"in chunks":          {"HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\nf\r\n{\"number\":\"17\"}\r\n0\r\n\r\n", ""},
		"larger than room":   {"HTTP/1.1 201 Created\r\nContent-Length: 40015\r\n\r\n" + strings.Repeat(" ", 40000) + "{\"number\":\"17\"}", ""},
		"refused":            {"HTTP/1.1 409 Conflict\r\nContent-Length: 14\r\n\r\nnone-available", "answered 409: none-available"},
		"without a number":   {"HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\n{}", "names no incident"},
		"cut off":            {"HTTP/1.1 201 Created\r\nContent-Length: 15\r\n\r\n{\"num", "EOF"},
		"of another kind":    {"SMTP ready, and more text\r\n\r\n", "not an HTTP/1.1 answer"},
		"with a bad length":  {"HTTP/1.1 201 Created\r\nContent-Length: x\r\n\r\n", "read content length"},
		"with a word number": {"HTTP/1.1 201 Created\r\nContent-Length: 16\r\n\r\n{\"number\":\"one\"}", "read incident number"},
	} {
		t.Run(name, func(t *testing.T) {
			number, err := answering(t, test.answer)
			if test.refusal == "" && (err != nil || number != 17) {
				t.Errorf("read %d, %v; want 17", number, err)
			}
			if test.refusal != "" && (err == nil || !strings.Contains(err.Error(), test.refusal)) {
				t.Errorf("error is %v, want it to say %q", err, test.refusal)
			}
		})
	}
}

func TestALoadWithoutTargetsIsRefused(t *testing.T) {
	if _, _, err := (HTTP{}).Callers(t.Context(), 1); err == nil {
		t.Error("callers without anybody to submit for were made")
	}
}
