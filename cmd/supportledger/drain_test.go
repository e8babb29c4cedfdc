package main

import (
	"net"
	"net/http"
	"strings"
	"testing"
)

// Who is told to stop says at once that requests should go elsewhere, and answers
// everything that comes all the same, over new connections too, until the time is up
// or a second signal comes.
func TestDrainingAnswersWhatStillComes(t *testing.T) {
	s := launch(t, t.TempDir(), "--drain", "9m")
	p := s.linked(3)
	s.signal()
	s.becomes(t, "/readyz", "not-ready")
	fail(t, exitFailed, []string{"is being stopped"}, "health", "--listen", strings.TrimPrefix(s.base, "http://"))
	succeed(t, "health", "--live", "--listen", strings.TrimPrefix(s.base, "http://"))
	s.client.CloseIdleConnections()
	s.post("customer-ani", "/v1/incidents", request(p.ID, "while it drains"), nil, http.StatusCreated)
	succeed(t, "verify", "--data", s.dir) // by the control socket
	if log := s.log.String(); strings.Contains(log, "stopping") {
		t.Errorf("it does not wait:\n%s", log)
	}
	must(t, s.stop()) // the second signal
	if _, err := net.Dial("tcp", strings.TrimPrefix(s.base, "http://")); err == nil {
		t.Error("it still listens")
	}
}

func TestDrainingEndsByItself(t *testing.T) {
	s := launch(t, t.TempDir(), "--drain", "50ms")
	must(t, s.stop())
	for _, words := range []string{"leaving", "stopping", "stopped"} {
		if !strings.Contains(s.log.String(), words) {
			t.Errorf("it does not say %q:\n%s", words, s.log)
		}
	}
}
