package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// exampleSubscriber is examples/subscriber at work beside a development ledger.
type exampleSubscriber struct {
	t    *testing.T
	cmd  *exec.Cmd
	told lockedBuffer
}

func (s *server) exampleSubscriber(t *testing.T, program, state, out string) *exampleSubscriber {
	t.Helper()
	d := s.readDevSubscriber()
	output, err := os.OpenFile(out, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	must(t, err)
	t.Cleanup(func() { _ = output.Close() })
	x := &exampleSubscriber{t: t, cmd: exec.Command(program, "--url", d.URL, "--user", d.User, "--state", state)}
	x.cmd.Env = append(os.Environ(), "SUBSCRIBER_PASSWORD="+d.Password)
	x.cmd.Stdout, x.cmd.Stderr = output, &x.told
	must(t, x.cmd.Start())
	t.Cleanup(func() { _ = x.cmd.Process.Kill() })
	return x
}

// finish stops the example in order.
func (x *exampleSubscriber) finish() {
	x.t.Helper()
	must(x.t, x.cmd.Process.Signal(syscall.SIGTERM))
	if err := x.cmd.Wait(); err != nil {
		x.t.Fatalf("the example: %v\n%s", err, x.told.String())
	}
}

// R38: the example that subscribers copy hears everything of a real ledger, once
// and in order, over kills of the ledger and restarts of its own.
func TestR38_TheExampleSubscriberMissesNothing(t *testing.T) {
	dir, there := t.TempDir(), t.TempDir()
	program, out := filepath.Join(there, "subscriber"), filepath.Join(there, "out")
	build := exec.Command("go", "build", "-o", program, "../../examples/subscriber")
	if text, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build the example: %v\n%s", err, text)
	}
	feed := []string{"--nats-listen", freeAddress(t)}
	s := &siege{server: launch(t, dir, feed...), asked: make(map[string]string), acked: make(map[string]string)}
	for range 3 {
		s.packs = append(s.packs, s.linked(100_000))
	}
	x := s.exampleSubscriber(t, program, filepath.Join(there, "state"), out)
	for i := range 4 {
		s.round(50, s.kill)
		s.server = launch(t, dir, feed...)
		if i == 1 {
			x.finish()
			x = s.exampleSubscriber(t, program, filepath.Join(there, "state"), out)
		}
	}
	var want []string
	for _, p := range s.places() {
		want = append(want, fmt.Sprint(p.Position, " ", p.Type))
	}
	heard := s.heard(t, out, want[len(want)-1])
	if strings.Join(heard, "\n") != strings.Join(want, "\n") {
		t.Errorf("it heard of %d events, recorded are %d: %v\n%s", len(heard), len(want), firstOther(heard, want), x.told.String())
	}
	x.finish()
	if !strings.Contains(x.told.String(), "nothing can be missed unnoticed") {
		t.Errorf("it says\n%s", x.told.String())
	}
}

// heard reads what the example has printed, when the last event is there.
func (s *siege) heard(t *testing.T, out, last string) (heard []string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		text, err := os.ReadFile(out)
		must(t, err)
		heard = heard[:0]
		for lines := bufio.NewScanner(bytes.NewReader(text)); lines.Scan(); {
			words := strings.Fields(lines.Text())
			heard = append(heard, words[0]+" "+words[1])
		}
		if len(heard) > 0 && heard[len(heard)-1] == last || ctx.Err() != nil {
			return heard
		}
		<-tick.C
	}
}

func firstOther(got, want []string) any {
	for i := range min(len(got), len(want)) {
		if got[i] != want[i] {
			return []string{got[i], want[i]}
		}
	}
	return min(len(got), len(want))
}

func freeAddress(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer l.Close()
	return l.Addr().String()
}
