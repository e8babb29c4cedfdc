package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
)

// A Result is one line of the table and of results.json: a row held against one
// of its targets. Yardstick, Ratio and Required are null where there is nothing
// to reach.
type Result struct {
	Name         string    `json:"name"`
	Figure       float64   `json:"figure"` // the median
	Unit         string    `json:"unit"`
	Yardstick    *float64  `json:"yardstick"` // in the same unit
	Ratio        *float64  `json:"ratio"`     // figure / yardstick
	Required     *float64  `json:"required"`  // of the ratio; at most where less is better, else at least
	Asked        int64     `json:"asked"`
	Acknowledged int64     `json:"acknowledged"`
	Found        int64     `json:"found"`
	What         string    `json:"what"`
	Against      string    `json:"against,omitempty"` // the yardstick's name, or "limit"
	LowerBetter  bool      `json:"lower_is_better"`
	Reached      *bool     `json:"reached"`
	Runs         []float64 `json:"runs"`
	Note         string    `json:"note,omitempty"`
	Error        string    `json:"error,omitempty"`
}

// judge holds every outcome against its targets. A row with several has one
// result for each, named row/yardstick.
func judge(outcomes []Outcome) []Result {
	var results []Result
	for _, o := range outcomes {
		base := Result{
			Name: o.Name, What: o.What, Figure: o.Median(), Unit: o.Unit, LowerBetter: o.Lower,
			Asked: o.Asked, Acknowledged: o.Acknowledged, Found: o.Found, Runs: o.Figures, Note: o.Note,
		}
		if o.Err != nil {
			base.Error = o.Err.Error()
		}
		if len(o.Targets) == 0 {
			results = append(results, base)
		}
		for _, target := range o.Targets {
			r := base
			r.hold(target, outcomes)
			if len(o.Targets) > 1 {
				r.Name += "/" + r.Against
			}
			results = append(results, r)
		}
	}
	return results
}

// hold fills in how the figure compares with its target, as far as both are
// known.
func (r *Result) hold(t Target, outcomes []Outcome) {
	r.Against = "limit"
	against, required := t.Limit, 1.0
	if t.Yardstick != "" {
		r.Against = t.Yardstick
		i := slices.IndexFunc(outcomes, func(o Outcome) bool { return o.Name == t.Yardstick })
		if i < 0 {
			return
		}
		against = outcomes[i].Median()
		required = t.Times + t.Plus/against
	}
	if against == 0 || len(r.Runs) == 0 {
		return
	}
	ratio := r.Figure / against
	reached := ratio >= required
	if r.LowerBetter {
		reached = ratio <= required
	}
	r.Yardstick, r.Ratio, r.Required, r.Reached = &against, &ratio, &required, &reached
}

// writeResults writes results.json.
func writeResults(path string, results []Result) error {
	text, err := json.MarshalIndent(results, "", "  ")
	if err != nil {
		return fmt.Errorf("write results: %w", err)
	}
	if err := os.WriteFile(path, append(text, '\n'), 0o644); err != nil {
		return fmt.Errorf("write results: %w", err)
	}
	return nil
}

// printTable prints the results for people.
func printTable(w io.Writer, results []Result) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "benchmark\tfigure\tyardstick\tratio\trequired\t\tasked\tacknowledged\tfound")
	for _, r := range results {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", r.What, r.figure(), r.yardstick(),
			r.ratio(), r.required(), r.verdict(), count(r.Asked), count(r.Acknowledged), count(r.Found))
	}
	return t.Flush()
}

func (r Result) figure() string {
	if len(r.Runs) == 0 {
		return "-"
	}
	return amount(r.Figure) + " " + r.Unit
}

func (r Result) yardstick() string {
	switch {
	case r.Yardstick != nil:
		return amount(*r.Yardstick) + " " + r.Unit + " " + r.Against
	case r.Against != "":
		return r.Against
	}
	return "is one"
}

func (r Result) ratio() string {
	if r.Ratio == nil {
		return "-"
	}
	return amount(*r.Ratio) + " x"
}

func (r Result) required() string {
	if r.Required == nil {
		return "-"
	}
	if r.LowerBetter {
		return "at most " + amount(*r.Required) + " x"
	}
	return "at least " + amount(*r.Required) + " x"
}

func (r Result) verdict() string {
	switch {
	case r.Error != "":
		return "FAILED"
	case r.Reached == nil:
		return ""
	case *r.Reached:
		return "ok"
	}
	return "MISSED"
}

// amount writes a figure with three digits that matter, and thousands apart.
func amount(f float64) string {
	if f >= 1000 || f <= -1000 {
		return count(int64(f))
	}
	return strconv.FormatFloat(f, 'g', 3, 64)
}

// count writes an integer with its thousands apart.
func count(n int64) string {
	if n == 0 {
		return "-"
	}
	digits := strconv.FormatInt(n, 10)
	var b strings.Builder
	for i, d := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 && digits[i-1] != '-' {
			b.WriteByte(',')
		}
		b.WriteRune(d)
	}
	return b.String()
}
