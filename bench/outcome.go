package main

import (
	"context"
	"fmt"
	"slices"

	"github.com/supportledger/supportledger/bench/yardstick"
)

// An Outcome is what all runs of a row came to.
type Outcome struct {
	Row
	Figures                    []float64 // one per run, in their order
	Asked, Acknowledged, Found int64     // over all runs
	Note                       string    // of the last run
	Err                        error     // why there are no more runs
}

// Median is the middle figure, the mean of the two in the middle where the
// number of runs is even, 0 where there was none.
func (o Outcome) Median() float64 {
	n := len(o.Figures)
	if n == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(o.Figures))
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}

// Fault says what was wrong with the incidents themselves; empty where each one
// that was acknowledged is there and none that was not asked for.
func (o Outcome) Fault() string {
	switch {
	case o.Found < o.Acknowledged:
		return fmt.Sprintf("%s: %d of %d acknowledged incidents are LOST or share a number",
			o.Name, o.Acknowledged-o.Found, o.Acknowledged)
	case o.Found > o.Asked:
		return fmt.Sprintf("%s: %d incidents are there that NOBODY ASKED for", o.Name, o.Found-o.Asked)
	}
	return ""
}

// measure runs every row once per round, so that a figure and its yardstick
// meet the same machine. A row that fails is not measured again; the others go on.
func measure(ctx context.Context, lab *Lab, rows []Row, rounds int) []Outcome {
	outcomes := make([]Outcome, len(rows))
	for i, row := range rows {
		outcomes[i].Row = row
	}
	for round := 1; round <= rounds && ctx.Err() == nil; round++ {
		for i := range outcomes {
			if outcomes[i].Err == nil {
				lab.Say("run %d of %d, %s ...", round, rounds, outcomes[i].Name)
				outcomes[i].add(ctx, lab)
			}
		}
	}
	return outcomes
}

// add takes one run into account.
func (o *Outcome) add(ctx context.Context, lab *Lab) {
	yardstick.Settle()
	lab.measuring = o.Name
	s, err := o.Measure(ctx, lab)
	o.Asked += s.Asked
	o.Acknowledged += s.Acknowledged
	o.Found += s.Found
	if err != nil {
		o.Err = fmt.Errorf("measure %s: %w", o.Name, err)
		lab.Say("%v", o.Err)
		return
	}
	o.Figures = append(o.Figures, s.Figure)
	o.Note = s.Note
	lab.Say("  %s %s (%s)", amount(s.Figure), o.Unit, s.Note)
}
