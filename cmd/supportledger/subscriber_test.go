package main

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/supportledger/supportledger/internal/ownaddress"
	"github.com/supportledger/supportledger/internal/transcript"
)

// An exampleSubscriber is examples/subscriber at work.
type exampleSubscriber struct {
	t    *testing.T
	cmd  *exec.Cmd
	told transcript.Transcript
}

// finish stops the example in order.
func (x *exampleSubscriber) finish() {
	x.t.Helper()
	must(x.t, x.cmd.Process.Signal(syscall.SIGTERM))
	if err := x.cmd.Wait(); err != nil {
		x.t.Fatalf("the example: %v\n%s", err, x.told.String())
	}
}

// kill stops the example as a crash does.
func (x *exampleSubscriber) kill() {
	_ = x.cmd.Process.Kill()
	_ = x.cmd.Wait() // tells that it was killed
}

// build builds a command that a test needs.
func build(t *testing.T, to, command string) string {
	t.Helper()
	must(t, goBuild(to, command))
	return to
}

// An operatorsNATS is a NATS server beside a ledger, in a process of its own.
type operatorsNATS struct {
	t                     *testing.T
	program, address, dir string
	cmd                   *exec.Cmd
}

func (n *operatorsNATS) start() {
	host, port, err := net.SplitHostPort(n.address)
	must(n.t, err)
	n.cmd = exec.Command(n.program, "--addr", host, "--port", port, "--jetstream", "--store_dir", n.dir, "--user", "ledger", "--pass", "secret")
	must(n.t, n.cmd.Start())
	n.t.Cleanup(n.kill)
}

func (n *operatorsNATS) kill() {
	_ = n.cmd.Process.Kill()
	_ = n.cmd.Wait()
}

// R38: the example that subscribers copy hears everything of a real ledger, once
// and in order, and its own check agrees: 100,000 events over 50 kills, whatever
// NATS loses meanwhile (fewer on a laptop). An acknowledgement is of two events.
func TestR38_TheExampleSubscriberMissesNothing(t *testing.T) {
	few, all := [2]int{10, 100}, [2]int{50, 1000} // rounds, and acknowledgements in each
	own, other := few, few
	if long() || os.Getenv("CI") == "true" {
		own = all
	}
	if long() {
		other = all
	}
	program := build(t, filepath.Join(t.TempDir(), "subscriber"), "../../examples/subscriber")
	t.Run("by the ledger's own NATS server", func(t *testing.T) {
		dir := t.TempDir()
		b := &bereft{program: program, store: filepath.Join(dir, "nats"), flags: []string{"--nats-listen", ownaddress.Free(t)}}
		b.siege = besiege(t, dir, b.flags...)
		d := b.readDevSubscriber()
		b.url, b.user, b.password = d.URL, d.User, d.Password
		b.outlive(t, own, func(lose func()) { b.kill(); lose() })
	})
	t.Run("by another NATS server", func(t *testing.T) {
		n := &operatorsNATS{t: t, program: build(t, filepath.Join(t.TempDir(), "nats-server"), "github.com/nats-io/nats-server/v2"), address: ownaddress.Free(t), dir: t.TempDir()}
		n.start()
		b := &bereft{program: program, store: filepath.Join(n.dir, "jetstream"), flags: []string{"--nats-url", "nats://ledger:secret@" + n.address}}
		b.siege = besiege(t, t.TempDir(), b.flags...)
		b.url, b.user, b.password = "nats://"+n.address, "ledger", "secret"
		b.outlive(t, other, func(lose func()) { n.kill(); lose(); n.start(); b.kill() })
	})
}

func besiege(t *testing.T, dir string, flags ...string) *siege {
	s := &siege{server: launch(t, dir, flags...), asked: make(map[string]string), acked: make(map[string]string)}
	for range 3 {
		s.packs = append(s.packs, s.linked(100_000))
	}
	return s
}

// A bereft ledger is one whose feed, NATS server and subscriber lose things.
type bereft struct {
	*siege
	flags               []string
	store               string // JetStream's files
	program             string // the example
	url, user, password string
}

// outlive kills the ledger and NATS under load so many times, and in between the
// subscriber; every fifth time older files of JetStream are back, and once they are
// gone.
func (b *bereft) outlive(t *testing.T, scale [2]int, kill func(lose func())) {
	there, rounds, each := t.TempDir(), scale[0], scale[1]
	state, out, older := filepath.Join(there, "state"), filepath.Join(there, "out"), filepath.Join(there, "older")
	x := b.subscribe(t, state, out)
	for i := range rounds {
		b.round(each, func() {
			kill(func() {
				switch {
				case i%5 == 1:
					must(t, os.RemoveAll(older))
					must(t, os.CopyFS(older, os.DirFS(b.store)))
				case i%5 == 2:
					must(t, os.RemoveAll(b.store))
					must(t, os.CopyFS(b.store, os.DirFS(older)))
				case i == 4: // not later: filling it anew would hide what was left out before
					must(t, os.RemoveAll(b.store))
				}
			})
		})
		b.server = launch(t, b.dir, b.flags...)
		if i%3 == 0 {
			x.kill()
			x = b.subscribe(t, state, out)
		}
	}
	var want []string
	for _, p := range b.places() {
		want = append(want, fmt.Sprint(p.Position, " ", p.Type))
	}
	if got := heard(t, out, want[len(want)-1]); strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("it heard of %d events, recorded are %d: %v\n%s\n%s", len(got), len(want), firstOther(got, want), x.told.String(), b.log.String())
	}
	x.finish()
	var kept struct{ Ordinal int }
	text, err := os.ReadFile(state)
	must(t, err)
	mustRead(t, text, &kept)
	if kept.Ordinal != len(want) || len(want) < 2*rounds*each || !strings.Contains(x.told.String(), "nothing can be missed unnoticed") {
		t.Errorf("by its own check it has %d of %d events, and says\n%s", kept.Ordinal, len(want), x.told.String())
	}
	t.Logf("%d events over %d kills", len(want), rounds)
}

// subscribe lets the example follow.
func (b *bereft) subscribe(t *testing.T, state, out string) *exampleSubscriber {
	t.Helper()
	output, err := os.OpenFile(out, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	must(t, err)
	t.Cleanup(func() { _ = output.Close() })
	x := &exampleSubscriber{t: t, cmd: exec.Command(b.program, "--url", b.url, "--user", b.user, "--state", state)}
	x.cmd.Env = append(os.Environ(), "SUBSCRIBER_PASSWORD="+b.password)
	x.cmd.Stdout, x.cmd.Stderr = output, &x.told
	must(t, x.cmd.Start())
	t.Cleanup(func() { _ = x.cmd.Process.Kill() })
	return x
}

// heard reads what the example prints, up to an event. What it has printed and not
// saved when it was killed comes twice, and is taken once.
func heard(t *testing.T, out, last string) (all []string) {
	t.Helper()
	file, err := os.Open(out)
	must(t, err)
	defer file.Close()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	late := time.Now().Add(2 * time.Minute)
	seen, lines, half := map[string]bool{}, bufio.NewReader(file), ""
	for time.Now().Before(late) {
		line, err := lines.ReadString('\n')
		if half += line; err != nil {
			<-tick.C
			continue
		}
		words := strings.Fields(half)
		half = ""
		if event := words[0] + " " + words[1]; !seen[event] {
			seen[event] = true
			if all = append(all, event); event == last {
				break
			}
		}
	}
	return all
}

func firstOther(got, want []string) any {
	for i := range min(len(got), len(want)) {
		if got[i] != want[i] {
			return []string{got[i], want[i]}
		}
	}
	return min(len(got), len(want))
}
