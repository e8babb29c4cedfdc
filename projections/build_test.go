package projections

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/supportledger/supportledger/eventstore"
	"github.com/supportledger/supportledger/ledger"
)

// A rebuild goes on beside: the rows in use answer and follow meanwhile, and the
// new ones take their place when they have caught up.
func TestRebuild_besideTheOneInUse(t *testing.T) { onEach(t, testRebuild_besideTheOneInUse) }

func testRebuild_besideTheOneInUse(t *testing.T, on engine) {
	r := newRig(t, on)
	r.follow()
	c := r.register("endless")
	r.link(c, ani)
	for range 30 {
		r.submit(ani, c.ID)
	}
	var told []Progress
	progress := func(p Progress) {
		in := r.submit(ani, c.ID) // others arrive
		must(t, r.Await(t.Context(), in.Position))
		if _, ok, err := r.Incidents.Find(t.Context(), in.Number); err != nil || !ok {
			t.Errorf("incident %s is found while the rows are rebuilt: %v, %v", in.Number, ok, err)
		}
		told = append(told, p)
	}
	before := r.generation("activity")
	must(t, r.Rebuild(t.Context(), "desk", progress)) // by a question that it answers
	if after := r.generation("activity"); after == before {
		t.Errorf("generation %d is still in use", after)
	}
	if len(told) == 0 || told[0].Projection != "activity/2" || told[0].Position == eventstore.Start {
		t.Errorf("the progress was %+v", told)
	}
	in := r.submit(ani, c.ID)
	must(t, r.Await(t.Context(), in.Position))
	activity, err := r.Activity.Of(t.Context(), r.now(), ani.Account, ActivityFilter{}, Page{})
	must(t, err)
	if want := 31 + len(told); len(activity.Items) != want {
		t.Errorf("%d incidents are listed, want %d", len(activity.Items), want)
	}
	r.same()
	if tables := r.tables(); strings.Count(tables, "requests_") != 1 {
		t.Errorf("the old tables are still there: %s", tables)
	}
}

// same fails unless all rows are what the log makes of them.
func (s *Set) compareAll(t *testing.T) {
	t.Helper()
	if _, err := s.Compare(t.Context(), "", nil); err != nil {
		t.Error(err)
	}
}

func (r *rig) same() { r.t.Helper(); r.Set.compareAll(r.t.(*testing.T)) }

func (s *Set) generation(name string) int64 {
	s.db.writing.Lock()
	defer s.db.writing.Unlock()
	for _, g := range s.live {
		if g.name == name {
			return g.id
		}
	}
	return 0
}

func (s *Set) tables() string {
	s.db.writing.Lock()
	defer s.db.writing.Unlock()
	text := "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name"
	if s.db.shared {
		text = "SELECT tablename::text FROM pg_tables WHERE schemaname = current_schema() ORDER BY tablename"
	}
	rows, err := s.db.writer.conn.QueryContext(context.Background(), text)
	if err != nil {
		return err.Error()
	}
	defer func() { _ = rows.Close() }()
	var names []string
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return err.Error()
		}
		names = append(names, name)
	}
	return strings.Join(names, " ")
}

// A rebuild that was stopped is continued, not begun again.
func TestRebuild_isContinuedAfterAStop(t *testing.T) { onEach(t, testRebuild_isContinuedAfterAStop) }

func testRebuild_isContinuedAfterAStop(t *testing.T, on engine) {
	store := openStore(t)
	writeSubmissions(t, store, 3000, 64)
	dir := t.TempDir()
	s, err := Open(t.Context(), on.at(t, Config{Dir: dir, Store: store}))
	must(t, err)
	s.most.building = 500
	must(t, s.CatchUp(t.Context()))
	ctx, stop := context.WithCancel(t.Context())
	err = s.Rebuild(ctx, "contracts/3", func(Progress) { stop() })
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("the stopped rebuild answers %v", err)
	}
	status, err := s.Status(t.Context())
	must(t, err)
	if status[0].Building == eventstore.Start || !status[0].InUse || status[0].Position != status[0].Head {
		t.Errorf("the status is %+v", status[0])
	}
	must(t, s.Close())

	s = openSet(t, on.at(t, Config{Dir: dir, Store: store}))
	s.most.building = 500
	first := eventstore.Start
	must(t, s.Rebuild(t.Context(), "contracts", func(p Progress) {
		if first == eventstore.Start {
			first = p.Position
		}
	}))
	if first <= status[0].Building {
		t.Errorf("it went on at %d, and had come to %d", first, status[0].Building)
	}
	s.compareAll(t)
}

