package yardstick

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"math/rand/v2"
	"regexp"
	"strconv"

	"github.com/jackc/pgx/v5"

	"github.com/supportledger/supportledger/bench/load"
)

// A Load puts clients on the procedure and returns what they did, all of it
// counted afterwards.
type Load func(ctx context.Context, clients, contracts int, span load.Span) (Measured, error)

// Measured is what a load on PostgreSQL came to.
type Measured struct {
	Rate                       float64 // incidents per second
	Asked, Acknowledged, Found int64
}

// ByPgx calls the procedure from this process, one prepared statement and
// connection per client.
func (p *Postgres) ByPgx(ctx context.Context, clients, contracts int, span load.Span) (Measured, error) {
	conns, err := p.connections(ctx, clients)
	if err != nil {
		return Measured{}, err
	}
	defer closeAll(ctx, conns)
	callers := make([]load.Caller, clients)
	for i, conn := range conns {
		callers[i] = procedureCaller(conn, i, contracts)
	}
	result, err := load.Run(ctx, callers, span)
	if err != nil {
		return Measured{}, fmt.Errorf("call procedure: %w", err)
	}
	found, err := p.Found(ctx, result.Numbers)
	return Measured{result.Rate, result.Asked, result.Acknowledged, found}, err
}

// procedureCaller calls with the parameters in their wire form, the cheapest a
// client can be.
func procedureCaller(conn *pgx.Conn, client, contracts int) load.Caller {
	wording := load.OnPremises()
	pick := rand.New(rand.NewPCG(uint64(client), 0x5eed))
	run := pick.Uint64()
	var sequence int64
	return func(ctx context.Context) (uint64, error) {
		c := pick.IntN(contracts)
		sequence++
		body := wording.Body(Contract(c))
		print := sha256.Sum256(body)
		r := conn.PgConn().ExecPrepared(ctx, "submit", [][]byte{
			[]byte(Account(c)), fmt.Appendf(nil, "%016x-%010d", run, sequence), print[:],
			[]byte(Contract(c)), []byte(wording.Severity), body,
		}, []int16{0, 0, 1, 0, 0, 0}, nil).Read()
		if r.Err != nil {
			return 0, r.Err
		}
		if refusal := r.Rows[0][4]; refusal != nil {
			return 0, fmt.Errorf("the procedure refused: %s", refusal)
		}
		return load.Number(r.Rows[0][0])
	}
}

// ByPgbench calls the procedure from PostgreSQL's own load generator.
func (p *Postgres) ByPgbench(ctx context.Context, clients, contracts int, span load.Span) (Measured, error) {
	script, err := p.writeScript(contracts, load.OnPremises())
	if err != nil {
		return Measured{}, err
	}
	before, err := p.Incidents(ctx)
	if err != nil {
		return Measured{}, err
	}
	warm, err := p.pgbench(ctx, script, clients, span.Warm.Seconds())
	if err != nil {
		return Measured{}, err
	}
	m, err := p.pgbench(ctx, script, clients, span.Measure.Seconds())
	if err != nil {
		return Measured{}, err
	}
	after, err := p.Incidents(ctx)
	m.Asked += warm.Asked
	m.Acknowledged += warm.Acknowledged
	m.Found = after - before
	return m, err
}

// pgbench runs one load of whole seconds, at least one.
func (p *Postgres) pgbench(ctx context.Context, script string, clients int, seconds float64) (Measured, error) {
	cmd := p.Command(ctx, "pgbench", "--host", p.Dir, "--username", "bench", "--no-vacuum",
		"--protocol", "prepared", "--file", script, "--client", strconv.Itoa(clients),
		"--jobs", strconv.Itoa(min(clients, 2)), "--time", strconv.Itoa(int(max(1, seconds))), "postgres")
	out, err := cmd.CombinedOutput()
	if err != nil {
		return Measured{}, fmt.Errorf("run pgbench: %w: %s", err, out)
	}
	return readPgbench(string(out))
}

var (
	processedLine = regexp.MustCompile(`number of transactions actually processed: (\d+)`)
	failedLine    = regexp.MustCompile(`number of failed transactions: (\d+)`)
	tpsLine       = regexp.MustCompile(`tps = ([0-9.]+) \(without`)
)

// readPgbench reads pgbench's report.
func readPgbench(report string) (Measured, error) {
	number := func(line *regexp.Regexp) (float64, error) {
		m := line.FindStringSubmatch(report)
		if m == nil {
			return 0, fmt.Errorf("pgbench reported no %q", line)
		}
		return strconv.ParseFloat(m[1], 64)
	}
	processed, err1 := number(processedLine)
	tps, err2 := number(tpsLine)
	// Before version 15 failures ended pgbench and were not reported.
	failed, err := number(failedLine)
	if err != nil {
		failed = 0
	}
	return Measured{Rate: tps, Asked: int64(processed + failed), Acknowledged: int64(processed)}, errors.Join(err1, err2)
}
