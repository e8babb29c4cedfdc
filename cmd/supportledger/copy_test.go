package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/supportledger/supportledger/eventstore"
	"github.com/supportledger/supportledger/eventstore/esdbwire"
	"github.com/supportledger/supportledger/eventstore/pebblestore"
)

// A toll lets so many through and holds up all others, until it is lifted.
type toll struct {
	left   atomic.Int64
	held   chan struct{} // closed when somebody is held up
	lifted chan struct{}
	once   sync.Once
}

func newToll(n int) *toll {
	t := &toll{held: make(chan struct{}), lifted: make(chan struct{})}
	t.left.Store(int64(n))
	return t
}

func (t *toll) pass() {
	if t.left.Add(-1) < 0 {
		t.once.Do(func() { close(t.held) })
		<-t.lifted
	}
}

// tolled is a store in a cluster that takes appends up to a toll.
type tolled struct {
	*pebblestore.Store
	toll *atomic.Pointer[toll]
}

func (s tolled) Begin(ctx context.Context, a eventstore.Append) (func() (eventstore.Appended, error), error) {
	if toll := s.toll.Load(); toll != nil {
		toll.pass()
	}
	return s.Store.Begin(ctx, a)
}

// A haul is a cluster in which appends, and records that are read, can be held up.
type haul struct {
	*cluster
	appends, reads atomic.Pointer[toll]
}

func newHaul(t *testing.T) *haul {
	h := &haul{cluster: newCluster(t)}
	h.cluster.stop()
	h.change = func(c *esdbwire.Config) {
		c.Store = tolled{c.Store.(*pebblestore.Store), &h.appends}
		c.Show = func(r eventstore.Record) (eventstore.Record, bool, error) {
			if toll := h.reads.Load(); toll != nil {
				toll.pass()
			}
			return r, true, nil
		}
	}
	h.start()
	return h
}

// killed runs a command until somebody is held up at a toll, which is raised once
// the command has begun its work, and kills it there.
func killed(t *testing.T, at *atomic.Pointer[toll], n int, begun func() bool, args ...string) {
	t.Helper()
	path, err := binary()
	must(t, err)
	var said strings.Builder
	cmd := exec.Command(path, args...)
	cmd.Stdout, cmd.Stderr = &said, &said
	must(t, cmd.Start())
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	for !begun() && len(ended) == 0 {
		runtime.Gosched()
	}
	toll := newToll(n)
	at.Store(toll)
	defer at.Store(nil)
	defer close(toll.lifted)
	select {
	case <-toll.held:
		must(t, cmd.Process.Kill())
		<-ended
	case err := <-ended:
		t.Fatalf("%s ended before %d have passed: %v\n%s", strings.Join(args, " "), n, err, said.String())
	}
}

// many asks for incidents by several callers at once.
func many(t *testing.T, s *server, packs []pack, run string, n int) {
	t.Helper()
	var asking sync.WaitGroup
	for i, p := range packs {
		asking.Go(func() {
			for j := range n / len(packs) {
				key := fmt.Sprint(run, i, " ", j)
				if got, err := s.send("customer-ani", http.MethodPost, "/v1/incidents", key, request(p.ID, key)); err != nil || got.status != http.StatusCreated {
					t.Errorf("%s: %d, %v", key, got.status, err)
					return
				}
			}
		})
	}
	asking.Wait()
}

// proof is what verify prints about a log alone.
func proof(t *testing.T, args ...string) string {
	t.Helper()
	const lacking = "without the keys of people attachments were held against their checksums only\n"
	out := succeed(t, append([]string{"verify"}, args...)...)
	if !strings.HasSuffix(out, "verify: ok\n") {
		t.Fatalf("verify %v says %s", args, out)
	}
	return strings.Replace(out, lacking, "", 1)
}

// A log is moved to a cluster and back, killed again and again on the way, and is
// the same: verify says the same of each, a ledger goes on with it there, and
// another one here with what it has recorded meanwhile.
func TestALogIsMovedToAClusterAndBackOverKills(t *testing.T) {
	events, kills := 1500, 3
	if long() {
		events, kills = 20_000, 30
	}
	h, dir, node, back := newHaul(t), t.TempDir(), filepath.Join(t.TempDir(), "node"), filepath.Join(t.TempDir(), "back")
	keys := filepath.Join(dir, "keys.json")
	s := serve(t, dir, "--no-mails")
	var packs []pack
	for range 16 {
		packs = append(packs, s.linked(100_000))
	}
	many(t, s, packs, "here", events/2)
	must(t, s.stop())
	there := []string{"copy", "--from", dir, "--to", h.url(), "--data", node}
	part := t.TempDir() // of a node that is started too early
	must(t, copyPrivate(folder(dir).keysCheck(), folder(part).keysCheck()))
	for range kills {
		killed(t, &h.appends, 1+rand.IntN(events/2/kills), func() bool { return true }, there...)
		mustBeRefusedAsAPart(t, part, h.url(), keys)
	}
	if out := succeed(t, there...); !strings.Contains(out, "fit every contract") || strings.Contains(out, " 0 of them were there before") {
		t.Errorf("copy says %s", out)
	}
	onCluster := []string{"--data", node, "--store", h.url(), "--keys", keys}
	want := proof(t, "--data", dir)
	if got := proof(t, onCluster...); got != want {
		t.Errorf("of the cluster verify says\n%s\nof the folder\n%s", got, want)
	}
	must(t, copyPrivate(filepath.Join(dir, "people"), filepath.Join(node, "people")))
	s = serve(t, node, append(onCluster[2:], "--no-mails")...)
	many(t, s, packs[:1], "here", 10) // repeats, which are known
	many(t, s, packs, "there", 20*len(packs))
	must(t, s.stop())
	fail(t, exitFailed, []string{"something else"}, there...)

	home := []string{"copy", "--from", h.url(), "--to", back, "--keys", keys, "--data", node}
	for range kills {
		killed(t, &h.reads, 1+rand.IntN(events), func() bool { return exists(string(folder(back).copying())) }, home...)
		fail(t, exitFailed, []string{"copy", "remove"}, "serve", "--data", back, "--dev", "--listen", "127.0.0.1:0")
	}
	succeed(t, home...)
	want = proof(t, onCluster...)
	if got := proof(t, "--data", back, "--keys", keys); got != want {
		t.Errorf("of the folder verify says\n%s\nof the cluster\n%s", got, want)
	}
	must(t, copyPrivate(filepath.Join(node, "people"), filepath.Join(back, "people")))
	s = serve(t, back, "--no-mails", "--keys", keys)
	if n := s.submitted(packs[0].ID); n != events/2/len(packs)+20 {
		t.Errorf("%d incidents", n)
	}
	must(t, s.stop())
	if left, err := os.ReadDir(back); err != nil || exists(string(folder(back).copying())) {
		t.Errorf("in the folder are %v, %v", left, err)
	}
}

