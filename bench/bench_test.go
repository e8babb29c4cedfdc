package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/supportledger/supportledger/bench/load"
	"github.com/supportledger/supportledger/bench/yardstick"
	"github.com/supportledger/supportledger/internal/lacking"
	"github.com/supportledger/supportledger/internal/pgserver"
)

// TestMain lets rows that start this program again find it in the test binary.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "front" {
		main()
		return
	}
	os.Exit(m.Run())
}

// row returns a row whose runs give these figures, with as many incidents
// asked, acknowledged and found.
func row(name string, counts [3]int64, figures ...float64) Row {
	return Row{Name: name, Unit: "/s", Measure: func(context.Context, *Lab) (Sample, error) {
		s := Sample{Figure: figures[0], Asked: counts[0], Acknowledged: counts[1], Found: counts[2]}
		figures = figures[1:]
		return s, nil
	}}
}

func quickLab(t *testing.T) *Lab {
	t.Helper()
	lab, err := newLab(diskDir(t), true, t.Output())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { lab.Close() })
	return lab
}

// diskDir is a folder that is open to PostgreSQL's user, unlike t.TempDir.
func diskDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "bench-")
	if err == nil {
		t.Cleanup(func() { os.RemoveAll(dir) })
		err = os.Chmod(dir, 0o711)
	}
	if err != nil {
		t.Fatal(err)
	}
	if yardstick.CheckDurable(dir) != nil {
		lacking.Here(t, "the temporary folder lies in memory: set TMPDIR to one on a disk")
	}
	return dir
}

func TestAFigureIsTheMedianAndItsRatioThatOfMedians(t *testing.T) {
	yard := row("yard", [3]int64{}, 90, 100, 500)
	fast := row("fast", [3]int64{10, 10, 10}, 310, 1, 320)
	fast.Targets = []Target{times("yard", 3), limit(400)}
	slow := row("slow", [3]int64{}, 120, 105, 101)
	slow.Lower = true
	slow.Targets = []Target{{Yardstick: "yard", Times: 1, Plus: 4}}

	results := judge(measure(t.Context(), quickLab(t), []Row{yard, fast, slow}, 3))
	if len(results) != 4 {
		t.Fatalf("%d results, want one for each row and target", len(results))
	}
	for i, want := range []struct {
		name                    string
		figure, ratio, required float64
		reached                 bool
	}{
		{"yard", 100, 0, 0, false},
		{"fast/yard", 310, 3.1, 3, true},
		{"fast/limit", 310, 0.775, 1, false},
		{"slow", 105, 1.05, 1.04, false},
	} {
		r := results[i]
		if r.Name != want.name || r.Figure != want.figure {
			t.Errorf("result %d is %s %v, want %s %v", i, r.Name, r.Figure, want.name, want.figure)
		}
		if i > 0 && (*r.Ratio != want.ratio || *r.Required != want.required || *r.Reached != want.reached) {
			t.Errorf("%s: ratio %v, required %v, reached %v; want %+v", r.Name, *r.Ratio, *r.Required, *r.Reached, want)
		}
	}
	if results[1].Asked != 30 || results[1].Acknowledged != 30 || results[1].Found != 30 {
		t.Errorf("counts are those of one run: %+v", results[1])
	}
	if results[0].Ratio != nil || results[0].Required != nil {
		t.Errorf("a yardstick has something to reach: %+v", results[0])
	}
}

func TestOnlyLostIncidentsAndFailuresAreErrors(t *testing.T) {
	broken := row("broken", [3]int64{})
	broken.Measure = func(context.Context, *Lab) (Sample, error) { return Sample{}, errors.New("out of paper") }
	missed := row("missed", [3]int64{5, 5, 5}, 1)
	missed.Targets = []Target{limit(1000)}
	for name, test := range map[string]struct {
		row  Row
		want string
	}{
		"missed":  {missed, ""},
		"lost":    {row("x", [3]int64{5, 4, 3}, 1), "1 of 4 acknowledged incidents are LOST"},
		"unasked": {row("x", [3]int64{5, 5, 6}, 1), "1 incidents are there that NOBODY ASKED for"},
		"unsaid":  {row("x", [3]int64{5, 4, 5}, 1), ""},
		"broken":  {broken, "measure broken: out of paper"},
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			c := runCommand{Out: filepath.Join(t.TempDir(), "results.json")}
			err := c.report(&out, measure(t.Context(), quickLab(t), []Row{test.row}, 1))
			if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
				t.Errorf("error is %v, want %q", err, test.want)
			}
			if name == "missed" && !strings.Contains(out.String(), "MISSED") {
				t.Errorf("a missed target is hidden:\n%s", &out)
			}
			if name == "broken" && !strings.Contains(out.String(), "FAILED") {
				t.Errorf("a failed row is hidden:\n%s", &out)
			}
		})
	}
}

