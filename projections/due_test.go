package projections

import (
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/supportledger/supportledger/domain/contract"
	"github.com/supportledger/supportledger/eventstore"
	"github.com/supportledger/supportledger/ledger"
)

// A crash between deciding on a successor and registering it is on the agenda at
// once, until the successor is there (R6).
func TestR6_aSuccessorThatIsMissingIsDue(t *testing.T) {
	onEach(t, testR6_aSuccessorThatIsMissingIsDue)
}

func testR6_aSuccessorThatIsMissingIsDue(t *testing.T, on engine) {
	for _, decision := range []struct {
		name  string
		event contract.Event
	}{
		{"renewed", &contract.Renewed{Successor: benchID(1)}},
		{"reissued", &contract.Reissued{Successor: benchID(1)}},
	} {
		t.Run(decision.name, func(t *testing.T) {
			store := openStore(t)
			s := openSet(t, on.at(t, Config{Dir: t.TempDir(), Store: store}))
			decided := start.Add(time.Hour)
			must(t, add(t, store, benchID(0), eventstore.NoStream, start, benchContract(0, start)...))
			must(t, add(t, store, benchID(0), 3, decided, decision.event))
			want := []ledger.DueContract{{At: decided, Contract: benchID(0)}}
			if due := dueBy(t, s, decided); len(due) != 1 || due[0] != want[0] {
				t.Errorf("due are %v, want %v", due, want)
			}
			list, err := s.Due.List(t.Context(), decided, DuePeriod{By: decided}, Page{})
			must(t, err)
			if len(list.Items) != 1 || list.Items[0].What != DueSuccessor || list.Items[0].ID != benchID(0) {
				t.Errorf("the agenda is %+v", list.Items)
			}
			successor := benchContract(1, start)
			successor[0].(*contract.Registered).Predecessor = benchID(0)
			must(t, add(t, store, benchID(1), eventstore.NoStream, decided, successor...))
			if due := dueBy(t, s, decided); len(due) != 0 {
				t.Errorf("due are %v, want none", due)
			}
		})
	}
}

func dueBy(t *testing.T, s *Set, by time.Time) []ledger.DueContract {
	t.Helper()
	must(t, s.CatchUp(t.Context()))
	due, err := s.Due.Due(t.Context(), by, ledger.DueContract{}, 10)
	must(t, err)
	return due
}

// The agenda is walked in pages of any size, also where many are due at once.
func TestDue_isWalkedWhole(t *testing.T) { onEach(t, testDue_isWalkedWhole) }

func testDue_isWalkedWhole(t *testing.T, on engine) {
	store := openStore(t)
	s := openSet(t, on.at(t, Config{Dir: t.TempDir(), Store: store}))
	const contracts = 25
	for i := range contracts {
		must(t, add(t, store, benchID(i), eventstore.NoStream, start, benchContract(i, start)...))
	}
	must(t, s.CatchUp(t.Context()))
	by := start.AddDate(2, 0, 0)
	seen := map[uuid.UUID]bool{}
	for last := (ledger.DueContract{}); ; {
		due, err := s.Due.Due(t.Context(), by, last, 10)
		must(t, err)
		for _, d := range due {
			if seen[d.Contract] {
				t.Errorf("contract %s is due twice", d.Contract)
			}
			seen[d.Contract] = true
			last = d
		}
		if len(due) < 10 {
			break
		}
	}
	if len(seen) != contracts {
		t.Errorf("%d contracts were due, want %d", len(seen), contracts)
	}
	walked := walk(t, func(p Page) (List[DueRow], error) { return s.Due.List(t.Context(), start, DuePeriod{By: by}, p) }, func(r DueRow) uuid.UUID { return r.ID })
	if len(walked) != contracts {
		t.Errorf("%d contracts were listed, want %d", len(walked), contracts)
	}
}

// Blank contracts come onto the agenda once they are blank for too long, among
// what time brings about, and leave it when they are activated.
func TestDue_blankContractsAreLookedAt(t *testing.T) { onEach(t, testDue_blankContractsAreLookedAt) }

func testDue_blankContractsAreLookedAt(t *testing.T, on engine) {
	r := newRig(t, on)
	var blank, coming []uuid.UUID
	for range 5 {
		blank = append(blank, r.register("blank").ID)
		c := r.register("blank")
		_, err := r.Change(t.Context(), r.by(operator, "activate"), c.ID, &contract.Activate{})
		must(t, err)
		coming = append(coming, c.ID)
	}
	r.settle()
	since := r.now()
	watch := 72 * time.Hour
	list := func(at time.Time) []DueRow {
		return walk(t, func(p Page) (List[DueRow], error) {
			return r.Due.List(t.Context(), at, DuePeriod{By: at.AddDate(2, 0, 0), BlankAfter: watch}, p)
		}, func(row DueRow) DueRow {
			return DueRow{At: row.At, What: row.What, ContractRow: ContractRow{ID: row.ID}}
		})
	}
	what := func(rows []DueRow) map[string]int {
		n := map[string]int{}
		for _, row := range rows {
			n[row.What]++
		}
		return n
	}
	if got := what(list(since.Add(watch - time.Hour))); got[DueBlank] != 0 || got[DueEnd] != len(coming) {
		t.Errorf("before its time the agenda has %v", got)
	}
	rows := list(since.Add(watch + time.Minute))
	if got := what(rows); got[DueBlank] != len(blank) || got[DueEnd] != len(coming) || rows[0].What != DueBlank {
		t.Errorf("then the agenda has %v", got)
	}
	_, err := r.Change(t.Context(), r.by(operator, "activate"), blank[0], &contract.Activate{})
	must(t, err)
	_, err = r.Change(t.Context(), r.by(operator, "cancel"), blank[1], &contract.Cancel{Reason: "never wanted"})
	must(t, err)
	r.settle()
	if got := what(list(since.Add(watch + time.Minute))); got[DueBlank] != len(blank)-2 {
		t.Errorf("after two were looked at the agenda has %v", got)
	}
}
