package yardstick

import (
	"context"
	_ "embed"
	"fmt"
	"os"
	"path/filepath"

	"github.com/jackc/pgx/v5"

	"github.com/supportledger/supportledger/bench/load"
)

//go:embed procedure.sql
var procedure string

// submit is the statement every load sends.
const submit = "SELECT number, opened_at, due_at, remaining, refusal FROM submit($1, $2, $3, $4, $5, $6)"

// accounts is how many accounts share the contracts, so that their tokens repeat.
const accounts = 100

// Contract is the id of the ith contract that Reset makes.
func Contract(i int) string { return fmt.Sprintf("00000000-0000-4000-8000-%012d", i) }

// Account is the account that has linked the ith contract.
func Account(i int) string { return fmt.Sprintf("account-%02d", i%accounts) }

const seed = `
INSERT INTO contracts
SELECT ('00000000-0000-4000-8000-' || lpad(i::text, 12, '0'))::uuid, 'active', now() + interval '1 year', $2, 3
  FROM generate_series(0, $1 - 1) i`

const seedLinks = `
INSERT INTO links
SELECT id, 'account-' || lpad((right(id::text, 12)::bigint % $1)::text, 2, '0') FROM contracts`

// Reset empties the database and fills it with active, linked contracts that
// have incidents each.
func (p *Postgres) Reset(ctx context.Context, contracts int, incidents int64) error {
	conn, err := p.Connect(ctx)
	if err != nil {
		return fmt.Errorf("fill database: %w", err)
	}
	defer conn.Close(ctx)
	if _, err := conn.PgConn().Exec(ctx, procedure).ReadAll(); err != nil {
		return fmt.Errorf("create tables and procedure: %w", err)
	}
	if _, err := conn.Exec(ctx, seed, contracts, incidents); err != nil {
		return fmt.Errorf("fill contracts: %w", err)
	}
	if _, err := conn.Exec(ctx, seedLinks, accounts); err != nil {
		return fmt.Errorf("fill links: %w", err)
	}
	for _, statement := range []string{"VACUUM ANALYZE", "CHECKPOINT"} {
		if _, err := conn.Exec(ctx, statement); err != nil {
			return fmt.Errorf("settle database: %w", err)
		}
	}
	return nil
}

// Incidents counts what is recorded whole: incidents that have both of their
// rows in the outbox.
func (p *Postgres) Incidents(ctx context.Context) (int64, error) {
	return p.count(ctx, `SELECT count(*) FROM incidents JOIN
		(SELECT (data->>'number')::bigint AS number FROM outbox GROUP BY 1 HAVING count(*) = 2) o USING (number)`)
}

// Found counts how many of these incidents are recorded, each number once.
func (p *Postgres) Found(ctx context.Context, numbers []uint64) (int64, error) {
	return p.count(ctx, "SELECT count(*) FROM incidents WHERE number = ANY($1)", numbers)
}

func (p *Postgres) count(ctx context.Context, query string, args ...any) (int64, error) {
	conn, err := p.Connect(ctx)
	if err != nil {
		return 0, fmt.Errorf("count incidents: %w", err)
	}
	defer conn.Close(ctx)
	var n int64
	if err := conn.QueryRow(ctx, query, args...).Scan(&n); err != nil {
		return 0, fmt.Errorf("count incidents: %w", err)
	}
	return n, nil
}

// writeScript writes the pgbench script that calls the procedure for contracts
// picked at random.
func (p *Postgres) writeScript(contracts int, w load.Wording) (string, error) {
	path := filepath.Join(p.Dir, "submit.pgbench")
	text := fmt.Sprintf(`\set c random(0, %d)
\set a :c %% %d
SELECT number FROM submit('account-' || lpad((:a::int)::text, 2, '0'), gen_random_uuid()::text, '\x%064x',
	('00000000-0000-4000-8000-' || lpad((:c::int)::text, 12, '0'))::uuid, '%s', '%s');
`, contracts-1, accounts, 1, w.Severity, w.Body(Contract(0)))
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		return "", fmt.Errorf("write pgbench script: %w", err)
	}
	return path, nil
}

// connections opens n connections with the statement prepared.
func (p *Postgres) connections(ctx context.Context, n int) ([]*pgx.Conn, error) {
	var conns []*pgx.Conn
	for i := range n {
		conn, err := p.Connect(ctx)
		if err == nil {
			conns = append(conns, conn)
			_, err = conn.Prepare(ctx, "submit", submit)
		}
		if err != nil {
			closeAll(ctx, conns)
			return nil, fmt.Errorf("open connection %d: %w", i, err)
		}
	}
	return conns, nil
}

func closeAll(ctx context.Context, conns []*pgx.Conn) {
	for _, conn := range conns {
		// Nothing is under way any more; what closing says changes nothing.
		_ = conn.Close(ctx)
	}
}
