package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// catchUpRow measures how fast the read models come out of the log.
func catchUpRow() Row {
	return Row{
		Name: "catch-up", What: "all projections together, catch-up, SQLite", Unit: "events/s",
		Targets: []Target{limit(50_000)},
		Measure: func(ctx context.Context, lab *Lab) (Sample, error) {
			s, err := lab.log(ctx)
			if err != nil {
				return Sample{}, err
			}
			if err := os.RemoveAll(filepath.Join(s.Dir, "read")); err != nil {
				return Sample{}, fmt.Errorf("throw read models away: %w", err)
			}
			var events int64
			began := time.Now()
			err = lab.profiled(func() (err error) {
				events, err = s.CatchUp(ctx)
				return err
			})
			took := time.Since(began)
			if err != nil {
				return Sample{}, err
			}
			return Sample{
				Figure: float64(events) / took.Seconds(),
				Note:   fmt.Sprintf("%s events, with opening and closing", count(events)),
			}, nil
		},
	}
}
