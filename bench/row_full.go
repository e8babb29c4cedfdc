package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/supportledger/supportledger/bench/load"
	"github.com/supportledger/supportledger/bench/site"
	"github.com/supportledger/supportledger/bench/yardstick"
)

// fullSuffix marks the rows that are measured again on a full store.
const fullSuffix = "-full"

// fullRow is a row on a store with ten million events, held against the same row
// on an empty one: within a fifth.
func fullRow(of Row, use func(context.Context, *Lab, *site.Site) (Sample, error)) Row {
	of.Targets = []Target{times(of.Name, 0.8)}
	if of.Lower {
		of.Targets = []Target{times(of.Name, 1.2)}
	}
	of.Name += fullSuffix
	of.What = "after 10 million events: " + of.What
	of.Full = true
	of.Measure = func(ctx context.Context, lab *Lab) (Sample, error) {
		return lab.full(ctx, func(s *site.Site, _ *site.NATS) (Sample, error) { return use(ctx, lab, s) })
	}
	return of
}

// full lends a copy of a site with a million contracts and ten million events,
// all published, a tenth of that in a quick lab. Its feed goes to a NATS server of
// its own, as docs/operations.md wishes for that many contracts.
func (l *Lab) full(ctx context.Context, use func(*site.Site, *site.NATS) (Sample, error)) (Sample, error) {
	if l.original == nil {
		if err := l.makeOriginal(ctx); err != nil {
			return Sample{}, err
		}
	}
	s, err := l.original.Clone(filepath.Join(l.Dir, "site"))
	if err != nil {
		return Sample{}, err
	}
	return lend(s, func(s *site.Site) (sample Sample, err error) {
		err = l.withNATS(ctx, s, func(n *site.NATS) error {
			yardstick.Settle()
			sample, err = use(s, n)
			return err
		})
		return sample, err
	})
}

// makeOriginal makes the full store.
func (l *Lab) makeOriginal(ctx context.Context) error {
	h := site.History{Contracts: 1_000_000, Submissions: 2_500_000}
	if l.Quick {
		h = site.History{Contracts: h.Contracts / 10, Submissions: h.Submissions / 10}
	}
	original, err := l.makeHistory(ctx, "full", h)
	if err != nil {
		return err
	}
	began := time.Now()
	events, err := original.CatchUp(ctx)
	if err != nil {
		return err
	}
	l.Say("  its read models took %v for %s events", time.Since(began).Round(time.Second), count(events))
	began = time.Now()
	if err := l.withNATS(ctx, original, func(*site.NATS) (err error) { events, err = original.Publish(ctx); return err }); err != nil {
		return err
	}
	l.Say("  its feed took %v for %s events", time.Since(began).Round(time.Second), count(events))
	l.original = original
	return nil
}

// withNATS lends a site a NATS server of its own.
func (l *Lab) withNATS(ctx context.Context, s *site.Site, use func(*site.NATS) error) error {
	if l.nats == "" {
		file, err := l.build(ctx, "nats-server", "github.com/nats-io/nats-server/v2")
		if err != nil {
			return err
		}
		l.nats = file
	}
	n, err := s.StartNATS(ctx, l.nats)
	if err != nil {
		return err
	}
	s.NATS = n.URL
	defer func() { s.NATS = "" }()
	return errors.Join(use(n), n.Stop())
}

func fullHTTPRow(of Row, contracts int) Row {
	return fullRow(of, func(ctx context.Context, lab *Lab, s *site.Site) (Sample, error) {
		return lab.overHTTP(ctx, s, contracts)
	})
}

func fullInProcessRow(of Row, n, contracts int, figure func(load.Result) float64) Row {
	return fullRow(of, func(ctx context.Context, lab *Lab, s *site.Site) (Sample, error) {
		return lab.inProcess(ctx, s, n, contracts, figure)
	})
}

// memoryRow measures what the program needs at most while it works on contracts
// from all over a full store.
func memoryRow() Row {
	return Row{
		Name: "memory", What: "peak memory, 1 million contracts and 10 million events, under load", Unit: "MiB",
		Lower: true, Full: true, Targets: []Target{limit(1024)},
		Measure: func(ctx context.Context, lab *Lab) (Sample, error) {
			return lab.full(ctx, func(s *site.Site, n *site.NATS) (Sample, error) { return lab.memory(ctx, s, n) })
		},
	}
}

func (l *Lab) memory(ctx context.Context, s *site.Site, n *site.NATS) (Sample, error) {
	before, err := s.Head(ctx)
	if err != nil {
		return Sample{}, err
	}
	server, err := l.serve(ctx, s)
	if err != nil {
		return Sample{}, err
	}
	span := load.Span{Warm: l.Span.Warm, Measure: 3 * l.Span.Measure}
	result, note, err := loadServer(ctx, server, s.Targets(len(s.Contracts)), span)
	peak, memoryErr := server.PeakMemory()
	beside, natsErr := n.PeakMemory()
	if err := errors.Join(err, memoryErr, natsErr, server.Kill()); err != nil {
		return Sample{}, err
	}
	note = fmt.Sprintf("the NATS server beside it %s MiB; %s /s over all contracts; %s", amount(float64(beside)/(1<<20)), amount(result.Rate), note)
	return counted(ctx, s, before, result, float64(peak)/(1<<20), note)
}

// startRow measures how long a start takes on a full store, after the program
// was ended under load.
func startRow(name, what string, end func(*site.Server) error) Row {
	return Row{
		Name: name, What: what, Unit: "s", Lower: true, Full: true, Targets: []Target{limit(3)},
		Measure: func(ctx context.Context, lab *Lab) (Sample, error) {
			return lab.full(ctx, func(s *site.Site, _ *site.NATS) (Sample, error) { return lab.start(ctx, s, end) })
		},
	}
}

func (l *Lab) start(ctx context.Context, s *site.Site, end func(*site.Server) error) (Sample, error) {
	before, err := s.Head(ctx)
	if err != nil {
		return Sample{}, err
	}
	server, err := l.serve(ctx, s)
	if err != nil {
		return Sample{}, err
	}
	result, note, err := loadServer(ctx, server, s.Targets(len(s.Contracts)), l.Span)
	if err := errors.Join(err, end(server)); err != nil {
		return Sample{}, err
	}
	again, err := l.serve(ctx, s)
	if err != nil {
		return Sample{}, err
	}
	serving, ready := again.Serving, again.Ready
	if err := again.Stop(); err != nil {
		return Sample{}, err
	}
	note = fmt.Sprintf("serves after %v; ended with its %s", serving.Round(time.Millisecond), note)
	return counted(ctx, s, before, result, ready.Seconds(), note)
}

// serve starts the program on a site.
func (l *Lab) serve(ctx context.Context, s *site.Site) (*site.Server, error) {
	program, err := l.program(ctx)
	if err != nil {
		return nil, err
	}
	return s.Serve(ctx, program)
}
