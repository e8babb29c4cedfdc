package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// A Row measures one figure and says what it has to reach.
type Row struct {
	Name    string // for --only and results.json
	What    string // for people
	Unit    string // "/s", "ms", "MiB", "s"
	Lower   bool   // less is better
	Targets []Target
	Full    bool // needs the full store, which takes minutes to make

	// Measure takes one run. It leaves nothing running.
	Measure func(ctx context.Context, lab *Lab) (Sample, error)
}

// A Sample is one run of a row.
type Sample struct {
	Figure float64
	// Incidents asked for, acknowledged, and found in the store afterwards; all
	// zero where the row submits none.
	Asked, Acknowledged, Found int64
	Note                       string // how it was measured, for people
}

// A Target is what a figure is held against: Times the median of another row,
// plus Plus in the row's unit; or a Limit where Yardstick is empty.
type Target struct {
	Yardstick   string
	Times, Plus float64
	Limit       float64
}

// times asks for a multiple of another row's figure.
func times(yardstick string, factor float64) Target {
	return Target{Yardstick: yardstick, Times: factor}
}

// limit asks for an absolute figure.
func limit(figure float64) Target { return Target{Limit: figure} }

// choose returns the rows named, and unless they are wanted alone those they are
// held against, in the order of all; every row where nothing is named.
func choose(all []Row, names []string, alone bool) ([]Row, error) {
	if len(names) == 0 {
		return all, nil
	}
	wanted := map[string]bool{}
	for len(names) > 0 {
		name := names[0]
		names = names[1:]
		i := slices.IndexFunc(all, func(r Row) bool { return r.Name == name })
		if i < 0 {
			return nil, fmt.Errorf("there is no benchmark %q; there are %s", name, strings.Join(namesOf(all), ", "))
		}
		if wanted[name] {
			continue
		}
		wanted[name] = true
		for _, t := range all[i].Targets {
			if t.Yardstick != "" && !alone {
				names = append(names, t.Yardstick)
			}
		}
	}
	return slices.DeleteFunc(slices.Clone(all), func(r Row) bool { return !wanted[r.Name] }), nil
}

func namesOf(rows []Row) []string {
	names := make([]string, len(rows))
	for i, r := range rows {
		names[i] = r.Name
	}
	return names
}
