package main

import (
	"cmp"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"slices"
	"time"

	"github.com/supportledger/supportledger/bench/load"
	"github.com/supportledger/supportledger/bench/yardstick"
)

// The yardsticks that are PostgreSQL.
const (
	postgresSpread = "postgres-spread"
	postgresHot    = "postgres-hot"
	frontSpread    = "postgres-http-spread"
	frontHot       = "postgres-http-hot"
)

// An arrangement is one of the ways in which PostgreSQL might do best.
type arrangement struct {
	tool    string // "pgbench", "pgx", "http"
	clients int    // connections to the database
}

func (a arrangement) String() string { return fmt.Sprintf("%s, %d clients", a.tool, a.clients) }

// spreadClients and hotClients are tried in this order, the likeliest first.
// Many clients that wait for one row's lock only cost PostgreSQL.
func spreadClients() []int { return []int{32, 64, 16, 128} }
func hotClients() []int    { return []int{2, 4, 8, 16, 32, 64, 128} }

// procedureRow measures the bare procedure.
func procedureRow(name, what string, contracts func(*Lab) int, clients []int) Row {
	return postgresRow(name, what, contracts, arrangements(clients, "pgbench", "pgx"))
}

// frontRow measures the procedure behind an HTTP server.
func frontRow(name, what string, contracts func(*Lab) int, clients []int) Row {
	return postgresRow(name, what, contracts, arrangements(clients, "http"))
}

// arrangements are all tools with all numbers of clients.
func arrangements(clients []int, tools ...string) []arrangement {
	var all []arrangement
	for _, tool := range tools {
		for _, n := range clients {
			all = append(all, arrangement{tool, n})
		}
	}
	return all
}

func postgresRow(name, what string, contracts func(*Lab) int, ways []arrangement) Row {
	return Row{Name: name, What: what, Unit: "/s", Measure: func(ctx context.Context, lab *Lab) (Sample, error) {
		n := contracts(lab)
		best, err := lab.bestWay(ctx, name, n, ways)
		if err != nil {
			return Sample{}, err
		}
		var m yardstick.Measured
		err = lab.withPostgres(ctx, n, func(p *yardstick.Postgres) error {
			m, err = best.measure(ctx, p, n, lab.Span)
			return err
		})
		return Sample{m.Rate, m.Asked, m.Acknowledged, m.Found, best.String()}, err
	}}
}

// bestWay tries every way once per lab and remembers the fastest: PostgreSQL is
// measured at its best. A quick lab takes the likeliest.
func (l *Lab) bestWay(ctx context.Context, name string, contracts int, ways []arrangement) (arrangement, error) {
	if l.Quick {
		return ways[0], nil
	}
	if best, known := l.best[name]; known {
		return best, nil
	}
	var best arrangement
	err := l.withPostgres(ctx, contracts, func(p *yardstick.Postgres) error {
		// The leaders have a second chance, so that a hiccup decides nothing.
		leaders, err := l.race(ctx, p, contracts, ways)
		if err == nil {
			leaders, err = l.race(ctx, p, contracts, leaders[:min(3, len(leaders))])
		}
		if err == nil {
			best = leaders[0]
		}
		return err
	})
	if err == nil {
		l.best[name] = best
	}
	return best, err
}

// race tries every way for a short time and returns them, the fastest first.
func (l *Lab) race(ctx context.Context, p *yardstick.Postgres, contracts int, ways []arrangement) ([]arrangement, error) {
	rates := map[arrangement]float64{}
	for _, way := range ways {
		m, err := way.measure(ctx, p, contracts, load.Span{Warm: time.Second, Measure: 3 * time.Second})
		if err != nil {
			return nil, err
		}
		l.Say("  trying %v: %s /s", way, amount(m.Rate))
		rates[way] = m.Rate
	}
	ranked := slices.Clone(ways)
	slices.SortStableFunc(ranked, func(a, b arrangement) int { return cmp.Compare(rates[b], rates[a]) })
	return ranked, nil
}

// measure puts a load on the procedure.
func (a arrangement) measure(ctx context.Context, p *yardstick.Postgres, contracts int, span load.Span) (yardstick.Measured, error) {
	switch a.tool {
	case "pgbench":
		return p.ByPgbench(ctx, a.clients, contracts, span)
	case "pgx":
		return p.ByPgx(ctx, a.clients, contracts, span)
	}
	return throughFront(ctx, p, a.clients, contracts, span)
}

// throughFront starts the HTTP server as a process of its own, as the ledger
// is, and submits to it.
func throughFront(ctx context.Context, p *yardstick.Postgres, pool, contracts int, span load.Span) (m yardstick.Measured, err error) {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return m, fmt.Errorf("make key: %w", err)
	}
	targets, err := yardstick.Targets(contracts, private, time.Now())
	if err != nil {
		return m, err
	}
	server, err := startSelf(ctx, "front", "--database", p.URL(),
		"--clients", fmt.Sprint(pool), "--key", hex.EncodeToString(public))
	if err != nil {
		return m, err
	}
	defer func() {
		if stopped := server.stop(); err == nil {
			err = stopped
		}
	}()
	plan := load.HTTP{Addr: server.addr, Run: rand.Text(), Wording: load.OnPremises(), Targets: targets}
	result, err := submitOverHTTP(ctx, plan, span)
	if err != nil {
		return m, err
	}
	found, err := p.Found(ctx, result.Numbers)
	return yardstick.Measured{Rate: result.Rate, Asked: result.Asked, Acknowledged: result.Acknowledged, Found: found}, err
}

// submitOverHTTP runs one load on a server. It gives up a minute after the load
// should have been over.
func submitOverHTTP(ctx context.Context, plan load.HTTP, span load.Span) (load.Result, error) {
	ctx, cancel := context.WithTimeout(ctx, span.Warm+span.Measure+time.Minute)
	defer cancel()
	callers, shut, err := plan.Callers(ctx, connections)
	if err != nil {
		return load.Result{}, err
	}
	defer shut()
	return load.Run(ctx, callers, span)
}
