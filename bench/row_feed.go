package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/supportledger/supportledger/bench/load"
	"github.com/supportledger/supportledger/bench/site"
)

// feedCatchUpRow measures how fast a log comes into an empty NATS server.
func feedCatchUpRow() Row {
	return Row{
		Name: "feed-catch-up", What: "the feed into an empty NATS server in the same process", Unit: "events/s",
		Targets: []Target{limit(20_000)},
		Measure: func(ctx context.Context, lab *Lab) (Sample, error) {
			s, err := lab.log(ctx)
			if err != nil {
				return Sample{}, err
			}
			if err := os.RemoveAll(filepath.Join(s.Dir, "nats")); err != nil {
				return Sample{}, fmt.Errorf("throw NATS away: %w", err)
			}
			defer asServed()()
			var messages int64
			began := time.Now()
			err = lab.profiled(func() (err error) {
				messages, err = s.Publish(ctx)
				return err
			})
			took := time.Since(began)
			if err != nil {
				return Sample{}, err
			}
			return Sample{
				Figure: float64(messages) / took.Seconds(),
				Note:   fmt.Sprintf("%s messages, with opening and closing", count(messages)),
			}, nil
		},
	}
}

// steadily is how many submissions a second the ledger takes while it is measured
// how far subscribers are behind.
const steadily = 3_000

// feedLagRow measures how long a subscriber waits for what was acknowledged.
func feedLagRow() Row {
	return Row{
		Name: "feed-lag", What: "from an acknowledgement to a subscriber, 3,000 submissions/s, p99", Unit: "ms", Lower: true,
		Targets: []Target{limit(100)},
		Measure: func(ctx context.Context, lab *Lab) (Sample, error) {
			return lab.onSite(ctx, manyContracts, func(s *site.Site) (Sample, error) { return lab.feedLag(ctx, s) })
		},
	}
}

func (l *Lab) feedLag(ctx context.Context, s *site.Site) (Sample, error) {
	defer asServed()()
	running, err := s.Start(ctx)
	if err != nil {
		return Sample{}, err
	}
	before, err := running.Store.Head(ctx)
	if err != nil {
		return Sample{}, errors.Join(err, running.Close())
	}
	hearing, err := running.Hear(ctx)
	if err != nil {
		return Sample{}, errors.Join(err, running.Close())
	}
	pace := load.NewPace(steadily)
	callers := pace.Of(running.Callers(connections, manyContracts))
	var result load.Result
	err = l.profiled(func() (err error) {
		result, err = load.Run(ctx, callers, l.Span)
		return err
	})
	if err := errors.Join(err, running.Stop(ctx, hearing), running.Close()); err != nil {
		return Sample{}, err
	}
	var waits []time.Duration
	for n, acknowledged := range pace.Acknowledged() {
		heard, ok := hearing.At[n]
		if !ok {
			return Sample{}, fmt.Errorf("incident %d was acknowledged and never heard of", n)
		}
		waits = append(waits, max(0, heard.Sub(acknowledged)))
	}
	slices.Sort(waits)
	quantile := func(q float64) float64 { return waits[int(q*float64(len(waits)-1))].Seconds() * 1000 }
	note := fmt.Sprintf("%s submissions/s, answers in %s; heard of after p50 %s ms, at most %s ms",
		amount(result.Rate), latencies(result), amount(quantile(0.5)), amount(quantile(1)))
	return counted(ctx, s, before, result, quantile(0.99), note)
}

// natsStoppedRow measures that a NATS server which is away costs the ledger
// nothing: held against the same with one that runs.
func natsStoppedRow() Row {
	return Row{
		Name: "nats-stopped", What: "in process, 512 callers, 10,000 contracts, NATS stopped", Unit: "/s",
		Targets: []Target{times(inProcessSpread, 0.95)},
		Measure: func(ctx context.Context, lab *Lab) (Sample, error) {
			return lab.onSite(ctx, manyContracts, func(s *site.Site) (Sample, error) {
				return lab.inProcessWith(ctx, s, callers, manyContracts, rate, (*site.Running).StopNATS)
			})
		},
	}
}
