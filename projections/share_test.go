package projections

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/supportledger/supportledger/eventstore"
	"github.com/supportledger/supportledger/internal/pgserver"
	"github.com/supportledger/supportledger/ledger"
)

// A node is a process that follows the log, as far as rows are concerned.
type node struct {
	*Set
	stop func()
}

// node starts one more on the rig's rows.
func (r *rig) node(t *testing.T) *node {
	t.Helper()
	return startNode(t, r.config)
}

func startNode(t *testing.T, c Config) *node {
	t.Helper()
	s := openSet(t, c)
	return run(t, s)
}

// run lets a set follow the log until the end of the test.
func run(t *testing.T, s *Set) *node {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	stopped := false
	n := &node{Set: s}
	n.stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run ended with %v", err)
		}
		must(t, s.Close())
	}
	t.Cleanup(n.stop)
	return n
}

// nodes starts so many.
func (r *rig) nodes(t *testing.T, n int) []*node {
	t.Helper()
	var out []*node
	for range n {
		out = append(out, r.node(t))
	}
	return out
}

// wrote waits on a node for what was written, and looks for it there.
func (n *node) wrote(t *testing.T, in ledger.IncidentAnswer) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	must(t, n.Await(ctx, in.Position))
	if _, ok, err := n.Incidents.Find(ctx, in.Number); err != nil || !ok {
		t.Fatalf("incident %s is found: %v, %v", in.Number, ok, err)
	}
}

// Whoever has written something finds it on every node (R37), whichever of them
// applies it; nothing is counted twice, and the nodes hardly ever try the same.
func TestR37_everyNodeSeesWhatWasWritten(t *testing.T) {
	r := newSharedRig(t)
	nodes := r.nodes(t, 3)
	c := r.register("endless")
	r.link(c, ani)
	const submissions = 150
	for i := range submissions {
		in := r.submit(ani, c.ID)
		nodes[i%3].wrote(t, in)
	}
	benefits, err := nodes[0].Benefits.OfAccount(t.Context(), r.now(), ani.Account, Page{})
	must(t, err)
	if n := benefits.Items[0].Balance.Consumed; n != submissions {
		t.Errorf("%d are consumed, want %d", n, submissions)
	}
	yielded := 0.0
	for _, n := range nodes {
		n.compareAll(t)
		yielded += metric(t, n.Set, "supportledger_projections_yielded_total")
	}
	if yielded > submissions/5 {
		t.Errorf("nodes got in each other's way %v times in %d submissions", yielded, submissions)
	}
	t.Logf("nodes got in each other's way %v times", yielded)
}

// Which node works is nobody's privilege: when one stops another goes on.
func TestNodes_takeOver(t *testing.T) {
	r := newSharedRig(t)
	nodes := r.nodes(t, 3)
	c := r.register("endless")
	r.link(c, ani)
	for len(nodes) > 0 {
		for range 5 {
			in := r.submit(ani, c.ID)
			for _, n := range nodes {
				n.wrote(t, in)
			}
		}
		nodes[0].stop()
		nodes = nodes[1:]
	}
	r.settle()
	r.same()
}

// Any node rebuilds what all of them use, also two at once; the others go on with
// the new rows, and only those are left.
func TestRebuild_byAnyNode(t *testing.T) {
	r := newSharedRig(t)
	nodes := r.nodes(t, 3)
	c := r.register("endless")
	r.link(c, ani)
	for range 20 {
		nodes[0].wrote(t, r.submit(ani, c.ID))
	}
	before := r.serving(t, "activity")
	var group errgroup.Group
	for _, n := range nodes[:2] {
		group.Go(func() error { return n.Rebuild(context.Background(), "activity", nil) })
	}
	for range 20 {
		nodes[2].wrote(t, r.submit(ani, c.ID))
	}
	must(t, group.Wait())
	for i := range 9 {
		nodes[i%3].wrote(t, r.submit(ani, c.ID))
	}
	if r.serving(t, "activity") == before {
		t.Error("the rows from before are still in use")
	}
	for _, n := range nodes {
		n.compareAll(t)
	}
	must(t, nodes[1].dropRetired(t.Context()))
	if tables := r.tables(); strings.Count(tables, "requests_") != 1 {
		t.Errorf("old tables are still there: %s", tables)
	}
}