// mustBeRefusedAsAPart sees to it that nobody takes half a copy for a log.
func mustBeRefusedAsAPart(t *testing.T, dir, url, keys string) {
	t.Helper()
	told := []string{"was not finished", "copy again", "empty the cluster"}
	waitUntil(t, "the cluster has what was under way", func() bool {
		code, _, _ := command("verify", "--data", dir, "--store", url, "--keys", keys)
		return code != 0
	})
	fail(t, exitFailed, told, "verify", "--data", dir, "--store", url, "--keys", keys)
	fail(t, exitFailed, told, serveArgs(dir, []string{"--store", url, "--keys", keys})...)
	fail(t, exitFailed, told, "copy", "--from", url, "--to", filepath.Join(dir, "back"), "--keys", keys)
}

// What cannot be copied is refused before anything is written, with the way out;
// no password is told.
func TestCopyRefusesWhatWouldNotBeALedger(t *testing.T) {
	h, dir := newHaul(t), t.TempDir()
	url := strings.Replace(h.url(), "esdb://", "esdb://admin:hunter2@", 1)
	s := serve(t, dir, "--no-mails")
	s.linked(10)
	to := filepath.Join(t.TempDir(), "new")
	fail(t, exitFailed, []string{"stop the ledger"}, "copy", "--from", dir, "--to", url)
	must(t, s.stop())
	other := filepath.Join(t.TempDir(), "keys.json")
	succeed(t, "keys", "create", other)
	for _, test := range []struct {
		code  int
		words []string
		args  []string
	}{
		{exitUsage, []string{"both"}, []string{"--from", url, "--to", url}},
		{exitUsage, []string{"backup and restore"}, []string{"--from", dir, "--to", to}},
		{exitUsage, []string{"--data"}, []string{"--from", dir, "--to", url, "--data", dir}},
		{exitUsage, []string{"--keys"}, []string{"--from", url, "--to", to}},
		{exitFailed, []string{"does not fit"}, []string{"--from", dir, "--to", url, "--keys", other}},
		{exitFailed, []string{"holds no ledger"}, []string{"--from", t.TempDir(), "--to", url, "--keys", other}},
	} {
		fail(t, test.code, test.words, append([]string{"copy"}, test.args...)...)
	}
	if exists(to) {
		t.Error("a refused copy has made a folder")
	}
	succeed(t, "copy", "--from", dir, "--to", url)
	fail(t, exitFailed, []string{"keys do not fit the contract"}, "copy", "--from", url, "--to", to, "--keys", other)
	full := t.TempDir()
	must(t, os.WriteFile(filepath.Join(full, "notes.txt"), nil, 0o600))
	fail(t, exitFailed, []string{"not empty", "notes.txt"}, "copy", "--from", url, "--to", full, "--keys", filepath.Join(dir, "keys.json"))
	must(t, os.Remove(filepath.Join(dir, "keys-check.json")))
	fail(t, exitFailed, []string{"keys-check.json"}, "copy", "--from", dir, "--to", url)
	_, out, errs := command("copy", "--from", dir, "--to", url+"&nonsense=%zz")
	if strings.Contains(out+errs, "hunter2") {
		t.Errorf("R3: the password is told: %s%s", out, errs)
	}
}

// Two do not copy into one folder.
func TestTwoDoNotCopyIntoOneFolder(t *testing.T) {
	to := filepath.Join(t.TempDir(), "to")
	first, err := beginCopy(folder(to))
	must(t, err)
	if _, err := beginCopy(folder(to)); err == nil || !strings.Contains(err.Error(), "another process") {
		t.Errorf("a second one: %v", err)
	}
	if _, err := beginRestoration(folder(to)); err == nil || !strings.Contains(err.Error(), "copy") {
		t.Errorf("a restore: %v", err)
	}
	must(t, errors.Join(first.lock.Close()))
	again, err := beginCopy(folder(to))
	must(t, err)
	must(t, again.close())
}
