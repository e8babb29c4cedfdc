package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/supportledger/supportledger/bench/load"
	"github.com/supportledger/supportledger/bench/site"
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
		return lab.full(ctx, func(s *site.Site) (Sample, error) { return use(ctx, lab, s) })
	}
	return of
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
			return lab.full(ctx, func(s *site.Site) (Sample, error) { return lab.memory(ctx, s) })
		},
	}
}

func (l *Lab) memory(ctx context.Context, s *site.Site) (Sample, error) {
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
	if err := errors.Join(err, memoryErr, server.Kill()); err != nil {
		return Sample{}, err
	}
	note = fmt.Sprintf("%s /s over all contracts; %s", amount(result.Rate), note)
	return counted(ctx, s, before, result, float64(peak)/(1<<20), note)
}

// startRow measures how long a start takes on a full store, after the program
// was ended under load.
func startRow(name, what string, end func(*site.Server) error) Row {
	return Row{
		Name: name, What: what, Unit: "s", Lower: true, Full: true, Targets: []Target{limit(3)},
		Measure: func(ctx context.Context, lab *Lab) (Sample, error) {
			return lab.full(ctx, func(s *site.Site) (Sample, error) { return lab.start(ctx, s, end) })
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
