package main

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/supportledger/supportledger/bench/load"
	"github.com/supportledger/supportledger/bench/site"
	"github.com/supportledger/supportledger/internal/processors"
)

// The rows that call the ledger in this process.
const (
	inProcessSpread = "inprocess-spread"
	inProcessHot    = "inprocess-hot"
	oneCaller       = "one-caller"
)

// callers is how many call at once in this process.
const callers = 512

// inProcessRow measures durable deductions without HTTP.
func inProcessRow(name, what string, contracts int, targets ...Target) Row {
	return Row{Name: name, What: what, Unit: "/s", Targets: targets, Measure: func(ctx context.Context, lab *Lab) (Sample, error) {
		return lab.onSite(ctx, contracts, func(s *site.Site) (Sample, error) {
			return lab.inProcess(ctx, s, callers, contracts, rate)
		})
	}}
}

// oneCallerRow measures how long one caller waits who is alone.
func oneCallerRow(name, what string, contracts int, targets ...Target) Row {
	return Row{Name: name, What: what, Unit: "ms", Lower: true, Targets: targets, Measure: func(ctx context.Context, lab *Lab) (Sample, error) {
		return lab.onSite(ctx, contracts, func(s *site.Site) (Sample, error) {
			return lab.inProcess(ctx, s, 1, contracts, median)
		})
	}}
}

func rate(r load.Result) float64   { return r.Rate }
func median(r load.Result) float64 { return r.Quantile(0.5).Seconds() * 1000 }

// inProcess submits for a site's first contracts in this process, closes
// everything, and counts what is found after opening it anew.
func (l *Lab) inProcess(ctx context.Context, s *site.Site, n, contracts int, figure func(load.Result) float64) (Sample, error) {
	return l.inProcessWith(ctx, s, n, contracts, figure, func(*site.Running) error { return nil })
}

// inProcessWith is the same after something was done to the ledger.
func (l *Lab) inProcessWith(ctx context.Context, s *site.Site, n, contracts int, figure func(load.Result) float64, change func(*site.Running) error) (Sample, error) {
	defer asServed()()
	running, err := s.Start(ctx)
	if err != nil {
		return Sample{}, err
	}
	if err := change(running); err != nil {
		return Sample{}, errors.Join(err, running.Close())
	}
	before, err := running.Store.Head(ctx)
	if err != nil {
		return Sample{}, errors.Join(err, running.Close())
	}
	var result load.Result
	busy := processors.Busy()
	err = l.profiled(func() (err error) {
		result, err = load.Run(ctx, running.Callers(n, contracts), l.Span)
		return err
	})
	busy = processors.Busy() - busy
	rows, feed, lagErr := running.Lag(ctx)
	appends, submissions, batchErr := running.Batches()
	if err := errors.Join(err, lagErr, batchErr, running.Close()); err != nil {
		return Sample{}, err
	}
	note := fmt.Sprintf("%s; %s of processor time each; %s appends in a sync, %s submissions in an append; "+
		"read models %s and feed %s events behind at the end; counted after opening anew",
		latencies(result), each(busy, result.Acknowledged), amount(appends), amount(submissions), count(rows), count(feed))
	return counted(ctx, s, before, result, figure(result), note)
}

// each divides processor time, read models and feed included, by what it was used for.
func each(busy time.Duration, n int64) string {
	return (busy / time.Duration(max(1, n))).Round(100 * time.Nanosecond).String()
}

// asServed gives this process the threads, and the room for garbage, that the
// program takes by default, and returns how to give them back.
func asServed() (restore func()) {
	const collectAt, memory = 400, 768 << 20
	threads := runtime.GOMAXPROCS(2 * runtime.NumCPU())
	percent, limit := debug.SetGCPercent(collectAt), debug.SetMemoryLimit(memory)
	return func() {
		runtime.GOMAXPROCS(threads)
		debug.SetGCPercent(percent)
		debug.SetMemoryLimit(limit)
	}
}
