package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/supportledger/supportledger/bench/site"
	"github.com/supportledger/supportledger/bench/yardstick"
	"github.com/supportledger/supportledger/internal/postgres"
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

const sharedCatchUp = "catch-up-postgres"

// sharedCatchUpRow measures the same in PostgreSQL, where several nodes share the
// read models. It writes durably, on the same processors.
func sharedCatchUpRow() Row {
	return Row{
		Name: sharedCatchUp, What: "all projections together, catch-up, PostgreSQL", Unit: "events/s",
		Targets: []Target{limit(20_000)},
		Measure: func(ctx context.Context, lab *Lab) (sample Sample, err error) {
			s, err := lab.log(ctx)
			if err != nil {
				return Sample{}, err
			}
			err = lab.withPostgres(ctx, 1, func(p *yardstick.Postgres) error {
				sample, err = lab.catchUpIn(ctx, s, p)
				return err
			})
			return sample, err
		},
	}
}

// catchUpIn fills a schema of its own, which is removed again.
func (l *Lab) catchUpIn(ctx context.Context, s *site.Site, p *yardstick.Postgres) (sample Sample, err error) {
	const schema = "catch_up"
	do := func(text string) error {
		conn, err := p.Connect(ctx)
		if err != nil {
			return err
		}
		_, err = conn.Exec(ctx, text)
		return errors.Join(err, conn.Close(ctx))
	}
	if err := do("CREATE SCHEMA " + schema); err != nil {
		return Sample{}, fmt.Errorf("make schema: %w", err)
	}
	defer func() { err = errors.Join(err, do("DROP SCHEMA "+schema+" CASCADE")) }()
	database, err := postgres.Parse(p.URL() + "&search_path=" + schema)
	if err != nil {
		return Sample{}, err
	}
	var events int64
	began := time.Now()
	err = l.profiled(func() (err error) {
		events, err = s.CatchUpIn(ctx, database)
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
}