// serving is the generation that questions are answered from.
func (s *Set) serving(t *testing.T, name string) (id int64) {
	t.Helper()
	p, err := s.find(name)
	must(t, err)
	must(t, s.db.view(t.Context(), p, func(v *view) error { id = v.g.id; return nil }))
	return id
}

// A rebuilder that is gone in the middle blocks nobody: the others follow, and any
// of them goes on where it was.
func TestRebuild_whoeverBeganIt(t *testing.T) {
	store := openStore(t)
	writeSubmissions(t, store, 3000, 64)
	c := onServer.at(t, Config{Dir: t.TempDir(), Store: store})
	gone := openSet(t, c)
	gone.most.building = 500
	must(t, gone.CatchUp(t.Context()))
	ctx, stop := context.WithCancel(t.Context())
	if err := gone.Rebuild(ctx, "contracts", func(Progress) { stop() }); !errors.Is(err, context.Canceled) {
		t.Fatalf("the stopped rebuild answers %v", err)
	}
	half, err := gone.Status(t.Context())
	must(t, err)
	must(t, gone.Close())
	other := openSet(t, c)
	other.most.building = 500
	first := eventstore.Start
	must(t, other.Rebuild(t.Context(), "contracts", func(p Progress) {
		if first == eventstore.Start {
			first = p.Position
		}
	}))
	if first <= half[0].Building {
		t.Errorf("it went on at %d, and had come to %d", first, half[0].Building)
	}
	other.compareAll(t)
}

// While nodes of two versions run, each keeps its own rows and both move those
// that they share. The rows of a version stay until nobody has used it for long.
func TestNodes_ofTwoVersions(t *testing.T) {
	r := newSharedRig(t)
	older := r.node(t)
	c := r.register("endless")
	r.link(c, ani)
	for range 20 {
		older.wrote(t, r.submit(ani, c.ID))
	}
	next := usualKinds()
	next.contracts.version++
	s, err := open(t.Context(), r.config, next)
	must(t, err)
	newer := run(t, s)
	for range 30 {
		in := r.submit(ani, c.ID)
		older.wrote(t, in)
		newer.wrote(t, in)
	}
	for built := false; !built; {
		status, err := newer.Status(t.Context())
		must(t, err)
		built = status[0].InUse
	}
	for range 30 {
		in := r.submit(ani, c.ID)
		newer.wrote(t, in)
		older.wrote(t, in)
	}
	older.compareAll(t)
	newer.compareAll(t)
	newer.tidy(t.Context())
	if n := strings.Count(r.tables(), "contracts_"); n != 2 {
		t.Errorf("there are %d tables of contracts, want one of each version", n)
	}
	older.stop()
	r.raw(t, "UPDATE uses SET used_at = now() - '25 hours'::interval WHERE projection = 'contracts' AND version = "+itoa(int64(next.contracts.version-1)))
	for try := 0; strings.Count(r.tables(), "contracts_") != 1; try++ {
		if try == 5 { // while somebody still reads them they stay for the next time
			t.Fatalf("there are %s, want only the newer tables of contracts", r.tables())
		}
		newer.tidy(t.Context())
	}
	newer.wrote(t, r.submit(ani, c.ID))
	newer.compareAll(t)
}

// Rows of another log may be another ledger's: they are refused and left alone.
func TestOpen_sharedRowsOfAnotherLog(t *testing.T) {
	store := openStore(t)
	writeSubmissions(t, store, 500, 64)
	dir := t.TempDir()
	s := openSet(t, onServer.at(t, Config{Dir: dir, Store: store}))
	must(t, s.CatchUp(t.Context()))
	other := openStore(t)
	writeSubmissions(t, other, 2000, 64)
	_, err := Open(t.Context(), onServer.at(t, Config{Dir: dir, Store: other}))
	if !errors.Is(err, errOtherLog) || !strings.Contains(err.Error(), "DROP SCHEMA") {
		t.Errorf("opening answers %v", err)
	}
	s.compareAll(t)
}