// One that is half built is finished by Run without anybody asking.
func TestRun_finishesARebuild(t *testing.T) { onEach(t, testRun_finishesARebuild) }

func testRun_finishesARebuild(t *testing.T, on engine) {
	store := openStore(t)
	writeSubmissions(t, store, 3000, 64)
	s := openSet(t, on.at(t, Config{Dir: t.TempDir(), Store: store}))
	s.most.building = 500
	must(t, s.CatchUp(t.Context()))
	before := s.generation("contracts")
	half, stop := context.WithCancel(t.Context())
	if err := s.Rebuild(half, "contracts", func(Progress) { stop() }); !errors.Is(err, context.Canceled) {
		t.Fatalf("the stopped rebuild answers %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	for s.generation("contracts") == before {
		select {
		case err := <-ended:
			t.Fatalf("Run ended with %v", err)
		case <-time.After(time.Millisecond):
		}
	}
	cancel()
	must(t, <-ended)
	s.compareAll(t)
}

// A new version of one projection is built beside while the others follow; until
// it has caught up its questions say so, and the rows of the version before stay.
func TestRun_buildsANewVersionBeside(t *testing.T) { onEach(t, testRun_buildsANewVersionBeside) }

func testRun_buildsANewVersionBeside(t *testing.T, on engine) {
	store := openStore(t)
	writeSubmissions(t, store, 1000, 20)
	dir := t.TempDir()
	s, err := Open(t.Context(), on.at(t, Config{Dir: dir, Store: store}))
	must(t, err)
	must(t, s.CatchUp(t.Context()))
	older := s.generation("activity")
	_, err = s.db.writer.conn.ExecContext(t.Context(), "UPDATE checkpoints SET version = 0 WHERE projection = 'activity'")
	must(t, err)
	must(t, s.Close())

	s = openSet(t, on.at(t, Config{Dir: dir, Store: store}))
	var wait *BuildingError
	if _, err := s.Desk.List(t.Context(), start, DeskFilter{}, Page{}); !errors.As(err, &wait) || wait.Projection != "activity/2" {
		t.Errorf("before it is built the desk answers %v", err)
	}
	if _, err := s.Contracts.List(t.Context(), start, ContractFilter{}, Page{}); err != nil {
		t.Errorf("the directory answers %v", err)
	}
	if tables := s.tables(); !strings.Contains(tables, "requests_"+itoa(older)) {
		t.Errorf("the rows of the version before are gone: %s", tables)
	}
	must(t, s.CatchUp(t.Context()))
	list, err := s.Desk.List(t.Context(), start, DeskFilter{}, Page{})
	must(t, err)
	if len(list.Items) == 0 {
		t.Error("the desk is empty")
	}
	// What nodes share stays for those that still use the version before.
	if tables := s.tables(); strings.Contains(tables, "requests_"+itoa(older)) != (on == onServer) {
		t.Errorf("of the version before there is: %s", tables)
	}
	s.compareAll(t)
}

// Rows of another log, or of more of it than is left, are thrown away.
func TestOpen_rowsOfAnotherLog(t *testing.T) {
	dir := t.TempDir()
	store := openStore(t)
	writeSubmissions(t, store, 1000, 64)
	s, err := Open(t.Context(), Config{Dir: dir, Store: store})
	must(t, err)
	must(t, s.CatchUp(t.Context()))
	must(t, s.Close())
	for name, events := range map[string]int{"empty": 0, "shorter": 500, "longer": 2000} {
		t.Run(name, func(t *testing.T) {
			copied := t.TempDir()
			must(t, os.CopyFS(copied, os.DirFS(dir)))
			other := openStore(t)
			if events > 0 {
				writeSubmissions(t, other, events, 64)
			}
			s := openSet(t, Config{Dir: copied, Store: other})
			if s.Position() != eventstore.Start {
				t.Errorf("the rows have seen position %d of another log", s.Position())
			}
			must(t, s.CatchUp(t.Context()))
			s.compareAll(t)
		})
	}
}

// Damage is noticed and never answered from: what opening sees is made anew at
// once, what is met later at the next start, and what only a comparison can see
// is named by row and column.
func TestDamage(t *testing.T) {
	dir := t.TempDir()
	store := openStore(t)
	writeSubmissions(t, store, 2000, 20)
	s, err := Open(t.Context(), Config{Dir: dir, Store: store})
	must(t, err)
	must(t, s.CatchUp(t.Context()))
	must(t, s.Close())
	file := filepath.Join(dir, sqliteFile)

	t.Run("no database", func(t *testing.T) {
		must(t, os.WriteFile(file, []byte(strings.Repeat("not a database ", 1000)), 0o600))
		s := openSet(t, Config{Dir: dir, Store: store})
		must(t, s.CatchUp(t.Context()))
		s.compareAll(t)
		must(t, s.Close())
	})
	t.Run("a page", func(t *testing.T) {
		scribble(t, file)
		s, err := Open(t.Context(), Config{Dir: dir, Store: store})
		must(t, err)
		writeMore(t, store)
		if err := s.CatchUp(t.Context()); err == nil || !strings.Contains(err.Error(), "damaged") {
			t.Errorf("catching up over damaged pages answers %v", err)
		}
		must(t, s.Close())
		s = openSet(t, Config{Dir: dir, Store: store})
		if s.Position() != eventstore.Start {
			t.Errorf("damaged rows were kept at position %d", s.Position())
		}
		must(t, s.CatchUp(t.Context()))
		s.compareAll(t)
		must(t, s.Close())
	})
}

// scribble destroys everything but the first pages of a database.
func scribble(t *testing.T, file string) {
	t.Helper()
	b, err := os.ReadFile(file)
	must(t, err)
	const kept = 23 * 4096 // those that say which tables there are
	for i := kept; i < len(b); i++ {
		b[i] = 0xA5
	}
	must(t, os.WriteFile(file, b, 0o600))
}

func writeMore(t *testing.T, store eventstore.Store) {
	t.Helper()
	for i := range 50 {
		must(t, add(t, store, benchID(5000+i), eventstore.NoStream, start, benchContract(5000+i, start)...))
	}
}

// A row that is not what the log says is named by table, key and column.
func TestCompare_namesTheFirstDifference(t *testing.T) {
	onEach(t, testCompare_namesTheFirstDifference)
}

func testCompare_namesTheFirstDifference(t *testing.T, on engine) {
	store := openStore(t)
	writeSubmissions(t, store, 1000, 20)
	for name, row := range map[string]struct {
		projection, change, table, column string
	}{
		"a changed column": {"benefits", "UPDATE {grants} SET consumed = consumed + 1, available = available - 1 WHERE contract = (SELECT MIN(contract) FROM {grants})", "grants", "available"},
		"a missing row":    {"contracts", "DELETE FROM {links} WHERE contract = (SELECT contract FROM {links} ORDER BY contract DESC LIMIT 1)", "links", ""},
		"a row too many":   {"contracts", "INSERT INTO {grants} SELECT contract, 7, unit, unlimited, granted, adjusted, available, consumed, lapsed, moved, deducted, credited, ends_at FROM {grants} LIMIT 1", "grants", ""},
		"a lost incident":  {"incidents", "DELETE FROM {requests} WHERE seq = (SELECT MAX(seq) FROM {requests})", "requests", ""},
		"another title":    {"activity", "UPDATE {requests} SET title = 'x' WHERE seq = (SELECT MAX(seq) FROM {requests})", "requests", "title"},
	} {
		t.Run(name, func(t *testing.T) {
			s := openSet(t, on.at(t, Config{Dir: t.TempDir(), Store: store}))
			must(t, s.CatchUp(t.Context()))
			s.compareAll(t)
			p, err := s.find(row.projection)
			must(t, err)
			g := newGeneration(p, s.generation(p.name))
			_, err = s.db.writer.conn.ExecContext(t.Context(), g.sql(row.change))
			must(t, err)
			var d *DifferenceError
			if _, err := s.Compare(t.Context(), row.projection, nil); !errors.As(err, &d) || d.Table != row.table || d.Column != row.column || d.Row == "" {
				t.Errorf("comparing answers %v", err)
			}
		})
	}
}

func TestRebuild_ofWhatThereIsNot(t *testing.T) { onEach(t, testRebuild_ofWhatThereIsNot) }

func testRebuild_ofWhatThereIsNot(t *testing.T, on engine) {
	s := openSet(t, on.at(t, Config{Dir: t.TempDir(), Store: openStore(t)}))
	if err := s.Rebuild(t.Context(), "weather", nil); err == nil || !strings.Contains(err.Error(), "contracts, activity, erasures") {
		t.Errorf("it answers %v", err)
	}
}

func TestBuilding_isToBeWaitedForByWhoeverAsksForWhatIsDue(t *testing.T) {
	err := fmt.Errorf("ask what is due: %w", &BuildingError{"due/1"})
	if !errors.Is(err, ledger.ErrLater) || errors.Is(ErrUnavailable, ledger.ErrLater) {
		t.Errorf("%v is no reason to come later", err)
	}
}
