// Command bench measures what the ledger promises about speed: each figure the
// median of several runs, its yardstick measured in the same run, and every
// incident counted that was asked for, acknowledged and found afterwards.
//
// It prints a table and writes results.json. A target that is missed is shown
// and changes nothing else, since timings depend on the machine; an incident
// that was acknowledged and is not there makes it end with 1.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"

	"github.com/supportledger/supportledger/internal/pgserver"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// commands is what the program can be told.
type commands struct {
	Run   runCommand   `cmd:"" default:"withargs" help:"Measure and print the table."`
	Front frontCommand `cmd:"" hidden:""`
}

func run(ctx context.Context, args []string, in io.Reader, out, progress io.Writer) error {
	var c commands
	parser, err := kong.New(&c, kong.Name("bench"), kong.Writers(out, progress),
		kong.Description("Measures the ledger against PostgreSQL and the disk."))
	if err != nil {
		return err
	}
	command, err := parser.Parse(args)
	if err != nil {
		return err
	}
	if command.Command() == "front" {
		return c.Front.run(ctx, in, out)
	}
	return c.Run.run(ctx, out, progress)
}

// runCommand measures.
type runCommand struct {
	Only     []string `help:"Measure these benchmarks only, and what they are held against." placeholder:"NAME,..."`
	Alone    bool     `help:"Leave out what those named with --only are held against."`
	Runs     int      `default:"5" help:"Runs of each; the figure is their median."`
	Quick    bool     `help:"Measure for a short time only, one run, without looking for PostgreSQL's best and without the full store; rough figures."`
	Program  string   `help:"A supportledger to measure; built from this module if not given." type:"existingfile" placeholder:"FILE"`
	Profiles string   `help:"Where to write processor profiles of what runs in this process." type:"existingdir" placeholder:"DIR"`
	Dir      string   `help:"Where to put the data, on the disk to be measured; the system's temporary folder if not given." type:"existingdir"`
	Out      string   `default:"bench/results.json" help:"Where to write the results."`
	List     bool     `help:"Name the benchmarks and end."`
}

func (c runCommand) run(ctx context.Context, out, progress io.Writer) (err error) {
	if c.List {
		_, err := fmt.Fprintln(out, strings.Join(namesOf(allRows()), "\n"))
		return err
	}
	rows, err := c.rows(progress)
	if err != nil {
		return err
	}
	lab, err := newLab(c.Dir, c.Quick, progress)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, lab.Close()) }()
	lab.Program, lab.Profiles = c.Program, c.Profiles
	if c.Quick {
		c.Runs = 1
	}
	busy := loadAverage()
	lab.Say("%s%s", machine(), busy)
	outcomes := measure(ctx, lab, rows, c.Runs)
	fmt.Fprintf(out, "%s%s%s\n", machine(), lab.versions(), busy)
	return errors.Join(c.report(out, outcomes), ctx.Err())
}

// rows are those asked for. What they need is looked for before anything is
// measured: where PostgreSQL is not installed, rows that were not asked for by
// name are left out, which progress is told.
func (c runCommand) rows(progress io.Writer) ([]Row, error) {
	if c.Runs < 1 {
		return nil, errors.New("--runs must be at least 1")
	}
	rows, err := choose(allRows(), c.Only, c.Alone)
	if err != nil {
		return nil, err
	}
	if c.Quick && len(c.Only) == 0 {
		rows = slices.DeleteFunc(rows, func(r Row) bool { return r.Full })
	}
	if !slices.ContainsFunc(rows, isPostgres) {
		return rows, nil
	}
	_, err = pgserver.Find()
	if errors.Is(err, pgserver.ErrMissing) && len(c.Only) == 0 {
		fmt.Fprintln(progress, "without what is measured against it:", err)
		return slices.DeleteFunc(rows, isPostgres), nil
	}
	return rows, err
}

func isPostgres(r Row) bool { return strings.HasPrefix(r.Name, "postgres-") || r.Name == sharedCatchUp }

// report prints and writes what came out. It returns an error for incidents
// that were lost and for rows that could not be measured.
func (c runCommand) report(out io.Writer, outcomes []Outcome) error {
	results := judge(outcomes)
	faults := []error{printTable(out, results), writeResults(c.Out, results)}
	for _, o := range outcomes {
		faults = append(faults, o.Err)
		if fault := o.Fault(); fault != "" {
			faults = append(faults, errors.New(fault))
		}
	}
	return errors.Join(faults...)
}

// machine says what was measured on.
func machine() string {
	return fmt.Sprintf("%d cores, %s/%s, %s", runtime.NumCPU(), runtime.GOOS, runtime.GOARCH, runtime.Version())
}

// loadAverage says how busy the machine was before anything was measured.
// Figures of a machine with other things to do are only indicative.
func loadAverage() string {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return ""
	}
	average, _, _ := strings.Cut(string(text), " ")
	return ", load average " + average + " before the first run"
}