// newSharedRig is a rig whose rows nodes share; its own set follows nothing.
func newSharedRig(t *testing.T) *rig {
	t.Helper()
	pgserver.Need(t)
	return newRig(t, onServer)
}

// rigOn is a rig whose rows lie in a certain server.
func rigOn(t *testing.T, p *pgserver.Server) *rig {
	t.Helper()
	dir := filepath.Join(t.TempDir(), fmt.Sprint(p.Port))
	at, err := schemaOf(t.Context(), p, dir)
	must(t, err)
	return newRigAt(t, at)
}

// Tables that somebody removed are made anew, without a restart.
func TestNodes_makeAnewWhatWasRemoved(t *testing.T) {
	r := newSharedRig(t)
	n := r.node(t)
	c := r.register("endless")
	r.link(c, ani)
	for range 5 {
		n.wrote(t, r.submit(ani, c.ID))
	}
	for _, table := range strings.Fields(r.tables()) {
		r.raw(t, "DROP TABLE "+table)
	}
	in := r.submit(ani, c.ID)
	n.comesBack(t, in.Position)
	if _, ok, err := n.Incidents.Find(t.Context(), in.Number); err != nil || !ok {
		t.Errorf("incident %s is found: %v, %v", in.Number, ok, err)
	}
	n.compareAll(t)
}

// A database that has lost what somebody was told of, as a copy that took its place
// may have, is not answered from until it has caught up.
func TestR37_rowsThatWentBackAreNotShown(t *testing.T) {
	r := newSharedRig(t)
	c := r.register("endless")
	r.link(c, ani)
	r.submit(ani, c.ID)
	r.settle()
	r.raw(t, "UPDATE checkpoints SET position = position - 1")
	if _, err := r.Desk.List(t.Context(), r.now(), DeskFilter{}, Page{}); !errors.Is(err, ErrUnavailable) {
		t.Errorf("a list is answered with %v", err)
	}
}

// Rows that are not where a node believes them are never brought forward over a
// gap: what lies between is read first.
func TestRun_noRowsAreBroughtForwardOverAGap(t *testing.T) {
	r := newSharedRig(t)
	r.register("endless")
	r.settle()
	f := startFeed(t.Context(), r.store, r.projections, r.Position(), forever)
	defer f.close()
	r.register("endless")
	c, _, err := f.next(t.Context())
	must(t, err)
	before := r.Position() - 1
	r.raw(t, "UPDATE checkpoints SET position = "+itoa(int64(before)))
	if _, _, err := r.followBatch(t.Context(), f, c); !errors.Is(err, errBeaten) {
		t.Errorf("a batch that begins after what the rows have not seen is answered with %v", err)
	}
	must(t, r.reload(t.Context()))
	if r.Position() != before {
		t.Errorf("the rows came to %d, want them still at %d", r.Position(), before)
	}
}

// While somebody holds some of the rows the others go on, and those miss nothing
// afterwards.
func TestRun_whatWasHeldMissesNothing(t *testing.T) {
	store := openStore(t)
	writeSubmissions(t, store, 2000, 20)
	c := onServer.at(t, Config{Dir: t.TempDir(), Store: store})
	holder, s := openSet(t, c), openSet(t, c)
	holder.raw(t, "BEGIN")
	holder.raw(t, "SELECT * FROM checkpoints WHERE projection = 'contracts' FOR UPDATE")
	s.most.following = 500
	caught := make(chan error, 1)
	go func() { caught <- s.CatchUp(t.Context()) }()
	for {
		status, err := holder.others(t)
		must(t, err)
		if status > eventstore.Start {
			break
		}
	}
	if s.Position() != eventstore.Start {
		t.Errorf("the rows are said to be true up to %d", s.Position())
	}
	holder.raw(t, "ROLLBACK")
	must(t, <-caught)
	s.compareAll(t)
}

// others is where the requests' rows are.
func (s *Set) others(t *testing.T) (p eventstore.Position, err error) {
	t.Helper()
	err = s.db.view(t.Context(), s.Desk.projection, func(v *view) error { p = v.seen.position; return nil })
	return p, err
}
