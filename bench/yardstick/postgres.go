// Package yardstick is what the ledger is measured against: what a user would
// build instead (PostgreSQL with a row lock, a unique idempotency key and an
// outbox in one stored procedure, bare and behind an HTTP server), and what the
// disk does alone.
//
// Whatever could be judged either way is decided in the yardstick's favour, so
// that a ratio is never flattered; procedure.sql says what is left out there.
package yardstick

import (
	"context"

	"github.com/supportledger/supportledger/internal/pgserver"
)

// settings are PostgreSQL's: durable, with memory and log enough that no
// checkpoint falls into a measurement.
const settings = `
listen_addresses = ''
max_connections = 300
fsync = on
synchronous_commit = on
full_page_writes = on
shared_buffers = 1GB
wal_buffers = 64MB
max_wal_size = 16GB
min_wal_size = 2GB
checkpoint_timeout = 1h
jit = off
timezone = 'UTC'
`

// Postgres is a PostgreSQL with the procedure. It is for one caller at a time.
type Postgres struct{ *pgserver.Server }

// NewPostgres creates a database below a folder. It does not start it.
func NewPostgres(ctx context.Context, dir string) (*Postgres, error) {
	server, err := pgserver.Create(ctx, dir, settings)
	return &Postgres{server}, err
}
