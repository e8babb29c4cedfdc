package esdbwire_test

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/supportledger/supportledger/internal/lacking"
	"github.com/supportledger/supportledger/internal/transcript"
)

// A program for Node that follows the log from its first event on, and says what it is
// told. Where it is slow, it waits now and then until it is let go on.
const follower = `
import { EventStoreDBClient, START } from "@eventstore/db-client";
import { once } from "node:events";
const client = EventStoreDBClient.connectionString(process.env.READER_CONNECTION);
const every = Number(process.env.READER_WAITS);
let told = 0;
for await (const { event } of client.subscribeToAll({ fromPosition: START })) {
  console.log(event.streamId + "@" + event.revision + " at " + event.position.commit);
  if (every && told++ % every === 0) {
    console.error("waits");
    await once(process.stdin, "data");
  }
}`

// A program is the follower under way.
type program struct {
	told, waits transcript.Transcript
	in          io.Writer
}

func follow(t *testing.T, connection string, every int) *program {
	t.Helper()
	folder := filepath.Join("..", "..", "examples", "reader", "node")
	lacking.NodeClient(t, folder)
	cmd := exec.Command("node", "--input-type=module", "--eval", follower)
	cmd.Dir = folder
	cmd.Env = append(os.Environ(), "READER_CONNECTION="+connection, fmt.Sprint("READER_WAITS=", every))
	p := new(program)
	cmd.Stdout, cmd.Stderr = &p.told, &p.waits
	in, err := cmd.StdinPipe()
	must(t, err)
	p.in = in
	must(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("the program says:\n%s", p.waits.String())
		}
	})
	return p
}

func (p *program) hears(t *testing.T, want []string) {
	t.Helper()
	waitUntil(t, "the program is told of everything", func() bool { return strings.Count(p.told.String(), "\n") >= len(want) })
	same(t, "the program", strings.Split(strings.TrimSpace(p.told.String()), "\n"), want)
}

// A program with the official client for Node that is slow to take what it is told,
// while others write, gets everything once, in order.
func TestASlowNodeReaderGetsEverythingOnce(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.some()
	const waits, every, large = 4, 3000, 240
	p := follow(t, "esdb://"+r.address+"?tls=false", every)
	for i := range waits + 1 {
		waitUntil(t, "the program has enough for now", func() bool { return strings.Count(p.waits.String(), "waits") == i+1 })
		for n := 0; i < waits && n < every/6; n++ { // more than any buffer on the way holds
			kind := strings.Repeat("x", large)
			r.write(fmt.Sprintf("s-%d", n%7), kind, kind, kind, kind, kind, kind)
		}
		_, err := fmt.Fprintln(p.in)
		must(t, err)
	}
	p.hears(t, places(r.all()))
}

// A connection of the client for Node on which nothing is said stays open however often
// the client is told to ping, and still follows the log.
func TestAnIdleNodeReaderStaysConnected(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.some()
	line := newPulse(t, r.address)
	p := follow(t, "esdb://"+line.address+"?tls=false&keepAliveInterval=150&keepAliveTimeout=5000", 0)
	p.hears(t, places(r.all()))
	before := line.connections.Load()
	line.beats(t, 10)
	r.write("a", "six")
	p.hears(t, places(r.all()))
	if after := line.connections.Load(); after != before {
		t.Errorf("%d connections, %d before", after, before)
	}
}
