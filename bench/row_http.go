package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/supportledger/supportledger/bench/load"
	"github.com/supportledger/supportledger/bench/site"
	"github.com/supportledger/supportledger/eventstore"
)

// The rows that go through the real program.
const (
	httpSpread = "http-spread"
	httpHot    = "http-hot"
)

// httpRow measures durable deductions through HTTP.
func httpRow(name, what string, contracts int, targets ...Target) Row {
	return Row{Name: name, What: what, Unit: "/s", Targets: targets, Measure: func(ctx context.Context, lab *Lab) (Sample, error) {
		return lab.onSite(ctx, contracts, func(s *site.Site) (Sample, error) { return lab.overHTTP(ctx, s, contracts) })
	}}
}

// overHTTP submits to a site's program for its first contracts, kills the
// program, and counts what a new process finds.
func (l *Lab) overHTTP(ctx context.Context, s *site.Site, contracts int) (Sample, error) {
	before, err := s.Head(ctx)
	if err != nil {
		return Sample{}, err
	}
	server, err := l.serve(ctx, s)
	if err != nil {
		return Sample{}, err
	}
	result, note, err := loadServer(ctx, server, s.Targets(contracts), l.Span)
	if err := errors.Join(err, server.Kill()); err != nil {
		return Sample{}, err
	}
	return counted(ctx, s, before, result, result.Rate, note+"; counted after kill -9")
}

// loadServer puts the load on a program. The note says how far the read models
// and the feed were behind when it was over.
func loadServer(ctx context.Context, v *site.Server, targets []load.Target, span load.Span) (load.Result, string, error) {
	plan := load.HTTP{Addr: v.Addr, Run: rand.Text(), Wording: load.OnPremises(), Targets: targets}
	before, err := v.Metric(ctx, busyMetric)
	if err != nil {
		return load.Result{}, "", err
	}
	result, err := submitOverHTTP(ctx, plan, span)
	if err != nil {
		return result, "", err
	}
	busy, err := v.Metric(ctx, busyMetric)
	if err != nil {
		return result, "", err
	}
	rows, rowsErr := v.Metric(ctx, "supportledger_projections_lag")
	feed, feedErr := v.Metric(ctx, "supportledger_feed_lag")
	appends, appendsErr := v.Metric(ctx, batchMetric+"_sum")
	syncs, syncsErr := v.Metric(ctx, batchMetric+"_count")
	note := fmt.Sprintf("%s; %s of the server's processor time each; %s appends in a sync; read models %s and feed %s events behind at the end",
		latencies(result), each(time.Duration((busy-before)*1e9), result.Acknowledged), amount(appends/max(1, syncs)), count(int64(rows)), count(int64(feed)))
	return result, note, errors.Join(rowsErr, feedErr, appendsErr, syncsErr)
}

// batchMetric is how many appends shared a sync.
const batchMetric = "supportledger_store_batch_appends"

// busyMetric is how long the program has kept processors busy.
const busyMetric = "process_cpu_seconds_total"

// latencies says how long answers took.
func latencies(r load.Result) string {
	const ms = 1e6
	return fmt.Sprintf("p50 %s ms, p99 %s ms", amount(float64(r.Quantile(0.5))/ms), amount(float64(r.Quantile(0.99))/ms))
}

// counted makes a sample of a load on a site that nobody has open any more.
func counted(ctx context.Context, s *site.Site, before eventstore.Position, result load.Result, figure float64, note string) (Sample, error) {
	found, err := s.Found(ctx, before, result.Numbers)
	return Sample{Figure: figure, Asked: result.Asked, Acknowledged: result.Acknowledged, Found: found, Note: note}, err
}