func TestARowThatFailedDoesNotStopTheOthers(t *testing.T) {
	broken := row("broken", [3]int64{})
	tries := 0
	broken.Measure = func(context.Context, *Lab) (Sample, error) { tries++; return Sample{}, errors.New("no") }
	good := row("good", [3]int64{}, 1, 2, 3)
	good.Targets = []Target{times("broken", 2)}
	outcomes := measure(t.Context(), quickLab(t), []Row{broken, good}, 3)
	if tries != 1 || len(outcomes[1].Figures) != 3 {
		t.Errorf("the broken row was tried %d times, the good one measured %d times; want 1 and 3", tries, len(outcomes[1].Figures))
	}
	if r := judge(outcomes)[1]; r.Ratio != nil || r.Reached != nil {
		t.Errorf("a ratio was made without a yardstick: %+v", r)
	}
}

func TestChoosingARowTakesItsYardsticksAlong(t *testing.T) {
	yard, other, fast := row("yard", [3]int64{}), row("other", [3]int64{}), row("fast", [3]int64{})
	fast.Targets = []Target{times("yard", 2), limit(3)}
	rows, err := choose([]Row{yard, other, fast}, []string{"fast"}, false)
	if err != nil || strings.Join(namesOf(rows), " ") != "yard fast" {
		t.Errorf("chosen are %v, %v", namesOf(rows), err)
	}
	if _, err := choose([]Row{yard}, []string{"yrad"}, false); err == nil || !strings.Contains(err.Error(), `"yrad"; there are yard`) {
		t.Errorf("an unknown name gives %v", err)
	}
}

func TestTheTableHoldsTogether(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range allRows() {
		if seen[r.Name] || r.What == "" || r.Unit == "" || r.Measure == nil {
			t.Errorf("row %q is doubled or lacks something", r.Name)
		}
		seen[r.Name] = true
		for _, target := range r.Targets {
			if target.Yardstick != "" && !seen[target.Yardstick] {
				t.Errorf("%s is held against %q, which does not come before it", r.Name, target.Yardstick)
			}
		}
	}
}

func TestAmounts(t *testing.T) {
	for f, want := range map[float64]string{0.22341: "0.223", 3.0149: "3.01", 999: "999", 8512.6: "8,512", 1234567: "1,234,567"} {
		if got := amount(f); got != want {
			t.Errorf("%v is written %s, want %s", f, got, want)
		}
	}
}

// TestTheProgramMeasures runs the whole program on the rows that need the most.
func TestTheProgramMeasures(t *testing.T) {
	if _, err := pgserver.Find(); err != nil {
		lacking.Here(t, err.Error())
	}
	dir := diskDir(t)
	path := filepath.Join(dir, "results.json")
	var out bytes.Buffer
	err := run(t.Context(), []string{"--quick", "--only", "fdatasync,postgres-http-hot", "--dir", dir, "--out", path}, nil, &out, t.Output())
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var results []map[string]any
	if err := json.Unmarshal(text, &results); err != nil || len(results) != 2 {
		t.Fatalf("%d results, %v", len(results), err)
	}
	for _, r := range results {
		for _, member := range []string{"name", "figure", "unit", "yardstick", "ratio", "required", "asked", "acknowledged", "found"} {
			if _, found := r[member]; !found {
				t.Errorf("%v has no %s", r["name"], member)
			}
		}
		if r["figure"].(float64) <= 0 {
			t.Errorf("%v has no figure", r["name"])
		}
	}
	if r := results[1]; r["asked"].(float64) == 0 || r["asked"] != r["found"] {
		t.Errorf("asked %v, found %v", r["asked"], r["found"])
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "supportledger-bench-*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// What is acknowledged by a ledger whose log is in a cluster is in the cluster.
func TestTheRowsOnAClusterMeasure(t *testing.T) {
	lab := quickLab(t)
	lab.Span = load.Span{Measure: 300 * time.Millisecond}
	rows, err := choose(allRows(), []string{esdbHot}, false)
	if err != nil || len(rows) != 2 {
		t.Fatalf("%v, %v", namesOf(rows), err)
	}
	for _, o := range measure(t.Context(), lab, rows, 1) {
		if o.Err != nil || o.Acknowledged == 0 || o.Found != o.Asked || o.Median() <= 0 {
			t.Errorf("%s: %v /s, %d asked, %d acknowledged, %d found, %v", o.Name, o.Figures, o.Asked, o.Acknowledged, o.Found, o.Err)
		}
	}
}

func TestNonsenseIsRefused(t *testing.T) {
	for _, args := range [][]string{
		{"--only", "nothing-like-it"},
		{"--runs", "0"},
		{"--dir", "/there/is/no/such/folder"},
		{"front", "--database", "x", "--key", "zz"},
	} {
		if err := run(t.Context(), args, nil, t.Output(), t.Output()); err == nil {
			t.Errorf("%v was accepted", args)
		}
	}
}
