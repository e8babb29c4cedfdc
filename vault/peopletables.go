package vault

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// peopleVersion is what is known here of the tables below. Whoever changes what they
// are, or mean, counts it up, and brings those of the version before there.
const peopleVersion = 1

// Whose keys they are, and of which version the tables.
const peopleOfTable = "CREATE TABLE IF NOT EXISTS people_of (naming TEXT PRIMARY KEY, version BIGINT NOT NULL DEFAULT 1)"

// peopleTables are made once. A key lies in secret until it is erased; then erasure
// says as which of all it was.
var peopleTables = []string{
	`CREATE TABLE IF NOT EXISTS people (
		person BYTEA NOT NULL, id BYTEA NOT NULL, secret BYTEA, erasure BIGINT UNIQUE, erased_at TIMESTAMPTZ,
		PRIMARY KEY (person, id), CHECK (length(person) = 16 AND length(id) = 8 AND length(secret) = 32),
		CHECK ((secret IS NULL) = (erasure IS NOT NULL))
	) WITH (autovacuum_vacuum_threshold = 1, autovacuum_vacuum_scale_factor = 0)`,
	"CREATE UNIQUE INDEX IF NOT EXISTS people_live ON people (person) WHERE secret IS NOT NULL",
}

const peopleLock = "hashtext('supportledger people'), hashtext(current_schema())"

// makePeopleTables makes the tables that are missing, for an installation if they are
// nobody's yet. Those of a version that is not known it leaves alone.
func makePeopleTables(ctx context.Context, tx *sql.Tx, naming string) error {
	for _, text := range []string{"SELECT pg_advisory_xact_lock(" + peopleLock + ")", peopleOfTable} {
		if _, err := tx.ExecContext(ctx, text); err != nil {
			return err
		}
	}
	if _, err := peopleOf(ctx, tx); err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	for _, text := range peopleTables {
		if _, err := tx.ExecContext(ctx, text); err != nil {
			return err
		}
	}
	_, err := tx.ExecContext(ctx, "INSERT INTO people_of (naming) SELECT $1 WHERE NOT EXISTS (SELECT 1 FROM people_of)", naming)
	return err
}

// peopleOf asks whose keys they are: the naming key of an installation. Tables that
// were made before versions were counted are of the first.
func peopleOf(ctx context.Context, q interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}) (naming string, err error) {
	var version int
	row := q.QueryRowContext(ctx, "SELECT naming, COALESCE((to_jsonb(people_of)->>'version')::bigint, 1) FROM people_of")
	if err := row.Scan(&naming, &version); err != nil {
		return "", err
	}
	if version > peopleVersion {
		return "", fmt.Errorf("their tables are of version %d, which a newer version of this program has made, and this one knows version %d: start the newer one", version, peopleVersion)
	}
	return naming, nil
}
