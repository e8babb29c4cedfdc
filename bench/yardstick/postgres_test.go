package yardstick

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/supportledger/supportledger/bench/load"
	"github.com/supportledger/supportledger/internal/pgserver"
)

// database starts a PostgreSQL of its own for a test.
func database(t *testing.T) *Postgres {
	t.Helper()
	return &Postgres{pgserver.Start(t, settings)}
}

func TestPostgres(t *testing.T) {
	p := database(t)
	t.Run("is durable", func(t *testing.T) { isDurable(t, p) })
	t.Run("answers as the rules say", func(t *testing.T) { answersByTheRules(t, p) })
	t.Run("R16: gives the last incident once", func(t *testing.T) { givesTheLastOnce(t, p) })
	t.Run("counts what loads did", func(t *testing.T) { countsLoads(t, p) })
	t.Run("answers over HTTP", func(t *testing.T) { answersOverHTTP(t, p) })
}

func isDurable(t *testing.T, p *Postgres) {
	conn := connect(t, p)
	for setting, want := range map[string]string{
		"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on", "shared_buffers": "1GB",
	} {
		var got string
		if err := conn.QueryRow(t.Context(), "SELECT current_setting($1)", setting).Scan(&got); err != nil || got != want {
			t.Errorf("%s is %q (%v), want %q", setting, got, err, want)
		}
	}
}

func connect(t *testing.T, p *Postgres) *pgx.Conn {
	t.Helper()
	conn, err := p.Connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(context.Background()) })
	return conn
}

// asking calls the procedure once and returns number and refusal.
func asking(t *testing.T, conn *pgx.Conn, account, key, print string, contract int) (int64, string) {
	t.Helper()
	var number *int64
	var refusal *string
	err := conn.QueryRow(t.Context(), "SELECT number, refusal FROM submit($1, $2, $3, $4, 'B', '{}')",
		account, key, []byte(print), Contract(contract)).Scan(&number, &refusal)
	if err != nil {
		t.Fatal(err)
	}
	if refusal == nil {
		return *number, ""
	}
	return 0, *refusal
}

func answersByTheRules(t *testing.T, p *Postgres) {
	if err := p.Reset(t.Context(), 5, 1); err != nil {
		t.Fatal(err)
	}
	conn := connect(t, p)
	for contract, change := range map[int]string{1: "status = 'suspended'", 2: "ends_at = now()", 3: "available = 0"} {
		if _, err := conn.Exec(t.Context(), "UPDATE contracts SET "+change+" WHERE id = $1", Contract(contract)); err != nil {
			t.Fatal(err)
		}
	}
	first, refusal := asking(t, conn, Account(0), "k", "print", 0)
	if first == 0 || refusal != "" {
		t.Fatalf("the first submission was refused: %s", refusal)
	}
	if again, refusal := asking(t, conn, Account(0), "k", "print", 0); again != first {
		t.Errorf("a repeat got %d %s, want %d again although nothing is left", again, refusal, first)
	}
	for _, test := range []struct {
		account, key, print string
		contract            int
		want                string
	}{
		{Account(0), "k", "another", 0, "idempotency-key-reused"},
		{Account(0), "l", "print", 0, "none-available"},
		{Account(1), "l", "print", 1, "suspended"},
		{Account(2), "l", "print", 2, "expired"},
		{Account(3), "l", "print", 3, "none-available"},
		{Account(3), "l", "print", 4, "not-found"},
	} {
		if _, got := asking(t, conn, test.account, test.key, test.print, test.contract); got != test.want {
			t.Errorf("%s for contract %d: %q, want %q", test.account, test.contract, got, test.want)
		}
	}
	if n, err := p.Incidents(t.Context()); n != 1 || err != nil {
		t.Errorf("%d incidents are recorded whole (%v), want 1", n, err)
	}
}

func givesTheLastOnce(t *testing.T, p *Postgres) {
	if err := p.Reset(t.Context(), 1, 1); err != nil {
		t.Fatal(err)
	}
	conns, err := p.connections(t.Context(), 16)
	if err != nil {
		t.Fatal(err)
	}
	defer closeAll(t.Context(), conns)
	var given, refused atomic.Int64
	var wg sync.WaitGroup
	for i, conn := range conns {
		wg.Go(func() {
			switch _, refusal := asking(t, conn, Account(0), string(rune('a'+i)), "print", 0); refusal {
			case "":
				given.Add(1)
			case "none-available":
				refused.Add(1)
			}
		})
	}
	wg.Wait()
	if given.Load() != 1 || refused.Load() != 15 {
		t.Errorf("%d were given and %d refused, want 1 and 15", given.Load(), refused.Load())
	}
}

func countsLoads(t *testing.T, p *Postgres) {
	if err := p.Reset(t.Context(), 200, 1_000_000); err != nil {
		t.Fatal(err)
	}
	span := load.Span{Measure: 200 * time.Millisecond}
	for name, run := range map[string]Load{"pgx": p.ByPgx, "pgbench": p.ByPgbench} {
		m, err := run(t.Context(), 4, 200, span)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if m.Asked == 0 || m.Rate == 0 || m.Acknowledged != m.Asked || m.Found != m.Asked {
			t.Errorf("%s: %+v, want all that was asked acknowledged and found", name, m)
		}
	}
	if n, err := p.Found(t.Context(), []uint64{1, 1, 1 << 60}); n != 1 || err != nil {
		t.Errorf("found %d (%v) of one number twice and one that never was, want 1", n, err)
	}
}
