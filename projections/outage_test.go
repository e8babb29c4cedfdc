package projections

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/supportledger/supportledger/eventstore"
	"github.com/supportledger/supportledger/eventstore/storetest"
	"github.com/supportledger/supportledger/internal/badline"
	"github.com/supportledger/supportledger/internal/pgserver"
)

// While PostgreSQL is down, lists are refused with a definite error and commands
// go on; when it is back, every node follows by itself. However often that
// happens, and whatever was under way, nothing is counted twice or lost.
func TestR45_rowsSurviveCrashesOfTheServer(t *testing.T) {
	p := pgserver.Start(t, "")
	r := rigOn(t, p)
	nodes := r.nodes(t, 3)
	for _, n := range nodes {
		n.most = batchSizes{following: 40, building: 300}
	}
	c := r.register("endless")
	r.link(c, ani)
	var written atomic.Uint64 // the last position
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan int)
	go func() {
		n := 0
		for ctx.Err() == nil {
			<-time.After(time.Millisecond) // or there would be too many to go through
			in := r.submit(ani, c.ID)
			written.Store(uint64(in.Position))
			n++
		}
		ended <- n
	}()
	for round := range storetest.Rounds(5, 40) {
		// It falls while nodes write, not between.
		nodes[round%3].comesBack(t, eventstore.Position(written.Load())+3)
		must(t, p.Crash(t.Context()))
		for _, n := range nodes {
			n.refuses(t)
		}
		before := written.Load()
		for written.Load() < before+20 { // commands go on
			<-time.After(time.Millisecond)
		}
		must(t, p.Start(t.Context()))
		for _, n := range nodes {
			n.comesBack(t, eventstore.Position(written.Load()))
		}
	}
	stop()
	submissions := <-ended
	for _, n := range nodes {
		n.comesBack(t, eventstore.Position(written.Load()))
		n.compareAll(t)
		list, err := n.Benefits.OfAccount(t.Context(), r.now(), ani.Account, Page{})
		must(t, err)
		if got := list.Items[0].Balance.Consumed; got != int64(submissions) {
			t.Errorf("%d are consumed, want %d", got, submissions)
		}
	}
}

// refuses waits until a node knows that its database is away, and asks it then.
func (n *node) refuses(t *testing.T) {
	t.Helper()
	deadline := time.After(10 * time.Second)
	for n.Away() == nil {
		select {
		case <-time.After(time.Millisecond):
		case <-deadline:
			t.Fatal("the node has not noticed that its database is away")
		}
	}
	if _, err := n.Desk.List(t.Context(), start, DeskFilter{}, Page{}); !errors.Is(err, ErrUnavailable) {
		t.Errorf("a list is answered with %v", err)
	}
	if err := n.Await(t.Context(), forever); !errors.Is(err, ErrUnavailable) {
		t.Errorf("waiting is answered with %v", err)
	}
	if v := metric(t, n.Set, "supportledger_projections_unavailable"); v != 1 {
		t.Errorf("the metric says %v", v)
	}
}

// comesBack waits until a node follows again.
func (n *node) comesBack(t *testing.T, p eventstore.Position) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	for {
		err := n.Await(ctx, p)
		if err == nil {
			return
		}
		if !errors.Is(err, ErrUnavailable) {
			t.Fatalf("it does not come back: %v", err)
		}
		<-time.After(5 * time.Millisecond)
	}
}

// A node that starts while the database is away serves what it can, and follows
// when it is there.
func TestOpen_whileTheServerIsDown(t *testing.T) {
	p := pgserver.Start(t, "")
	must(t, p.Stop())
	store := openStore(t)
	writeSubmissions(t, store, 500, 20)
	n := run(t, openSet(t, onAddress(t, store, p.Port)))
	n.refuses(t)
	must(t, p.Start(t.Context()))
	head, err := store.Head(t.Context())
	must(t, err)
	n.comesBack(t, head)
	n.compareAll(t)
}

// A connection that was cut while nobody used it is no outage: whoever asks for
// something once is not refused because of it.
func TestRebuild_overAConnectionThatWasCut(t *testing.T) {
	p := pgserver.Start(t, "")
	store := openStore(t)
	writeSubmissions(t, store, 50, 5)
	s := openSet(t, onAddress(t, store, p.Port))
	must(t, s.CatchUp(t.Context()))
	must(t, p.Stop())
	must(t, p.Start(t.Context()))
	must(t, s.Rebuild(t.Context(), "contracts", nil))
}

// What a password or a name of a database has wrong does not pass by itself, and
// is said at once.
func TestOpen_whatWillNotPass(t *testing.T) {
	pgserver.Need(t)
	p, err := server()
	must(t, err)
	for name, url := range map[string]string{
		"no such database": strings.Replace(p.URL(), "/postgres?", "/nowhere?", 1),
		"no such schema":   p.URL() + "&search_path=nowhere",
	} {
		_, err := Open(t.Context(), at(t, Config{Dir: t.TempDir(), Store: openStore(t)}, url))
		if err == nil || !strings.Contains(err.Error(), "postgres://") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func onAddress(t *testing.T, store eventstore.Store, port int) Config {
	t.Helper()
	return at(t, Config{Dir: t.TempDir(), Store: store}, fmt.Sprintf("postgres://%s@127.0.0.1:%d/postgres?sslmode=disable", pgserver.User, port))
}

// A line that is cut again and again, in the middle of whatever goes over it, does
// no more harm than that lists are refused meanwhile.
func TestR45_rowsSurviveCutConnections(t *testing.T) {
	p := pgserver.Start(t, "")
	line := badline.New(t, fmt.Sprintf("127.0.0.1:%d", p.Port))
	store := openStore(t)
	writeSubmissions(t, store, 4000, 50)
	var port int
	_, err := fmt.Sscanf(line.Listen, "127.0.0.1:%d", &port)
	must(t, err)
	s := openSet(t, onAddress(t, store, port))
	s.most.following = 100
	n := run(t, s)
	head, err := store.Head(t.Context())
	must(t, err)
	for i := range storetest.Rounds(8, 60) {
		target := head * eventstore.Position(i+1) / eventstore.Position(storetest.Rounds(8, 60)+1)
		n.comesBack(t, target)
		line.Stop()
		n.refuses(t)
		must(t, line.Start())
	}
	n.comesBack(t, head)
	n.compareAll(t)
}

// A node that was stopped in the middle of a transaction does not keep the others
// from going on: the server ends what it has begun.
func TestNodes_goOnWithoutOneThatHangs(t *testing.T) {
	r := newSharedRig(t)
	c := r.register("endless")
	r.link(c, ani)
	r.settle()
	hung := openSet(t, r.config)
	hung.db.writing.Lock()
	must(t, hung.db.openWriter(t.Context()))
	for _, text := range []string{"SET idle_in_transaction_session_timeout = '300ms'", "BEGIN", "SELECT * FROM checkpoints FOR UPDATE"} {
		_, err := hung.db.writer.conn.ExecContext(t.Context(), text)
		must(t, err)
	}
	hung.db.writing.Unlock()
	n := r.node(t)
	n.wrote(t, r.submit(ani, c.ID))
	hung.reading(t)
}

// reading fails unless a set whose transaction was ended for it can be used again.
func (s *Set) reading(t *testing.T) {
	t.Helper()
	var failed error
	for range 3 { // the first learns of it
		if failed = s.CatchUp(t.Context()); failed == nil {
			return
		}
	}
	t.Errorf("it does not go on: %v", failed)
}
