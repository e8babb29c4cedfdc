package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"github.com/supportledger/supportledger/bench/load"
	"github.com/supportledger/supportledger/bench/site"
	"github.com/supportledger/supportledger/bench/yardstick"
	"github.com/supportledger/supportledger/eventstore"
	"github.com/supportledger/supportledger/eventstore/pebblestore"
	"github.com/supportledger/supportledger/internal/processors"
)

// The rows of a ledger whose log is in a cluster: one node in this process, over the
// embedded store, by a socket of this machine, without TLS. Its yardsticks are
// appends of the same bytes to such a node by the official client alone.
const (
	wireSpread   = "esdbwire-spread"
	wireOneByOne = "esdbwire-one-by-one"
	esdbSpread   = "esdb-spread"
	esdbHot      = "esdb-hot"
)

// wireRow measures appends by n callers that are not the ledger.
func wireRow(name, what string, n, streams int) Row {
	return Row{Name: name, What: what, Unit: "/s", Measure: func(ctx context.Context, lab *Lab) (sample Sample, err error) {
		like, err := lab.submission(ctx)
		if err != nil {
			return Sample{}, err
		}
		dir := filepath.Join(lab.Dir, "raw")
		defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
		defer asServed()()
		var result load.Result
		busy := processors.Busy()
		err = withWire(ctx, dir, func(url string, _ *pebblestore.Store) (err error) {
			raw := yardstick.RawWire{URL: url, Streams: streams, Like: like}
			result, err = raw.Load(ctx, n, lab.Span)
			return err
		})
		busy = processors.Busy() - busy
		if err != nil {
			return Sample{}, err
		}
		found, err := appendsIn(ctx, dir, len(like))
		note := fmt.Sprintf("%s; %s of processor time each, the node's included; appends of %d events", latencies(result), each(busy, result.Acknowledged), len(like))
		return Sample{Figure: result.Rate, Asked: result.Asked, Acknowledged: result.Acknowledged, Found: found, Note: note}, err
	}}
}

// submission is what the log holds of one.
func (l *Lab) submission(ctx context.Context) (records []eventstore.Record, err error) {
	s, err := site.Make(ctx, filepath.Join(l.Dir, "site"), site.History{Contracts: 1, Submissions: 1})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.Remove()) }()
	store, err := s.OpenStore()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	for r, err := range store.ReadAll(ctx, eventstore.Start) {
		if err != nil {
			return nil, err
		}
		if strings.HasPrefix(r.Type, "incident.") {
			records = append(records, r)
		}
	}
	return records, nil
}

// appendsIn counts what a store holds, in appends of so many events.
func appendsIn(ctx context.Context, dir string, events int) (n int64, err error) {
	store, err := pebblestore.Open(dir, pebblestore.Options{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	head, err := store.Head(ctx)
	return int64(head) / int64(events), err
}

// esdbRow measures durable deductions by a ledger whose log is in a cluster.
func esdbRow(name, what string, n, contracts int, target Target) Row {
	return Row{Name: name, What: what, Unit: "/s", Targets: []Target{target}, Measure: func(ctx context.Context, lab *Lab) (Sample, error) {
		return lab.onSite(ctx, contracts, func(s *site.Site) (Sample, error) {
			before, err := moved(ctx, s)
			if err != nil {
				return Sample{}, err
			}
			var result load.Result
			var note string
			err = withWire(ctx, s.StoreDir(), func(url string, _ *pebblestore.Store) (err error) {
				result, note, err = lab.inCluster(ctx, s, url, n, contracts)
				return err
			})
			if err != nil {
				return Sample{}, err
			}
			return counted(ctx, s, before, result, result.Rate, note)
		})
	}}
}

// moved copies a site's log to a cluster, and makes the cluster's store the site's.
func moved(ctx context.Context, s *site.Site) (head eventstore.Position, err error) {
	dir := filepath.Join(s.Dir, "cluster")
	err = withWire(ctx, dir, func(url string, _ *pebblestore.Store) error {
		_, err := s.CopyTo(ctx, url)
		return err
	})
	if err := errors.Join(err, s.Adopt(dir)); err != nil {
		return 0, err
	}
	return s.Head(ctx)
}

// inCluster submits for a site's first contracts in this process, by n callers, while
// its log is elsewhere.
func (l *Lab) inCluster(ctx context.Context, s *site.Site, url string, n, contracts int) (result load.Result, note string, err error) {
	defer asServed()()
	running, err := s.StartOn(ctx, url)
	if err != nil {
		return result, "", err
	}
	busy := processors.Busy()
	err = l.profiled(func() (err error) {
		result, err = load.Run(ctx, running.Callers(n, contracts), l.Span)
		return err
	})
	busy = processors.Busy() - busy
	rows, feed, lagErr := running.Lag(ctx)
	_, submissions, batchErr := running.Batches()
	note = fmt.Sprintf("%s; %s of processor time each, the node's included; %s submissions in an append; "+
		"read models %s and feed %s events behind at the end; counted after opening anew",
		latencies(result), each(busy, result.Acknowledged), amount(submissions), count(rows), count(feed))
	return result, note, errors.Join(err, lagErr, batchErr, running.Close())
}
