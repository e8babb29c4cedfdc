package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestItGoesOnWhereItStopped(t *testing.T) {
	r := newRig(t)
	state := filepath.Join(t.TempDir(), "state.json")
	r.publish("a a b")
	x := r.run("--state", state)
	x.prints("a0 a1 b0")
	x.says("in step with the feed: 2 streams, up to position 30")
	if !strings.HasPrefix(x.out.String(), `10 incident.commented.v1 a@0 {"number":"a0"}`+"\n") {
		t.Errorf("printed %s", x.out.String())
	}
	x.finish()
	r.publish("a c")
	x = r.run("--state", state)
	x.prints("a2 c0")
	r.publish("b")
	x.prints("a2 c0 b1")
	x.finish()
	if strings.Contains(x.told.String(), "once more in") {
		t.Errorf("it said\n%s", x.told.String())
	}
	x = r.run() // without a file it begins at the beginning
	x.prints("a0 a1 b0 a2 c0 b1")
	x.finish()
}

func TestWhatComesTwiceIsTakenOnce(t *testing.T) {
	r := newRig(t)
	r.publish("a b a")
	x := r.run()
	x.prints("a0 b0 a1")
	r.send(message(1, "a0"))
	r.send(message(3, "a1"))
	r.publish("a")
	x.prints("a0 b0 a1 a2")
	x.finish()
}

// What is missing is named, nothing after it is taken, and when the feed has
// filled its stream anew, everything comes once.
func TestWhatIsMissingIsNamedAndWaitedFor(t *testing.T) {
	r := newRig(t)
	r.publish("a b")
	x := r.run()
	x.prints("a0 b0")
	x.says("in step")
	r.next++ // the whole of stream c is missing
	r.publish("a")
	x.says("missed messages of the feed, by their ordinals: 3 to 3; once more in")
	x.prints("a0 b0")
	first := message(1, "a0")
	first.Header.Set("Nats-Rollup", "all")
	r.send(first)
	for i, e := range []string{"b0", "c0", "a1"} {
		r.send(message(uint64(i+2), e))
	}
	x.says("reading it again from its beginning")
	x.prints("a0 b0 c0 a1")
	x.finish()
}

func TestAMissingRevisionIsNamed(t *testing.T) {
	r := newRig(t)
	r.publish("a b")
	r.send(message(9, "a2"))
	x := r.run("--subjects", "ledger.events.*.*.a")
	x.says("missed revisions of stream a: 1 to 1; once more in")
	x.prints("a0")
	x.finish()
}

// The stream may be removed and filled again, with other sequences.
func TestAFeedThatWasMadeAnewIsTakenOnce(t *testing.T) {
	for _, shorter := range []bool{false, true} {
		r := newRig(t)
		state := filepath.Join(t.TempDir(), "state.json")
		if shorter {
			r.send(message(1, "a0")) // the same event lies there more than once
			r.send(message(1, "a0"))
		}
		r.publish("a b a")
		x := r.run("--state", state)
		x.prints("a0 b0 a1")
		x.finish()
		must(t, r.js.DeleteStream(t.Context(), "LEDGER"))
		r.makeStream()
		for i, e := range []string{"a0", "b0", "a1"} {
			r.send(message(uint64(i+1), e))
		}
		r.publish("c d e")
		x = r.run("--state", state)
		x.prints("c0 d0 e0")
		x.finish()
		r.shutdown()
	}
}

func TestAnotherPastEndsIt(t *testing.T) {
	r := newRig(t)
	state := filepath.Join(t.TempDir(), "state.json")
	r.publish("a a")
	x := r.run("--state", state)
	x.prints("a0 a1")
	x.finish()
	must(t, r.js.DeleteStream(t.Context(), "LEDGER"))
	r.makeStream()
	r.send(message(1, "a0"))
	other := message(2, "a1")
	other.Header.Set("ce-id", "another")
	r.send(other)
	x = r.run("--state", state)
	if err := <-x.ended; err == nil || !strings.Contains(err.Error(), "restored from a backup") {
		t.Errorf("it ended with %v", err)
	}
	if got := x.events(); got != "" {
		t.Errorf("printed %q", got)
	}
}

// NATS may go away and come back.
func TestItOutlivesItsServer(t *testing.T) {
	r := newRig(t)
	r.publish("a b")
	x := r.run()
	x.prints("a0 b0")
	for range 3 {
		r.shutdown()
		x.says("the connection is lost")
		r.start()
		r.publish("a")
	}
	x.prints("a0 b0 a1 a2 a3")
	x.finish()
}

// A message that was delivered and did not arrive is noticed, whatever is left
// out, and whether or not another one follows.
func TestALostDeliveryIsNoticed(t *testing.T) {
	for _, follows := range []int{0, 1} {
		r := newRig(t)
		x := r.run("--subjects", "ledger.events.incident.>")
		r.publish("a")
		x.prints("a0")
		r.steal()
		want := "a0"
		for range follows {
			r.publish("a")
		}
		for n := 1; n <= r.last["a"]; n++ {
			want += fmt.Sprint(" a", n)
		}
		x.prints(want)
		x.says("deliveries were lost on the way")
		x.finish()
		r.shutdown()
	}
}

func TestTypesMayBeLeftOut(t *testing.T) {
	r := newRig(t)
	x := r.run("--subjects", "ledger.events.incident.>,ledger.events.grant.>")
	x.says("tell nothing")
	r.publish("a")
	other := message(2, "a1")
	other.Subject = "ledger.events.contract.suspended.a"
	r.send(other)
	r.send(message(3, "a2"))
	x.prints("a0 a2")
	x.finish()
}

// A wrong password, or a server that is away, is no reason to be silent.
func TestItSaysWhyItDoesNotConnect(t *testing.T) {
	r := newRig(t)
	r.run("--user", "nobody").says("as nobody: nats: Authorization Violation")
	r.shutdown()
	r.run().says("connection refused")
}

func TestItRefusesWhatCannotBeMeant(t *testing.T) {
	dir := t.TempDir()
	odd, used := filepath.Join(dir, "odd.json"), filepath.Join(dir, "used.json")
	must(t, os.WriteFile(odd, []byte("{"), 0o600))
	must(t, os.WriteFile(used, []byte(`{"sequence":3,"subjects":["ledger.events.>"]}`), 0o600))
	for _, c := range []struct {
		word string
		args []string
	}{
		{"--user is missing", nil},
		{"is not a flag", []string{"--user", "crm", "more"}},
		{"--password-file", []string{"--user", "crm", "--password-file", filepath.Join(dir, "none")}},
		{odd, []string{"--user", "crm", "--state", odd}},
		{"--subjects is ledger.events.grant.>", []string{"--user", "crm", "--state", used, "--subjects", "ledger.events.grant.>"}},
		{"no such file", []string{"--user", "crm", "--ca", filepath.Join(dir, "none")}},
	} {
		if err := run(t.Context(), c.args, new(buffer), new(buffer)); err == nil || !strings.Contains(err.Error(), c.word) {
			t.Errorf("%v: got %v", c.args, err)
		}
	}
}
